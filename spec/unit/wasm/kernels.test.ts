import { test } from "uvu";
import * as assert from "uvu/assert";
import { bytesOf, decodeElements } from "../../../compiler/ir/index.js";
import { interpretKernel, type Kernel, type KernelArguments } from "../../../compiler/kernels/index.js";
import { type BytesCall, cpuRunner, runKernel } from "../../../runtime/device/cpu/index.js";
import type { KernelCall, KernelResult, Memory } from "../../../runtime/device/runner.js";
import { type Case, randomCase } from "./random-kernel.js";

const isEmpty = (x: number) => Number.isNaN(x);
const isSame = (a: number, b: number) => Object.is(a, b) || (isEmpty(a) && isEmpty(b));

function sameNumbers(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.is(found.length, expected.length, what);
  for (let i = 0; i < found.length; i++) {
    if (!isSame(found[i], expected[i]))
      assert.unreachable(`${what}, number ${i}: found ${found[i]}, expected ${expected[i]}`);
  }
}

function sameResults(found: KernelResult, expected: KernelResult, what: string): void {
  for (const kind of ["scalars", "columns", "histograms"] as const) {
    assert.is(found[kind].length, expected[kind].length, `${what} ${kind}`);
    for (const [i, x] of found[kind].entries()) sameNumbers(x, expected[kind][i], `${what} ${kind} ${i}`);
  }
}

const fresh = (args: KernelArguments) => args.outputs.map((bytes) => new Uint8Array(bytes.length).fill(0xab));

function compare(test: Case, what: string): void {
  const { args, kernel } = test;
  const runner = cpuRunner();
  const expected = fresh(args);
  const found = fresh(args);
  const oracle = interpretKernel({ ...args, outputs: expected });
  const result = runKernel(runner, { ...args, outputs: found });
  kernel.outputs.forEach(({ dtype }, i) => {
    const count = expected[i].length / bytesOf(dtype);
    sameNumbers(
      decodeElements(found[i], dtype, 0, count),
      decodeElements(expected[i], dtype, 0, count),
      `${what} output ${i} ${dtype}`,
    );
  });
  sameResults(result, oracle, what);
  if (!test.whole) compareCuts(args, found, result, what);
}

/** Runs the call again in pieces of one or two blocks, on regions with odd offsets, and wants the same bytes. */
function compareCuts(args: KernelArguments, expected: Uint8Array[], whole: KernelResult, what: string): void {
  const { kernel, cols, block } = args;
  const runner = cpuRunner();
  const place = (bytes: Uint8Array): Memory => {
    const memory = runner.allocate(bytes.length + 3);
    memory.host.set(bytes, 3);
    return memory;
  };
  const inputs = args.inputs.map(place);
  const outputs = fresh(args).map(place);
  const results: KernelResult[] = [];
  const bins = kernel.roots.flatMap((root) => (root.kind === "histogram" ? [root.bins] : []));
  // Every other run of the pieces adds its histograms up in one memory.
  const counts = bins.map((n) => runner.counts(n)!);
  let at = 0;
  for (let turn = 0; at < args.count; turn++) {
    const count = Math.min(args.count - at, block * (1 + (turn % 2)));
    const elements = { full: at * cols, row: at, col: 0, strided: 0 };
    const piece = (more: Partial<KernelCall>) =>
      runner.run({
        ...args,
        ...more,
        first: args.first + at,
        count,
        inputs: kernel.inputs.map(({ dtype, access }, i) => ({
          memory: inputs[i],
          offset: 3 + elements[access.kind] * bytesOf(dtype),
        })),
        outputs: kernel.outputs.map(({ dtype, access }, i) => ({
          memory: outputs[i],
          offset: 3 + elements[access] * bytesOf(dtype),
        })),
      });
    results.push(piece({}));
    if (counts.length > 0) piece({ counts });
    at += count;
  }
  for (const [i, memory] of outputs.entries()) {
    assert.is(Buffer.compare(memory.host.subarray(3), expected[i]), 0, `${what} output ${i} in pieces`);
  }
  const joined = (kind: "scalars" | "columns", i: number) => results.flatMap((r) => [...r[kind][i]]);
  for (const [i, x] of whole.scalars.entries()) sameNumbers(joined("scalars", i), x, `${what} scalars ${i} in pieces`);
  for (const [i, x] of whole.columns.entries()) sameNumbers(joined("columns", i), x, `${what} columns ${i} in pieces`);
  whole.histograms.forEach((x, i) => {
    const sum = x.map((_, bin) => results.reduce((a, r) => a + r.histograms[i][bin], 0));
    sameNumbers(sum, x, `${what} histogram ${i} in pieces`);
    const added = new Uint32Array(counts[i].host.slice(0, 4 * x.length).buffer);
    sameNumbers(added, x, `${what} histogram ${i} added up`);
  });
}

