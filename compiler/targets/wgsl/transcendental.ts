/**
 * Transcendental functions in WGSL. The specification's own guarantees are too weak for most of them (exp: 3 + 2|x| ulp,
 * log: 2^-21 absolute next to 1, sin and cos: 2^-11, atan2: 4096 ulp, tanh and acos: about 1e-5), and they say nothing
 * about infinities, so these are argument reductions to a short interval and polynomials: Taylor's where they converge fast, the
 * rest fitted by least squares at Chebyshev nodes. Source of the reductions: W. Cody and W. Waite, "Software Manual for
 * the Elementary Functions" (1980). `wgslTolerance` says what they keep.
 */

import type { Types } from "./lanes.js";
import type { Fragment } from "./library.js";

const fragment = (needs: readonly string[], code: (t: Types) => string): Fragment => ({ needs, code });

/** Horner's scheme, lowest coefficient first. */
function polynomial(F: string, x: string, coefficients: readonly number[]): string {
  return coefficients
    .slice(0, -1)
    .reduceRight((inner, c) => `(${F}(${c}) + ${x} * ${inner})`, `${F}(${coefficients[coefficients.length - 1]})`);
}

/** pi / 2 in parts of 11, 11 and 24 bits: products with whole numbers below 2^13 are exact in the first two. */
const halfPi = [1.5703125, 0.00048351287841796875, 3.1391647326017846e-7] as const;
const expSeries = [1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040];
const logSeries = [2 / 3, 2 / 5, 2 / 7, 2 / 9, 2 / 11];
const sinSeries = [-1 / 6, 1 / 120, -1 / 5040, 1 / 362880];
const cosSeries = [1 / 24, -1 / 720, 1 / 40320, -1 / 3628800];
const tanhFit = [
  -0.3333333432674408, 0.13333304226398468, -0.05395940691232681, 0.021769966930150986, -0.008346994407474995,
  0.00229585450142622,
];
const asinFit = [
  0.16666673123836517, 0.07498808950185776, 0.045010700821876526, 0.026494264602661133, 0.038206472992897034,
];
const atanFit = [
  -0.3333333134651184, 0.1999955028295517, -0.1426423192024231, 0.10746298730373383, -0.06459376960992813,
];

const circular = (name: string, quarter: number): [string, Fragment] => [
  name,
  fragment(
    ["is_finite", "from_bits"],
    ({ n, F, I, U }) => `
fn ${name}${n}(x: ${F}) -> ${F} {
  let k = round(x * ${F}(0.6366197723675814));
  let near = ((x - k * ${F}(${halfPi[0]})) - k * ${F}(${halfPi[1]})) - k * ${F}(${halfPi[2]});
  let r = clamp(near, ${F}(-0.8), ${F}(0.8));
  let z = r * r;
  let s = r + r * z * ${polynomial(F, "z", sinSeries)};
  let c = (${F}(1.0) - ${F}(0.5) * z) + z * z * ${polynomial(F, "z", cosSeries)};
  let quarter = ${I}(clamp(k, ${F}(-1e9), ${F}(1e9))) + ${I}(${quarter});
  let y = select(s, c, (quarter & ${I}(1)) == ${I}(1));
  let turned = select(y, -y, (quarter & ${I}(2)) == ${I}(2));
  return select(from_bits${n}(${U}(0x7fc00000u)), turned, is_finite${n}(x));
}`,
  ),
];

