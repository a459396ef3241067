/**
 * Philox4x32-10 on vectors: four blocks side by side, a block a lane. In: counter and key words as vectors. Out: four
 * vectors of bits. The element → counter map is that of kernels/philox.ts, so that sixteen consecutive elements from a
 * multiple of sixteen on take one run of the ten rounds.
 */
import {
  type Code,
  call,
  get,
  i32x4,
  type Local,
  local,
  newFunction,
  op,
  param,
  set,
  setAll,
  type WasmFunction,
  words,
} from "./code.js";
import { shift } from "./math.js";

/** Low and high words of the products of a vector with a constant. */
function products(fn: WasmFunction, factor: Code, x: Local): { low: Code; high: Code } {
  const even = local(fn, "v128");
  const odd = local(fn, "v128");
  const constant = local(fn, "v128");
  fn.body.push(set(constant, factor));
  fn.body.push(set(even, op("i64x2.extmul_low_i32x4_u", get(x), get(constant))));
  fn.body.push(set(odd, op("i64x2.extmul_high_i32x4_u", get(x), get(constant))));
  return { low: words(get(even), get(odd), 0, 2, 4, 6), high: words(get(even), get(odd), 1, 3, 5, 7) };
}

/** (counter low, counter high, key low, key high) → the four words; the upper half of the counter is 0. */
export function writePhilox(): WasmFunction {
  const fn = newFunction("philox", ["v128", "v128", "v128", "v128"], ["v128", "v128", "v128", "v128"]);
  const fresh = (value: Code) => {
    const variable = local(fn, "v128");
    fn.body.push(set(variable, value));
    return variable;
  };
  let counter = [param(fn, 0), param(fn, 1), fresh(i32x4(0)), fresh(i32x4(0))];
  let key = [param(fn, 2), param(fn, 3)];
  for (let round = 0; round < 10; round++) {
    const a = products(fn, i32x4(0xd2511f53), counter[0]);
    const b = products(fn, i32x4(0xcd9e8d57), counter[2]);
    const mixed = (high: Code, word: Local, k: Local) => fresh(op("v128.xor", op("v128.xor", high, get(word)), get(k)));
    counter = [mixed(b.high, counter[1], key[0]), fresh(b.low), mixed(a.high, counter[3], key[1]), fresh(a.low)];
    key = [
      fresh(op("i32x4.add", get(key[0]), i32x4(0x9e3779b9))),
      fresh(op("i32x4.add", get(key[1]), i32x4(0xbb67ae85))),
    ];
  }
  fn.body.push(...counter.map(get));
  return fn;
}

/** (element number low, high, key low, key high) → the packed bits of any four elements. */
export function writePackedBits(): WasmFunction {
  const fn = newFunction("packed_bits", ["v128", "v128", "v128", "v128"], ["v128"]);
  const [low, high, key0, key1] = [0, 1, 2, 3].map((i) => param(fn, i));
  const quarter = op("v128.or", op("i32x4.shr_u", get(low), shift(2)), op("i32x4.shl", get(high), shift(30)));
  const block = op("v128.or", op("v128.and", quarter, i32x4(~3)), op("v128.and", get(low), i32x4(3)));
  const outputs = [0, 1, 2, 3].map(() => local(fn, "v128"));
  fn.body.push(...setAll(outputs, call("philox", block, op("i32x4.shr_u", get(high), shift(2)), get(key0), get(key1))));
  const word = local(fn, "v128");
  fn.body.push(set(word, op("v128.and", op("i32x4.shr_u", get(low), shift(2)), i32x4(3))));
  const chosen = outputs.map((bits, w) => op("v128.and", get(bits), op("i32x4.eq", get(word), i32x4(w))));
  fn.body.push(chosen.reduce((a, b) => op("v128.or", a, b)));
  return fn;
}
