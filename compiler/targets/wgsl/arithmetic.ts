/**
 * Comparisons, extremes, divisions and conversions in WGSL. A WGSL compiler may assume that no number is NaN or
 * infinite, so whatever must hold for those is done on the bits: `ranked` maps a float to an integer that orders as the
 * numbers do (both zeros are equal), `signed_rank` puts -0 below +0 as Math.min and Math.max do.
 * Source: "Floating Point Evaluation" of the WGSL specification.
 */

import type { Types } from "./lanes.js";
import type { Fragment } from "./library.js";

const fragment = (needs: readonly string[], code: (t: Types) => string): Fragment => ({ needs, code });

const compare = (name: string, left: string, operator: string, right: string): [string, Fragment] => [
  name,
  fragment(
    ["ranked", "is_nan"],
    ({ n, F, B }) =>
      `fn ${name}${n}(a: ${F}, b: ${F}) -> ${B} { return (ranked${n}(${left}) ${operator} ranked${n}(${right})) & !(is_nan${n}(a) | is_nan${n}(b)); }`,
  ),
];

const extreme = (name: string, operator: string): [string, Fragment] => [
  name,
  fragment(
    ["signed_rank", "is_nan"],
    ({ n, F }) => `
fn ${name}${n}(a: ${F}, b: ${F}) -> ${F} {
  let picked = select(b, a, signed_rank${n}(a) ${operator} signed_rank${n}(b));
  return select(select(picked, b, is_nan${n}(b)), a, is_nan${n}(a));
}`,
  ),
];

export const arithmeticFragments: readonly (readonly [string, Fragment])[] = [
  // A float from bits that may be NaN or infinite: a call is never a constant expression, in which such bits are an error.
  ["from_bits", fragment([], ({ n, F, U }) => `fn from_bits${n}(b: ${U}) -> ${F} { return bitcast<${F}>(b); }`)],
  [
    "is_nan",
    fragment(
      [],
      ({ n, F, U, B }) =>
        `fn is_nan${n}(x: ${F}) -> ${B} { return (bitcast<${U}>(x) & ${U}(0x7fffffffu)) > ${U}(0x7f800000u); }`,
    ),
  ],
  [
    "is_finite",
    fragment(
      [],
      ({ n, F, U, B }) =>
        `fn is_finite${n}(x: ${F}) -> ${B} { return (bitcast<${U}>(x) & ${U}(0x7f800000u)) != ${U}(0x7f800000u); }`,
    ),
  ],
  [
    "ranked",
    fragment(
      [],
      ({ n, F, I, U }) => `
fn ranked${n}(x: ${F}) -> ${I} {
  let b = bitcast<${I}>(x);
  return select(b, bitcast<${I}>(${U}(0x80000000u) - bitcast<${U}>(x)), b < ${I}(0));
}`,
    ),
  ],
  [
    "signed_rank",
    fragment(
      [],
      ({ n, F, I, U }) => `
fn signed_rank${n}(x: ${F}) -> ${I} {
  let b = bitcast<${I}>(x);
  return b ^ ((b >> ${U}(31u)) & ${I}(0x7fffffff));
}`,
    ),
  ],
  [
    "order_key",
    fragment(
      [],
      ({ n, F, U }) => `
fn order_key${n}(x: ${F}) -> ${U} {
  let raw = bitcast<${U}>(x);
  let b = select(raw, ${U}(0u), raw == ${U}(0x80000000u));
  return select(b | ${U}(0x80000000u), ~b, b > ${U}(0x7fffffffu));
}`,
    ),
  ],
  compare("lt", "a", "<", "b"),
  compare("le", "a", "<=", "b"),
  compare("gt", "a", ">", "b"),
  compare("ge", "a", ">=", "b"),
  compare("eq", "a", "==", "b"),
  ["ne", fragment(["eq"], ({ n, F, B }) => `fn ne${n}(a: ${F}, b: ${F}) -> ${B} { return !eq${n}(a, b); }`)],
  extreme("least", "<="),
  extreme("greatest", ">="),
  [
    "flip_sign",
    fragment(
      [],
      ({ n, F, U }) =>
        `fn flip_sign${n}(x: ${F}) -> ${F} { return bitcast<${F}>(bitcast<${U}>(x) ^ ${U}(0x80000000u)); }`,
    ),
  ],
  [
    "magnitude",
    fragment(
      [],
      ({ n, F, U }) =>
        `fn magnitude${n}(x: ${F}) -> ${F} { return bitcast<${F}>(bitcast<${U}>(x) & ${U}(0x7fffffffu)); }`,
    ),
  ],
  [
    // WGSL allows an error of 2.5 ulp in a / b; one step of correction makes quotients that are whole numbers whole.
    "divide",
    fragment(
      ["is_finite"],
      ({ n, F, U }) => `
fn divide${n}(a: ${F}, b: ${F}) -> ${F} {
  let q = a / b;
  let better = q + fma(-q, b, a) / b;
  return select(q, better, is_finite${n}(better) & ((bitcast<${U}>(q) << ${U}(1u)) != ${U}(0u)));
}`,
    ),
  ],
  [
    "modulo",
    fragment(
      ["divide", "lt", "ge", "eq", "magnitude"],
      ({ n, F }) => `
fn modulo${n}(a: ${F}, b: ${F}) -> ${F} {
  let r = fma(-b, floor(divide${n}(a, b)), a);
  let lowered = select(r, r - b, ge${n}(magnitude${n}(r), magnitude${n}(b)));
  return select(lowered, r + b, (lt${n}(r, ${F}(0.0)) != lt${n}(b, ${F}(0.0))) & !eq${n}(r, ${F}(0.0)));
}`,
    ),
  ],
  [
    "floor_divide",
    fragment(
      [],
      ({ n, I }) => `
fn floor_divide${n}(a: ${I}, b: ${I}) -> ${I} {
  let q = a / b;
  let r = a % b;
  let down = select(q, q - ${I}(1), (r != ${I}(0)) & ((r < ${I}(0)) != (b < ${I}(0))));
  return select(down, ${I}(0), b == ${I}(0));
}`,
    ),
  ],
  [
    "floor_modulo",
    fragment(
      [],
      ({ n, I }) => `
fn floor_modulo${n}(a: ${I}, b: ${I}) -> ${I} {
  let r = a % b;
  let up = select(r, r + b, (r != ${I}(0)) & ((r < ${I}(0)) != (b < ${I}(0))));
  return select(up, a, b == ${I}(0));
}`,
    ),
  ],
  [
    "to_i32",
    fragment(
      ["is_nan"],
      ({ n, F, I, U }) => `
fn to_i32${n}(x: ${F}) -> ${I} {
  let small = (bitcast<${U}>(x) & ${U}(0x7fffffffu)) < ${U}(0x4f000000u);
  let end = select(${I}(2147483647), ${I}(-2147483647 - 1), bitcast<${I}>(x) < ${I}(0));
  return select(select(end, ${I}(select(${F}(0.0), x, small)), small), ${I}(0), is_nan${n}(x));
}`,
    ),
  ],
  [
    "to_u32",
    fragment(
      ["is_nan"],
      ({ n, F, I, U }) => `
fn to_u32${n}(x: ${F}) -> ${U} {
  let small = bitcast<${U}>(x) < ${U}(0x4f800000u);
  let inside = select(${U}(0xffffffffu), ${U}(select(${F}(0.0), x, small)), small);
  return select(inside, ${U}(0u), (bitcast<${I}>(x) < ${I}(0)) | is_nan${n}(x));
}`,
    ),
  ],
];
