import { test } from "uvu";
import * as assert from "uvu/assert";
import { bytesOf, decodeElements, encodeElements, type StorageDtype } from "../../../compiler/ir/index.js";
import { convert } from "./elementwise.js";
import { randomFrom } from "./random-kernel.js";

const isSame = (a: number, b: number) => Object.is(a, b) || (Number.isNaN(a) && Number.isNaN(b));

test("every code of the small formats is unpacked to its number", () => {
  for (const [dtype, codes] of [
    ["BF16", 65536],
    ["F16", 65536],
    ["F8_E4M3", 256],
    ["F8_E5M2", 256],
  ] as const) {
    const input = new Uint8Array(codes * bytesOf(dtype));
    const view = new DataView(input.buffer);
    for (let i = 0; i < codes; i++) codes === 256 ? view.setUint8(i, i) : view.setUint16(2 * i, i, true);
    const output = new Float32Array(codes);
    convert(dtype, "F32", input, new Uint8Array(output.buffer), codes);
    const expected = decodeElements(input, dtype, 0, codes);
    for (let i = 0; i < codes; i++)
      if (!isSame(output[i], expected[i])) assert.unreachable(`${dtype} ${i}: ${output[i]}, expected ${expected[i]}`);
  }
});

/** f32 of all kinds: random bits, and numbers on, next to and half way between numbers of the small formats. */
function numbers(): Float32Array {
  const random = randomFrom(3);
  const bits = new Uint32Array(60000);
  for (let i = 0; i < bits.length; i++) {
    const wide = Math.floor(random() * 2 ** 32);
    const near = [0, 1, -1][i % 3];
    const half = [0x8000, 0x1000, 0x100000, 0x80000][(i >> 2) % 4];
    bits[i] = i % 2 === 0 ? wide : ((wide & ~(2 * half - 1)) | half) + near;
    // Half of them in the range of the 8-bit formats, subnormal ones too.
    if (i % 4 > 1) bits[i] = (bits[i] & 0x807fffff) | ((100 + (i % 45)) << 23);
  }
  return new Float32Array(bits.buffer);
}

test("f32 is packed as the codec packs it", () => {
  const values = numbers();
  const input = new Uint8Array(values.buffer);
  const dtypes: StorageDtype[] = [
    "F64",
    "F32",
    "BF16",
    "F16",
    "F8_E4M3",
    "F8_E5M2",
    "I64",
    "I32",
    "I16",
    "I8",
    "U64",
    "U32",
    "U16",
    "U8",
    "BOOL",
  ];
  for (const dtype of dtypes) {
    const output = new Uint8Array(values.length * bytesOf(dtype));
    const expected = new Uint8Array(output.length);
    convert("F32", dtype, input, output, values.length);
    encodeElements(expected, dtype, 0, values);
    const found = decodeElements(output, dtype, 0, values.length);
    const wanted = decodeElements(expected, dtype, 0, values.length);
    for (let i = 0; i < values.length; i++) {
      if (!isSame(found[i], wanted[i]))
        assert.unreachable(`${dtype} of ${values[i]}: found ${found[i]}, expected ${wanted[i]}`);
    }
  }
});

test("F64 is rounded once, and a NaN keeps its sign and upper bits in BF16", () => {
  const values = Float64Array.from([1 + 2 ** -24, 1 + 2 ** -24 + 2 ** -40, -1e-46, 1e300, -0]);
  const output = new Float32Array(5);
  convert("F64", "F32", new Uint8Array(values.buffer), new Uint8Array(output.buffer), 5);
  assert.equal([...output], [1, Math.fround(1 + 2 ** -23), -0, Infinity, -0]);
  const nan = Uint32Array.of(0xffd10001, 0x7f800001, 0x7fffffff);
  const packed = new Uint16Array(3);
  convert("F32", "BF16", new Uint8Array(nan.buffer), new Uint8Array(packed.buffer), 3);
  assert.equal([...packed], [0xffd1, 0x7fc0, 0x7fff]);
});

test.run();
