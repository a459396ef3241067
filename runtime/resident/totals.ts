/** Puts the results of a kernel's blocks together, in the order of the blocks. In: one kernel's results. Out: numbers and vectors. */
type Fold = "sum" | "max" | "min";

const initial = { sum: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY };

const combine = (fn: Fold, a: number, b: number) =>
  fn === "sum" ? a + b : fn === "max" ? Math.max(a, b) : Math.min(a, b);

/** The number of a root: one value a block; of argmax the position (pairs of value and position, the first largest wins). */
export function totalOf(fn: Fold | "argmax", blocks: Float64Array): number {
  if (fn !== "argmax") return blocks.reduce((acc, x) => combine(fn, acc, x), initial[fn]);
  let best = 0;
  for (let at = 2; at < blocks.length; at += 2) if (blocks[at] > blocks[best]) best = at;
  return blocks[best + 1] ?? 0;
}

/** The vector of a column root: `cols` values a block. */
export function columnTotals(fn: Fold, blocks: Float32Array, cols: number): Float32Array {
  const totals = new Float64Array(cols).fill(initial[fn]);
  for (let at = 0; at < blocks.length; at += cols) {
    for (let c = 0; c < cols; c++) totals[c] = combine(fn, totals[c], blocks[at + c]);
  }
  return Float32Array.from(totals);
}
