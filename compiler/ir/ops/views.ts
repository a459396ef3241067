/** View rows: operations that only move elements. The fuser turns them into index maps; concat is materialised. */
import type { ValueDtype } from "../dtype.js";
import type { Shape } from "../graph.js";
import { reshape, sumTo } from "./adjoint.js";
import { broadcastShapes, exactly, type OpRow, ShapeError, showShape } from "./row.js";

const count = (shape: Shape) => shape.reduce((a, b) => a * b, 1);

/** Row-major strides. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  for (let i = shape.length - 1, s = 1; i >= 0; i--) {
    strides[i] = s;
    s *= shape[i];
  }
  return strides;
}

/** The dtype that elements of this one have in a tensor of another rank. */
function dtypeAtRank(dtype: ValueDtype, rank: number): ValueDtype {
  if (dtype === "f32" || dtype === "f64") return rank === 0 ? "f64" : "f32";
  if (dtype === "i32" || dtype === "i64") return rank === 0 ? "i64" : "i32";
  return dtype;
}

/** What `cast` calls a dtype. */
function wordOf(dtype: ValueDtype): string {
  return dtype === "bool" ? "bool" : dtype === "i32" || dtype === "i64" ? "int" : "float";
}

/** Reads `data` of shape `from` at the elements that `pick` names for each coordinate of `to`. */
function gather(to: Shape, data: Float64Array, at: (x: readonly number[]) => number): Float64Array {
  const result = new Float64Array(count(to));
  const x = new Array<number>(to.length).fill(0);
  for (let i = 0; i < result.length; i++) {
    result[i] = data[at(x)];
    for (let d = to.length - 1; d >= 0; d--) {
      if (++x[d] < to[d]) break;
      x[d] = 0;
    }
  }
  return result;
}

