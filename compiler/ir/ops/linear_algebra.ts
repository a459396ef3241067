/**
 * Linear systems and structured products. `solve` is elimination with partial pivoting: unrolled into tensor operations
 * up to 16 unknowns, an operation of its own above. A singular matrix gives values that are not finite.
 */
import { plainSpace, type Space, solveSystem } from "../../linear/index.js";
import type { Graph, Node, Shape } from "../graph.js";
import { sizeOf } from "../graph.js";
import { broadcast, reshape, sumTo, transposed } from "./adjoint.js";
import { broadcastShapes, type OpRow, ShapeError, showShape } from "./row.js";

/** Above this, elimination is not unrolled. */
const mostUnrolled = 16;

const tolerance = { wasm: { ulp: 256, abs: 1e-4 }, wgsl: { ulp: 1024, abs: 1e-3 } };

export function checkSquare(op: string, a: Node): void {
  const [m, n] = a.shape.slice(-2);
  if (a.shape.length < 2 || m !== n)
    throw new ShapeError(`${op} takes square matrices, found ${showShape(a.shape)}`, "inner");
}

/** Solves one system in place: `a` is [n, n], `b` [n, k], both row-major; `b` becomes the solution. */
function eliminate(space: Space, a: Float64Array, b: Float64Array, n: number, k: number): void {
  space.within(() => {
    const [matrix, right] = [space.room(n * n), space.room(n * k)];
    matrix.set(a);
    right.set(b);
    solveSystem(space, matrix, n, right, k);
    b.set(right);
  });
}

/** The elements of `data`, of shape [.., m, n], with the leading axes repeated to `batch`; a copy. */
export function repeated(data: Float64Array, shape: Shape, batch: Shape): Float64Array {
  const matrix = sizeOf(shape.slice(-2));
  const lead = shape.slice(0, -2);
  const result = new Float64Array(sizeOf(batch) * matrix);
  for (let at = 0; at < sizeOf(batch); at++) {
    let rest = at;
    let from = 0;
    let stride = matrix;
    for (let d = batch.length - 1, own = lead.length - 1; own >= 0; d--, own--) {
      from += lead[own] === 1 ? 0 : (rest % batch[d]) * stride;
      stride *= lead[own];
      rest = Math.floor(rest / batch[d]);
    }
    result.set(data.subarray(from, from + matrix), at * matrix);
  }
  return result;
}

/**
 * Unrolled elimination of [.., n, n] beside [.., n, k]. Step j takes the first column of what is left: the row of its
 * largest element from j on changes places with row j, is divided by it and subtracted from all others. The columns that
 * were dealt with are dropped, so the right side is what remains.
 */
function unrolled(g: Graph, a: Node, b: Node): Node {
  const rank = a.shape.length;
  const n = a.shape[rank - 1];
  const lead = a.shape.slice(0, -2);
  const rowNumber = g.make("iota", [], { shape: [n, 1], axis: 0 });
  const box = (x: Node, row: number, rows: number, column: number, columns: number) =>
    g.make("slice", [x], { start: [...lead.map(() => 0), row, column], size: [...lead, rows, columns] });
  let left = g.make("concat", [a, b], { axis: rank - 1 });
  for (let j = 0; j < n; j++) {
    const width = left.shape[rank - 1];
    const size = g.make("abs", [box(left, 0, n, 0, 1)]);
    const open = g.make("ge", [rowNumber, g.constant(j)]);
    const candidates = g.make("where", [open, size, g.constant(-1, true)]);
    const pivot = g.make("reduce_argmax", [candidates], { axes: [rank - 2], keep: true });
    const [isPivot, isThis] = [pivot, g.constant(j)].map((row) => g.make("eq", [rowNumber, row]));
    const picked = g.make("where", [isPivot, left, g.constant(0, true)]);
    const pivotRow = g.make("reduce_sum", [picked], { axes: [rank - 2], keep: true });
    const swapped = g.make("where", [isThis, pivotRow, g.make("where", [isPivot, box(left, j, 1, 0, width), left])]);
    const unit = g.make("div", [box(pivotRow, 0, 1, 1, width - 1), box(pivotRow, 0, 1, 0, 1)]);
    const product = g.make("mul", [box(swapped, 0, n, 0, 1), unit]);
    const others = g.make("sub", [box(swapped, 0, n, 1, width - 1), product]);
    const parts = [
      ...(j > 0 ? [box(others, 0, j, 0, width - 1)] : []),
      unit,
      ...(j < n - 1 ? [box(others, j + 1, n - 1 - j, 0, width - 1)] : []),
    ];
    left = parts.length === 1 ? unit : g.make("concat", parts, { axis: rank - 2 });
  }
  return left;
}

