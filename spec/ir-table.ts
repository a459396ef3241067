/**
 * The table of operations in spec/ir.md, written from the op registry. In: the registry. Out: Markdown. A test compares
 * it with the chapter, so that the two say the same.
 */
import { type OpRow, opRows } from "../compiler/index.js";

/** One row an operation, in the order of the registry. */
export function operationTable(): string {
  const header = ["| operation | arguments | attributes | kind | meaning |", "|---|---|---|---|---|"];
  return [...header, ...opRows().map(tableRow)].join("\n");
}

function arityOf({ arity, optional }: OpRow): string {
  return optional === undefined ? String(arity) : `${arity} or ${Number(arity) + optional}`;
}

function tableRow(row: OpRow): string {
  const attributes = Object.entries(row.attributes ?? {}).map(([name, kind]) => `${name}: ${kind}`);
  const cells = [`\`${row.name}\``, arityOf(row), attributes.join(", "), row.fusion, row.doc];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