export const transcendentalFragments: readonly (readonly [string, Fragment])[] = [
  [
    // 2^k by exponent bits, in two factors so that results below the normal range come out as far as the device has them.
    "scaled",
    fragment(
      [],
      ({ n, F, I, U }) => `
fn scaled${n}(x: ${F}, k: ${I}) -> ${F} {
  let half = k >> ${U}(1u);
  let rest = k - half;
  return x * bitcast<${F}>((half + ${I}(127)) << ${U}(23u)) * bitcast<${F}>((rest + ${I}(127)) << ${U}(23u));
}`,
    ),
  ],
  [
    "exponential",
    fragment(
      ["scaled", "gt", "is_nan", "from_bits"],
      ({ n, F, I, U }) => `
fn exponential${n}(x: ${F}) -> ${F} {
  let bounded = clamp(x, ${F}(-104.0), ${F}(89.0));
  let k = round(bounded * ${F}(1.4426950408889634));
  let r = (bounded - k * ${F}(0.693359375)) + k * ${F}(0.00021219444);
  let y = scaled${n}(${polynomial(F, "r", expSeries)}, ${I}(k));
  return select(select(y, from_bits${n}(${U}(0x7f800000u)), gt${n}(x, ${F}(88.72284))), x, is_nan${n}(x));
}`,
    ),
  ],
  [
    // log(2^k (1 + f)) = k log 2 + f - (f^2/2 - s (f^2/2 + R)), s = f / (2 + f), R the tail of the series of artanh.
    "logarithm",
    fragment(
      ["is_nan", "from_bits"],
      ({ n, F, I, U }) => `
fn logarithm${n}(x: ${F}) -> ${F} {
  let tiny = bitcast<${U}>(x) < ${U}(0x00800000u);
  let b = bitcast<${U}>(select(x, x * ${F}(8388608.0), tiny)) - ${U}(0x3f3504f3u);
  let k = ${F}((bitcast<${I}>(b) >> ${U}(23u)) - select(${I}(0), ${I}(23), tiny));
  let f = bitcast<${F}>((b & ${U}(0x7fffffu)) + ${U}(0x3f3504f3u)) - ${F}(1.0);
  let s = f / (${F}(2.0) + f);
  let z = s * s;
  let h = ${F}(0.5) * f * f;
  let y = k * ${F}(0.693359375) - ((h - (s * (h + z * ${polynomial(F, "z", logSeries)}) - k * ${F}(0.00021219444))) - f);
  let raw = bitcast<${U}>(x);
  let low = select(y, from_bits${n}(${U}(0xff800000u)), (raw & ${U}(0x7fffffffu)) == ${U}(0u));
  let high = select(low, x, raw == ${U}(0x7f800000u));
  return select(high, from_bits${n}(${U}(0x7fc00000u)), is_nan${n}(x) | (raw > ${U}(0x80000000u)));
}`,
    ),
  ],
  [
    // |a|^b = 2^(b log2 |a|) with log2 |a| = k + g: b k is exact in two parts, so large k cost no bits.
    "power",
    fragment(
      ["scaled", "is_nan", "magnitude", "from_bits"],
      ({ n, F, I, U }) => `
fn power${n}(a: ${F}, b: ${F}) -> ${F} {
  let size = magnitude${n}(a);
  let tiny = bitcast<${U}>(size) < ${U}(0x00800000u);
  let m = bitcast<${U}>(select(size, size * ${F}(8388608.0), tiny)) - ${U}(0x3f3504f3u);
  let k = ${F}((bitcast<${I}>(m) >> ${U}(23u)) - select(${I}(0), ${I}(23), tiny));
  let f = bitcast<${F}>((m & ${U}(0x7fffffu)) + ${U}(0x3f3504f3u)) - ${F}(1.0);
  let s = f / (${F}(2.0) + f);
  let z = s * s;
  let h = ${F}(0.5) * f * f;
  let g = f - (h - s * (h + z * ${polynomial(F, "z", logSeries)}));
  let head = bitcast<${F}>(bitcast<${U}>(b) & ${U}(0xfffff000u));
  let tail = b - head;
  let whole = round(clamp(b * (k + g * ${F}(1.4426950408889634)), ${F}(-151.0), ${F}(129.0)));
  let left = ((head * k - whole) + tail * k) * ${F}(0.6931471805599453) + b * g;
  let r = clamp(left, ${F}(-1.0), ${F}(1.0));
  let y = scaled${n}(${polynomial(F, "r", expSeries)}, ${I}(whole));
  // The special cases, in rising order of precedence: those of JavaScript, where 1^inf is NaN.
  let infinite = from_bits${n}(${U}(0x7f800000u));
  let undefined = from_bits${n}(${U}(0x7fc00000u));
  let size_bits = bitcast<${U}>(size);
  let b_bits = bitcast<${U}>(magnitude${n}(b));
  let b_rises = bitcast<${I}>(b) >= ${I}(0);
  let whole_b = (b_bits >= ${U}(0x4b000000u)) | (trunc(b) == b);
  let odd = whole_b & (b_bits < ${U}(0x4b800000u)) & ((${I}(clamp(b, ${F}(-16777216.0), ${F}(16777216.0))) & ${I}(1)) == ${I}(1));
  let large = size_bits > ${U}(0x3f800000u);
  var result = y;
  result = select(result, select(${F}(0.0), infinite, large == b_rises), (size_bits == ${U}(0u)) | (size_bits == ${U}(0x7f800000u)) | (b_bits == ${U}(0x7f800000u)));
  result = select(result, -result, (bitcast<${I}>(a) < ${I}(0)) & odd);
  result = select(result, undefined, (bitcast<${I}>(a) < ${I}(0)) & !whole_b & (size_bits != ${U}(0u)) & (size_bits != ${U}(0x7f800000u)));
  result = select(result, undefined, (size_bits == ${U}(0x3f800000u)) & (b_bits == ${U}(0x7f800000u)));
  result = select(result, undefined, is_nan${n}(a) | is_nan${n}(b));
  return select(result, ${F}(1.0), b_bits == ${U}(0u));
}`,
    ),
  ],
  circular("sine", 0),
  circular("cosine", 1),
  [
    "hyperbolic_tangent",
    fragment(
      ["exponential", "magnitude", "is_nan"],
      ({ n, F, U }) => `
fn hyperbolic_tangent${n}(x: ${F}) -> ${F} {
  let size = magnitude${n}(x);
  let z = x * x;
  let near = size + size * z * ${polynomial(F, "z", tanhFit)};
  let far = ${F}(1.0) - ${F}(2.0) / (exponential${n}(clamp(size, ${F}(0.0), ${F}(20.0)) * ${F}(2.0)) + ${F}(1.0));
  let y = select(far, near, size < ${F}(0.625));
  let turned = bitcast<${F}>(bitcast<${U}>(y) | (bitcast<${U}>(x) & ${U}(0x80000000u)));
  return select(turned, x, is_nan${n}(x));
}`,
    ),
  ],
  [
    "arc_cosine",
    fragment(
      ["magnitude", "from_bits"],
      ({ n, F, I, U }) => `
fn arc_cosine${n}(x: ${F}) -> ${F} {
  let size = magnitude${n}(x);
  let inner = size <= ${F}(0.5);
  let z = select(${F}(0.5) * (${F}(1.0) - size), x * x, inner);
  let s = select(sqrt(max(z, ${F}(0.0))), x, inner);
  let y = s + s * z * ${polynomial(F, "z", asinFit)};
  let outer = select(${F}(2.0) * y, ${F}(3.141592653589793) - ${F}(2.0) * y, bitcast<${I}>(x) < ${I}(0));
  let result = select(outer, ${F}(1.5707963267948966) - y, inner);
  return select(result, from_bits${n}(${U}(0x7fc00000u)), bitcast<${U}>(size) > ${U}(0x3f800000u));
}`,
    ),
  ],
  [
    "arc_tangent",
    fragment(
      ["magnitude", "is_nan", "least", "greatest", "from_bits"],
      ({ n, F, I, U }) => `
fn arc_tangent${n}(y: ${F}, x: ${F}) -> ${F} {
  let across = magnitude${n}(x);
  let up = magnitude${n}(y);
  let long = greatest${n}(across, up);
  let ratio = select(least${n}(across, up) / long, ${F}(0.0), bitcast<${U}>(long) == ${U}(0u));
  let t = select(ratio, ${F}(1.0), (bitcast<${U}>(across) == bitcast<${U}>(up)) & (bitcast<${U}>(up) == ${U}(0x7f800000u)));
  let finite = select(t, ${F}(0.0), (bitcast<${U}>(long) == ${U}(0x7f800000u)) & (bitcast<${U}>(across) != bitcast<${U}>(up)));
  let steep = finite > ${F}(0.4142135623730951);
  let u = select(finite, (finite - ${F}(1.0)) / (finite + ${F}(1.0)), steep);
  let z = u * u;
  let a = select(${F}(0.0), ${F}(0.7853981633974483), steep) + (u + u * z * ${polynomial(F, "z", atanFit)});
  let turned = select(a, ${F}(1.5707963267948966) - a, bitcast<${U}>(up) > bitcast<${U}>(across));
  let back = select(turned, ${F}(3.141592653589793) - turned, bitcast<${I}>(x) < ${I}(0));
  let signed = bitcast<${F}>(bitcast<${U}>(back) | (bitcast<${U}>(y) & ${U}(0x80000000u)));
  return select(signed, from_bits${n}(${U}(0x7fc00000u)), is_nan${n}(x) | is_nan${n}(y));
}`,
    ),
  ],
];
