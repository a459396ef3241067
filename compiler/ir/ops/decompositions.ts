/**
 * Rows of matrix decompositions. A decomposition has several results; they stand one after the other in the last axis of
 * one tensor, each matrix row by row, and views take them apart. Leading axes are batches. The work is done in f64 by
 * compiler/linear, in the space that a device brings, and rounded once. A matrix with an element that is no number gives
 * NaN everywhere.
 */
import {
  assign,
  cholesky,
  orthogonalise,
  plainSpace,
  type Space,
  singularValues,
  solveTriangle,
  symmetricEigen,
} from "../../linear/index.js";
import type { Attrs, Graph, Node, Shape } from "../graph.js";
import { sizeOf } from "../graph.js";
import { sumTo, transposed } from "./adjoint.js";
import { checkSquare, repeated } from "./linear_algebra.js";
import { broadcastShapes, type OpRow, ShapeError, showShape, type Value } from "./row.js";

const tolerance = { wasm: { ulp: 256, abs: 1e-4 }, wgsl: { ulp: 1024, abs: 1e-3 } };

const noGradient = "a decomposition has no gradient here: where it may be taken for a constant, write stop_gradient";

function checkMatrix(op: string, a: Node): readonly [number, number] {
  if (a.shape.length < 2) throw new ShapeError(`${op} takes matrices, found ${showShape(a.shape)}`, "inner");
  return a.shape.slice(-2) as [number, number];
}

/** Attribute rank, or `most` where it is left out. */
function rankOf(op: string, attrs: Attrs, most: number): number {
  const rank = (attrs.rank as number | undefined) ?? most;
  if (rank > most) throw new ShapeError(`${op} gives at most ${most} vectors here, found rank ${rank}`, "size");
  return rank;
}

/** Runs `work` for each matrix of a batch: its elements, and where its result begins. */
function eachMatrix(
  a: Value,
  node: Node,
  space: Space,
  work: (x: Float64Array, put: (at: number, data: ArrayLike<number>) => void) => void,
): Float64Array {
  const size = sizeOf(a.shape.slice(-2));
  const width = node.shape[node.shape.length - 1];
  const result = new Float64Array(sizeOf(node.shape));
  for (let i = 0; i < sizeOf(a.shape.slice(0, -2)); i++) {
    space.within(() => {
      const x = space.room(size);
      x.set(a.data.subarray(i * size, (i + 1) * size));
      work(x, (at, data) => result.set(data, i * width + at));
    });
  }
  return result;
}

/** The transpose of rows: `count` rows of length n as n rows. */
function columns(x: Float64Array, count: number, n: number): Float64Array {
  const result = new Float64Array(n * count);
  for (let i = 0; i < count; i++) for (let j = 0; j < n; j++) result[j * count + i] = x[i * n + j];
  return result;
}

/** The lower triangle of square matrices, or the upper one; the diagonal times `diagonal`. */
function triangle(g: Graph, x: Node, isUpper: boolean, diagonal = 1): Node {
  const n = x.shape[x.shape.length - 1];
  const [row, column] = [0, 1].map((axis) => g.make("iota", [], { shape: [n, n], axis }));
  const inside = g.make(isUpper ? "lt" : "gt", [row, column]);
  const scaled = diagonal === 1 ? x : g.make("mul", [x, g.constant(diagonal, true)]);
  const rest = g.make("where", [g.make("eq", [row, column]), scaled, g.constant(0, true)]);
  return g.make("where", [inside, x, rest]);
}

const triangular = (g: Graph, t: Node, b: Node, isUpper: boolean) =>
  g.make("solve_triangular", [t, b], { upper: isUpper });

