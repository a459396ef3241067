/**
 * How many columns a text fills in help texts, which are ASCII. The bundler puts this in the place of the package
 * string-width, whose tables for emoji cost every start of the program as much as parsing a recipe.
 */

/** The number of characters. */
export default function stringWidth(text: string): number {
  return [...text].length;
}
