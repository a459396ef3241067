import { test } from "uvu";
import * as assert from "uvu/assert";
import { elementBits, type Kernel, philox4x32 } from "../../../compiler/kernels/index.js";
import { cpuRunner, runKernel } from "../../../runtime/device/cpu/index.js";

const ones = 0xffffffff;

test("philox equals the published vectors", () => {
  assert.equal(philox4x32([0, 0, 0, 0], [0, 0]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  assert.equal(philox4x32([ones, ones, ones, ones], [ones, ones]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
});

/** Random bits for `count` elements from `first` on. */
function bitsFrom(word: "packed" | 0 | 1, first: number, count: number, key: readonly [number, number]): Uint32Array {
  const integer = (index: number) =>
    ({ op: "integer", args: [], lane: "u32", level: "uniform", attrs: { index } }) as const;
  const kernel: Kernel = {
    text: `bits ${word}`,
    flat: true,
    inputs: [],
    outputs: [{ dtype: "U32", access: "full" }],
    params: 0,
    integers: 2,
    instrs: [
      integer(0),
      integer(1),
      { op: "random_bits", args: [0, 1], lane: "u32", level: "element", attrs: { word } },
    ],
    roots: [{ kind: "store", value: 2, output: 0 }],
  };
  const out = new Uint32Array(count);
  runKernel(cpuRunner(), {
    kernel,
    first,
    count,
    cols: 1,
    block: count,
    inputs: [],
    outputs: [new Uint8Array(out.buffer)],
    params: [],
    integers: [...key],
  });
  return out;
}

test("the vector unit makes the bits of elements, aligned or not, beyond 2^32 too", () => {
  for (const word of ["packed", 0, 1] as const) {
    for (const first of [0, 16, 5, 2 ** 32 - 6, 2 ** 32 - 32, 2 ** 34 - 3, 2 ** 40 + 16, 2 ** 47 + 1]) {
      const found = bitsFrom(word, first, 37, [0xdeadbeef, 0x12345678]);
      const expected = Array.from(found, (_, i) => elementBits(first + i, word, [0xdeadbeef, 0x12345678]));
      assert.equal([...found], expected, `${word} from ${first}`);
    }
  }
});

test("the first block of key 0 is the published one", () => {
  assert.is(bitsFrom("packed", 0, 1, [0, 0])[0], 0x6627e8d5);
  assert.is(bitsFrom(1, 0, 1, [0, 0])[0], 0xe169c58d);
});

test.run();
