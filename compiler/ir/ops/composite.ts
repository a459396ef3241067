/**
 * Composite rows: named operations that users see in the IR and that the `expand` pass writes with simpler ones. Their
 * reference evaluation is a definition of its own, so that tests can compare the two.
 */
import type { Attrs, Graph, Node, Shape } from "../graph.js";
import { sizeOf } from "../graph.js";
import { broadcast, flat, spread } from "./adjoint.js";
import type { Attributes } from "./attributes.js";
import { axesOf, reducedShape, reductionAttributes } from "./reductions.js";
import {
  arithmeticDtype,
  exactly,
  type Gradient,
  type OpRow,
  ShapeError,
  sameShape,
  showShape,
  ulps,
  type Value,
} from "./row.js";

const isInteger = (x: Node) => x.dtype === "i32" || x.dtype === "i64";
const asFloat = (g: Graph, x: Node) => (isInteger(x) ? g.make("cast", [x], { to: "float" }) : x);
const floatOf = (shape: Shape) => (shape.length === 0 ? "f64" : "f32") as "f64" | "f32";

/** Elementwise composites. */
function pointwise(
  name: string,
  doc: string,
  scalar: (...v: number[]) => number,
  expand: NonNullable<OpRow["expand"]>,
  gradient: Gradient,
): OpRow {
  return {
    name,
    doc,
    arity: 1,
    fusion: "composite",
    infer: ([a]) => ({
      shape: a.shape,
      dtype: name === "sign" ? arithmeticDtype([a], a.shape.length) : floatOf(a.shape),
    }),
    evaluate: ([a], _attrs, _node, round) => a.data.map((x) => round(scalar(x))),
    expand,
    gradient,
    tolerance: ulps(4, 64, 1e-6),
  };
}

/** Composites that reduce axes. `parts` gives the elements of one group. */
function statistic(
  name: string,
  doc: string,
  arity: number,
  of: (groups: readonly number[][], attrs: Attrs) => number,
  expand: NonNullable<OpRow["expand"]>,
  gradient: Gradient,
  attributes: Attributes = reductionAttributes,
): OpRow {
  return {
    name,
    doc,
    arity,
    fusion: "composite",
    attributes,
    infer(args, attrs) {
      if (args.length === 2 && !sameShape(args[0].shape, args[1].shape)) {
        throw new ShapeError(
          `${name} takes two tensors of one shape, found ${showShape(args[0].shape)} and ${showShape(args[1].shape)}`,
        );
      }
      const { axes, keep } = axesOf(args, attrs);
      const shape = reducedShape(args[0].shape, axes, keep);
      return { shape, dtype: floatOf(shape) };
    },
    evaluate(args, attrs, _node, round) {
      const groups = args.map((a) => groupsOf(a, attrs.axes as readonly number[]));
      return Float64Array.from(groups[0], (_g, i) =>
        round(
          of(
            groups.map((g) => g[i]),
            attrs,
          ),
        ),
      );
    },
    expand,
    gradient,
    tolerance: { wasm: { ulp: 64, abs: 1e-6 }, wgsl: { ulp: 256, abs: 1e-5 } },
  };
}

function groupsOf(a: Value, axes: readonly number[]): number[][] {
  const shape = a.shape;
  const groups: number[][] = Array.from({ length: sizeOf(reducedShape(shape, axes, false)) }, () => []);
  const keptStrides = new Array<number>(shape.length).fill(0);
  for (let i = shape.length - 1, s = 1; i >= 0; i--) {
    if (axes.includes(i)) continue;
    keptStrides[i] = s;
    s *= shape[i];
  }
  const x = new Array<number>(shape.length).fill(0);
  for (let n = 0; n < a.data.length; n++) {
    groups[keptStrides.reduce((sum, s, i) => sum + s * x[i], 0)].push(a.data[n]);
    for (let d = shape.length - 1; d >= 0; d--) {
      if (++x[d] < shape[d]) break;
      x[d] = 0;
    }
  }
  return groups;
}

const reduce = (g: Graph, fn: string, x: Node, attrs: Attrs) =>
  g.make(`reduce_${fn}`, [x], { axes: attrs.axes, keep: attrs.keep === true });
const groupSize = (x: Node, attrs: Attrs) =>
  (attrs.axes as readonly number[]).reduce((n, axis) => n * x.shape[axis], 1);
