/**
 * The reference evaluator: slow, obviously right. In: nodes and the values of the inputs. Out: the values of the nodes,
 * in f32 as on a device or, with `precision: "f64"`, in f64 throughout. Tests compare every target with it; the
 * executor uses it for rank-0 values between passes.
 */
import type { LoopBody, Node } from "./graph.js";
import { reachable, sizeOf } from "./graph.js";
import { opRow, stridesOf, type Value } from "./ops/index.js";

export interface ReferenceOptions {
  readonly precision: "f32" | "f64";
  /** The bodies of `loop` nodes (graph.loops). */
  readonly loops?: readonly LoopBody[];
}

/** Evaluates `roots`. `inputOf` gives the elements of inputs and variables; `known` holds nodes that are already computed. */
export function evaluate(
  roots: readonly Node[],
  inputOf: (node: Node) => Float64Array,
  options: ReferenceOptions = { precision: "f32" },
  known: Map<Node, Value> = new Map(),
): Map<Node, Value> {
  /** The final values of loops. */
  const states = new Map<Node, readonly Value[]>();
  for (const node of reachable(roots)) {
    if (known.has(node)) continue;
    if (node.op === "loop") {
      const { steps, state } = evaluateLoop(node, inputOf, options, known);
      states.set(node, state);
      known.set(node, { shape: [], dtype: "i64", data: Float64Array.of(steps) });
      continue;
    }
    if (node.op === "loop_result") {
      known.set(node, states.get(node.args[0])![node.attrs.index as number]);
      continue;
    }
    known.set(node, {
      shape: node.shape,
      dtype: node.dtype,
      data: evaluateNode(node, (a) => known.get(a)!, inputOf, options),
    });
  }
  return known;
}

function evaluateLoop(
  node: Node,
  inputOf: (node: Node) => Float64Array,
  options: ReferenceOptions,
  known: ReadonlyMap<Node, Value>,
): { readonly steps: number; readonly state: readonly Value[] } {
  const body = options.loops?.[node.attrs.body as number];
  if (body === undefined) throw new Error(`no body ${node.attrs.body} was given for a loop`);
  const { variables, index, results, until } = body;
  const count = (node.attrs.count as number | undefined) ?? known.get(node.args[variables.length])!.data[0];
  let state = variables.map((_, i) => known.get(node.args[i])!);
  for (let step = 0; step < count; step++) {
    const inner = new Map(known);
    for (const [i, variable] of variables.entries()) inner.set(variable, state[i]);
    inner.set(index, { shape: [], dtype: "i64", data: Float64Array.of(step) });
    evaluate(until === null ? results : [...results, until], inputOf, options, inner);
    state = results.map((result) => inner.get(result)!);
    if (until !== null && inner.get(until)!.data[0] !== 0) return { steps: step + 1, state };
  }
  return { steps: Math.max(0, Math.ceil(count)), state };
}

function evaluateNode(
  node: Node,
  resultOf: (arg: Node) => Value,
  inputOf: (node: Node) => Float64Array,
  options: ReferenceOptions,
): Float64Array {
  if (node.op === "input" || node.op === "variable") return inputOf(node);
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
