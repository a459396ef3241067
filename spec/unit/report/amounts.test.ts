/** Amounts as text, and sizes read back. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseSize, plural, showBytes, showCount, showNumber, showSeconds } from "../../../runtime/report/index.js";

test("bytes and counts", () => {
  const bytes: readonly [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [999_499, "999 kB"],
    [999_600, "1.00 MB"],
    [16_060_522_496, "16.1 GB"],
  ];
  for (const [value, text] of bytes) assert.is(showBytes(value), text);
  assert.is(showBytes(5e18), "5.00e+3 PB");
  assert.is(showCount(8_030_261_248), "8.03 B");
  assert.is(showCount(12), "12");
  assert.is(plural(1, "tensor"), "1 tensor");
  assert.is(plural(0, "pass", "passes"), "0 passes");
});

test("seconds", () => {
  assert.equal([0.123, 3.14, 59.7, 200, 7500, Number.POSITIVE_INFINITY].map(showSeconds), [
    "0.12 s",
    "3.1 s",
    "1 min 0 s",
    "3 min 20 s",
    "2 h 5 min",
    "?",
  ]);
});

test("numbers of reports", () => {
  assert.equal([3, -0.1, 1 / 3, 1e-9, Number.NaN, -1 / 0, 123456789.123].map(showNumber), [
    "3",
    "-0.1",
    "0.333333",
    "1e-9",
    "nan",
    "-inf",
    "123457000",
  ]);
});

test("sizes", () => {
  const sizes: readonly [string, number | null][] = [
    ["2GB", 2e9],
    ["1.5 gb", 1.5e9],
    ["512MiB", 512 * 2 ** 20],
    ["1000", 1000],
    ["1e9", null],
    ["-1GB", null],
    ["0", null],
    ["0.2", null],
    ["GB", null],
    ["2 XB", null],
    ["", null],
    ["999999999TB", null],
  ];
  for (const [text, bytes] of sizes) assert.is(parseSize(text), bytes, text);
});

test.run();
