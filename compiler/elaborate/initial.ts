/**
 * First values of parameters. The right side of a field is evaluated once, when the instance is made; inside it the
 * initialisers know the declared shape. Bounds and standard deviations as in PyTorch: fan_in is the product of all
 * axes but the first. Draws are keyed by the tensor's name.
 */
import type { Expr } from "../../grammar/index.js";
import { filled, keyOf } from "./builtins/index.js";
import { type Context, inner, stop } from "./context.js";
import { evaluate, truth } from "./evaluate.js";
import { makeNode } from "./operators.js";
import { describe, type TensorValue, tensor, type Value } from "./value.js";

type Initialiser = (
  context: Context,
  shape: readonly number[],
  numbers: ReadonlyMap<string, number>,
  span: Expr["span"],
) => TensorValue;

type Numbers = ReadonlyMap<string, number>;

/** A draw that has no seed of its own. */
const unseeded: [string, number] = ["seed", Number.NaN];

/** `seed = n` replaces all else that a draw depends on but the position. */
function drawKey(context: Context, numbers: Numbers): [number, number] {
  const seed = numbers.get("seed")!;
  return keyOf(Number.isNaN(seed) ? [String(context.session.seed), "", context.frame.path] : ["seed", String(seed)]);
}

function uniformIn(
  context: Context,
  shape: readonly number[],
  low: number,
  high: number,
  numbers: Numbers,
  span: Expr["span"],
): TensorValue {
  const u = makeNode(context, "uniform", [], { shape: [...shape], key: [...drawKey(context, numbers)] }, span);
  const scaled = makeNode(context, "mul", [u, context.graph.constant(high - low, true)], undefined, span);
  return tensor(makeNode(context, "add", [scaled, context.graph.constant(low, true)], undefined, span));
}

function normalWith(
  context: Context,
  shape: readonly number[],
  std: number,
  numbers: Numbers,
  span: Expr["span"],
): TensorValue {
  const z = makeNode(context, "normal", [], { shape: [...shape], key: [...drawKey(context, numbers)] }, span);
  return tensor(makeNode(context, "mul", [z, context.graph.constant(std, true)], undefined, span));
}

const fanIn = (shape: readonly number[]) => shape.slice(1).reduce((a, b) => a * b, 1);
const fanOut = (shape: readonly number[]) => shape[0] * shape.slice(2).reduce((a, b) => a * b, 1);

/** Names and defaults of the initialisers' parameters. */
const initialisers: Readonly<
  Record<string, { readonly params: readonly [string, number][]; readonly make: Initialiser }>
> = {
  zeros: { params: [], make: (c, shape, _n, span) => filled(c, 0, shape, span) },
  ones: { params: [], make: (c, shape, _n, span) => filled(c, 1, shape, span) },
  constant: { params: [["x", 0]], make: (c, shape, n, span) => filled(c, n.get("x")!, shape, span) },
  uniform: {
    params: [["low", 0], ["high", 1], unseeded],
    make: (c, shape, n, span) => uniformIn(c, shape, n.get("low")!, n.get("high")!, n, span),
  },
  normal: { params: [["std", 1], unseeded], make: (c, shape, n, span) => normalWith(c, shape, n.get("std")!, n, span) },
  kaiming_uniform: {
    params: [["a", 0], unseeded],
    make(c, shape, n, span) {
      const bound = Math.sqrt(2 / (1 + n.get("a")! ** 2)) * Math.sqrt(3 / fanIn(shape));
      return uniformIn(c, shape, -bound, bound, n, span);
    },
  },
  kaiming_normal: {
    params: [["a", 0], unseeded],
    make: (c, shape, n, span) =>
      normalWith(c, shape, Math.sqrt(2 / (1 + n.get("a")! ** 2)) / Math.sqrt(fanIn(shape)), n, span),
  },
  xavier_uniform: {
    params: [["gain", 1], unseeded],
    make(c, shape, n, span) {
      const bound = n.get("gain")! * Math.sqrt(6 / (fanIn(shape) + fanOut(shape)));
      return uniformIn(c, shape, -bound, bound, n, span);
    },
  },
  xavier_normal: {
    params: [["gain", 1], unseeded],
    make: (c, shape, n, span) =>
      normalWith(c, shape, n.get("gain")! * Math.sqrt(2 / (fanIn(shape) + fanOut(shape))), n, span),
  },
  identity: {
    params: [],
    make(c, shape, _n, span) {
      const axis = (at: number) => makeNode(c, "iota", [], { shape: [...shape], axis: at }, span);
      const same = makeNode(c, "eq", [axis(shape.length - 2), axis(shape.length - 1)], undefined, span);
      return tensor(makeNode(c, "cast", [same], { to: "float" }, span));
    },
  },
};

/** The first value of a field of this shape. */
export function initialValue(context: Context, expr: Expr, shape: readonly number[]): Value {
  if (expr.kind === "call" && expr.callee.kind === "name" && Object.hasOwn(initialisers, expr.callee.name.text)) {
    const { params, make } = initialisers[expr.callee.name.text];
    const explicitShape =
      expr.args.some((a) => a.name === null) &&
      (expr.callee.name.text === "uniform" || expr.callee.name.text === "normal") &&
      expr.args[0].value?.kind === "list";
    if (!explicitShape) return make(context, shape, argumentsOf(context, expr, params), expr.span);
  }
  if (expr.kind === "binary" && (expr.op === "+" || expr.op === "*" || expr.op === "-" || expr.op === "/")) {
    const ops = { "+": "add", "*": "mul", "-": "sub", "/": "div" } as const;
    const sides = [
      initialValue({ ...context, frame: { path: `${context.frame.path}/0`, counts: new Map() } }, expr.left, shape),
      initialValue({ ...context, frame: { path: `${context.frame.path}/1`, counts: new Map() } }, expr.right, shape),
    ];
    if (sides.every((s) => s.kind === "number")) return evaluate(inner(context), expr);
    const nodes = sides.map((s) =>
      s.kind === "tensor"
        ? s.node
        : s.kind === "number"
          ? context.graph.constant(s.value, true)
          : stop(context, "T001", `an initial value is a tensor or a number, found ${describe(s)}`, expr.span),
    );
    return tensor(makeNode(context, ops[expr.op], nodes, undefined, expr.span));
  }
  if (expr.kind === "if") {
    const chosen = truth(context, evaluate(inner(context), expr.condition), expr.condition.span);
    return initialValue(context, chosen ? expr.then : expr.else, shape);
  }
  const value = evaluate(inner(context), expr);
  return value.kind === "number" && shape.length > 0 ? filled(context, value.value, shape, expr.span) : value;
}

function argumentsOf(
  context: Context,
  expr: Extract<Expr, { kind: "call" }>,
  params: readonly [string, number][],
): Map<string, number> {
  const numbers = new Map<string, number>(params);
  let position = 0;
  for (const arg of expr.args) {
    const name = arg.name?.text ?? params[position++]?.[0];
    if (name === undefined || !numbers.has(name) || arg.value === null)
      return stop(
        context,
        "N004",
        `this initialiser takes ${params.map(([p]) => p).join(", ") || "no arguments"}`,
        arg.span,
      );
    const value = evaluate(inner(context), arg.value);
    numbers.set(
      name,
      value.kind === "number"
        ? value.value
        : stop(context, "T007", `an initialiser takes static numbers, found ${describe(value)}`, arg.value.span),
    );
  }
  return numbers;
}