test("flat kernels equal the interpreter", () => {
  const sizes = [1, 3, 7, 8, 17, 100, 513, 1023, 1025];
  for (let seed = 1; seed <= 80; seed++) {
    const count = sizes[seed % sizes.length];
    const block = [16, 48, 7, 256][seed % 4];
    const first = seed % 3 === 0 ? block * 1000 : seed % 5 === 0 ? block * 2 ** 30 : 0;
    compare(randomCase(seed, count, null, block, first), `flat seed ${seed}`);
  }
});

test("kernels of rows equal the interpreter", () => {
  const shapes: [number, number][] = [
    [1, 1],
    [3, 1],
    [1, 3],
    [5, 7],
    [4, 8],
    [6, 16],
    [3, 33],
    [2, 200],
    [9, 12],
    [2, 1025],
  ];
  for (let seed = 1; seed <= 80; seed++) {
    const [rows, cols] = shapes[seed % shapes.length];
    const first = seed % 3 === 0 ? 12 : seed % 7 === 0 ? 2 ** 33 : 0;
    compare(randomCase(1000 + seed, rows, cols, [1, 2, 4][seed % 3], first), `rows seed ${seed}`);
  }
});

test("a large tensor in several blocks", () => {
  compare(randomCase(5, 65537, null, 8192, 0), "large");
});

const load = (input: number): Kernel["instrs"][number] => ({
  op: "load",
  args: [],
  lane: "f32",
  level: "element",
  attrs: { input },
});

/** Sums of f32: the value and its magnitude over blocks and rows. */
function sumKernel(flat: boolean): Kernel {
  return {
    text: `sums ${flat}`,
    flat,
    inputs: [{ dtype: "F32", access: { kind: "full" } }],
    outputs: flat ? [] : [{ dtype: "F32", access: "row" }],
    params: 0,
    integers: 0,
    instrs: flat ? [load(0)] : [load(0), { op: "row_sum", args: [0], lane: "f32", level: "row", attrs: {} }],
    roots: [
      { kind: "accumulate", fn: "sum", value: 0 },
      ...(flat
        ? []
        : ([
            { kind: "store", value: 1, output: 0 },
            { kind: "accumulate", fn: "sum", value: 1 },
          ] as const)),
    ],
  };
}

test("sums of f32 are within 1e-6 of the sum of magnitudes, and the same in every cut", () => {
  for (const [flat, count, cols, block] of [
    [true, 70001, 1, 16384],
    [false, 13, 5003, 4],
  ] as const) {
    const values = Float32Array.from({ length: count * cols }, (_, i) => Math.sin(i * i) * 3 + 0.1);
    const bytes = new Uint8Array(values.buffer);
    const outputs = flat ? [] : [new Uint8Array(4 * count)];
    const args: BytesCall = {
      kernel: sumKernel(flat),
      first: 0,
      count,
      cols,
      block,
      inputs: [bytes],
      outputs,
      params: [],
      integers: [],
    };
    const found = runKernel(cpuRunner(), args);
    const exact = interpretKernel({ ...args, outputs: outputs.map((o) => new Uint8Array(o.length)) });
    for (const [i, sums] of found.scalars.entries()) {
      for (const [b, sum] of sums.entries()) {
        const inBlock = values.subarray(b * block * cols, (b + 1) * block * cols);
        const magnitude = inBlock.reduce((a, x) => a + Math.abs(x), 0);
        const error = Math.abs(sum - exact.scalars[i][b]);
        assert.ok(error <= 1e-6 * magnitude, `block ${b}: ${sum} for ${exact.scalars[i][b]}`);
      }
    }
    compareCuts(args, outputs, found, "sums");
  }
});

test("a runner gives back its memory, grows, and keeps modules by text", () => {
  const runner = cpuRunner();
  const small = runner.allocate(10);
  small.host.fill(7);
  const large = runner.allocate(10_000_000);
  assert.is(large.host.length, 10_000_000);
  assert.equal([...small.host], new Array(10).fill(7));
  runner.reset();
  const again = runner.allocate(64);
  const call = {
    kernel: sumKernel(true),
    first: 0,
    count: 16,
    cols: 1,
    block: 16,
    inputs: [{ memory: again, offset: 0 }],
    outputs: [],
    params: [],
    integers: [],
  };
  new Float32Array(again.host.buffer, again.host.byteOffset, 16).fill(2);
  assert.equal([...runner.run(call).scalars[0]], [32]);
  assert.equal([...runner.run(call).scalars[0]], [32]);
  assert.throws(() => runner.allocate(5 * 2 ** 30), /V050/);
});

test.run();