const times = (g: Graph, x: Node, y: Node) => g.make("mul", [x, y]);
const sum = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0);
const mean = (xs: readonly number[]) => sum(xs) / xs.length;

/** Keeps an axis so that the statistic broadcasts against what it came from. */
const kept = (attrs: Attrs): Attrs => ({ axes: attrs.axes, keep: true });

export const composite: readonly OpRow[] = [
  pointwise(
    "sign",
    "-1, 0 or 1; 0 for NaN",
    (x) => (x > 0 ? 1 : x < 0 ? -1 : 0),
    (g, [x]) => {
      const constant = (value: number) => g.constant(value, !isInteger(x));
      const positive = g.make("gt", [x, g.constant(0)]);
      const negative = g.make("lt", [x, g.constant(0)]);
      return g.make("where", [positive, constant(1), g.make("where", [negative, constant(-1), constant(0)])]);
    },
    flat,
  ),
  pointwise(
    "sigmoid",
    "1 / (1 + e^-x)",
    (x) => 1 / (1 + Math.exp(-x)),
    (g, [x]) => g.make("div", [g.constant(1), g.make("add", [g.constant(1), g.make("exp", [g.make("neg", [x])])])]),
    (g, node, up) => [times(g, up, times(g, node, g.make("sub", [g.constant(1), node])))],
  ),
  statistic(
    "mean",
    "arithmetic mean over the attribute axes",
    1,
    ([xs]) => mean(xs),
    (g, [x], attrs) => g.make("div", [reduce(g, "sum", x, attrs), g.constant(groupSize(x, attrs))]),
    (g, node, up) => {
      const [x] = node.args;
      return [spread(g, g.make("div", [up, g.constant(groupSize(x, node.attrs))]), x.shape, node.attrs)];
    },
  ),
  statistic(
    "norm2",
    "square root of the sum of squares; its gradient at 0 is 0",
    1,
    ([xs]) => Math.sqrt(sum(xs.map((x) => x * x))),
    (g, [x], attrs) => g.make("sqrt", [reduce(g, "sum", g.make("mul", [x, x]), attrs)]),
    (g, node, up) => {
      const [x] = node.args;
      const length = g.make("where", [g.make("eq", [node, g.constant(0)]), g.constant(1, true), node]);
      return [times(g, spread(g, g.make("div", [up, length]), x.shape, node.attrs), x)];
    },
  ),
  statistic(
    "norm1",
    "sum of magnitudes",
    1,
    ([xs]) => sum(xs.map(Math.abs)),
    (g, [x], attrs) => reduce(g, "sum", g.make("abs", [asFloat(g, x)]), attrs),
    (g, node, up) => [times(g, spread(g, up, node.args[0].shape, node.attrs), g.make("sign", [node.args[0]]))],
  ),
  statistic(
    "dot",
    "sum of products",
    2,
    ([xs, ys]) => sum(xs.map((x, i) => x * ys[i])),
    (g, [x, y], attrs) => reduce(g, "sum", g.make("mul", [asFloat(g, x), asFloat(g, y)]), attrs),
    (g, node, up) => {
      const [x, y] = node.args;
      const each = spread(g, up, x.shape, node.attrs);
      return [times(g, each, y), times(g, each, x)];
    },
  ),
  statistic(
    "var",
    "variance; attribute unbiased divides by n - 1",
    1,
    ([xs], attrs) => {
      const m = mean(xs);
      return sum(xs.map((x) => (x - m) ** 2)) / (xs.length - (attrs.unbiased === true ? 1 : 0));
    },
    (g, [x], attrs) => {
      const m = g.make(
        "mean",
        [x],
        attrs.keep === true || x.shape.length > (attrs.axes as readonly number[]).length ? kept(attrs) : attrs,
      );
      const d = g.make("sub", [x, m]);
      const n = groupSize(x, attrs) - (attrs.unbiased === true ? 1 : 0);
      return g.make("div", [reduce(g, "sum", g.make("mul", [d, d]), attrs), g.constant(n)]);
    },
    (g, node, up) => {
      const [x] = node.args;
      const n = groupSize(x, node.attrs) - (node.attrs.unbiased === true ? 1 : 0);
      const each = spread(g, g.make("div", [times(g, up, g.constant(2)), g.constant(n)]), x.shape, node.attrs);
      const centre = spread(g, g.make("mean", [x], { axes: node.attrs.axes }), x.shape, node.attrs);
      return [times(g, each, g.make("sub", [x, centre]))];
    },
    { ...reductionAttributes, "unbiased?": "flag" },
  ),
  statistic(
    "logsumexp",
    "log sum e^x, the largest element subtracted first",
    1,
    ([xs]) => {
      const top = xs.reduce((a, b) => Math.max(a, b), -Infinity);
      return Number.isFinite(top) ? top + Math.log(sum(xs.map((x) => Math.exp(x - top)))) : top;
    },
    (g, [x], attrs) => {
      const largest = reduce(g, "max", x, attrs);
      // Subtracting an infinite largest element would give NaN; without it the sum is 0 or infinite, as it should be.
      const top = g.make("where", [g.make("is_finite", [largest]), largest, g.constant(0, true)]);
      const e = g.make("exp", [g.make("sub", [x, spread(g, top, x.shape, attrs)])]);
      return g.make("add", [g.make("log", [reduce(g, "sum", e, attrs)]), top]);
    },
    (g, node, up) => {
      const [x] = node.args;
      const share = g.make("exp", [g.make("sub", [x, spread(g, node, x.shape, node.attrs)])]);
      return [times(g, spread(g, up, x.shape, node.attrs), share)];
    },
  ),
  {
    name: "count",
    doc: "number of elements that are not zero, over the attribute axes",
    arity: 1,
    fusion: "composite",
    attributes: reductionAttributes,
    infer(args, attrs) {
      const { axes, keep } = axesOf(args, attrs);
      const shape = reducedShape(args[0].shape, axes, keep);
      return { shape, dtype: shape.length === 0 ? "i64" : "i32" };
    },
    evaluate: ([a], attrs) =>
      Float64Array.from(groupsOf(a, attrs.axes as readonly number[]), (g) => g.filter((x) => x !== 0).length),
    expand(g, [x], attrs) {
      const truth = x.dtype === "bool" ? x : g.make("ne", [x, g.constant(0)]);
      const total = reduce(g, "sum", g.make("cast", [truth], { to: "float" }), attrs);
      return g.make("cast", [total], { to: "int" });
    },
    gradient: flat,
    tolerance: exactly,
  },
  ...(["softmax", "log_softmax"] as const).map(
    (name): OpRow => ({
      name,
      doc: `${name === "softmax" ? "e^x / sum e^x" : "x - log sum e^x"} over the attribute axes, the largest element subtracted first`,
      arity: 1,
      fusion: "composite",
      attributes: { axes: "axes" },
      infer([x], attrs) {
        axesOf([x], attrs);
        return { shape: x.shape, dtype: floatOf(x.shape) };
      },
      evaluate([a], attrs, node, round) {
        const axes = attrs.axes as readonly number[];
        const groups = groupsOf(a, axes).map((g) => {
          const top = g.reduce((a, b) => Math.max(a, b), -Infinity);
          const z = sum(g.map((x) => Math.exp(x - top)));
          return g.map((x) => (name === "softmax" ? Math.exp(x - top) / z : x - top - Math.log(z)));
        });
        const next = groups.map(() => 0);
        const order = groupsOf({ ...a, data: Float64Array.from({ length: a.data.length }, (_, i) => i) }, axes);
        const result = new Float64Array(sizeOf(node.shape));
        order.forEach((positions, at) => {
          for (const p of positions) result[p] = round(groups[at][next[at]++]);
        });
        return result;
      },
      expand(g, [x], attrs) {
        const shifted = g.make("sub", [x, reduce(g, "max", x, kept(attrs))]);
        const e = g.make("exp", [shifted]);
        const z = reduce(g, "sum", e, kept(attrs));
        return name === "softmax" ? g.make("div", [e, z]) : g.make("sub", [shifted, g.make("log", [z])]);
      },
      gradient(g, node, up) {
        const sumOver = (x: Node) => broadcast(g, reduce(g, "sum", x, kept(node.attrs)), node.shape);
        if (name === "softmax") return [times(g, node, g.make("sub", [up, sumOver(times(g, up, node))]))];
        return [g.make("sub", [up, times(g, g.make("exp", [node]), sumOver(up))])];
      },
      tolerance: ulps(16, 256, 1e-5),
    }),
  ),
];