export const views: readonly OpRow[] = [
  {
    name: "broadcast",
    doc: "repeats along new or length-1 axes: attribute shape",
    arity: 1,
    fusion: "view",
    attributes: { shape: "shape" },
    infer([a], attrs) {
      const shape = attrs.shape as Shape;
      if (showShape(broadcastShapes([a.shape, shape])) !== showShape(shape)) {
        throw new ShapeError(`${showShape(a.shape)} does not broadcast to ${showShape(shape)}`, "broadcast");
      }
      return { shape, dtype: dtypeAtRank(a.dtype, shape.length) };
    },
    evaluate([a], attrs) {
      const to = attrs.shape as Shape;
      const strides = stridesOf(a.shape).map((s, i) => (a.shape[i] === 1 ? 0 : s));
      const skip = to.length - a.shape.length;
      return gather(to, a.data, (x) => strides.reduce((sum, s, i) => sum + s * x[i + skip], 0));
    },
    gradient: (g, node, up) => [sumTo(g, up, node.args[0].shape)],
    tolerance: exactly,
  },
  {
    name: "reshape",
    doc: "the same elements in row-major order under another shape: attribute shape",
    arity: 1,
    fusion: "view",
    attributes: { shape: "shape" },
    infer([a], attrs) {
      const shape = attrs.shape as Shape;
      if (count(shape) !== count(a.shape)) {
        throw new ShapeError(
          `${showShape(a.shape)} has ${count(a.shape)} elements, ${showShape(shape)} has ${count(shape)}`,
        );
      }
      return { shape, dtype: dtypeAtRank(a.dtype, shape.length) };
    },
    evaluate: ([a]) => a.data,
    gradient: (g, node, up) => [reshape(g, up, node.args[0].shape)],
    tolerance: exactly,
  },
  {
    name: "transpose",
    doc: "permutes axes: attribute perm; axis i of the result is axis perm[i]",
    arity: 1,
    fusion: "view",
    attributes: { perm: "axes" },
    infer([a], attrs) {
      const perm = attrs.perm as Shape;
      if (perm.length !== a.shape.length || perm.some((p) => p >= a.shape.length)) {
        throw new ShapeError(`${showShape(perm)} does not order the axes of ${showShape(a.shape)}`, "axis");
      }
      return { shape: perm.map((p) => a.shape[p]), dtype: a.dtype };
    },
    evaluate([a], attrs) {
      const perm = attrs.perm as Shape;
      const strides = stridesOf(a.shape);
      return gather(
        perm.map((p) => a.shape[p]),
        a.data,
        (x) => perm.reduce((sum, p, i) => sum + strides[p] * x[i], 0),
      );
    },
    gradient(g, node, up) {
      const perm = node.attrs.perm as Shape;
      return [g.make("transpose", [up], { perm: perm.map((_, axis) => perm.indexOf(axis)) })];
    },
    tolerance: exactly,
  },
  {
    name: "slice",
    doc: "the box from `start` (one number an axis) of shape `size`",
    arity: 1,
    fusion: "view",
    attributes: { start: "positions", size: "shape" },
    infer([a], attrs) {
      const start = attrs.start as Shape;
      const size = attrs.size as Shape;
      if (start.length !== a.shape.length || size.length !== a.shape.length) {
        throw new ShapeError(`a slice of ${showShape(a.shape)} needs one start and one size an axis`, "axis");
      }
      for (let i = 0; i < a.shape.length; i++) {
        if (start[i] + size[i] > a.shape[i]) {
          throw new ShapeError(
            `${start[i]}..${start[i] + size[i]} lies outside axis ${i} of ${showShape(a.shape)}`,
            "axis",
          );
        }
      }
      return { shape: size, dtype: a.dtype };
    },
    evaluate([a], attrs) {
      const start = attrs.start as Shape;
      const strides = stridesOf(a.shape);
      return gather(attrs.size as Shape, a.data, (x) => strides.reduce((sum, s, i) => sum + s * (x[i] + start[i]), 0));
    },
    gradient(g, node, up) {
      const start = node.attrs.start as Shape;
      const after = node.args[0].shape.map((d, i) => d - start[i] - node.shape[i]);
      return [g.make("pad", [up], { before: start, after })];
    },
    tolerance: exactly,
  },
  {
    name: "pad",
    doc: "zeros before and after, one number an axis: attributes before, after",
    arity: 1,
    fusion: "composite",
    attributes: { before: "positions", after: "positions" },
    infer([a], attrs) {
      const [before, after] = [attrs.before as Shape, attrs.after as Shape];
      if (before.length !== a.shape.length || after.length !== a.shape.length) {
        throw new ShapeError(`padding ${showShape(a.shape)} needs one number before and one after an axis`, "axis");
      }
      return { shape: a.shape.map((d, i) => before[i] + d + after[i]), dtype: a.dtype };
    },
    evaluate([a], attrs, node) {
      const before = attrs.before as Shape;
      const strides = stridesOf(a.shape);
      const inside = (x: readonly number[]) => a.shape.every((d, i) => x[i] >= before[i] && x[i] < before[i] + d);
      const padded = Float64Array.from([...a.data, 0]);
      return gather(node.shape, padded, (x) =>
        inside(x) ? strides.reduce((sum, s, i) => sum + s * (x[i] - before[i]), 0) : a.data.length,
      );
    },
    expand: (g, [a], attrs) =>
      a.shape.reduce((x, _, axis) => {
        const zeros = (length: number) => {
          const shape = x.shape.map((d, i) => (i === axis ? length : d));
          return g.make("broadcast", [g.make("cast", [g.constant(0)], { to: wordOf(a.dtype) })], { shape });
        };
        const [before, after] = [(attrs.before as Shape)[axis], (attrs.after as Shape)[axis]];
        if (before === 0 && after === 0) return x;
        const parts = [...(before > 0 ? [zeros(before)] : []), x, ...(after > 0 ? [zeros(after)] : [])];
        return g.make("concat", parts, { axis });
      }, a),
    gradient: (g, node, up) => [g.make("slice", [up], { start: node.attrs.before, size: node.args[0].shape })],
    tolerance: exactly,
  },
  {
    name: "concat",
    doc: "joins along one axis: attribute axis",
    arity: "any",
    fusion: "opaque",
    attributes: { axis: "whole" },
    infer(args, attrs) {
      const axis = attrs.axis as number;
      const [first] = args;
      if (first === undefined || axis < 0 || axis >= first.shape.length) {
        throw new ShapeError(`no axis ${axis} to join along`, "axis");
      }
      for (const arg of args) {
        if (arg.shape.length !== first.shape.length || arg.shape.some((d, i) => i !== axis && d !== first.shape[i])) {
          throw new ShapeError(`${showShape(first.shape)} and ${showShape(arg.shape)} do not join along axis ${axis}`);
        }
        if (arg.dtype !== first.dtype) throw new ShapeError(`concat of ${first.dtype} and ${arg.dtype}`, "dtype");
      }
      const total = args.reduce((sum, a) => sum + a.shape[axis], 0);
      return { shape: first.shape.map((d, i) => (i === axis ? total : d)), dtype: first.dtype };
    },
    evaluate(args, attrs, node) {
      const axis = attrs.axis as number;
      const outer = count(node.shape.slice(0, axis));
      const result = new Float64Array(count(node.shape));
      let at = 0;
      for (let o = 0; o < outer; o++) {
        for (const arg of args) {
          const run = count(arg.shape.slice(axis));
          result.set(arg.data.subarray(o * run, (o + 1) * run), at);
          at += run;
        }
      }
      return result;
    },
    gradient(g, node, up) {
      const axis = node.attrs.axis as number;
      let at = 0;
      return node.args.map((arg) => {
        const start = arg.shape.map((_, i) => (i === axis ? at : 0));
        at += arg.shape[axis];
        return g.make("slice", [up], { start, size: arg.shape });
      });
    },
    tolerance: exactly,
  },
];