export const linearAlgebra: readonly OpRow[] = [
  {
    name: "solve",
    doc: "the x with a x = b: [.., n, n], [.., n, k] -> [.., n, k], leading axes broadcast",
    arity: 2,
    fusion: "opaque",
    infer([a, b]) {
      checkSquare("solve", a);
      const n = a.shape[a.shape.length - 1];
      if (b.shape.length < 2 || b.shape[b.shape.length - 2] !== n) {
        throw new ShapeError(`${showShape(a.shape)} does not apply to ${showShape(b.shape)}`, "inner");
      }
      const batch = broadcastShapes([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
      return { shape: [...batch, ...b.shape.slice(-2)], dtype: "f32" };
    },
    evaluate([a, b], _attrs, node, _round, space = plainSpace) {
      const [n, k] = node.shape.slice(-2);
      const batch = node.shape.slice(0, -2);
      const matrices = repeated(a.data, a.shape, batch);
      const result = repeated(b.data, b.shape, batch);
      for (let i = 0; i < sizeOf(batch); i++) {
        eliminate(
          space,
          matrices.subarray(i * n * n, (i + 1) * n * n),
          result.subarray(i * n * k, (i + 1) * n * k),
          n,
          k,
        );
      }
      return result;
    },
    expand(g, [a, b], _attrs, node) {
      const n = node.shape[node.shape.length - 2];
      if (n === 0 || n > mostUnrolled) return node;
      const batch = node.shape.slice(0, -2);
      const float = (x: Node) => (x.dtype === "f32" ? x : g.make("cast", [x], { to: "float" }));
      const whole = (x: Node) => broadcast(g, float(x), [...batch, ...x.shape.slice(-2)]);
      return unrolled(g, whole(a), whole(b));
    },
    gradient(g, node, up) {
      const [a, b] = node.args;
      const forB = g.make("solve", [transposed(g, a), up]);
      const forA = g.make("neg", [g.make("matmul", [forB, transposed(g, node)])]);
      return [sumTo(g, forA, a.shape), sumTo(g, forB, b.shape)];
    },
    working: (args) => args.reduce((sum, arg) => sum + sizeOf(arg.shape), 0),
    tolerance,
  },
  {
    name: "inverse",
    doc: "the inverse of square matrices [.., n, n]",
    arity: 1,
    fusion: "composite",
    infer([a]) {
      checkSquare("inverse", a);
      return { shape: a.shape, dtype: "f32" };
    },
    evaluate([a], _attrs, _node, _round, space = plainSpace) {
      const n = a.shape[a.shape.length - 1];
      const matrices = Float64Array.from(a.data);
      const result = new Float64Array(a.data.length);
      for (let start = 0; start < result.length; start += n * n) {
        const unit = result.subarray(start, start + n * n);
        for (let i = 0; i < n; i++) unit[i * n + i] = 1;
        eliminate(space, matrices.subarray(start, start + n * n), unit, n, n);
      }
      return result;
    },
    expand(g, [a]) {
      const n = a.shape[a.shape.length - 1];
      const [row, column] = [0, 1].map((axis) => g.make("iota", [], { shape: [n, n], axis }));
      return g.make("solve", [a, g.make("cast", [g.make("eq", [row, column])], { to: "float" })]);
    },
    gradient(g, node, up) {
      const turned = transposed(g, node);
      return [g.make("neg", [g.make("matmul", [g.make("matmul", [turned, up]), turned])])];
    },
    tolerance,
  },
  {
    name: "kron",
    doc: "Kronecker product of two tensors of one rank: along each axis, every element of the first times the second",
    arity: 2,
    fusion: "composite",
    infer([a, b]) {
      if (a.shape.length === 0 || a.shape.length !== b.shape.length) {
        throw new ShapeError(`kron takes tensors of one rank, found ${showShape(a.shape)} and ${showShape(b.shape)}`);
      }
      return { shape: a.shape.map((d, i) => d * b.shape[i]), dtype: "f32" };
    },
    evaluate([a, b], _attrs, node, round) {
      const position = (at: number) => {
        let [rest, i, j, ia, jb] = [at, 0, 0, 1, 1];
        for (let d = node.shape.length - 1; d >= 0; d--) {
          const x = rest % node.shape[d];
          rest = Math.floor(rest / node.shape[d]);
          i += Math.floor(x / b.shape[d]) * ia;
          j += (x % b.shape[d]) * jb;
          ia *= a.shape[d];
          jb *= b.shape[d];
        }
        return [i, j];
      };
      return Float64Array.from({ length: sizeOf(node.shape) }, (_, at) => {
        const [i, j] = position(at);
        return round(a.data[i] * b.data[j]);
      });
    },
    expand(g, [a, b], _attrs, node) {
      const float = g.make("cast", [a], { to: "float" });
      const outer = reshape(
        g,
        float,
        a.shape.flatMap((d) => [d, 1]),
      );
      const inner = reshape(
        g,
        b,
        b.shape.flatMap((d) => [1, d]),
      );
      return reshape(g, g.make("mul", [outer, inner]), node.shape);
    },
    tolerance: { wasm: { ulp: 1, abs: 0 }, wgsl: { ulp: 1, abs: 0 } },
  },
  {
    name: "block_matmul",
    doc: "arguments x [.., g i] and blocks [g, i, o]: x times the matrix with the blocks along its diagonal: [.., g o]",
    arity: 2,
    fusion: "composite",
    infer([x, blocks]) {
      const last = x.shape[x.shape.length - 1];
      if (blocks.shape.length !== 3 || last !== blocks.shape[0] * blocks.shape[1]) {
        throw new ShapeError(`blocks ${showShape(blocks.shape)} do not apply to ${showShape(x.shape)}`, "inner");
      }
      return { shape: [...x.shape.slice(0, -1), blocks.shape[0] * blocks.shape[2]], dtype: "f32" };
    },
    evaluate([x, blocks], _attrs, node, round) {
      const [groups, inner, outer] = blocks.shape;
      return Float64Array.from({ length: sizeOf(node.shape) }, (_, at) => {
        const [row, column] = [Math.floor(at / (groups * outer)), at % (groups * outer)];
        const [group, o] = [Math.floor(column / outer), column % outer];
        let sum = 0;
        for (let i = 0; i < inner; i++) {
          sum += x.data[(row * groups + group) * inner + i] * blocks.data[(group * inner + i) * outer + o];
        }
        return round(sum);
      });
    },
    expand(g, [x, blocks], _attrs, node) {
      const [groups, inner, outer] = blocks.shape;
      const rows = sizeOf(x.shape.slice(0, -1));
      const swapped = (y: Node) => g.make("transpose", [y], { perm: [1, 0, 2] });
      const product = g.make("matmul", [swapped(reshape(g, x, [rows, groups, inner])), blocks]);
      return reshape(g, reshape(g, swapped(product), [rows, groups * outer]), node.shape);
    },
    tolerance: { wasm: { ulp: 64, abs: 1e-5 }, wgsl: { ulp: 256, abs: 1e-5 } },
  },
];
