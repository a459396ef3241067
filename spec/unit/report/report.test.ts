/** Reported values, progress lines, the summary of a run. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { describeProgress, ProgressLine, reportLines, summaryLines, table } from "../../../runtime/report/index.js";

test("single values stand behind their label", () => {
  assert.equal(reportLines("norm( m\n  - b)", 0.25), ["norm( m - b) = 0.25"]);
  assert.equal(reportLines("x", "plain text"), ["x = plain text"]);
  assert.equal(reportLines("x", null), ["x = none"]);
  assert.equal(reportLines("x", true), ["x = true"]);
});

test("a tree or record is a table in its own order", () => {
  assert.equal(reportLines("t", { "b.weight": 10, "a.weight": 0.5 }), ["t =", "  b.weight   10", "  a.weight  0.5"]);
});

test("a tree of records has columns", () => {
  const lines = reportLines("t", { b: { norm: 1, kept: 20 }, a: { norm: 2.5, kept: 3 } });
  assert.equal(lines, ["t =", "     norm  kept", "  b     1    20", "  a   2.5     3"]);
});

test("records with more keys than there are records lie on their side", () => {
  const lines = reportLines("t", { norm: { a: 1, b: 2, c: 3, d: 4, e: 5 }, kept: { a: 6, b: 7, c: 8, d: 9, e: 10 } });
  assert.equal(lines.slice(0, 3), ["t =", "     norm  kept", "  a     1     6"]);
  assert.is(lines.length, 7);
});

test("lists, nested values, empty ones", () => {
  assert.equal(reportLines("l", [1, 2]), ["l =", "  0  1", "  1  2"]);
  assert.equal(reportLines("l", []), ["l =", "  (empty)"]);
  assert.equal(reportLines("r", { a: 1, b: [2, { c: 3 }] }), [
    "r =",
    "  a = 1",
    "  b",
    "    0 = 2",
    "    1",
    "      c  3",
  ]);
});

test("records with different keys are no table", () => {
  const lines = reportLines("t", { a: { x: 1 }, b: { y: 2 } });
  assert.equal(lines, ["t =", "  a", "    x  1", "  b", "    y  2"]);
});

test("names and labels from files cannot move the cursor", () => {
  const hostile = JSON.parse('{"__proto__": 1, "a\\u001b[2J": "\\u0007", "line\\nbreak": 2}');
  const text = reportLines("x\u001b[31m", hostile).join("\n");
  assert.not.match(text, "\u001b");
  assert.not.match(text, "\u0007");
  assert.match(text, "__proto__");
  assert.is(text.split("\n").length, 4);
});

test("a table without rows is nothing", () => {
  assert.equal(table([{ title: "a", align: "left" }], []), []);
});

const half = { phase: "merging", bytesDone: 5e8, bytesTotal: 1e9, tensorsDone: 3, tensorsTotal: 6 };

test("a line of progress", () => {
  assert.is(describeProgress(half, 2), "merging 50%, 500 MB of 1.00 GB, 3 of 6 tensors, 250 MB/s, 2.0 s to go");
  const begun = { ...half, bytesDone: 0, bytesTotal: 0, tensorsDone: 0 };
  assert.is(describeProgress(begun, 0), "merging 0%, 0 B of 0 B, 0 of 6 tensors");
});

function progressOn(terminal: boolean) {
  let now = 0;
  let written = "";
  const write = (text: string) => {
    written += text;
  };
  const line = new ProgressLine({ write, terminal, columns: 40, now: () => now });
  return { line, wait: (seconds: number) => (now += seconds), written: () => written };
}

test("on a terminal one line is written over, and taken away at the end", () => {
  const { line, wait, written } = progressOn(true);
  line.update(half);
  assert.is(written(), "");
  wait(1);
  line.update(half);
  line.update(half);
  assert.is(written(), "\rmerging 50%, 500 MB of 1.00 GB, 3 of 6 \u001b[K");
  line.end();
  assert.ok(written().endsWith("\r\u001b[K"));
  assert.not.match(written(), "\n");
});

test("in a log there is a line every few seconds, and none for a short run", () => {
  const { line, wait, written } = progressOn(false);
  for (let i = 0; i < 49; i++) {
    wait(0.1);
    line.update(half);
  }
  assert.is(written(), "");
  for (let i = 0; i < 60; i++) {
    wait(0.1);
    line.update(half);
  }
  line.end();
  assert.is(written().split("\n").length, 3);
  assert.not.match(written(), "\r");
});

test("the summary names outputs and what stayed as it was", () => {
  const unchanged = ["a", "b", "c", "d", "e", "f", "g\u001b"];
  const output = {
    path: "out/m",
    tensors: 9,
    computed: 8,
    copied: 1,
    bytes: 36,
    numbers: 9,
    digest: "ab".repeat(32),
    unchanged,
  };
  const lines = summaryLines({ outputs: [output], reports: [], device: "cpu", seconds: 1, peakMemory: 1e8 });
  assert.equal(lines, [
    "out/m: 9 tensors (8 computed, 1 copied), 36 B",
    `  digest ${"ab".repeat(32)}`,
    '  7 selected tensors came out unchanged: "a", "b", "c", "d", "e" and 2 more',
    "1.0 s on cpu, 100 MB of memory",
  ]);
});

test.run();
