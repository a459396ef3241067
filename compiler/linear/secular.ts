/**
 * The secular equation 1 / rho + sum_j z_j^2 / (d_j - x) = 0: its roots are the eigenvalues of diag(d) + rho z z^T. In:
 * d ascending and distinct, z without zeros and of length 1, rho > 0. Out: one root and its distances to all d, exact to
 * a few units in the last place because they are measured from the nearest d. The iteration is the "middle way" of Li
 * (1993), kept inside a bracket.
 */

/** Steps before the bracket is taken as it is; five are usual. */
const mostSteps = 120;

/** The k-th root; `delta[at + j]` becomes d[j] - root. */
export function secularRoot(
  d: Float64Array,
  z: Float64Array,
  rho: number,
  k: number,
  count: number,
  delta: Float64Array,
  at: number,
): number {
  const floor = 1 / rho;
  if (count === 1) {
    delta[at] = -rho * z[0] * z[0];
    return d[0] - delta[at];
  }
  const isLast = k === count - 1;
  let origin = k;
  let [low, high] = [0, rho];
  if (!isLast) {
    const half = (d[k + 1] - d[k]) / 2;
    let middle = floor;
    for (let j = 0; j < count; j++) middle += (z[j] * z[j]) / (d[j] - d[k] - half);
    high = half;
    if (middle < 0) {
      origin = k + 1;
      low = -half;
      high = 0;
    }
  }
  // The two poles between which (or after which) the root lies, and how many terms count to the left one.
  const left = isLast ? k - 1 : k;
  const base = d[origin];
  let x = (low + high) / 2;
  for (let turn = 0; turn < mostSteps; turn++) {
    let [below, above, slopeBelow, slopeAbove] = [0, 0, 0, 0];
    for (let j = 0; j <= left; j++) {
      const t = z[j] / (d[j] - base - x);
      below += z[j] * t;
      slopeBelow += t * t;
    }
    for (let j = left + 1; j < count; j++) {
      const t = z[j] / (d[j] - base - x);
      above += z[j] * t;
      slopeAbove += t * t;
    }
    const value = floor + below + above;
    if (Math.abs(value) <= 8 * Number.EPSILON * (floor + Math.abs(below) + Math.abs(above))) break;
    if (value < 0) low = x;
    else high = x;
    if (high - low <= Number.EPSILON * Math.min(Math.abs(low) + Math.abs(high), Math.abs(x))) break;
    const next = x + towards(d[left] - base - x, d[left + 1] - base - x, value, slopeBelow, slopeAbove);
    x = next > low && next < high ? next : between(low, high);
  }
  for (let j = 0; j < count; j++) delta[at + j] = d[j] - base - x;
  return base + x;
}

/** The step to the root of the two-pole model with the function's value and slopes. */
function towards(left: number, right: number, value: number, slopeBelow: number, slopeAbove: number): number {
  const slope = slopeBelow + slopeAbove;
  const c = value - left * slopeBelow - right * slopeAbove;
  const a = (left + right) * value - left * right * slope;
  const b = left * right * value;
  const root = Math.sqrt(Math.abs(a * a - 4 * b * c));
  const isOutside = left < 0 && right < 0;
  const step = isOutside
    ? a >= 0
      ? (a + root) / (2 * Math.abs(c))
      : (2 * b) / (a - root)
    : a <= 0
      ? (a - root) / (2 * c)
      : (2 * b) / (a + root);
  return step * value < 0 ? step : -value / slope;
}

/** A point inside the bracket; of a bracket that begins at a pole one much nearer to it. */
function between(low: number, high: number): number {
  if (low === 0) return high / 64;
  return high === 0 ? low / 64 : (low + high) / 2;
}
