/**
 * Operators on values: arithmetic and comparison of numbers and tensors, with the rules of spaces (a Weight is a point,
 * a Delta a difference). Trees and schedules are lifted before they come here.
 */
import type { BinaryOp, Span } from "../../grammar/index.js";
import { type Node, ShapeError } from "../ir/index.js";
import { type Context, Poisoned, stop } from "./context.js";
import { bool, describe, float, int, type NumberValue, type TensorValue, tensor, type Value } from "./value.js";

const graphOps: Partial<Record<BinaryOp, string>> = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "%": "mod",
  "^": "pow",
  "==": "eq",
  "!=": "ne",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  and: "and",
  or: "or",
};

/** Makes a node; a misfit becomes a diagnostic that shows the operands. */
export function makeNode(
  context: Context,
  op: string,
  args: readonly Node[],
  attrs: Parameters<Context["graph"]["make"]>[2],
  span: Span,
): Node {
  try {
    return context.graph.make(op, args, attrs);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const code = { broadcast: "H001", inner: "H003", axis: "H004", size: "H005", dtype: "T008", attribute: "H005" }[
      error.kind
    ];
    return stop(context, code, error.message, span);
  }
}

/** The node of a number, bool or tensor. */
export function nodeOf(context: Context, value: Value, span: Span): Node {
  switch (value.kind) {
    case "tensor":
      return value.node;
    case "number":
      return context.graph.constant(value.value, !value.integer);
    case "bool":
      return context.graph.constant(value.value);
    case "poison":
      throw new Poisoned();
    case "rank":
      return stop(
        context,
        "T015",
        `ranks over a ${value.over} are never stored: they can only be compared with a number`,
        span,
        {
          help: "write `rank(x, over) < k`, or use `over = row`",
        },
      );
    default:
      return stop(context, "T001", `expected a number or a tensor, found ${describe(value)}`, span);
  }
}

/** A view of a tensor in another shape; with rank 0 the one element becomes a number, which lives on the host. */
export function reshaped(context: Context, node: Node, shape: readonly number[], span: Span): Node {
  if (shape.length > 0 || node.shape.length === 0)
    return makeNode(context, "reshape", [node], { shape: [...shape] }, span);
  const axes = node.shape.map((_, i) => i);
  if (node.shape.some((d) => d !== 1)) return makeNode(context, "reshape", [node], { shape: [] }, span);
  const largest = (x: Node) => makeNode(context, "reduce_max", [x], { axes, keep: false }, span);
  if (node.dtype !== "bool") return largest(node);
  return makeNode(
    context,
    "cast",
    [largest(makeNode(context, "cast", [node], { to: "int" }, span))],
    { to: "bool" },
    span,
  );
}

/** Names of the axes of a broadcast result; differing names are a mistake worth stopping for. */
export function joinAxes(context: Context, values: readonly Value[], rank: number, span: Span): TensorValue["axes"] {
  const named = values.filter((v): v is TensorValue => v.kind === "tensor" && v.axes !== null);
  if (named.length === 0) return null;
  const axes = new Array<string | null>(rank).fill(null);
  for (const value of named) {
    value.axes!.forEach((name, i) => {
      const at = rank - value.axes!.length + i;
      if (name === null || value.node.shape[i] === 1) return;
      if (axes[at] !== null && axes[at] !== name && named.every((v) => v.node.shape.length === rank || v === value)) {
        stop(context, "H001", `the axes ${axes[at]} and ${name} meet here`, span, {
          help: "transpose or rename one of them",
        });
      }
      axes[at] = name;
    });
  }
  return axes.some((a) => a !== null) ? axes : null;
}

