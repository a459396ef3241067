/**
 * The text of a tensor graph (spec/ir.md, "Text form"). In: roots. Out: one line a node, arguments before users, and a
 * line that names the roots. `parseGraph` reads it back.
 *
 * ```
 * %0 = input {source: "base", name: "w", dtype: BF16} : f32[64, 32]
 * %1 = const {value: 0.5, dtype: f64} : f64
 * %2 = mul %0, %1 : f32[64, 32]
 * return %2
 * ```
 * An attribute `shape` that the type on the right repeats is left out.
 */
import { isStorageDtype } from "./dtype.js";
import type { Attr, Node } from "./graph.js";
import { reachable } from "./graph.js";
import { isOp, opRow } from "./ops/index.js";

/** The graph under `roots`, nodes numbered from %0 in the order of the lines. */
export function printGraph(roots: readonly Node[]): string {
  const nodes = reachable(roots);
  const numbers = new Map(nodes.map((node, i) => [node, i]));
  const nameOf = (node: Node) => `%${numbers.get(node)}`;
  const result = roots.length === 0 ? "return" : `return ${roots.map(nameOf).join(", ")}`;
  return [...nodes.map((node) => printNode(node, nameOf)), result].join("\n") + "\n";
}

/** One line. `nameOf` names the node and its arguments; by default with their numbers in the graph. */
export function printNode(node: Node, nameOf: (node: Node) => string = (n) => `%${n.id}`): string {
  const args = node.args.map(nameOf).join(", ");
  const hidden = impliesShape(node) ? "shape" : null;
  const attrs = Object.keys(node.attrs)
    .filter((name) => name !== hidden)
    .map((name) => `${printName(name)}: ${printAttr(node.attrs[name])}`);
  const parts = [node.op, args, attrs.length > 0 ? `{${attrs.join(", ")}}` : ""].filter((part) => part !== "");
  return `${nameOf(node)} = ${parts.join(" ")} : ${printType(node)}`;
}

/** `f32[64, 32]`; `f64` for rank 0. */
export function printType({ dtype, shape }: Pick<Node, "dtype" | "shape">): string {
  return shape.length === 0 ? dtype : `${dtype}[${shape.join(", ")}]`;
}

function impliesShape(node: Node): boolean {
  if (!isOp(node.op) || opRow(node.op).attributes?.shape !== "shape" || !Array.isArray(node.attrs.shape)) return false;
  return node.attrs.shape.length === node.shape.length && node.attrs.shape.every((d, i) => d === node.shape[i]);
}

const numberWords: Readonly<Record<string, string>> = { NaN: "nan", Infinity: "inf", "-Infinity": "-inf", "-0": "-0" };

/** Strings that stand without quotes: dtypes. */
const bareWords = new Set(["f32", "i32", "bool", "f64", "i64", "float", "int"]);

function printAttr(value: Attr): string {
  if (typeof value === "string") {
    if (Object.hasOwn(numberWords, value)) return numberWords[value];
    return bareWords.has(value) || isStorageDtype(value) ? value : JSON.stringify(value);
  }
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(printAttr).join(", ")}]`;
  const entries = Object.entries(value as { readonly [key: string]: Attr });
  return `{${entries.map(([name, each]) => `${printName(name)}: ${printAttr(each)}`).join(", ")}}`;
}

/** `inf` alone would read as a number. */
function printName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && name !== "inf" ? name : JSON.stringify(name);
}
