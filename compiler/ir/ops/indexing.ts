/**
 * Rows that choose elements by index tensors: rows of a table, elements along an axis, the places of the largest. An
 * index that lies outside gives NaN (0 among integers), so that a wrong index shows; scattering leaves it out.
 */
import type { Graph, Node, Shape } from "../graph.js";
import { sizeOf } from "../graph.js";
import { flat, reshape } from "./adjoint.js";
import { exactly, type OpRow, ShapeError, sameShape, showShape } from "./row.js";
import { stridesOf } from "./views.js";

function checkIndices(op: string, indices: Node): void {
  if (indices.dtype !== "i32" && indices.dtype !== "i64")
    throw new ShapeError(`the indices of ${op} are integers, found ${indices.dtype}`, "dtype");
}

const outside = (node: Node) => (node.dtype === "f32" ? Number.NaN : 0);

export const indexing: readonly OpRow[] = [
  {
    name: "take",
    doc: "arguments table [n, ..rest] and indices [..i] (i32): the rows [..i, ..rest] of the table; a row outside is NaN (0 of integers)",
    arity: 2,
    fusion: "opaque",
    infer([table, indices]) {
      checkIndices("take", indices);
      if (table.shape.length === 0) throw new ShapeError("take needs a table with rows, found rank 0", "axis");
      if (indices.shape.length === 0) throw new ShapeError("the indices of take are a tensor, found rank 0", "axis");
      return { shape: [...indices.shape, ...table.shape.slice(1)], dtype: table.dtype };
    },
    evaluate([table, indices], _attrs, node) {
      const width = sizeOf(table.shape.slice(1));
      const result = new Float64Array(sizeOf(node.shape)).fill(outside(node));
      indices.data.forEach((row, i) => {
        if (row >= 0 && row < table.shape[0])
          result.set(table.data.subarray(row * width, (row + 1) * width), i * width);
      });
      return result;
    },
    gradient: (g, node, up) => [g.make("scatter_add", [node.args[1], up], { length: node.args[0].shape[0] }), null],
    tolerance: exactly,
  },
  {
    name: "scatter_add",
    doc: "arguments indices [..i] (i32) and rows [..i, ..rest]: the sum at each index of its rows, in order: [length, ..rest]: attribute length. Indices outside are left out",
    arity: 2,
    fusion: "opaque",
    attributes: { length: "whole" },
    infer([indices, rows], attrs) {
      checkIndices("scatter_add", indices);
      const lead = rows.shape.slice(0, indices.shape.length);
      if (indices.shape.length === 0 || !sameShape(lead, indices.shape)) {
        throw new ShapeError(
          `scatter_add of ${showShape(rows.shape)} needs an index for each row, found ${showShape(indices.shape)}`,
        );
      }
      if (rows.dtype === "bool") throw new ShapeError("scatter_add sums numbers, found bool", "dtype");
      return { shape: [attrs.length as number, ...rows.shape.slice(indices.shape.length)], dtype: rows.dtype };
    },
    evaluate([indices, rows], attrs, node, round) {
      const width = sizeOf(node.shape.slice(1));
      const result = new Float64Array(sizeOf(node.shape));
      indices.data.forEach((row, i) => {
        if (!(row >= 0 && row < (attrs.length as number))) return;
        for (let j = 0; j < width; j++) {
          result[row * width + j] = round(result[row * width + j] + rows.data[i * width + j]);
        }
      });
      return result;
    },
    // A row that was left out gets no gradient, where `take` alone would give NaN.
    gradient(g, node, up) {
      const [indices, rows] = node.args;
      const inside = g.make("and", [
        g.make("ge", [indices, g.constant(0)]),
        g.make("lt", [indices, g.constant(node.attrs.length as number)]),
      ]);
      const rest = rows.shape.slice(indices.shape.length).map(() => 1);
      const mask = reshape(g, inside, [...indices.shape, ...rest]);
      return [null, g.make("where", [mask, g.make("take", [up, indices]), g.constant(0, true)])];
    },
    tolerance: { wasm: { ulp: 64, abs: 1e-6 }, wgsl: { ulp: 256, abs: 1e-5 } },
  },
  {
    name: "take_along",
    doc: "arguments x and indices (i32), equal in shape but along the attribute axis: the elements of x at the indices along that axis; outside NaN (0 of integers)",
    arity: 2,
    fusion: "composite",
    attributes: { axis: "whole" },
    infer([x, indices], attrs) {
      checkIndices("take_along", indices);
      const axis = attrs.axis as number;
      const agree =
        x.shape.length === indices.shape.length && x.shape.every((d, i) => i === axis || d === indices.shape[i]);
      if (axis >= x.shape.length || !agree) {
        throw new ShapeError(
          `${showShape(indices.shape)} does not index ${showShape(x.shape)} along axis ${axis}`,
          "axis",
        );
      }
      if (x.dtype === "bool") throw new ShapeError("take_along takes numbers, found bool", "dtype");
      return { shape: indices.shape, dtype: x.dtype };
    },
    evaluate([x, indices], attrs, node) {
      const axis = attrs.axis as number;
      const strides = stridesOf(x.shape);
      const own = stridesOf(indices.shape);
      return indices.data.map((index, i) => {
        if (!(index >= 0 && index < x.shape[axis])) return outside(node);
        const at = own.map((s, d) => Math.floor(i / s) % indices.shape[d]);
        return x.data[strides.reduce((sum, s, d) => sum + s * (d === axis ? index : at[d]), 0)];
      });
    },
    expand(g, [x, indices], attrs, node) {
      const axis = attrs.axis as number;
      const rank = x.shape.length;
      const n = x.shape[axis];
      const toLast = [...x.shape.keys()].filter((i) => i !== axis).concat(axis);
      const last = (each: Node) => g.make("transpose", [each], { perm: toLast });
      const [rows, wanted] = [last(x), last(indices)];
      const places = reshape(g, wanted, [...wanted.shape, 1]);
      const isThere = g.make("eq", [places, g.make("iota", [], { shape: [n], axis: 0 })]);
      const elements = reshape(g, rows, [...rows.shape.slice(0, -1), 1, n]);
      const zero = g.constant(0, x.dtype === "f32");
      const found = g.make("reduce_sum", [g.make("where", [isThere, elements, zero])], { axes: [rank] });
      const inside = g.make("and", [g.make("ge", [wanted, g.constant(0)]), g.make("lt", [wanted, g.constant(n)])]);
      const checked = g.make("where", [inside, found, x.dtype === "f32" ? g.constant(outside(node), true) : zero]);
      return g.make("transpose", [checked], { perm: toLast.map((_, i) => toLast.indexOf(i)) });
    },
    tolerance: exactly,
  },
  {
    name: "one_hot",
    doc: "argument indices [..i] (integers): 1 at the index along a new last axis of length depth, else 0: attribute depth",
    arity: 1,
    fusion: "composite",
    attributes: { depth: "whole" },
    infer([indices], attrs) {
      checkIndices("one_hot", indices);
      return { shape: [...indices.shape, attrs.depth as number], dtype: "f32" };
    },
    evaluate([indices], attrs, node) {
      const depth = attrs.depth as number;
      return Float64Array.from({ length: sizeOf(node.shape) }, (_, i) =>
        indices.data[Math.floor(i / depth)] === i % depth ? 1 : 0,
      );
    },
    expand(g, [indices], attrs) {
      const places = g.make("iota", [], { shape: [attrs.depth as number], axis: 0 });
      const isThere = g.make("eq", [reshape(g, indices, [...indices.shape, 1]), places]);
      return g.make("cast", [isThere], { to: "float" });
    },
    gradient: flat,
    tolerance: exactly,
  },
  {
    name: "row_top",
    doc: "true for the k largest elements of each row (last axis), equal elements by position: attribute k",
    arity: 1,
    fusion: "composite",
    attributes: { k: "whole" },
    infer: ([x]) => ({ shape: x.shape, dtype: "bool" }),
    evaluate([x], attrs) {
      const width = x.shape.length === 0 ? 1 : x.shape[x.shape.length - 1];
      const worth = (each: number) => (Number.isNaN(each) ? Infinity : each);
      return x.data.map((each, i) => {
        const row = Math.floor(i / width) * width;
        const before = x.data
          .subarray(row, row + width)
          .filter((other, j) => worth(other) > worth(each) || (worth(other) === worth(each) && row + j < i));
        return before.length < (attrs.k as number) ? 1 : 0;
      });
    },
    expand: (g, [x], attrs) => g.make("lt", [g.make("row_rank", [x]), g.constant(attrs.k as number)]),
    gradient: flat,
    tolerance: exactly,
  },
];

/** The shape with another length along one axis. */
export function withLength(shape: Shape, axis: number, length: number): Shape {
  return shape.map((d, i) => (i === axis ? length : d));
}

/** Zeros of a shape, of the dtype of `like` (f32 or i32). */
export function zeros(g: Graph, shape: Shape, like: Node): Node {
  const isInteger = like.dtype === "i32" || like.dtype === "i64";
  return g.make("broadcast", [g.constant(0, !isInteger)], { shape });
}
