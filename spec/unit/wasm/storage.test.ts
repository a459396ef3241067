import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  decodeElement,
  decodeElements,
  encodeElement,
  encodeElements,
  roundToEven,
  roundToStorage,
  type StorageDtype,
} from "../../../compiler/ir/index.js";

/** All finite values of a float format of at most 16 bits, in increasing order of their codes. */
function finiteValues(dtype: StorageDtype, bits: number): number[] {
  const bytes = new Uint8Array(2);
  const values: number[] = [];
  for (let code = 0; code < 2 ** (bits - 1); code++) {
    new DataView(bytes.buffer).setUint16(0, code, true);
    const x = decodeElement(bytes, dtype, 0);
    if (Number.isFinite(x)) values.push(x);
  }
  return values;
}

test("known numbers of the small formats", () => {
  const code = (dtype: StorageDtype, x: number) => {
    const bytes = new Uint8Array(2);
    encodeElement(bytes, dtype, 0, x);
    return bytes[0] | (bytes[1] << 8);
  };
  assert.is(code("BF16", 1), 0x3f80);
  assert.is(code("BF16", -2), 0xc000);
  assert.is(code("BF16", 3.4e38), 0x7f80);
  assert.is(code("BF16", -0), 0x8000);
  assert.is(code("F16", 65504), 0x7bff);
  assert.is(code("F16", 65519.99), 0x7bff);
  assert.is(code("F16", 65520), 0x7c00);
  assert.is(code("F16", 2 ** -24), 1);
  assert.is(code("F16", 2 ** -25), 0);
  assert.is(code("F16", -Infinity), 0xfc00);
  assert.is(code("F8_E4M3", 448), 0x7e);
  assert.is(code("F8_E4M3", 464), 0x7e);
  assert.is(code("F8_E4M3", 464.1), 0x7f);
  assert.is(code("F8_E4M3", Infinity), 0x7f);
  assert.is(code("F8_E4M3", 2 ** -9), 1);
  assert.is(code("F8_E5M2", 57344), 0x7b);
  assert.is(code("F8_E5M2", 61440), 0x7c);
  for (const dtype of ["F16", "BF16", "F8_E4M3", "F8_E5M2"] as const)
    assert.ok(Number.isNaN(roundToStorage(dtype, NaN)));
});

test("every code comes back, and values between two go to the nearer, ties to the even code", () => {
  const sizes = { F16: 16, BF16: 16, F8_E4M3: 8, F8_E5M2: 8 } as const;
  for (const [dtype, bits] of Object.entries(sizes) as [StorageDtype, number][]) {
    const values = finiteValues(dtype, bits);
    for (let i = 0; i < values.length - 1; i++) {
      const [low, high] = [values[i], values[i + 1]];
      if (roundToStorage(dtype, low) !== low || roundToStorage(dtype, -low) !== -low)
        assert.unreachable(`${dtype} ${low}`);
      const middle = low + (high - low) / 2;
      const even = i % 2 === 0 ? low : high;
      if (roundToStorage(dtype, middle) !== even) assert.unreachable(`${dtype} tie at ${middle}`);
      if (roundToStorage(dtype, middle * (1 - 1e-12)) !== low) assert.unreachable(`${dtype} below ${middle}`);
      if (roundToStorage(dtype, middle * (1 + 1e-12)) !== high) assert.unreachable(`${dtype} above ${middle}`);
    }
  }
});

test("integers saturate, NaN is 0, ties go to even", () => {
  assert.is(roundToStorage("I8", 200), 127);
  assert.is(roundToStorage("I8", -200), -128);
  assert.is(roundToStorage("U8", -3), 0);
  assert.is(roundToStorage("U32", 2 ** 40), 2 ** 32 - 1);
  assert.is(roundToStorage("I32", 2.5), 2);
  assert.is(roundToStorage("I32", -3.5), -4);
  assert.is(roundToStorage("I64", -1e300), -(2 ** 63));
  assert.is(roundToStorage("U64", Infinity), 2 ** 64);
  assert.is(roundToStorage("I16", NaN), 0);
  assert.is(roundToStorage("BOOL", NaN), 1);
  assert.is(roundToStorage("BOOL", -0), 0);
});

test("roundToEven keeps the sign of zero and what is not finite", () => {
  assert.ok(Object.is(roundToEven(-0.5), -0));
  assert.ok(Object.is(roundToEven(-0.2), -0));
  assert.is(roundToEven(0.5), 0);
  assert.is(roundToEven(1.5), 2);
  assert.is(roundToEven(-1.5), -2);
  assert.is(roundToEven(Infinity), Infinity);
  assert.ok(Number.isNaN(roundToEven(NaN)));
});

test("ranges read and write at any alignment", () => {
  const bytes = new Uint8Array(19).subarray(3);
  encodeElements(bytes, "F32", 1, [1.5, -2.25, 1e-40]);
  assert.equal([...decodeElements(bytes, "F32", 0, 4)], [0, 1.5, -2.25, Math.fround(1e-40)]);
  assert.throws(() => decodeElement(bytes, "F32", 4), RangeError);
});

test.run();
