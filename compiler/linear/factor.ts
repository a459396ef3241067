/**
 * Factors of square matrices and what is solved with them. In: matrices in room of a space, rows one after the other. Out:
 * solutions in place. A block of columns is factored by itself; what is left changes by one product (Golub and Van Loan,
 * Matrix Computations, 3.2 and 4.2).
 */
import { from, multiply, rows, type Space, turned } from "./space.js";

const block = 32;

/**
 * The lower triangle l with l l^T = a, zeros above, in place of the symmetric `a` [n, n], of which the lower triangle is
 * read. All NaN where the matrix is not positive definite.
 */
export function cholesky(space: Space, a: Float64Array, n: number): void {
  for (let start = 0; start < n; start += block) {
    const end = Math.min(n, start + block);
    for (let j = start; j < end; j++) {
      let pivot = a[j * n + j];
      for (let l = start; l < j; l++) pivot -= a[j * n + l] * a[j * n + l];
      if (!(pivot > 0)) {
        a.fill(Number.NaN);
        return;
      }
      const root = Math.sqrt(pivot);
      a[j * n + j] = root;
      for (let i = j + 1; i < n; i++) {
        let sum = a[i * n + j];
        for (let l = start; l < j; l++) sum -= a[i * n + l] * a[j * n + l];
        a[i * n + j] = sum / root;
      }
    }
    const column = from(rows(a, n), end, start);
    multiply(space, [n - end, n - end, end - start], column, turned(column), from(rows(a, n), end, end), -1, true);
  }
  for (let i = 0; i < n; i++) a.fill(0, i * n + i + 1, (i + 1) * n);
}

/** The x with t x = b in place of `b` [n, k], for the lower or upper triangle of `t` [n, n]; the other is not read. */
export function solveTriangle(
  space: Space,
  t: Float64Array,
  n: number,
  b: Float64Array,
  k: number,
  isUpper: boolean,
  isUnit = false,
): void {
  const blocks = Array.from({ length: Math.ceil(n / block) }, (_, i) => i * block);
  for (const start of isUpper ? blocks.toReversed() : blocks) {
    const end = Math.min(n, start + block);
    for (let at = 0; at < end - start; at++) {
      const i = isUpper ? end - 1 - at : start + at;
      const [first, last] = isUpper ? [i + 1, end] : [start, i];
      for (let l = first; l < last; l++) {
        const factor = t[i * n + l];
        for (let c = 0; c < k; c++) b[i * k + c] -= factor * b[l * k + c];
      }
      if (!isUnit) for (let c = 0; c < k; c++) b[i * k + c] /= t[i * n + i];
    }
    const [first, last] = isUpper ? [0, start] : [end, n];
    multiply(
      space,
      [last - first, k, end - start],
      from(rows(t, n), first, start),
      from(rows(b, k), start, 0),
      from(rows(b, k), first, 0),
      -1,
      true,
    );
  }
}

/**
 * The x with a x = b in place of `b` [n, k]; `a` [n, n] is overwritten. Rows change places so that the largest element of
 * each column leads. A singular matrix gives values that are not finite.
 */
export function solveSystem(space: Space, a: Float64Array, n: number, b: Float64Array, k: number): void {
  for (let start = 0; start < n; start += block) {
    const end = Math.min(n, start + block);
    for (let j = start; j < end; j++) {
      let pivot = j;
      for (let i = j + 1; i < n; i++) if (Math.abs(a[i * n + j]) > Math.abs(a[pivot * n + j])) pivot = i;
      swap(a, n, j, pivot);
      swap(b, k, j, pivot);
      for (let i = j + 1; i < n; i++) {
        const factor = a[i * n + j] / a[j * n + j];
        a[i * n + j] = factor;
        for (let c = j + 1; c < end; c++) a[i * n + c] -= factor * a[j * n + c];
      }
    }
    // The rows of the block, right of it: they take part in their own elimination.
    for (let j = start; j < end; j++) {
      for (let i = j + 1; i < end; i++) {
        const factor = a[i * n + j];
        for (let c = end; c < n; c++) a[i * n + c] -= factor * a[j * n + c];
      }
    }
    const width = n - end;
    const whole = rows(a, n);
    multiply(
      space,
      [width, width, end - start],
      from(whole, end, start),
      from(whole, start, end),
      from(whole, end, end),
      -1,
      true,
    );
  }
  solveTriangle(space, a, n, b, k, false, true);
  solveTriangle(space, a, n, b, k, true);
}

function swap(x: Float64Array, width: number, i: number, j: number): void {
  if (i === j) return;
  const line = x.slice(i * width, (i + 1) * width);
  x.copyWithin(i * width, j * width, (j + 1) * width);
  x.set(line, j * width);
}
