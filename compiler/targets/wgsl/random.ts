/**
 * Philox4x32-10 in WGSL, bit for bit as kernels/philox.ts. WGSL has no 64-bit product, so the high word of a product of
 * two 32-bit numbers comes from four products of 16-bit halves. Element numbers are below 2^32 here, so the block
 * number's high word is always 0.
 */

import type { Types } from "./lanes.js";
import type { Fragment } from "./library.js";

const rounds = `  for (var round = 0u; round < 10u; round++) {
    let h0 = multiply_high(M0, c0);
    let h1 = multiply_high(M1, c2);
    let l0 = M0 * c0;
    let l1 = M1 * c2;
    c0 = h1 ^ c1 ^ U(k0);
    c1 = l1;
    c2 = h0 ^ c3 ^ U(k1);
    c3 = l0;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }`;

function roundsOf({ n, U }: Types): string {
  return rounds
    .replaceAll("multiply_high(", `multiply_high${n}(`)
    .replaceAll("M0", `${U}(0xd2511f53u)`)
    .replaceAll("M1", `${U}(0xcd9e8d57u)`)
    .replaceAll("U(k", `${U}(k`);
}

export const randomFragments: readonly (readonly [string, Fragment])[] = [
  [
    "multiply_high",
    {
      needs: [],
      code: ({ n, U }) => `
fn multiply_high${n}(a: ${U}, b: ${U}) -> ${U} {
  let low_a = a & ${U}(0xffffu);
  let high_a = a >> ${U}(16u);
  let low_b = b & ${U}(0xffffu);
  let high_b = b >> ${U}(16u);
  let first = high_a * low_b + ((low_a * low_b) >> ${U}(16u));
  let second = low_a * high_b + (first & ${U}(0xffffu));
  return high_a * high_b + (first >> ${U}(16u)) + (second >> ${U}(16u));
}`,
    },
  ],
  [
    // Word `word` (0..3, each lane its own) of block `block` under the key (key0, key1).
    "philox",
    {
      needs: ["multiply_high"],
      code: (t) => `
fn philox${t.n}(block: ${t.U}, word: ${t.U}, key0: u32, key1: u32) -> ${t.U} {
  var c0 = block;
  var c1 = ${t.U}(0u);
  var c2 = ${t.U}(0u);
  var c3 = ${t.U}(0u);
  var k0 = key0;
  var k1 = key1;
${roundsOf(t)}
  let low = select(c0, c1, (word & ${t.U}(1u)) == ${t.U}(1u));
  let high = select(c2, c3, (word & ${t.U}(1u)) == ${t.U}(1u));
  return select(low, high, word > ${t.U}(1u));
}`,
    },
  ],
  [
    "packed_bits",
    {
      needs: ["philox"],
      code: ({ n, U }) => `
fn packed_bits${n}(i: ${U}, key0: u32, key1: u32) -> ${U} {
  let block = ((i >> ${U}(4u)) << ${U}(2u)) | (i & ${U}(3u));
  return philox${n}(block, (i >> ${U}(2u)) & ${U}(3u), key0, key1);
}`,
    },
  ],
];
