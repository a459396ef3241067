/**
 * The product of matrices on the CPU: every edge of tiles and blocks against sums in double precision, all strides, the
 * same bytes for one and two threads.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Matrices } from "../../../runtime/device/index.js";
import { type ResidentCpu, residentCpu } from "../../../runtime/resident/index.js";
import { randomFrom } from "../ir/random-graph.js";

interface Case {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly batch?: readonly number[];
  readonly left?: Layout;
  readonly right?: Layout;
}

/** How an operand lies in memory: as a matrix, transposed, with gaps, or one for the whole batch. */
type Layout = "rows" | "columns" | "gaps" | "shared";

/** A place for an operand [..batch, rows, cols] and its elements. */
function operand(
  runner: ResidentCpu,
  batch: readonly number[],
  rows: number,
  cols: number,
  layout: Layout,
  seed: number,
) {
  const random = randomFrom(seed);
  const gap = layout === "gaps" ? 3 : 1;
  const [row, col] = layout === "columns" ? [1, rows] : [cols * gap, gap];
  const matrix = rows * cols * gap;
  const strides = batch.map((_, i) =>
    layout === "shared" ? 0 : matrix * batch.slice(i + 1).reduce((a, b) => a * b, 1),
  );
  const count = layout === "shared" ? 1 : batch.reduce((a, b) => a * b, 1);
  const memory = runner.allocate(4 * (count * matrix + 5));
  const data = new Float32Array(count * matrix + 5).map(() => random() * 2 - 1);
  memory.host.set(new Uint8Array(data.buffer));
  const matrices: Matrices = { region: { memory, offset: 20 }, batch: strides, row, col };
  return {
    matrices,
    at: (b: readonly number[], i: number, j: number) =>
      data[5 + b.reduce((s, x, d) => s + x * strides[d], 0) + i * row + j * col],
  };
}

function product(runner: ResidentCpu, { m, k, n, batch = [], left = "rows", right = "rows" }: Case) {
  runner.reset();
  const count = batch.reduce((a, b) => a * b, 1);
  const a = operand(runner, batch, m, k, left, 1);
  const b = operand(runner, batch, k, n, right, 2);
  const memory = runner.allocate(4 * count * m * n + 64);
  memory.host.fill(0xff);
  runner.matmul({ batch, m, k, n, left: a.matrices, right: b.matrices, to: { memory, offset: 0 } });
  assert.ok(
    memory.host.subarray(4 * count * m * n).every((byte) => byte === 0xff),
    "nothing is written past the end",
  );
  return { result: new Float32Array(memory.host.slice().buffer, 0, count * m * n), a, b };
}

function check(runner: ResidentCpu, each: Case): void {
  const { m, k, n, batch = [] } = each;
  const { result, a, b } = product(runner, each);
  const index = batch.map(() => 0);
  const count = batch.reduce((x, y) => x * y, 1);
  for (let matrix = 0; matrix < count; matrix++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        let size = 0;
        for (let l = 0; l < k; l++) {
          const term = a.at(index, i, l) * b.at(index, l, j);
          sum += term;
          size += Math.abs(term);
        }
        const got = result[(matrix * m + i) * n + j];
        assert.ok(
          Math.abs(got - sum) <= 1e-6 * size + 1e-12,
          `${JSON.stringify(each)} [${i}, ${j}]: ${got}, expected ${sum}`,
        );
      }
    }
    for (let d = batch.length - 1; d >= 0; d--) {
      if (++index[d] < batch[d]) break;
      index[d] = 0;
    }
  }
}

const layouts = ["rows", "columns", "gaps"] as const;

test("all small sizes and layouts", () => {
  const runner = residentCpu();
  for (const left of layouts) {
    for (const right of layouts) {
      for (const m of [1, 2, 3, 5])
        for (const k of [1, 3, 4, 7]) for (const n of [1, 4, 15, 16, 17]) check(runner, { m, k, n, left, right });
    }
  }
  runner.close();
});

test("blocks of k, and tiles of the result, are put together", () => {
  const runner = residentCpu();
  for (const k of [255, 256, 257, 512, 515]) {
    for (const layout of layouts) check(runner, { m: 5, k, n: 19, left: layout, right: layout });
  }
  check(runner, { m: 259, k: 70, n: 530 });
  check(runner, { m: 300, k: 90, n: 33, left: "columns", right: "columns" });
  runner.close();
});

test("batches, with operands of their own or one for all", () => {
  const runner = residentCpu();
  check(runner, { batch: [3], m: 4, k: 5, n: 6 });
  check(runner, { batch: [2, 3], m: 3, k: 5, n: 17, right: "shared" });
  check(runner, { batch: [2, 2], m: 3, k: 5, n: 17, left: "shared", right: "columns" });
  check(runner, { batch: [70000], m: 1, k: 1, n: 1 });
  runner.close();
});

test("one and two threads give the same bytes", () => {
  const [one, two] = [residentCpu({ threads: 1 }), residentCpu({ threads: 2 })];
  for (const each of [
    { m: 257, k: 300, n: 140 },
    { m: 64, k: 700, n: 300, left: "columns" as const },
    { batch: [9], m: 20, k: 30, n: 40, right: "columns" as const },
  ]) {
    const [a, b] = [product(one, each).result, product(two, each).result];
    assert.ok(
      a.every((x, i) => Object.is(x, b[i])),
      JSON.stringify(each),
    );
  }
  one.close();
  two.close();
});

test.run();
