/**
 * Normalisation over the last axis: layer_norm (zero mean, unit variance) and rms_norm (unit mean square), each with an
 * optional scale and layer_norm with an optional shift, vectors of the last axis. Sources: Ba, Kiros, Hinton 2016;
 * Zhang, Sennrich 2019.
 */
import type { Attrs, Graph, Node } from "../graph.js";
import { sumTo } from "./adjoint.js";
import { type OpRow, ShapeError, sameShape, showShape, ulps } from "./row.js";

type Name = "layer_norm" | "rms_norm";

const mul = (g: Graph, x: Node, y: Node) => g.make("mul", [x, y]);

const lastMean = (g: Graph, x: Node) => g.make("mean", [x], { axes: [x.shape.length - 1], keep: true });

/** What is normalised (x less its mean, or x), and the factor, with the last axis of length 1, that normalises it. */
function partsOf(g: Graph, name: Name, x: Node, attrs: Attrs): { centred: Node; factor: Node } {
  const centred = name === "layer_norm" ? g.make("sub", [x, lastMean(g, x)]) : x;
  const spread = g.make("add", [lastMean(g, mul(g, centred, centred)), g.constant(Number(attrs.eps), true)]);
  return { centred, factor: g.make("div", [g.constant(1, true), g.make("sqrt", [spread])]) };
}

const normalisation = (name: Name, doc: string, optional: number): OpRow => ({
  name,
  doc,
  arity: 1,
  optional,
  fusion: "composite",
  attributes: { eps: "number" },
  infer([x, ...vectors]) {
    const last = x.shape[x.shape.length - 1];
    if (last === undefined) throw new ShapeError(`${name} needs a last axis, found rank 0`, "axis");
    for (const vector of vectors) {
      if (!sameShape(vector.shape, [last])) {
        throw new ShapeError(
          `${name} of ${showShape(x.shape)} is scaled by [${last}], found ${showShape(vector.shape)}`,
        );
      }
    }
    return { shape: x.shape, dtype: "f32" };
  },
  evaluate([x, scale, shift], attrs, _node, round) {
    const n = x.shape[x.shape.length - 1];
    const result = new Float64Array(x.data.length);
    for (let start = 0; start < result.length; start += n) {
      const row = x.data.subarray(start, start + n);
      const mean = name === "layer_norm" ? row.reduce((a, b) => a + b, 0) / n : 0;
      const variance = row.reduce((sum, each) => sum + (each - mean) ** 2, 0) / n;
      const deviation = Math.sqrt(variance + Number(attrs.eps));
      for (let i = 0; i < n; i++) {
        const normal = (row[i] - mean) / deviation;
        result[start + i] = round(normal * (scale?.data[i] ?? 1) + (shift?.data[i] ?? 0));
      }
    }
    return result;
  },
  expand(g, [x, scale, shift], attrs) {
    const { centred, factor } = partsOf(g, name, x, attrs);
    const normal = mul(g, centred, factor);
    const scaled = scale === undefined ? normal : mul(g, normal, scale);
    return shift === undefined ? scaled : g.make("add", [scaled, shift]);
  },
  // With y the normalised rows and u the gradient at them: factor (u - mean u - y mean(u y)); rms_norm has no mean u.
  gradient(g, node, up) {
    const [x, scale, shift] = node.args;
    const { centred, factor } = partsOf(g, name, x, node.attrs);
    const normal = mul(g, centred, factor);
    const inner = scale === undefined ? up : mul(g, up, scale);
    const along = mul(g, normal, lastMean(g, mul(g, inner, normal)));
    const free = name === "layer_norm" ? g.make("sub", [inner, lastMean(g, inner)]) : inner;
    const forX = mul(g, factor, g.make("sub", [free, along]));
    return [
      forX,
      ...(scale === undefined ? [] : [sumTo(g, mul(g, up, normal), scale.shape)]),
      ...(shift === undefined ? [] : [sumTo(g, up, shift.shape)]),
    ];
  },
  tolerance: ulps(64, 256, 1e-5),
});

export const normalisations: readonly OpRow[] = [
  normalisation(
    "layer_norm",
    "arguments x and perhaps scale and shift: (x - mean) / sqrt(variance + eps) along the last axis: attribute eps",
    2,
  ),
  normalisation(
    "rms_norm",
    "arguments x and perhaps scale: x / sqrt(mean of squares + eps) along the last axis: attribute eps",
    1,
  ),
];
