/**
 * Rows that move elements to places known when the graph is built: rolled around the ends of axes, picked along an axis
 * by a list of positions, and the transpose of picking, which adds elements to their places. A few runs of neighbours are
 * slices that are joined; a long scattered list stays an operation of its own.
 */
import type { Graph, Node, Shape } from "../graph.js";
import { sizeOf } from "../graph.js";
import { withLength, zeros } from "./indexing.js";
import { exactly, type OpRow, ShapeError, showShape } from "./row.js";

/** Above this, `pick` is not cut into slices. */
const mostRuns = 64;
/** Above this, `pick_add` is not cut into picks. */
const mostLayers = 8;

const positionsOf = (node: Pick<Node, "attrs">) => node.attrs.indices as readonly number[];

function sliceAlong(g: Graph, x: Node, axis: number, start: number, length: number): Node {
  return g.make("slice", [x], {
    start: x.shape.map((_, i) => (i === axis ? start : 0)),
    size: withLength(x.shape, axis, length),
  });
}

/** Runs of consecutive positions as (first, length). */
function runsOf(indices: readonly number[]): { first: number; length: number }[] {
  const runs: { first: number; length: number }[] = [];
  for (const index of indices) {
    const run = runs[runs.length - 1];
    if (run !== undefined && run.first + run.length === index) run.length++;
    else runs.push({ first: index, length: 1 });
  }
  return runs;
}

/** For each place of the result, the element that falls there; `absent` where none does. One map for each repetition. */
function layersOf(indices: readonly number[], length: number, absent: number): number[][] {
  const seen = new Array<number>(length).fill(0);
  const layers: number[][] = [];
  indices.forEach((place, from) => {
    const layer = seen[place]++;
    layers[layer] ??= new Array<number>(length).fill(absent);
    layers[layer][place] = from;
  });
  return layers;
}

/**
 * Strides for going along one axis: elements behind it (`inner`), boxes before it (`outer`), elements of such a box on
 * either side.
 */
export function slabs(from: Shape, to: Shape, axis: number) {
  const inner = sizeOf(from.slice(axis + 1));
  return { inner, outer: sizeOf(from.slice(0, axis)), source: from[axis] * inner, target: to[axis] * inner };
}

