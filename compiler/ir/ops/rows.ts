/** Rows of a data set: which rows make batch i. Runs on the host; the order depends on key, epoch and nothing else. */
import { drawRows, type EpochOrders, epochOrders } from "../../dataset/index.js";
import { exactly, type OpRow, ShapeError } from "./row.js";

/** The shuffles last used: a loop draws batch after batch of one order. */
let latest: { readonly name: string; readonly orders: EpochOrders } | null = null;

function ordersOf(rows: number, key: readonly [number, number]): EpochOrders {
  const name = `${rows} ${key}`;
  if (latest?.name !== name) latest = { name, orders: epochOrders(rows, key) };
  return latest.orders;
}

/** Batches count from 0. */
function batchNumber(i: number): number {
  return Math.max(0, Math.min(Math.trunc(i), 2 ** 31)) || 0;
}

export const batches: readonly OpRow[] = [
  {
    name: "draw_rows",
    doc: "argument i: the numbers of the rows of batch i in a table that is shuffled anew each epoch: attributes rows, size, key",
    arity: 1,
    fusion: "opaque",
    attributes: { rows: "whole", size: "whole", key: "key" },
    infer([i], attrs) {
      if (i.shape.length > 0 || i.dtype !== "i64")
        throw new ShapeError("the number of a batch is a whole number of rank 0", "dtype");
      if (!((attrs.rows as number) >= 1 && (attrs.size as number) >= 1))
        throw new ShapeError("a batch and its table have at least one row");
      return { shape: [attrs.size as number], dtype: "i32" };
    },
    evaluate([i], attrs) {
      const rows = attrs.rows as number;
      const key = attrs.key as unknown as readonly [number, number];
      return Float64Array.from(drawRows(rows, attrs.size as number, batchNumber(i.data[0]), key, ordersOf(rows, key)));
    },
    noGradient: "row numbers are counted, not computed",
    tolerance: exactly,
  },
];
