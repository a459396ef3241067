/**
 * Symmetric eigenvalues and singular values. In: a matrix in room of a space. Out: values in descending order and vectors
 * as rows.
 *
 * The singular vectors of a large matrix are eigenvectors of x^T x. Everything is computed in f64, so the squares in that
 * product cost what lies below 1e-8 of the largest singular value, a sixth of a unit in the last place of an f32 there;
 * where singular values come near to that, the left vectors are made orthogonal by reflections. Small matrices are rotated
 * into orthogonal columns instead (Hestenes, 1958), which loses nothing.
 */
import { tridiagonalEigen } from "./divide.js";
import { rotateColumns } from "./jacobi.js";
import { orthogonalise } from "./reflectors.js";
import { from, type Matrix, multiply, rows, type Space, turned } from "./space.js";
import { carryBack, tridiagonalise } from "./tridiagonal.js";

/** Up to here columns are rotated. */
const mostRotated = 48;
/** Columns of x v shorter than this times the longest may lean on others. */
const leaning = 1e-5;

/** The `count` largest eigenvalues of the symmetric `a` [n, n] (its upper triangle is read and overwritten), descending. */
export function symmetricEigen(
  space: Space,
  a: Float64Array,
  n: number,
  count: number,
): { readonly values: Float64Array; readonly vectors: Float64Array } {
  const vectors = space.room(count * n);
  if (n === 0) return { values: new Float64Array(0), vectors };
  const scale = scaleOf(a);
  if (!Number.isFinite(scale))
    return { values: new Float64Array(count).fill(Number.NaN), vectors: vectors.fill(Number.NaN) };
  for (let i = 0; i < n * n; i++) a[i] *= scale;
  const { d, e, taus } = tridiagonalise(space, a, n);
  const values = tridiagonalEigen(space, d, e, count, vectors);
  carryBack(space, a, n, taus, vectors, count);
  return { values: values.map((x) => x / scale), vectors };
}

export interface Decomposition {
  /** Rows of length m, one a singular value. */
  readonly left: Float64Array;
  /** Descending, none negative. */
  readonly values: Float64Array;
  /** Rows of length n. */
  readonly right: Float64Array;
}

/** The `count` largest singular values of x [m, n] and their vectors; x is overwritten. All are NaN if one element is no number. */
export function singularValues(space: Space, x: Float64Array, m: number, n: number, count: number): Decomposition {
  const scale = scaleOf(x);
  if (!Number.isFinite(scale)) {
    const none = (length: number) => space.room(length).fill(Number.NaN);
    return { left: none(count * m), values: none(count), right: none(count * n) };
  }
  for (let i = 0; i < m * n; i++) x[i] *= scale;
  const given = rows(x, n);
  const isWide = m < n;
  const found =
    Math.min(m, n) <= mostRotated
      ? rotated(space, isWide ? turned(given) : given, Math.max(m, n), Math.min(m, n), count)
      : squared(space, isWide ? turned(given) : given, Math.max(m, n), Math.min(m, n), count);
  const values = found.values.map((value) => value / scale);
  return isWide ? { left: found.right, values, right: found.left } : { ...found, values };
}

/** A power of two that brings the largest magnitude into [1, 2); 1 for zeros, NaN where an element is not finite. */
function scaleOf(x: Float64Array): number {
  let largest = 0;
  for (const each of x) {
    const size = Math.abs(each);
    if (!(size <= Number.MAX_VALUE)) return Number.NaN;
    if (size > largest) largest = size;
  }
  return largest === 0 ? 1 : 2 ** -Math.max(-1000, Math.min(1000, Math.floor(Math.log2(largest))));
}

/** Rows of the columns of a strided matrix. */
function columnsOf(space: Space, x: Matrix, m: number, n: number): Float64Array {
  const columns = space.room(n * m);
  for (let j = 0; j < n; j++) for (let i = 0; i < m; i++) columns[j * m + i] = x.data[x.at + i * x.row + j * x.col];
  return columns;
}

function rotated(space: Space, x: Matrix, m: number, n: number, count: number): Decomposition {
  const columns = columnsOf(space, x, m, n);
  if (m <= 2 * n) return rotateColumns(space, columns, m, n, count);
  const r = space.room(n * n);
  orthogonalise(space, columns, m, n, r);
  const inner = rotateColumns(space, columnsOf(space, rows(r, n), n, n), n, n, count);
  const left = space.room(count * m);
  multiply(space, [count, m, n], rows(inner.left, n), rows(columns, m), rows(left, m));
  return { ...inner, left };
}

/** Rows of a triangle that are computed together. */
const gramRows = 256;

function squared(space: Space, x: Matrix, m: number, n: number, count: number): Decomposition {
  const left = space.room(count * m);
  const right = space.room(count * n);
  const values = new Float64Array(count);
  space.within(() => {
    const gram = space.room(n * n);
    for (let row = 0; row < n; row += gramRows) {
      const height = Math.min(gramRows, n - row);
      const to = from(rows(gram, n), row, row);
      multiply(space, [height, n - row, m], turned(from(x, 0, row)), from(x, 0, row), to);
    }
    right.set(symmetricEigen(space, gram, n, count).vectors);
  });
  multiply(space, [count, m, n], rows(right, n), turned(x), rows(left, m));
  let isLeaning = false;
  for (let i = 0; i < count; i++) {
    values[i] = lengthOf(left, i * m, m);
    isLeaning ||= !(values[i] > leaning * values[0]);
  }
  if (isLeaning) {
    space.within(() => {
      const r = space.room(count * count);
      orthogonalise(space, left, m, count, r);
      for (let i = 0; i < count; i++) values[i] = r[i * count + i];
    });
  } else for (let i = 0; i < count; i++) for (let j = 0; j < m; j++) left[i * m + j] /= values[i];
  return inOrder({ left, values, right }, m, n);
}

function lengthOf(x: Float64Array, at: number, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += x[at + i] * x[at + i];
  return Math.sqrt(sum);
}

/** Neighbours that rounding has put into the wrong order change places. */
function inOrder({ left, values, right }: Decomposition, m: number, n: number): Decomposition {
  const order = Array.from(values, (_, i) => i).sort((i, j) => values[j] - values[i] || i - j);
  if (order.every((from, to) => from === to)) return { left, values, right };
  const moved = (x: Float64Array, width: number) => {
    const old = x.slice();
    order.forEach((from, to) => {
      x.set(old.subarray(from * width, (from + 1) * width), to * width);
    });
    return x;
  };
  return { left: moved(left, m), values: moved(values, 1), right: moved(right, n) };
}
