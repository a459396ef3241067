/**
 * Symmetric matrices to tridiagonal form and back. In: a symmetric matrix. Out: diagonal, off-diagonal and the reflections
 * between, which carry eigenvectors of the one to those of the other. Reflections are made one by one and applied in
 * blocks (Dongarra, Hammarling and Sorensen, 1989); half of the work is products of the matrix with one vector.
 */
import { addScaled, applyBlock, blockFactor, blockSize, dot, reflector } from "./reflectors.js";
import { from, type Matrix, multiply, rows, type Space } from "./space.js";

export interface Tridiagonal {
  readonly d: Float64Array;
  /** e[i] stands between d[i] and d[i + 1]. */
  readonly e: Float64Array;
  readonly taus: Float64Array;
}

/** Rows of the trailing matrix that are updated together: only their columns from the diagonal on are needed. */
const updateRows = 256;

/** Reduces `a` [n, n] (its upper triangle), which afterwards holds the vectors of the reflections. */
export function tridiagonalise(space: Space, a: Float64Array, n: number): Tridiagonal {
  const [d, e, taus] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  space.within(() => {
    const w = space.room(blockSize * n);
    const y = space.room(n);
    const x = space.room(n);
    for (let start = 0; start < n; start += blockSize) {
      const b = Math.min(blockSize, n - start);
      for (let i = 0; i < b; i++) {
        const j = start + i;
        const diagonal = j * n + j;
        for (let q = 0; q < i; q++) {
          const vq = (start + q) * n;
          addScaled(a, diagonal, w, q * n + j, n - j, -a[vq + j]);
          addScaled(a, diagonal, a, vq + j, n - j, -w[q * n + j]);
        }
        d[j] = a[diagonal];
        const size = n - j - 1;
        if (size === 0) continue;
        const at = diagonal + 1;
        const { beta, tau } = reflector(a, at, size);
        e[j] = beta;
        taus[j] = tau;
        x.set(a.subarray(at, at + size));
        space.symmetric(size, rows(a, n, (j + 1) * n + j + 1), x, 0, y, 0);
        for (let q = 0; q < i; q++) {
          const [vq, wq] = [(start + q) * n + j + 1, q * n + j + 1];
          const [alongW, alongV] = [dot(w, wq, x, 0, size), dot(a, vq, x, 0, size)];
          addScaled(y, 0, a, vq, size, -alongW);
          addScaled(y, 0, w, wq, size, -alongV);
        }
        const back = -0.5 * tau * tau * dot(y, 0, x, 0, size);
        const to = i * n + j + 1;
        for (let l = 0; l < size; l++) w[to + l] = tau * y[l] + back * x[l];
      }
      for (let row = start + b; row < n; row += updateRows) {
        const [height, width] = [Math.min(updateRows, n - row), n - row];
        const to = rows(a, n, row * n + row);
        const vectors = from(rows(a, n), start, row);
        const others = from(rows(w, n), 0, row);
        const column = (m: Matrix) => ({ ...m, row: m.col, col: m.row });
        multiply(space, [height, width, b], column(vectors), others, to, -1, true);
        multiply(space, [height, width, b], column(others), vectors, to, -1, true);
      }
    }
  });
  return { d, e, taus };
}

/** Carries eigenvectors of the tridiagonal matrix, the `count` rows of z, to those of the matrix that was reduced. */
export function carryBack(
  space: Space,
  a: Float64Array,
  n: number,
  taus: Float64Array,
  z: Float64Array,
  count: number,
): void {
  const last = Math.floor(Math.max(0, n - 2) / blockSize) * blockSize;
  for (let start = last; start >= 0; start -= blockSize) {
    const b = Math.min(blockSize, n - 1 - start);
    if (b <= 0) continue;
    space.within(() => {
      const width = n - start - 1;
      const v = space.room(b * width);
      for (let i = 0; i < b; i++) {
        const row = start + i;
        v.set(a.subarray(row * n + row + 1, (row + 1) * n), i * width + i);
      }
      const t = blockFactor(space, rows(v, width), b, width, taus.subarray(start));
      applyBlock(space, rows(z, n, start + 1), count, rows(v, width), [b, width], t, true);
    });
  }
}
