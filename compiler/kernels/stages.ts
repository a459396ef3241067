/**
 * The loops over a row. A kernel that is not flat may reduce along a row and use the result along the same row again;
 * each such step needs one more loop. In: a kernel. Out: for each instruction the loop after which (row level) or in
 * which (element level) its value exists. Element values are recomputed in every loop that uses them.
 */
import type { Kernel } from "./kernel.js";

export interface Stages {
  /** Number of loops over a row. */
  readonly count: number;
  /** Element level: the first loop in which the value can be computed. Row level: the first loop in which it can be used (one past the loop that reduces it). */
  readonly of: readonly number[];
  /** For each root the loop it belongs to. A store with row access belongs to the loop in which its value can first be used, and stands before that loop's body. */
  readonly ofRoot: readonly number[];
}

const ROW_REDUCTIONS = new Set(["row_sum", "row_max", "row_min", "row_argmax"]);

export function isRowReduction(op: string): boolean {
  return ROW_REDUCTIONS.has(op);
}

export function stagesOf(kernel: Kernel): Stages {
  const of: number[] = [];
  for (const instr of kernel.instrs) {
    const base = Math.max(0, ...instr.args.map((a) => of[a]));
    of.push(isRowReduction(instr.op) ? base + 1 : base);
  }
  const subjectOf = (root: Kernel["roots"][number]) => (root.kind === "histogram" ? root.key : root.value);
  const ofRoot = kernel.roots.map((root) => of[subjectOf(root)]);
  const reduced = kernel.instrs.map((instr, i) => (isRowReduction(instr.op) ? of[i] : 0));
  return { count: Math.max(1, ...ofRoot.map((s) => s + 1), ...reduced), of, ofRoot };
}
