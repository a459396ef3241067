/**
 * Householder reflections in blocks. In: vectors that lie side by side as rows. Out: reflections I - tau v v^T that make
 * all but the first element of a vector vanish, and products of many of them applied at once as I - V^T T V (Schreiber and
 * Van Loan, 1989). With them: the thin QR decomposition, of a matrix that is given by its columns as rows.
 */
import { from, type Matrix, multiply, rows, type Space, turned } from "./space.js";

/** Reflections that are applied together. */
export const blockSize = 32;

/** The same for a matrix of few columns: making a block's reflections is then most of the work, and grows with its square. */
const narrowBlock = 8;
const fewColumns = 128;

export function dot(a: Float64Array, aAt: number, b: Float64Array, bAt: number, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += a[aAt + i] * b[bAt + i];
  return sum;
}

export function addScaled(to: Float64Array, toAt: number, x: Float64Array, xAt: number, n: number, by: number): void {
  for (let i = 0; i < n; i++) to[toAt + i] += by * x[xAt + i];
}

/**
 * The reflection that maps x = data[at, at + n) to beta times the first unit vector. The vector v, its first element 1,
 * takes the place of x. A tau of 0 is the identity.
 */
export function reflector(data: Float64Array, at: number, n: number): { readonly beta: number; readonly tau: number } {
  const first = data[at];
  const rest = dot(data, at + 1, data, at + 1, n - 1);
  data[at] = 1;
  if (rest === 0) return { beta: first, tau: 0 };
  const length = Math.sqrt(first * first + rest);
  const beta = first > 0 ? -length : length;
  const scale = 1 / (first - beta);
  for (let i = 1; i < n; i++) data[at + i] *= scale;
  return { beta, tau: (beta - first) / beta };
}

/** T [b, b], upper triangular, with H_0 H_1 .. = I - V^T T V for the vectors that are the rows of V [b, n]. */
export function blockFactor(space: Space, v: Matrix, b: number, n: number, taus: ArrayLike<number>): Float64Array {
  const inner = space.room(b * b);
  multiply(space, [b, b, n], v, turned(v), rows(inner, b));
  const t = space.room(b * b);
  for (let i = 0; i < b; i++) {
    t[i * b + i] = taus[i];
    for (let row = 0; row < i; row++) {
      let sum = 0;
      for (let l = row; l < i; l++) sum += t[row * b + l] * inner[l * b + i];
      t[row * b + i] = -taus[i] * sum;
    }
  }
  return t;
}

/** x <- x - (x V^T) T V for `count` rows x, or with T^T: rows times the block of reflections, or times its inverse. */
export function applyBlock(
  space: Space,
  x: Matrix,
  count: number,
  v: Matrix,
  [b, n]: readonly [number, number],
  t: Float64Array,
  inverse: boolean,
): void {
  space.within(() => {
    const along = space.room(count * b);
    const mixed = space.room(count * b);
    const factor = rows(t, b);
    multiply(space, [count, b, n], x, turned(v), rows(along, b));
    multiply(space, [count, b, b], rows(along, b), inverse ? turned(factor) : factor, rows(mixed, b));
    multiply(space, [count, n, b], rows(mixed, b), v, x, -1, true);
  });
}

/**
 * The thin QR decomposition of a matrix x [m, n], given by its columns: `columns` holds n rows of m numbers and becomes the
 * columns of q [m, k], k = min(m, n), followed by nothing of use. `r` [k, n] (zeros before) gets the upper triangle, its
 * diagonal not negative.
 */
export function orthogonalise(space: Space, columns: Float64Array, m: number, n: number, r: Float64Array): void {
  const k = Math.min(m, n);
  const size = n <= fewColumns ? narrowBlock : blockSize;
  const taus = new Float64Array(k);
  const factors: { readonly start: number; readonly b: number; readonly v: Float64Array; readonly t: Float64Array }[] =
    [];
  space.within(() => {
    for (let start = 0; start < k; start += size) {
      const b = Math.min(size, k - start);
      const width = m - start;
      for (let j = start; j < start + b; j++) {
        const at = j * m + j;
        const { beta, tau } = reflector(columns, at, m - j);
        taus[j] = tau;
        r[j * n + j] = beta;
        for (let other = j + 1; other < start + b; other++) {
          const along = dot(columns, at, columns, other * m + j, m - j);
          addScaled(columns, other * m + j, columns, at, m - j, -tau * along);
        }
      }
      const v = space.room(b * width);
      for (let i = 0; i < b; i++)
        v.set(columns.subarray((start + i) * m + start + i, (start + i + 1) * m), i * width + i);
      const t = blockFactor(space, rows(v, width), b, width, taus.subarray(start));
      factors.push({ start, b, v, t });
      const rest = n - start - b;
      const left = from(rows(columns, m), start + b, start);
      applyBlock(space, left, rest, rows(v, width), [b, width], t, false);
    }
    for (let j = 0; j < n; j++) for (let i = 0; i < Math.min(j, k); i++) r[i * n + j] = columns[j * m + i];
    columns.fill(0, 0, k * m);
    for (let i = 0; i < k; i++) columns[i * m + i] = 1;
    for (const { start, b, v, t } of factors.toReversed()) {
      const width = m - start;
      applyBlock(space, from(rows(columns, m), start, start), k - start, rows(v, width), [b, width], t, true);
    }
  });
  for (let i = 0; i < k; i++) {
    if (!(r[i * n + i] < 0)) continue;
    for (let j = i; j < n; j++) r[i * n + j] = -r[i * n + j];
    for (let j = 0; j < m; j++) columns[i * m + j] = -columns[i * m + j];
  }
}