export const rearranging: readonly OpRow[] = [
  {
    name: "roll",
    doc: "moves elements along each axis by the attribute shifts (one number an axis), around the end",
    arity: 1,
    fusion: "composite",
    attributes: { shifts: "positions" },
    infer([x], attrs) {
      const shifts = attrs.shifts as readonly number[];
      if (shifts.length !== x.shape.length)
        throw new ShapeError(`rolling ${showShape(x.shape)} needs a shift an axis, found ${shifts.length}`, "axis");
      return { shape: x.shape, dtype: x.dtype };
    },
    evaluate([x], attrs) {
      const shifts = attrs.shifts as readonly number[];
      const result = new Float64Array(x.data.length);
      x.data.forEach((each, i) => {
        let rest = i;
        let at = 0;
        let stride = 1;
        for (let d = x.shape.length - 1; d >= 0; d--) {
          at += (((rest % x.shape[d]) + shifts[d]) % x.shape[d]) * stride;
          rest = Math.floor(rest / x.shape[d]);
          stride *= x.shape[d];
        }
        result[at] = each;
      });
      return result;
    },
    expand: (g, [x], attrs) =>
      (attrs.shifts as readonly number[]).reduce((rolled, shift, axis) => {
        const n = x.shape[axis];
        const by = n === 0 ? 0 : shift % n;
        if (by === 0) return rolled;
        const parts = [sliceAlong(g, rolled, axis, n - by, by), sliceAlong(g, rolled, axis, 0, n - by)];
        return g.make("concat", parts, { axis });
      }, x),
    gradient(g, node, up) {
      const shifts = (node.attrs.shifts as readonly number[]).map((s, i) => {
        const n = node.shape[i];
        return n === 0 ? 0 : (n - (s % n)) % n;
      });
      return [g.make("roll", [up], { shifts })];
    },
    tolerance: exactly,
  },
  {
    name: "pick",
    doc: "the elements at the listed positions along one axis: attributes axis, indices",
    arity: 1,
    fusion: "opaque",
    attributes: { axis: "whole", indices: "positions" },
    infer([x], attrs) {
      const axis = attrs.axis as number;
      if (axis >= x.shape.length) throw new ShapeError(`${showShape(x.shape)} has no axis ${axis}`, "axis");
      const wrong = positionsOf({ attrs }).find((i) => i >= x.shape[axis]);
      if (wrong !== undefined)
        throw new ShapeError(`position ${wrong} lies outside axis ${axis} of ${showShape(x.shape)}`, "axis");
      return { shape: withLength(x.shape, axis, positionsOf({ attrs }).length), dtype: x.dtype };
    },
    evaluate([x], attrs, node) {
      const { inner, outer, source, target } = slabs(x.shape, node.shape, attrs.axis as number);
      const result = new Float64Array(sizeOf(node.shape));
      for (let o = 0; o < outer; o++) {
        positionsOf(node).forEach((from, i) => {
          const at = o * source + from * inner;
          result.set(x.data.subarray(at, at + inner), o * target + i * inner);
        });
      }
      return result;
    },
    expand(g, [x], attrs, node) {
      const axis = attrs.axis as number;
      const runs = runsOf(positionsOf(node));
      if (runs.length === 0) return sliceAlong(g, x, axis, 0, 0);
      if (runs.length > mostRuns) return node;
      const parts = runs.map(({ first, length }) => sliceAlong(g, x, axis, first, length));
      return parts.length === 1 ? parts[0] : g.make("concat", parts, { axis });
    },
    gradient: (g, node, up) => {
      const { axis, indices } = node.attrs;
      return [g.make("pick_add", [up], { axis, indices, length: node.args[0].shape[axis as number] })];
    },
    tolerance: exactly,
  },
  {
    name: "pick_add",
    doc: "adds the elements along one axis to the listed positions of an axis of zeros: attributes axis, indices, length",
    arity: 1,
    fusion: "opaque",
    attributes: { axis: "whole", indices: "positions", length: "whole" },
    infer([x], attrs) {
      const axis = attrs.axis as number;
      const indices = positionsOf({ attrs });
      if (axis >= x.shape.length) throw new ShapeError(`${showShape(x.shape)} has no axis ${axis}`, "axis");
      if (x.dtype === "bool") throw new ShapeError("pick_add sums numbers, found bool", "dtype");
      const wrong = indices.find((i) => i >= (attrs.length as number));
      if (indices.length !== x.shape[axis] || wrong !== undefined) {
        throw new ShapeError(
          `axis ${axis} of ${showShape(x.shape)} needs a position below ${attrs.length} for each element`,
          "axis",
        );
      }
      return { shape: withLength(x.shape, axis, attrs.length as number), dtype: x.dtype };
    },
    evaluate([x], attrs, node, round) {
      const { inner, outer, source, target } = slabs(x.shape, node.shape, attrs.axis as number);
      const result = new Float64Array(sizeOf(node.shape));
      for (let o = 0; o < outer; o++) {
        positionsOf(node).forEach((to, i) => {
          for (let j = 0; j < inner; j++) {
            const at = o * target + to * inner + j;
            result[at] = round(result[at] + x.data[o * source + i * inner + j]);
          }
        });
      }
      return result;
    },
    expand(g, [x], attrs, node) {
      const axis = attrs.axis as number;
      const layers = layersOf(positionsOf(node), attrs.length as number, x.shape[axis]);
      if (layers.length === 0) return zeros(g, node.shape, x);
      if (layers.length > mostLayers) return node;
      const extended = g.make("concat", [x, zeros(g, withLength(x.shape, axis, 1), x)], { axis });
      return layers
        .map((indices) => g.make("pick", [extended], { axis, indices }))
        .reduce((sum, layer) => g.make("add", [sum, layer]));
    },
    gradient: (g, node, up) => [g.make("pick", [up], { axis: node.attrs.axis, indices: node.attrs.indices })],
    tolerance: { wasm: { ulp: 64, abs: 1e-6 }, wgsl: { ulp: 256, abs: 1e-5 } },
  },
];
