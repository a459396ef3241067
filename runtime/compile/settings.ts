/**
 * Values for the inputs of a recipe. In: the `name=value` texts of `--set`, and the recipe. Out: for each the text and,
 * unless the input is text itself, its expression. All of them together are one text, a line each, so that a mistake in
 * a value is shown as it was typed.
 *
 * A value for an input of type Path is a path relative to the working directory, as paths on a command line are; every
 * other path of a recipe is relative to the recipe.
 */
import * as path from "node:path";
import {
  type Diagnostic,
  type Expr,
  parseExpression,
  type RecipeDefinition,
  type TypeExpr,
} from "../../grammar/index.js";

/** One `--set name=value`. */
export interface Setting {
  readonly name: string;
  readonly text: string;
}

/** A value as the elaborator takes it. */
export interface InputValue {
  readonly text: string;
  readonly expr: Expr | null;
  readonly file: string;
}

export interface Settings {
  readonly values: ReadonlyMap<string, InputValue>;
  /** What diagnostics about values point into. */
  readonly file: string;
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** Stands for the file name in diagnostics about `--set`. */
const commandLine = "command line";

/** Reads the values for a recipe's inputs; `folder` is what given paths are relative to (absolute). */
export function readSettings(recipe: RecipeDefinition, set: readonly Setting[], folder: string): Settings {
  const values = new Map<string, InputValue>();
  const diagnostics: Diagnostic[] = [];
  let text = "";
  for (const setting of set) {
    const prefix = `--set ${setting.name}=`;
    const start = text.length + prefix.length;
    text += `${prefix}${setting.text}\n`;
    const kind = textKind(typeOfInput(recipe, setting.name), setting.text);
    if (kind !== null) {
      const isPath = kind === "Path" && setting.text !== "";
      const given = isPath ? path.resolve(folder, setting.text) : setting.text;
      values.set(setting.name, { text: given, expr: null, file: commandLine });
      continue;
    }
    // Blanks stand for what is before the value, so that its spans fit the text above.
    const parsed = parseExpression(commandLine, " ".repeat(start) + setting.text);
    diagnostics.push(...parsed.diagnostics);
    if (parsed.expr !== null) values.set(setting.name, { text: setting.text, expr: parsed.expr, file: commandLine });
  }
  return { values, file: commandLine, text, diagnostics };
}

/** Names of the inputs that a recipe declares. */
export function inputNames(recipe: RecipeDefinition): string[] {
  return recipe.body.statements.flatMap((statement) => (statement.kind === "input" ? [statement.name.text] : []));
}

function typeOfInput(recipe: RecipeDefinition, name: string): TypeExpr | null {
  for (const statement of recipe.body.statements) {
    if (statement.kind === "input" && statement.name.text === name) return statement.type;
  }
  return null;
}

/** "Path" or "String" when the text itself is the value of an input of this type. */
function textKind(type: TypeExpr | null, text: string): "Path" | "String" | null {
  if (type?.kind === "optional") return text === "none" ? null : textKind(type.of, text);
  if (type?.kind !== "named") return null;
  return type.name.text === "Path" || type.name.text === "String" ? type.name.text : null;
}
