/** The order of rows: permutations, batches, splits. Golden orders come from a second program, written from the text of compiler/dataset/order.ts. */
import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  drawRows,
  epochOrders,
  orderKey,
  permutationIndices,
  rowCount,
  splitPoints,
  splitTable,
  type Table,
} from "../../../compiler/dataset/index.js";

test("orders of ten rows", () => {
  const orders: readonly [number | bigint, number, readonly number[]][] = [
    [0, 0, [7, 1, 3, 2, 6, 0, 5, 4, 8, 9]],
    [7, 0, [9, 3, 7, 5, 0, 4, 8, 1, 2, 6]],
    [7, 1, [4, 0, 2, 5, 6, 9, 7, 8, 1, 3]],
    [7, 2 ** 32, [1, 8, 7, 9, 6, 2, 4, 5, 3, 0]],
    [-1, 3, [6, 8, 5, 0, 2, 3, 7, 9, 4, 1]],
    [2n ** 40n + 5n, 3, [0, 6, 5, 1, 4, 8, 3, 2, 7, 9]],
  ];
  for (const [seed, epoch, order] of orders) assert.equal([...permutationIndices(10, seed, epoch)], order, `${seed}`);
});

test("a long order", () => {
  const order = permutationIndices(60000, 7, 1);
  const digest = createHash("sha256").update(new Uint8Array(order.buffer)).digest("hex");
  assert.is(digest, "2d4fe1096be4eed3076085fd347a1465eb4a95853653556894a6262572127b24");
  assert.equal(
    [...order].sort((a, b) => a - b),
    Array.from({ length: 60000 }, (_, i) => i),
  );
});

test("all orders of three rows are equally frequent", () => {
  const counts = new Map<string, number>();
  for (let epoch = 0; epoch < 6000; epoch++) {
    const name = permutationIndices(3, 1, epoch).join("");
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  assert.is(counts.size, 6);
  // Six classes of 1000: five standard deviations are 144.
  for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 144, String(count));
});

test("short orders, and what has none", () => {
  assert.equal([...permutationIndices(0, 7, 0)], []);
  assert.equal([...permutationIndices(1, 7, 0)], [0]);
  for (const n of [-1, 1.5, 2 ** 31, Number.NaN]) assert.throws(() => permutationIndices(n, 7, 0), /cannot order/);
  for (const epoch of [-1, 0.5, Number.POSITIVE_INFINITY])
    assert.throws(() => permutationIndices(3, 7, epoch), /no epoch/);
});

test("keys", () => {
  assert.equal(orderKey(7), [7, 0]);
  assert.equal(orderKey(-1), [0xffffffff, 0xffffffff]);
  assert.equal(orderKey(2n ** 64n - 1n), [0xffffffff, 0xffffffff]);
  assert.equal([...permutationIndices(10, [7, 0], 1)], [...permutationIndices(10, 7, 1)]);
  assert.throws(() => orderKey(0.5), /whole number/);
  assert.throws(() => orderKey(Number.NaN), /whole number/);
  assert.throws(() => orderKey(2n ** 64n), /64 bits/);
});

test("batches are cut from one epoch after the other", () => {
  const stream = [0, 1, 2].flatMap((epoch) => [...permutationIndices(10, 7, epoch)]);
  const orders = epochOrders(10, 7);
  for (const n of [1, 3, 4, 10, 25]) {
    for (let i = 0; (i + 1) * n <= 30; i++) {
      const expected = stream.slice(i * n, (i + 1) * n);
      assert.equal([...drawRows(10, n, i, 7)], expected);
      assert.equal([...drawRows(10, n, i, 7, orders)], expected);
    }
  }
});

test("impossible batches", () => {
  assert.throws(() => drawRows(0, 1, 0, 7), /empty table/);
  assert.throws(() => drawRows(5, 0, 0, 7), /batch of 0 rows/);
  assert.throws(() => drawRows(5, 2.5, 0, 7), /batch of 2.5 rows/);
  assert.throws(() => drawRows(5, 2, -1, 7), /no batch -1/);
  assert.throws(() => drawRows(5, 2, 2 ** 52, 7), /beyond/);
});

const table: Table = { rows: { kind: "range", first: 100, count: 100 }, columns: new Map(), texts: new Map() };
const rowsOf = (part: Table | undefined): number[] => {
  if (part === undefined) throw new Error("no such part");
  const { rows } = part;
  return rows.kind === "list" ? [...rows.rows] : Array.from({ length: rows.count }, (_, i) => rows.first + i);
};

test("points of a split", () => {
  assert.equal(splitPoints(100, [0.7, 0.2, 0.1]), [0, 70, 90, 100]);
  assert.equal(splitPoints(100, [0.29, 0.5]), [0, 29, 79]);
  assert.equal(splitPoints(10, [0.99]), [0, 9]);
  assert.equal(splitPoints(1115394, [0.9, 0.1]), [0, 1003854, 1115394]);
  assert.equal(splitPoints(3, [0.1, 0, 0.9]), [0, 0, 0, 3]);
  assert.throws(() => splitPoints(10, [0.6, 0.6]), /more than the whole/);
  for (const fraction of [-0.1, 1.1, Number.NaN]) assert.throws(() => splitPoints(10, [fraction]), /from 0 to 1/);
});

test("a split in order, and a split of a split", () => {
  const parts = splitTable(
    table,
    new Map([
      ["train", 0.9],
      ["__proto__", 0.1],
    ]),
    null,
  );
  assert.equal(rowsOf(parts.get("__proto__")), [190, 191, 192, 193, 194, 195, 196, 197, 198, 199]);
  const half = splitTable(parts.get("__proto__")!, new Map([["a", 0.5]]), null);
  assert.equal(rowsOf(half.get("a")), [190, 191, 192, 193, 194]);
});

test("a mixed split takes every row once", () => {
  const parts = splitTable(
    table,
    new Map([
      ["train", 0.8],
      ["test", 0.2],
    ]),
    3,
  );
  assert.is(rowCount(parts.get("train")!), 80);
  const all = [...rowsOf(parts.get("train")), ...rowsOf(parts.get("test"))];
  assert.equal(
    rowsOf(parts.get("test")).slice(0, 3),
    [...permutationIndices(100, 3, 0).subarray(80, 83)].map((row) => row + 100),
  );
  assert.equal(
    all.sort((a, b) => a - b),
    rowsOf(table),
  );
  const mixed = splitTable(
    parts.get("test")!,
    new Map([
      ["a", 0.5],
      ["b", 0.5],
    ]),
    4,
  );
  assert.equal([...rowsOf(mixed.get("a")), ...rowsOf(mixed.get("b"))].sort(), rowsOf(parts.get("test")).sort());
});

test.run();
