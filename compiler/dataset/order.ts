/**
 * The order in which rows are drawn: a pure function of (seed, epoch), the same on every machine.
 *
 * In: a number of rows, a seed, the number of an epoch or of a batch. Out: row numbers. An epoch is a Fisher-Yates
 * shuffle (Durstenfeld 1964): for j = n - 1, …, 1 the items j and floor(u_j (j + 1)) change places. u_j in [0, 1) has
 * 53 bits from Philox4x32-10 (compiler/ir/philox.ts) under the counter (floor(j / 2), 0, epoch mod 2^32,
 * floor(epoch / 2^32)): with a, b = words 0, 1 of the block for even j, words 2, 3 for odd j,
 * u_j = (a 2^21 + floor(b / 2^11)) / 2^53. The product u_j (j + 1), rounded to f64, stays below j + 1. No draw depends on
 * another one, so that any other program can make the same order. The key is the seed: its low and high 32 bits.
 *
 * Batches are cut from the endless sequence epoch 0, epoch 1, …: batch i of n rows takes the positions i n to
 * i n + n - 1. A batch may end one epoch and begin the next; over whole epochs each row is drawn equally often, whatever
 * the size of the batch.
 */
import { philox4x32 } from "../ir/index.js";

/** The most rows that have an order: positions of tables are 32-bit integers. */
export const mostRows = 2 ** 31 - 1;

/** A key for Philox: low and high 32 bits. */
export type OrderKey = readonly [number, number];

/** The key of a whole number from -2^63 to 2^64 - 1 (two's complement). Throws a RangeError for anything else. */
export function orderKey(seed: number | bigint): OrderKey {
  if (typeof seed === "number" && !Number.isInteger(seed))
    throw new RangeError(`a seed is a whole number, not ${seed}`);
  const whole = BigInt(seed);
  if (whole < -(1n << 63n) || whole >= 1n << 64n) throw new RangeError(`a seed has 64 bits, ${seed} has more`);
  const bits = BigInt.asUintN(64, whole);
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}

/**
 * A permutation of 0, …, n - 1: the order of epoch `epoch` (from 0). Throws a RangeError unless
 * 0 <= n < 2^31 and `epoch` is a whole number from 0 on.
 */
export function permutationIndices(n: number, seed: number | bigint | OrderKey, epoch: number): Int32Array {
  if (!(Number.isInteger(n) && n >= 0 && n <= mostRows)) throw new RangeError(`cannot order ${n} rows`);
  if (!(Number.isSafeInteger(epoch) && epoch >= 0)) throw new RangeError(`there is no epoch ${epoch}`);
  const key = typeof seed === "object" ? seed : orderKey(seed);
  const order = Int32Array.from({ length: n }, (_, i) => i);
  const low = epoch >>> 0;
  const high = Math.floor(epoch / 2 ** 32);
  let block = -1;
  let words: readonly number[] = [];
  for (let j = n - 1; j > 0; j--) {
    if (j >> 1 !== block) {
      block = j >> 1;
      words = philox4x32([block, 0, low, high], key);
    }
    const word = (j & 1) * 2;
    const u = (words[word] * 2 ** 21 + (words[word + 1] >>> 11)) / 2 ** 53;
    const other = Math.floor(u * (j + 1));
    const held = order[j];
    order[j] = order[other];
    order[other] = held;
  }
  return order;
}

/**
 * The rows of batch `i` (from 0) of `n` rows from a table of `rows` rows, in their order. A pure function; who draws
 * batch after batch passes an `orders` (`epochOrders`), which keeps the shuffles of the last two epochs.
 */
export function drawRows(
  rows: number,
  n: number,
  i: number,
  seed: number | bigint | OrderKey,
  orders: EpochOrders = epochOrders(rows, seed),
): Int32Array {
  if (rows < 1) throw new RangeError("cannot draw from an empty table");
  if (!(Number.isInteger(n) && n >= 1)) throw new RangeError(`cannot draw a batch of ${n} rows`);
  if (!(Number.isInteger(i) && i >= 0)) throw new RangeError(`there is no batch ${i}`);
  const start = i * n;
  if (!Number.isSafeInteger(start + n)) throw new RangeError(`batch ${i} of ${n} rows is beyond 2^53 rows`);
  const drawn = new Int32Array(n);
  let done = 0;
  while (done < n) {
    const epoch = Math.floor((start + done) / rows);
    const from = (start + done) % rows;
    const count = Math.min(n - done, rows - from);
    drawn.set(orders(epoch).subarray(from, from + count), done);
    done += count;
  }
  return drawn;
}

/** The order of an epoch, by its number. */
export type EpochOrders = (epoch: number) => Int32Array;

/** The orders of a table's epochs; the last two that were asked for are kept. */
export function epochOrders(rows: number, seed: number | bigint | OrderKey): EpochOrders {
  let kept: readonly (readonly [number, Int32Array])[] = [];
  return (epoch) => {
    const known = kept.find(([number]) => number === epoch);
    if (known !== undefined) return known[1];
    const order = permutationIndices(rows, seed, epoch);
    kept = [[epoch, order], ...kept.slice(0, 1)];
    return order;
  };
}
