/** Contractions: products summed over an inner dimension. */
import { type Node, sizeOf } from "../graph.js";
import { reshape, sumTo, transposed } from "./adjoint.js";
import { broadcastShapes, type OpRow, ShapeError, showShape } from "./row.js";

export const contract: readonly OpRow[] = [
  {
    name: "matmul",
    doc: "[.., m, k] @ [.., k, n] -> [.., m, n], leading axes broadcast",
    arity: 2,
    fusion: "contract",
    infer([a, b]) {
      const ra = a.shape.length;
      const rb = b.shape.length;
      if (ra < 2 || rb < 2) {
        throw new ShapeError(`@ needs matrices, found ${showShape(a.shape)} and ${showShape(b.shape)}`, "inner");
      }
      if (a.shape[ra - 1] !== b.shape[rb - 2]) {
        throw new ShapeError(`the inner dimensions of ${showShape(a.shape)} @ ${showShape(b.shape)} differ`, "inner");
      }
      const batch = broadcastShapes([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
      return { shape: [...batch, a.shape[ra - 2], b.shape[rb - 1]], dtype: "f32" };
    },
    evaluate([a, b], _attrs, node, round) {
      const [m, n] = node.shape.slice(-2);
      const k = a.shape[a.shape.length - 1];
      const batch = node.shape.slice(0, -2);
      const batches = batch.reduce((x, y) => x * y, 1);
      const offset = (shape: readonly number[], matrix: number, at: number) => {
        let rest = at;
        let sum = 0;
        let stride = matrix;
        for (let i = batch.length - 1, j = shape.length - 3; i >= 0; i--, j--) {
          const x = rest % batch[i];
          rest = Math.floor(rest / batch[i]);
          if (j >= 0) {
            if (shape[j] !== 1) sum += x * stride;
            stride *= shape[j];
          }
        }
        return sum;
      };
      const result = new Float64Array(batches * m * n);
      for (let at = 0; at < batches; at++) {
        const ao = offset(a.shape, m * k, at);
        const bo = offset(b.shape, k * n, at);
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            let sum = 0;
            for (let l = 0; l < k; l++) sum += a.data[ao + i * k + l] * b.data[bo + l * n + j];
            result[at * m * n + i * n + j] = round(sum);
          }
        }
      }
      return result;
    },
    gradient(g, node, up) {
      const [a, b] = node.args;
      const forA = sumTo(g, g.make("matmul", [up, transposed(g, b)]), a.shape);
      // A matrix on the right of a batch: one product over all rows, instead of one a matrix and a sum of them.
      const flatten = a.shape.length > 2 && b.shape.length === 2;
      const rows = (x: Node) => (flatten ? reshape(g, x, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1)!]) : x);
      const forB = sumTo(g, g.make("matmul", [transposed(g, rows(a)), rows(up)]), b.shape);
      return [forA, forB];
    },
    tolerance: { wasm: { ulp: 64, abs: 1e-5 }, wgsl: { ulp: 256, abs: 1e-5 } },
  },
];
