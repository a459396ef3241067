import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Instr, interpretKernel, type Kernel, type Lane } from "../../../compiler/kernels/index.js";
import { printWasm } from "../../../compiler/targets/wasm/index.js";
import { cpuRunner, runKernel } from "../../../runtime/device/cpu/index.js";
import { randomFrom } from "./random-kernel.js";

const instr = (
  level: Instr["level"],
  op: string,
  args: number[],
  attrs: Record<string, unknown> = {},
  lane: Lane = "f32",
): Instr => ({ op, args, attrs, lane, level });

/** Softmax over a row: three loops, exp of elements; and log of the row's sum, which is a row value. */
const softmax: Kernel = {
  text: "softmax",
  flat: false,
  inputs: [{ dtype: "F32", access: { kind: "full" } }],
  outputs: [
    { dtype: "F32", access: "full" },
    { dtype: "F32", access: "row" },
  ],
  params: 0,
  integers: 0,
  instrs: [
    instr("element", "load", [], { input: 0 }),
    instr("row", "row_max", [0]),
    instr("element", "sub", [0, 1]),
    instr("element", "exp", [2]),
    instr("row", "row_sum", [3]),
    instr("element", "div", [3, 4]),
    instr("row", "log", [4]),
    instr("row", "add", [6, 1]),
    instr("element", "mul", [5, 0]),
  ],
  roots: [
    { kind: "store", value: 5, output: 0 },
    { kind: "store", value: 7, output: 1 },
    { kind: "accumulate", fn: "sum", value: 7 },
    { kind: "argmax", value: 8 },
    { kind: "column", fn: "max", value: 5 },
  ],
};

test("a softmax with its log-sum-exp runs in three loops a row", () => {
  const random = randomFrom(9);
  const [rows, cols, block] = [7, 1531, 3];
  const x = Float32Array.from({ length: rows * cols }, () => random() * 20 - 10);
  const run = (use: (args: Parameters<typeof interpretKernel>[0]) => ReturnType<typeof interpretKernel>) => {
    const outputs = [new Float32Array(rows * cols), new Float32Array(rows)];
    const bytes = outputs.map((o) => new Uint8Array(o.buffer));
    const result = use({
      kernel: softmax,
      first: 0,
      count: rows,
      cols,
      block,
      inputs: [new Uint8Array(x.buffer)],
      outputs: bytes,
      params: [],
      integers: [],
    });
    return { outputs, result };
  };
  const exact = run(interpretKernel);
  const found = run((args) => runKernel(cpuRunner(), args) as ReturnType<typeof interpretKernel>);
  const isClose = (a: number, b: number) => Math.abs(a - b) <= 2e-6 * Math.abs(b);
  const allClose = (a: ArrayLike<number>, b: ArrayLike<number>, what: string) => {
    for (let i = 0; i < b.length; i++) assert.ok(isClose(a[i], b[i]), `${what} ${i}: ${a[i]}, expected ${b[i]}`);
  };
  for (const o of [0, 1]) allClose(found.outputs[o], exact.outputs[o], `output ${o}`);
  allClose(found.result.scalars[0], exact.result.scalars[0], "sum");
  allClose(found.result.columns[0], exact.result.columns[0], "column");
  for (const b of [0, 1, 2]) assert.is(found.result.scalars[1][2 * b + 1], exact.result.scalars[1][2 * b + 1]);
});

test("the text of a module shows loops, helpers and imports", () => {
  const text = printWasm({ ...softmax, instrs: softmax.instrs });
  for (const part of [
    '(import "m" "memory"',
    '(func $run (export "run") (param i32)',
    "(func $exp (param v128) (result v128)",
    "(call $math.log",
    "(f32x4.div",
  ]) {
    assert.ok(text.includes(part), `${part} in\n${text}`);
  }
  const depth = [...text].reduce((d, c) => (c === "(" ? d + 1 : c === ")" ? d - 1 : d), 0);
  assert.is(depth, 0);
});

test("no rows, no elements: nothing is read and sums are empty", () => {
  const runner = cpuRunner();
  const nothing = { memory: runner.allocate(0), offset: 0 };
  const outputs = [nothing, nothing];
  const result = runner.run({
    kernel: softmax,
    first: 0,
    count: 0,
    cols: 5,
    block: 4,
    inputs: [nothing],
    outputs,
    params: [],
    integers: [],
  });
  assert.equal(
    result.scalars.map((s) => s.length),
    [0, 0],
  );
  assert.equal(result.columns[0].length, 0);
});

test.run();
