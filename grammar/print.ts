/**
 * The syntax tree as text: what `emit --stage ast` shows.
 *
 * In: a parsed file. Out: one line for each node, indented by depth, with the place it came from:
 *
 *     merge ties 1:1-9:2
 *       params: base 1:12-1:28
 *
 * The dump follows the shape of the values in tree.ts: plain members stand on the node's line, nodes below it, each
 * after the name of the member that holds it.
 */
import { visible } from "./frame.js";
import { type LineTable, lineTable } from "./lines.js";
import type { File, Span } from "./tree.js";

/** Prints a file's uses and definitions. */
export function printTree(file: File): string {
  const table = lineTable(file.text);
  const out = [`file ${visible(file.path)}`];
  for (const use of file.uses) printNode("use", use, 1, table, out);
  for (const definition of file.definitions) printNode("", definition, 1, table, out);
  return `${out.join("\n")}\n`;
}

/** Members whose values are words of the language. */
const bare: ReadonlySet<string> = new Set(["op", "by", "unit", "space", "role", "sharing"]);

type Fields = Readonly<Record<string, unknown>>;

function printNode(role: string, node: object, depth: number, table: LineTable, out: string[]): void {
  const words: string[] = [];
  const below: [string, object][] = [];
  for (const [key, value] of Object.entries(node as Fields)) {
    if (key === "span" || key === "opSpan" || value === null || value === undefined) continue;
    if (key === "kind" && typeof value === "string") words.unshift(value);
    else if (isName(value)) words.push(visible(value.text));
    else if (Array.isArray(value)) printList(key, value, words, below);
    else if (typeof value === "object") below.push([key, value]);
    else words.push(plain(key, value));
  }
  const span = (node as { span?: Span }).span;
  if (span !== undefined) words.push(range(span, table));
  out.push(`${"  ".repeat(depth)}${role === "" ? "" : `${role}: `}${words.join(" ")}`.trimEnd());
  for (const [key, child] of below) printNode(key, child, depth + 1, table, out);
}

function printList(key: string, items: readonly unknown[], words: string[], below: [string, object][]): void {
  if (items.length > 0 && items.every(isName)) {
    words.push(items.map((name) => visible(name.text)).join("."));
    return;
  }
  for (const item of items) {
    if (typeof item === "object" && item !== null) below.push([key, item]);
    else words.push(quoted(String(item)));
  }
}

function plain(key: string, value: unknown): string {
  if (value === true) return key;
  if (value === false) return `not-${key}`;
  if (typeof value === "string") return bare.has(key) ? value : `${key}=${quoted(value)}`;
  return String(value);
}

function isName(value: unknown): value is { text: string; span: Span } {
  return (
    typeof value === "object" && value !== null && "text" in value && "span" in value && Object.keys(value).length === 2
  );
}

function quoted(text: string): string {
  return JSON.stringify(visible(text.replaceAll("\n", "\\n")));
}

function range(span: Span, table: LineTable): string {
  const from = table.position(span.start);
  const to = table.position(span.end);
  return `${from.line}:${from.column}-${to.line}:${to.column}`;
}