export const decompositions: readonly OpRow[] = [
  {
    name: "svd",
    doc: "thin singular value decomposition of [.., m, n]: u [m, r], s [r] descending, v [n, r] one after the other in the last axis, x = u diag(s) v^T; attribute rank r, the number of largest singular values: min(m, n) if left out",
    arity: 1,
    fusion: "opaque",
    attributes: { "rank?": "whole" },
    infer([a], attrs) {
      const [m, n] = checkMatrix("svd", a);
      return { shape: [...a.shape.slice(0, -2), rankOf("svd", attrs, Math.min(m, n)) * (m + n + 1)], dtype: "f32" };
    },
    evaluate([a], attrs, node, _round, space = plainSpace) {
      const [m, n] = a.shape.slice(-2);
      const rank = rankOf("svd", attrs, Math.min(m, n));
      return eachMatrix(a, node, space, (x, put) => {
        const { left, values, right } = singularValues(space, x, m, n, rank);
        put(0, columns(left, rank, m));
        put(rank * m, values);
        put(rank * (m + 1), columns(right, rank, n));
      });
    },
    noGradient,
    working: ([a]) => workingNumbers(a.shape),
    tolerance,
  },
  {
    name: "eigh",
    doc: "eigenvalues of symmetric [.., n, n] (their upper triangles): values [r] descending, vectors [n, r] one after the other in the last axis; attribute rank r, the number of largest ones: n if left out",
    arity: 1,
    fusion: "opaque",
    attributes: { "rank?": "whole" },
    infer([a], attrs) {
      checkSquare("eigh", a);
      const n = a.shape[a.shape.length - 1];
      return { shape: [...a.shape.slice(0, -2), rankOf("eigh", attrs, n) * (n + 1)], dtype: "f32" };
    },
    evaluate([a], attrs, node, _round, space = plainSpace) {
      const n = a.shape[a.shape.length - 1];
      const rank = rankOf("eigh", attrs, n);
      return eachMatrix(a, node, space, (x, put) => {
        const { values, vectors } = symmetricEigen(space, x, n, rank);
        put(0, values);
        put(rank, columns(vectors, rank, n));
      });
    },
    noGradient,
    working: ([a]) => workingNumbers(a.shape),
    tolerance,
  },
  {
    name: "qr",
    doc: "thin QR decomposition of [.., m, n] with k = min(m, n): q [m, k], r [k, n] one after the other in the last axis, the diagonal of r not negative",
    arity: 1,
    fusion: "opaque",
    infer([a]) {
      const [m, n] = checkMatrix("qr", a);
      return { shape: [...a.shape.slice(0, -2), Math.min(m, n) * (m + n)], dtype: "f32" };
    },
    evaluate([a], _attrs, node, _round, space = plainSpace) {
      const [m, n] = a.shape.slice(-2);
      const k = Math.min(m, n);
      return eachMatrix(a, node, space, (x, put) => {
        const turned = space.room(m * n);
        turned.set(columns(x, m, n));
        const r = space.room(k * n);
        orthogonalise(space, turned, m, n, r);
        put(0, columns(turned.subarray(0, k * m), k, m));
        put(k * m, r);
      });
    },
    noGradient,
    working: ([a]) => workingNumbers(a.shape),
    tolerance,
  },
  {
    name: "cholesky",
    doc: "the lower triangular l with l l^T = a, for symmetric positive definite [.., n, n] (their lower triangles); NaN for others",
    arity: 1,
    fusion: "opaque",
    infer([a]) {
      checkSquare("cholesky", a);
      return { shape: a.shape, dtype: "f32" };
    },
    evaluate([a], _attrs, _node, _round, space = plainSpace) {
      const n = a.shape[a.shape.length - 1];
      const result = Float64Array.from(a.data);
      for (let at = 0; at < result.length; at += n * n) {
        space.within(() => {
          const x = space.room(n * n);
          x.set(result.subarray(at, at + n * n));
          cholesky(space, x, n);
          result.set(x, at);
        });
      }
      return result;
    },
    // Murray, Differentiation of the Cholesky decomposition, 2016; only the lower triangle of a is read.
    gradient(g, node, up) {
      const turned = transposed(g, node);
      const inner = triangle(g, g.make("matmul", [turned, triangle(g, up, false)]), false, 0.5);
      const whole = g.make("add", [inner, transposed(g, inner)]);
      const left = triangular(g, turned, whole, true);
      const full = triangular(g, turned, transposed(g, left), true);
      return [triangle(g, full, false, 0.5)];
    },
    working: ([a]) => workingNumbers(a.shape),
    tolerance,
  },
  {
    name: "solve_triangular",
    doc: "the x with t x = b: [.., n, n], [.., n, k] -> [.., n, k], leading axes broadcast, reading one triangle of t, the upper one with the attribute upper",
    arity: 2,
    fusion: "opaque",
    attributes: { "upper?": "flag" },
    infer([t, b]) {
      checkSquare("solve_triangular", t);
      const n = t.shape[t.shape.length - 1];
      if (b.shape.length < 2 || b.shape[b.shape.length - 2] !== n) {
        throw new ShapeError(`${showShape(t.shape)} does not apply to ${showShape(b.shape)}`, "inner");
      }
      const batch = broadcastShapes([t.shape.slice(0, -2), b.shape.slice(0, -2)]);
      return { shape: [...batch, ...b.shape.slice(-2)], dtype: "f32" };
    },
    evaluate([t, b], attrs, node, _round, space = plainSpace) {
      const [n, k] = node.shape.slice(-2);
      const batch = node.shape.slice(0, -2);
      const matrices = repeated(t.data, t.shape, batch);
      const result = repeated(b.data, b.shape, batch);
      for (let i = 0; i < sizeOf(batch); i++) {
        space.within(() => {
          const [matrix, right] = [space.room(n * n), space.room(n * k)];
          matrix.set(matrices.subarray(i * n * n, (i + 1) * n * n));
          right.set(result.subarray(i * n * k, (i + 1) * n * k));
          solveTriangle(space, matrix, n, right, k, attrs.upper === true);
          result.set(right, i * n * k);
        });
      }
      return result;
    },
    gradient(g, node, up) {
      const [t, b] = node.args;
      const isUpper = node.attrs.upper === true;
      const forB = triangular(g, transposed(g, t), up, !isUpper);
      const forT = triangle(g, g.make("neg", [g.make("matmul", [forB, transposed(g, node)])]), isUpper);
      return [sumTo(g, forT, t.shape), sumTo(g, forB, b.shape)];
    },
    working: (args) => args.reduce((sum, arg) => sum + sizeOf(arg.shape), 0),
    tolerance,
  },
  {
    name: "assignment",
    doc: "a column for each row of the costs [.., n, m], n <= m, no two alike, with the least sum: [.., n] (i32); -1 where a cost is no number",
    arity: 1,
    fusion: "opaque",
    infer([a]) {
      const [n, m] = checkMatrix("assignment", a);
      if (n > m) throw new ShapeError(`assignment needs a column for each row, found ${showShape(a.shape)}`, "size");
      return { shape: a.shape.slice(0, -1), dtype: "i32" };
    },
    evaluate([a]) {
      const [n, m] = a.shape.slice(-2);
      const batches = sizeOf(a.shape.slice(0, -2));
      const result = new Float64Array(batches * n);
      for (let i = 0; i < batches; i++) {
        result.set(assign(a.data.subarray(i * n * m, (i + 1) * n * m), n, m), i * n);
      }
      return result;
    },
    noGradient: "a choice of columns has no gradient",
    tolerance: { wasm: { ulp: 0, abs: 0 }, wgsl: { ulp: 0, abs: 0 } },
  },
];

/** Numbers that a decomposition of one matrix works with, all in all: measured as the most that a space had in use. */
function workingNumbers(shape: Shape): number {
  const [m, n] = shape.slice(-2);
  const [long, short] = [Math.max(m, n), Math.min(m, n)];
  return 4 * long * short + 5 * short * short + 128 * long;
}
