/**
 * Gradient rules of the elementwise rows, by name. In: the node and the gradient at it. Out: the gradient at each
 * argument, broadcasting undone. Conventions where a derivative does not exist (those of the common frameworks): |x| and
 * x^0 have 0 at 0, equal arguments of `min` and `max` get half each, rounding has 0 everywhere.
 */
import type { Graph, Node } from "../graph.js";
import { flat, sumTo } from "./adjoint.js";
import type { Gradient } from "./row.js";

/** A rule from the partial derivatives times `up`, in the shape of the result; broadcasting is undone here. */
const partials =
  (of: (g: Graph, up: Node, args: readonly Node[], node: Node) => readonly (Node | null)[]): Gradient =>
  (graph, node, upstream) =>
    of(graph, upstream, node.args, node).map((part, i) =>
      part === null ? null : sumTo(graph, part, node.args[i].shape),
    );

const mul = (g: Graph, a: Node, b: Node) => g.make("mul", [a, b]);
const neg = (g: Graph, a: Node) => g.make("neg", [a]);
const zero = (g: Graph) => g.constant(0, true);

/** The part that went to `a` when `wins` chose between a and b. */
const chosen = (wins: "gt" | "lt") =>
  partials((g, up, [a, b]) => {
    const half = mul(g, up, g.constant(0.5));
    const share = (x: Node, y: Node) =>
      g.make("where", [g.make(wins, [x, y]), up, g.make("where", [g.make("eq", [x, y]), half, zero(g)])]);
    return [share(a, b), share(b, a)];
  });

/** a^b: b a^(b-1) for a, with 0 where b = 0; a^b log a for b, with 0 where a = 0 and b >= 0. */
const power = partials((g, up, [a, b], node) => {
  const lower = g.make("sub", [b, g.constant(1)]);
  const slope = mul(g, b, g.make("pow", [a, lower]));
  const forBase = mul(g, up, g.make("where", [g.make("eq", [b, g.constant(0)]), zero(g), slope]));
  const flatAtZero = g.make("and", [g.make("eq", [a, g.constant(0)]), g.make("ge", [b, g.constant(0)])]);
  const logarithm = g.make("log", [g.make("where", [flatAtZero, g.constant(1, true), a])]);
  return [forBase, mul(g, up, mul(g, node, logarithm))];
});

/** Rules whose result has the shape of their only argument. */
const single =
  (of: (g: Graph, up: Node, x: Node, node: Node) => Node): Gradient =>
  (graph, node, upstream) => [of(graph, upstream, node.args[0], node)];

const roundings = ["floor", "ceil", "trunc", "round", "floor_div"];
const truths = ["eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "is_finite"];

export const elementwiseGradients: ReadonlyMap<string, Gradient> = new Map<string, Gradient>([
  ...[...roundings, ...truths].map((name): [string, Gradient] => [name, flat]),
  ["add", partials((_g, up) => [up, up])],
  ["sub", partials((g, up) => [up, neg(g, up)])],
  ["mul", partials((g, up, [a, b]) => [mul(g, up, b), mul(g, up, a)])],
  [
    "div",
    partials((g, up, [, b], node) => {
      const forA = g.make("div", [up, b]);
      return [forA, neg(g, mul(g, forA, node))];
    }),
  ],
  ["mod", partials((g, up, [a, b]) => [up, neg(g, mul(g, up, g.make("floor", [g.make("div", [a, b])])))])],
  ["pow", power],
  ["min", chosen("lt")],
  ["max", chosen("gt")],
  ["neg", single((g, up) => neg(g, up))],
  ["abs", single((g, up, x) => mul(g, up, g.make("sign", [x])))],
  ["sqrt", single((g, up, _x, node) => g.make("div", [mul(g, up, g.constant(0.5)), node]))],
  ["exp", single((g, up, _x, node) => mul(g, up, node))],
  ["log", single((g, up, x) => g.make("div", [up, x]))],
  ["sin", single((g, up, x) => mul(g, up, g.make("cos", [x])))],
  ["cos", single((g, up, x) => neg(g, mul(g, up, g.make("sin", [x]))))],
  [
    "acos",
    single((g, up, x) => {
      const cosine = g.make("sub", [g.constant(1), mul(g, x, x)]);
      return neg(g, g.make("div", [up, g.make("sqrt", [cosine])]));
    }),
  ],
  ["tanh", single((g, up, _x, node) => mul(g, up, g.make("sub", [g.constant(1), mul(g, node, node)])))],
  ["where", partials((g, up, [c]) => [null, g.make("where", [c, up, zero(g)]), g.make("where", [c, zero(g), up])])],
  // Rounding to what tensors are computed in changes nothing; to anything narrower it is a step function.
  ["quantize", (_g, node, up) => [node.attrs.dtype === "F32" || node.attrs.dtype === "F64" ? up : null]],
  [
    "cast",
    (_g, node, up) => {
      const isFloat = (x: Node) => x.dtype === "f32" || x.dtype === "f64";
      return [isFloat(node) && isFloat(node.args[0]) ? up : null];
    },
  ],
]);
