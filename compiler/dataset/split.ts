/**
 * Splits by fraction. In: a table, parts with their fractions, and a seed where rows are to be mixed first. Out: one table a
 * part, over the same columns. Part k takes the rows from floor(n (f_0 + … + f_(k-1))) to floor(n (f_0 + … + f_k)) - 1 of
 * the table's order, or of the order of epoch 0 under the seed; fractions that add up to 1 leave no row out. Text windows
 * and time series are split in order, so that neighbours do not end up on both sides.
 */
import { type OrderKey, permutationIndices } from "./order.js";
import { rowCount, selectRows, type Table } from "./table.js";

/** Fractions come from decimal text: 0.7 + 0.2 + 0.1 is not quite 1, and 0.29 * 100 not quite 29. */
const slack = 1e-12;

/**
 * The first row of each part and the end of the last: `fractions.length + 1` numbers. Throws a RangeError when a fraction
 * is not in [0, 1] or their sum is above 1.
 */
export function splitPoints(rows: number, fractions: readonly number[]): number[] {
  const points = [0];
  let sum = 0;
  for (const fraction of fractions) {
    if (!(fraction >= 0 && fraction <= 1)) throw new RangeError(`a part is a fraction from 0 to 1, not ${fraction}`);
    sum += fraction;
    if (sum > 1 + slack) throw new RangeError(`the parts add up to ${sum}, more than the whole`);
    points.push(Math.min(rows, Math.floor(rows * sum * (1 + slack) + slack)));
  }
  return points;
}

/** Cuts a table into parts by name. Without a seed the rows stay in order. Parts may be empty: the caller decides. */
export function splitTable(
  table: Table,
  parts: ReadonlyMap<string, number>,
  seed: number | bigint | OrderKey | null,
): ReadonlyMap<string, Table> {
  const count = rowCount(table);
  const points = splitPoints(count, [...parts.values()]);
  const order = seed === null ? null : permutationIndices(count, seed, 0);
  return new Map([...parts.keys()].map((name, k) => [name, partOf(table, order, points[k], points[k + 1])] as const));
}

function partOf(table: Table, order: Int32Array | null, from: number, to: number): Table {
  if (order !== null) return selectRows(table, order.subarray(from, to));
  if (table.rows.kind === "list") return { ...table, rows: { kind: "list", rows: table.rows.rows.subarray(from, to) } };
  return { ...table, rows: { kind: "range", first: table.rows.first + from, count: to - from } };
}
