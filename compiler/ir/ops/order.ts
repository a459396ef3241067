/**
 * Order statistics. `threshold` finds the k-th largest element over one or several tensors together with the cut among
 * equals (larger first, then by part, then by position); `above` marks the k largest; ranks are never stored. On a
 * device it is radix selection over the bits of the elements, never a sort. `row_rank` ranks the elements of a row.
 */
import { flat } from "./adjoint.js";
import { exactly, type OpRow, ShapeError, type Value } from "./row.js";

/** The reference's threshold: the elements in order, as (part, position); `data` of the value holds k and nothing else. */
function sortedPositions(parts: readonly Value[]): { part: number; at: number; x: number }[] {
  const all = parts.flatMap((value, part) => Array.from(value.data, (x, at) => ({ part, at, x: x === 0 ? 0 : x })));
  const worth = (x: number) => (Number.isNaN(x) ? Infinity : x);
  return all.sort((a, b) =>
    worth(b.x) > worth(a.x) ? 1 : worth(b.x) < worth(a.x) ? -1 : a.part - b.part || a.at - b.at,
  );
}

/** Layout of a reference threshold: [part, position, value] of the first element that is not kept. */
export const order: readonly OpRow[] = [
  {
    name: "threshold",
    doc: "arguments k, x..: the state that separates the k largest elements of all x from the rest",
    arity: "any",
    fusion: "reduce",
    infer(args) {
      if (args[0]?.shape.length !== 0) throw new ShapeError("the number of kept elements must have rank 0");
      return { shape: [], dtype: "threshold" };
    },
    evaluate([k, ...parts]) {
      const sorted = sortedPositions(parts);
      const first = sorted[Math.max(0, Math.floor(k.data[0]))];
      if (k.data[0] <= 0) return Float64Array.of(-1, -1, sorted[0]?.x ?? -Infinity);
      return first === undefined
        ? Float64Array.of(Infinity, Infinity, -Infinity)
        : Float64Array.of(first.part, first.at, first.x);
    },
    noGradient: "an order statistic has no gradient",
    tolerance: exactly,
  },
  {
    name: "above",
    doc: "arguments x, threshold; attribute part (which x of the threshold this is): true for the kept elements",
    arity: 2,
    fusion: "elementwise",
    attributes: { part: "whole" },
    readsThreshold: true,
    infer([x, t]) {
      if (x.dtype === "threshold" || t.dtype !== "threshold")
        throw new ShapeError(`above takes x and a threshold, found ${x.dtype} and ${t.dtype}`, "dtype");
      return { shape: x.shape, dtype: "bool" };
    },
    evaluate([x, t], attrs) {
      const [part, at] = t.data;
      const limit = Number.isNaN(t.data[2]) ? Infinity : t.data[2];
      const own = attrs.part as number;
      return x.data.map((v, i) => {
        const worth = Number.isNaN(v) ? Infinity : v;
        const kept = worth > limit || (worth === limit && (own < part || (own === part && i < at)));
        return part !== -1 && kept ? 1 : 0;
      });
    },
    gradient: flat,
    tolerance: exactly,
  },
  {
    name: "threshold_value",
    doc: "the k-th largest element itself, k counted from 0 (the first that a threshold of k does not keep)",
    arity: 1,
    fusion: "host",
    readsThreshold: true,
    infer([t]) {
      if (t.dtype !== "threshold") throw new ShapeError(`threshold_value takes a threshold, found ${t.dtype}`, "dtype");
      return { shape: [], dtype: "f64" };
    },
    evaluate: ([t]) => Float64Array.of(t.data[2]),
    noGradient: "an order statistic has no gradient",
    tolerance: exactly,
  },
  {
    name: "row_rank",
    doc: "rank of each element in its row (last axis): 0 for the largest, equal elements by position (i32)",
    arity: 1,
    fusion: "row",
    infer: ([x]) => ({ shape: x.shape, dtype: x.shape.length === 0 ? "i64" : "i32" }),
    evaluate([x]) {
      const cols = x.shape.length === 0 ? 1 : x.shape[x.shape.length - 1];
      const result = new Float64Array(x.data.length);
      for (let start = 0; start < x.data.length; start += cols) {
        rankRow(x.data.subarray(start, start + cols), result.subarray(start, start + cols));
      }
      return result;
    },
    gradient: flat,
    tolerance: exactly,
  },
];

/** Ranks of one row, largest first, equal elements by position; NaN counts as the largest. */
export function rankRow(row: ArrayLike<number>, ranks: { [i: number]: number }): void {
  const indices = Uint32Array.from({ length: row.length }, (_, i) => i);
  const worth = (i: number) => (Number.isNaN(row[i]) ? Infinity : row[i]);
  indices.sort((a, b) => worth(b) - worth(a) || a - b);
  indices.forEach((at, rank) => {
    ranks[at] = rank;
  });
}
