/**
 * Cumulative sums along an axis. Up to 64 elements are summed directly, each result over the elements that it counts
 * (chosen, so that infinities and NaN stay behind their places); longer axes in blocks of 64, to which the sums of the
 * blocks before are added, by the same method.
 */
import type { Graph, Node, Shape } from "../graph.js";
import { slabs } from "./rearranging.js";
import { type OpRow, ShapeError, showShape } from "./row.js";

export const cumulative: readonly OpRow[] = [
  {
    name: "cumsum",
    doc: "sums of all elements up to each along one axis, from the end with `reverse`: attributes axis, reverse",
    arity: 1,
    fusion: "composite",
    attributes: { axis: "whole", "reverse?": "flag" },
    infer([x], attrs) {
      if ((attrs.axis as number) >= x.shape.length)
        throw new ShapeError(`${showShape(x.shape)} has no axis ${attrs.axis}`, "axis");
      const isInteger = x.dtype === "i32" || x.dtype === "i64";
      return { shape: x.shape, dtype: isInteger ? "i32" : "f32" };
    },
    evaluate([x], attrs, _node, round) {
      const axis = attrs.axis as number;
      const { inner, outer, source } = slabs(x.shape, x.shape, axis);
      const n = x.shape[axis];
      const result = new Float64Array(x.data.length);
      for (let o = 0; o < outer; o++) {
        for (let j = 0; j < inner; j++) {
          let sum = 0;
          for (let i = 0; i < n; i++) {
            const at = o * source + (attrs.reverse === true ? n - 1 - i : i) * inner + j;
            sum = round(sum + x.data[at]);
            result[at] = sum;
          }
        }
      }
      return result;
    },
    expand(g, [x], attrs) {
      const axis = attrs.axis as number;
      const toLast = [...x.shape.keys()].filter((i) => i !== axis).concat(axis);
      const number = x.dtype === "bool" ? g.make("cast", [x], { to: "float" }) : x;
      const sums = cumulate(g, g.make("transpose", [number], { perm: toLast }), attrs.reverse === true);
      return g.make("transpose", [sums], { perm: toLast.map((_, i) => toLast.indexOf(i)) });
    },
    gradient: (g, node, up) => [
      g.make("cumsum", [up], { axis: node.attrs.axis, reverse: node.attrs.reverse !== true }),
    ],
    tolerance: { wasm: { ulp: 64, abs: 1e-5 }, wgsl: { ulp: 256, abs: 1e-4 } },
  },
];

/** Rows up to this long are summed directly; longer ones in blocks of this length, and over the sums of the blocks. */
const cumulativeBlock = 64;

/** Cumulative sums along the last axis: element j is the sum of the elements i <= j (i >= j in reverse). */
function cumulate(g: Graph, x: Node, reverse: boolean): Node {
  const rank = x.shape.length;
  const n = x.shape[rank - 1];
  const lead = x.shape.slice(0, -1);
  const zero = g.constant(0, x.dtype === "f32");
  if (n <= cumulativeBlock) {
    const square: Shape = [n, n];
    const [to, from] = [0, 1].map((axis) => g.make("iota", [], { shape: square, axis }));
    const counts = g.make(reverse ? "ge" : "le", [from, to]);
    const spread = g.make("reshape", [x], { shape: [...lead, 1, n] });
    return g.make("reduce_sum", [g.make("where", [counts, spread, zero])], { axes: [rank] });
  }
  const blocks = Math.ceil(n / cumulativeBlock);
  const missing = blocks * cumulativeBlock - n;
  const padded =
    missing === 0 ? x : g.make("pad", [x], { before: x.shape.map(() => 0), after: [...lead.map(() => 0), missing] });
  const table = g.make("reshape", [padded], { shape: [...lead, blocks, cumulativeBlock] });
  const within = cumulate(g, table, reverse);
  const totals = g.make("reduce_sum", [table], { axes: [rank] });
  // What lies before a block: the sums of blocks, moved on by one.
  const before = g.make("slice", [cumulate(g, totals, reverse)], {
    start: [...lead.map(() => 0), reverse ? 1 : 0],
    size: [...lead, blocks - 1],
  });
  const edge = lead.map(() => 0);
  const moved = g.make("pad", [before], { before: [...edge, reverse ? 0 : 1], after: [...edge, reverse ? 1 : 0] });
  const sums = g.make("add", [within, g.make("reshape", [moved], { shape: [...lead, blocks, 1] })]);
  const all = g.make("reshape", [sums], { shape: [...lead, blocks * cumulativeBlock] });
  return g.make("slice", [all], { start: x.shape.map(() => 0), size: x.shape });
}