export function binary(context: Context, op: BinaryOp, left: Value, right: Value, span: Span): Value {
  if (left.kind === "poison" || right.kind === "poison") throw new Poisoned();
  if (left.kind === "rank" || right.kind === "rank") return compareRank(context, op, left, right, span);
  if (left.kind === "number" && right.kind === "number") return numbers(context, op, left, right, span);
  if (op === "==" || op === "!=") {
    const equal = equalStatic(left, right);
    if (equal !== null) return bool(op === "==" ? equal : !equal);
  }
  if (op === "++") return join(context, left, right, span);
  if (op === "@") return matmul(context, left, right, span);
  if (left.kind === "string" && right.kind === "string" && op === "+")
    return { kind: "string", value: left.value + right.value };
  if (left.kind === "bool" && right.kind === "bool" && (op === "and" || op === "or")) {
    return bool(op === "and" ? left.value && right.value : left.value || right.value);
  }
  const name = graphOps[op];
  const operand = (v: Value) => v.kind === "number" || v.kind === "tensor" || v.kind === "bool";
  if (name === undefined || !operand(left) || !operand(right)) {
    return stop(context, "T008", `${op} is not defined for ${describe(left)} and ${describe(right)}`, span);
  }
  const space = spaceOf(context, op, left, right, span);
  if (op === "^" && right.kind === "number" && [2, 3, 4].includes(right.value))
    return power(context, left, right.value, span);
  const node = makeNode(context, name, [nodeOf(context, left, span), nodeOf(context, right, span)], undefined, span);
  return tensor(node, space, joinAxes(context, [left, right], node.shape.length, span));
}

/** Small whole powers are products. */
function power(context: Context, base: Value, exponent: number, span: Span): Value {
  const x = nodeOf(context, base, span);
  let product = x;
  for (let i = 1; i < exponent; i++) product = makeNode(context, "mul", [product, x], undefined, span);
  return tensor(product, "tensor", base.kind === "tensor" ? base.axes : null);
}

function spaceOf(context: Context, op: BinaryOp, left: Value, right: Value, span: Span): TensorValue["space"] {
  const weight = (v: Value) => v.kind === "tensor" && v.space === "weight";
  if (op === "+" && weight(left) && weight(right)) {
    return stop(context, "T002", "a Weight is a point: two of them cannot be added", span, {
      help: "average them with mean([a, b]) or mix([a, b], coefficients), or add a difference: a + (b - base)",
    });
  }
  if (op === "+" && (weight(left) || weight(right))) return "weight";
  if (op === "-" && weight(left) && !weight(right)) return "weight";
  return "tensor";
}

function numbers(context: Context, op: BinaryOp, a: NumberValue, b: NumberValue, span: Span): Value {
  const both = a.integer && b.integer;
  const number = (value: number, integer: boolean) => (integer ? int(value) : float(value));
  switch (op) {
    case "+":
      return number(a.value + b.value, both);
    case "-":
      return number(a.value - b.value, both);
    case "*":
      return number(a.value * b.value, both);
    case "/":
      return float(a.value / b.value);
    case "%":
      return number(a.value - b.value * Math.floor(a.value / b.value), both);
    case "^":
      return number(a.value ** b.value, both && b.value >= 0);
    case "==":
      return bool(a.value === b.value);
    case "!=":
      return bool(a.value !== b.value);
    case "<":
      return bool(a.value < b.value);
    case "<=":
      return bool(a.value <= b.value);
    case ">":
      return bool(a.value > b.value);
    case ">=":
      return bool(a.value >= b.value);
    default:
      return stop(context, "T008", `${op} is not defined for numbers`, span);
  }
}

/** Equality of values known now; null when only the running program can tell. */
export function equalStatic(a: Value, b: Value): boolean | null {
  if (a.kind === "tensor" || b.kind === "tensor" || a.kind === "tree" || b.kind === "tree")
    return a.kind === "none" || b.kind === "none" ? false : null;
  if (a.kind === "none" || b.kind === "none") return a.kind === b.kind;
  if (a.kind === "number" && b.kind === "number") return a.value === b.value;
  if (a.kind === "bool" && b.kind === "bool") return a.value === b.value;
  if (a.kind === "string" && b.kind === "string") return a.value === b.value;
  if (a.kind === "scope" && b.kind === "scope") return a.scope === b.scope;
  if (a.kind === "dtype" && b.kind === "dtype") return a.dtype === b.dtype;
  if ((a.kind === "list" && b.kind === "list") || (a.kind === "tuple" && b.kind === "tuple")) {
    if (a.items.length !== b.items.length) return false;
    const items = a.items.map((item, i) => equalStatic(item, b.items[i]));
    return items.includes(null) ? null : items.every((e) => e === true);
  }
  return null;
}

function join(context: Context, left: Value, right: Value, span: Span): Value {
  if (left.kind === "list" && right.kind === "list") return { kind: "list", items: [...left.items, ...right.items] };
  if (left.kind === "string" && right.kind === "string") return { kind: "string", value: left.value + right.value };
  return stop(
    context,
    "T008",
    `++ joins two lists or two strings, found ${describe(left)} and ${describe(right)}`,
    span,
  );
}

