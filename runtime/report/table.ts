/**
 * Tables of text. In: rows of cells. Out: lines with aligned columns, numbers to the right. Cells are printed as they
 * are: names from files come here already escaped.
 */

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

/** Lines of a table with its titles; without rows nothing. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const all = [columns.map((column) => column.title), ...rows];
  return alignCells(
    all,
    columns.map((column) => column.align),
  );
}

/** Lines of rows without titles. */
export function alignCells(rows: readonly (readonly string[])[], align: readonly Column["align"][]): string[] {
  const widths = align.map((_, i) => rows.reduce((width, row) => Math.max(width, widthOf(row[i] ?? "")), 0));
  return rows.map((row) =>
    row
      .map((cell, i) => {
        const space = " ".repeat(Math.max(0, widths[i] - widthOf(cell)));
        return align[i] === "right" ? space + cell : cell + space;
      })
      .join("  ")
      .trimEnd(),
  );
}

/** Characters, not UTF-16 units. */
function widthOf(text: string): number {
  return [...text].length;
}
