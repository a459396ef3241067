/**
 * The reference evaluator: slow, obviously right. In: nodes and the values of the inputs. Out: the values of the nodes,
 * in f32 as on a device or, with `precision: "f64"`, in f64 throughout. Tests compare every target with it; the
 * executor uses it for rank-0 values between passes.
 */
import type { Node } from "./graph.js";
import { reachable, sizeOf } from "./graph.js";
import { opRow, stridesOf, type Value } from "./ops/index.js";

export interface ReferenceOptions {
  readonly precision: "f32" | "f64";
}

/** Evaluates `roots`. `inputOf` gives the elements of an input node; `known` holds nodes that are already computed. */
export function evaluate(
  roots: readonly Node[],
  inputOf: (node: Node) => Float64Array,
  options: ReferenceOptions = { precision: "f32" },
  known: Map<Node, Value> = new Map(),
): Map<Node, Value> {
  for (const node of reachable(roots)) {
    if (known.has(node)) continue;
    known.set(node, {
      shape: node.shape,
      dtype: node.dtype,
      data: evaluateNode(node, (a) => known.get(a)!, inputOf, options),
    });
  }
  return known;
}

function evaluateNode(
  node: Node,
  resultOf: (arg: Node) => Value,
  inputOf: (node: Node) => Float64Array,
  options: ReferenceOptions,
): Float64Array {
  if (node.op === "input") return inputOf(node);
  const row = opRow(node.op);
  const round = roundingOf(node, options);
  const args = node.args.map((arg) => promote(resultOf(arg), node, options));
  if (row.evaluate !== undefined) {
    return row.evaluate(args, node.attrs, node, round).map(round);
  }
  if (row.scalar === undefined) throw new Error(`the row ${row.name} has no evaluation`);
  return pointwise(node, row.scalar, args, round);
}

/** To the numbers of a node's dtype: f32 where asked for, and integers have one zero. */
function roundingOf(node: Node, options: ReferenceOptions): (x: number) => number {
  if (node.dtype === "f32" && options.precision === "f32") return Math.fround;
  return node.dtype === "i32" || node.dtype === "i64" ? (x) => x + 0 : (x) => x;
}

/** A rank-0 number that enters a tensor operation is rounded to f32 first, as a kernel's parameter is. */
function promote(value: Value, user: Node, options: ReferenceOptions): Value {
  if (value.dtype !== "f64" || user.shape.length === 0 || options.precision === "f64") return value;
  return { ...value, data: value.data.map(Math.fround) };
}

function pointwise(
  node: Node,
  scalar: (...v: number[]) => number,
  args: readonly Value[],
  round: (x: number) => number,
): Float64Array {
  const size = sizeOf(node.shape);
  const box = stridesOf(node.shape);
  const readers = args.map((arg) => {
    if (arg.data.length === size && arg.shape.length === node.shape.length) return (i: number) => arg.data[i];
    const own = stridesOf(arg.shape);
    const skip = node.shape.length - arg.shape.length;
    return (i: number) => {
      let at = 0;
      for (let d = 0; d < own.length; d++) {
        if (arg.shape[d] !== 1) at += (Math.floor(i / box[d + skip]) % node.shape[d + skip]) * own[d];
      }
      return arg.data[at];
    };
  });
  return Float64Array.from({ length: size }, (_, i) => round(scalar(...readers.map((r) => r(i)))));
}
