/**
 * Philox4x32-10 (Salmon et al., SC 2011): counter-based random bits, and the counters that elements use.
 *
 * Element i of a tensor, `word: "packed"`: of 16 consecutive elements, four blocks in four lanes give all bits.
 * The block number is floor(i / 16) * 4 + i % 4, the word of the block is floor(i / 4) % 4, so that a vector unit that
 * runs four blocks side by side gets the bits of elements 0..3 in word 0, of 4..7 in word 1, and so on.
 * `word: 0` or `1`: the block number is i, for draws that need two numbers an element (normal).
 * The counter is (block low, block high, 0, 0); the key is given by the draw.
 */

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** High and low 32 bits of a * b. */
function mulhilo(a: number, b: number): [number, number] {
  const product = BigInt(a >>> 0) * BigInt(b >>> 0);
  return [Number(product >> 32n), Number(product & 0xffffffffn)];
}

/** Ten rounds; counter and key as u32. */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [h0, l0] = mulhilo(M0, c0);
    const [h1, l1] = mulhilo(M1, c2);
    [c0, c1, c2, c3] = [(h1 ^ c1 ^ k0) >>> 0, l1, (h0 ^ c3 ^ k1) >>> 0, l0];
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * The key of a draw that is made anew in every step of a loop: two words of the block with counter (step low, step high,
 * 0, 1), which no element of a draw uses.
 */
export function stepKey(key: readonly [number, number], step: number): [number, number] {
  const [k0, k1] = philox4x32([step >>> 0, Math.floor(step / 2 ** 32) >>> 0, 0, 1], key);
  return [k0, k1];
}

/** The random bits of element i (i < 2^48). */
export function elementBits(i: number, word: "packed" | 0 | 1, key: readonly [number, number]): number {
  const block = word === "packed" ? Math.floor(i / 16) * 4 + (i % 4) : i;
  const at = word === "packed" ? Math.floor(i / 4) % 4 : word;
  return philox4x32([block >>> 0, Math.floor(block / 2 ** 32), 0, 0], key)[at];
}