function matmul(context: Context, left: Value, right: Value, span: Span): Value {
  if (left.kind !== "tensor" || right.kind !== "tensor") {
    return stop(context, "T008", `@ needs two matrices, found ${describe(left)} and ${describe(right)}`, span);
  }
  const node = makeNode(context, "matmul", [left.node, right.node], undefined, span);
  if (left.axes === null && right.axes === null) return tensor(node);
  const lead = new Array<string | null>(node.shape.length - 2).fill(null);
  return tensor(node, "tensor", [...lead, left.axes?.at(-2) ?? null, right.axes?.at(-1) ?? null]);
}

/** `rank(x, over) < k`: the k largest. */
function compareRank(context: Context, op: BinaryOp, left: Value, right: Value, span: Span): Value {
  const flipped: Partial<Record<BinaryOp, BinaryOp>> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" };
  if (right.kind === "rank") {
    const other = flipped[op];
    if (left.kind === "rank" || other === undefined)
      return stop(context, "T015", "ranks can only be compared with a number by < <= > >=", span);
    return compareRank(context, other, right, left, span);
  }
  if (left.kind !== "rank") return stop(context, "T015", "ranks can only be compared with a number", span);
  const limit = nodeOf(context, right, span);
  if (limit.shape.length !== 0)
    return stop(context, "T015", `ranks are compared with one number, found ${describe(right)}`, span);
  const graph = context.graph;
  const plusOne = (n: Node) => graph.make("add", [n, graph.constant(1)]);
  const whole = limit.dtype === "i64" ? limit : graph.make("ceil", [limit]);
  switch (op) {
    case "<":
      return kept(context, left, whole, span);
    case "<=":
      return kept(context, left, limit.dtype === "i64" ? plusOne(limit) : plusOne(graph.make("floor", [limit])), span);
    case ">=":
      return tensor(graph.make("not", [kept(context, left, whole, span).node]), "tensor", left.of.axes);
    case ">":
      return tensor(
        graph.make("not", [
          kept(context, left, limit.dtype === "i64" ? plusOne(limit) : plusOne(graph.make("floor", [limit])), span)
            .node,
        ]),
        "tensor",
        left.of.axes,
      );
    default:
      return stop(context, "T015", `ranks can only be compared by < <= > >=, found ${op}`, span);
  }
}

function kept(context: Context, rank: Extract<Value, { kind: "rank" }>, k: Node, span: Span): TensorValue {
  const { node: state, part } = thresholdOf(context, rank.of, k, rank.over, span);
  return tensor(context.graph.make("above", [rank.of.node, state], { part }), "tensor", rank.of.axes);
}

/** The order statistic of one tensor, or of all tensors of the lifted call, and which part of it this tensor is. */
export function thresholdOf(
  context: Context,
  x: TensorValue,
  k: Node,
  over: "tensor" | "model",
  span: Span,
): { node: Node; part: number } {
  if (over === "tensor") return { node: context.graph.make("threshold", [k, x.node]), part: 0 };
  return overModel(context, "threshold", [k], x.node, span);
}

/** Adds this place's part to a statistic over the model. */
export function overModel(
  context: Context,
  op: string,
  first: readonly Node[],
  part: Node,
  span: Span,
): { node: Node; part: number } {
  if (context.here === null) {
    return stop(context, "T016", "`over = model` needs a function that is called on models", span, {
      help: "call it on a Model: every tensor then adds its part",
    });
  }
  const lift = context.here.lift;
  const key = `${op}@${context.frame.path}@${context.file}@${span.start}@${context.frame.counts.get(`over ${span.start}`) ?? 0}`;
  context.frame.counts.set(`over ${span.start}`, (context.frame.counts.get(`over ${span.start}`) ?? 0) + 1);
  let entry = lift.late.get(key);
  if (entry === undefined) {
    entry = {
      late: context.graph.late(op, { over: "model" }, first),
      first,
      at: { file: context.file, span },
      parts: 0,
    };
    lift.late.set(key, entry);
  }
  if (entry.first.some((n, i) => n !== first[i])) {
    return stop(
      context,
      "T017",
      "the number of kept elements differs from place to place, but the statistic is over the model",
      span,
      {
        help: "use one number for all places, or `over = tensor`",
      },
    );
  }
  entry.parts++;
  return { node: entry.late.node, part: entry.late.add(part) - first.length };
}
