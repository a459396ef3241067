/**
 * The eigenvectors of a small symmetric tridiagonal matrix by the QL iteration with implicit shifts (Bowdler, Martin,
 * Reinsch and Wilkinson, 1968). In: d, e and a place for the vectors. Out: d in ascending order, its eigenvectors the
 * columns of a block of `q`.
 */

/** Turns before an eigenvalue is taken as it is; two or three are usual. */
const mostTurns = 60;

/** `q` has rows of `stride`; the block of n x n begins at `at`. e[n - 1] is not read. */
export function smallTridiagonal(
  d: Float64Array,
  e: Float64Array,
  n: number,
  q: Float64Array,
  at: number,
  stride: number,
): void {
  const off = Float64Array.from({ length: n }, (_, i) => (i < n - 1 ? e[i] : 0));
  for (let i = 0; i < n; i++) {
    q.fill(0, at + i * stride, at + i * stride + n);
    q[at + i * stride + i] = 1;
  }
  const isSmall = (i: number) => Math.abs(off[i]) <= Number.EPSILON * (Math.abs(d[i]) + Math.abs(d[i + 1]));
  for (let low = 0; low < n; low++) {
    for (let turn = 0; turn < mostTurns; turn++) {
      let high = low;
      while (high < n - 1 && !isSmall(high)) high++;
      if (high === low) break;
      step(d, off, low, high, (i, cosine, sine) => {
        for (let row = 0, p = at + i; row < n; row++, p += stride) {
          const next = q[p + 1];
          q[p + 1] = sine * q[p] + cosine * next;
          q[p] = cosine * q[p] - sine * next;
        }
      });
    }
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => d[i] - d[j]);
  const sorted = order.map((i) => d[i]);
  const row = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    order.forEach((from, to) => {
      row[to] = q[at + i * stride + from];
    });
    q.set(row, at + i * stride);
  }
  d.set(sorted);
}

/** One QL turn of the unreduced rows low..high; `rotate` gets each rotation of the columns i and i + 1. */
function step(
  d: Float64Array,
  off: Float64Array,
  low: number,
  high: number,
  rotate: (i: number, cosine: number, sine: number) => void,
): void {
  const slope = (d[low + 1] - d[low]) / (2 * off[low]);
  const length = Math.sqrt(slope * slope + 1);
  let g = d[high] - d[low] + off[low] / (slope + (slope < 0 ? -length : length));
  let [sine, cosine, shift] = [1, 1, 0];
  for (let i = high - 1; i >= low; i--) {
    const f = sine * off[i];
    const b = cosine * off[i];
    const r = Math.sqrt(f * f + g * g);
    off[i + 1] = r;
    if (r === 0) {
      d[i + 1] -= shift;
      off[high] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    g = d[i + 1] - shift;
    const t = (d[i] - g) * sine + 2 * cosine * b;
    shift = sine * t;
    d[i + 1] = g + shift;
    g = cosine * t - b;
    rotate(i, cosine, sine);
  }
  d[low] -= shift;
  off[low] = g;
  off[high] = 0;
}
