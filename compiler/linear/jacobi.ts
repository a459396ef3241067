/**
 * Singular values by rotating columns until all are orthogonal (Hestenes, 1958). In: the columns of a matrix as rows. Out:
 * singular values, and vectors as rows, to the last place even where singular values differ by many orders. For matrices
 * with few columns.
 */
import type { Decomposition } from "./eigen.js";
import { dot, orthogonalise } from "./reflectors.js";
import type { Space } from "./space.js";

/** Sweeps over all pairs; six to ten are usual. */
const mostSweeps = 40;

/** `columns` [n, m], n <= m, is overwritten. */
export function rotateColumns(space: Space, columns: Float64Array, m: number, n: number, count: number): Decomposition {
  const turns = space.room(n * n);
  for (let i = 0; i < n; i++) turns[i * n + i] = 1;
  for (let sweep = 0; sweep < mostSweeps; sweep++) {
    let isDone = true;
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) if (rotatePair(columns, m, turns, n, i, j)) isDone = false;
    }
    if (isDone) break;
  }
  const lengths = Array.from({ length: n }, (_, i) => Math.sqrt(dot(columns, i * m, columns, i * m, m)));
  const order = lengths.map((_, i) => i).sort((i, j) => lengths[j] - lengths[i] || i - j);
  const values = Float64Array.from(order.slice(0, count), (i) => lengths[i]);
  const [left, right] = [space.room(n * m), space.room(count * n)];
  let isFull = true;
  order.forEach((i, to) => {
    if (to < count) right.set(turns.subarray(i * n, (i + 1) * n), to * n);
    const length = lengths[i];
    // A column of zeros, or of rounding errors of a longer one, has no direction of its own.
    if (!(length > Number.EPSILON * m * lengths[order[0]])) isFull = false;
    for (let l = 0; l < m; l++) left[to * m + l] = length > 0 ? columns[i * m + l] / length : 0;
  });
  if (!isFull) orthogonalise(space, left, m, n, space.room(n * n));
  return { left: left.subarray(0, count * m), values, right };
}

/** Makes two columns orthogonal; false where they are. */
function rotatePair(x: Float64Array, m: number, turns: Float64Array, n: number, i: number, j: number): boolean {
  const [a, b] = [i * m, j * m];
  let [aa, bb, ab] = [0, 0, 0];
  for (let l = 0; l < m; l++) {
    const [p, q] = [x[a + l], x[b + l]];
    aa += p * p;
    bb += q * q;
    ab += p * q;
  }
  if (!(Math.abs(ab) > Number.EPSILON * Math.sqrt(aa) * Math.sqrt(bb)) || ab === 0) return false;
  const slope = (bb - aa) / (2 * ab);
  const tangent = (slope < 0 ? -1 : 1) / (Math.abs(slope) + Math.sqrt(1 + slope * slope));
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  const sine = cosine * tangent;
  turn(x, a, b, m, cosine, sine);
  turn(turns, i * n, j * n, n, cosine, sine);
  return true;
}

function turn(x: Float64Array, a: number, b: number, n: number, cosine: number, sine: number): void {
  for (let l = 0; l < n; l++) {
    const p = x[a + l];
    x[a + l] = cosine * p - sine * x[b + l];
    x[b + l] = sine * p + cosine * x[b + l];
  }
}
