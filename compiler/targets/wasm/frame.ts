/**
 * The calling convention: how a call reaches the module. `run(frame)` takes the address of a *frame* in the imported
 * memory, 16-byte aligned; everything else of the call lies there, little endian, at the offsets that `frameOf` gives:
 *
 * - `first` i64, `count`, `cols`, `block` u32 (as in a kernel call);
 * - one u32 address an input, an output, and a root that is not a store (`results`, by number of the root);
 * - the f32 parameters and the u32 integers of the call;
 * - `scratch`: 256 bytes that the module writes as it likes.
 *
 * A result's buffer is 16-byte aligned and holds at entry `resultFill`: accumulate one f64 a block, argmax two; column
 * `cols` f32 a block; histogram `bins + 1` counts first, then room for the module's other copies (`resultBytes`).
 * The module may *read* up to 64 bytes past the end of an input, output or result (never write), so memory has to go on.
 */
import type { Kernel, Root } from "../../kernels/index.js";

export interface Frame {
  readonly bytes: number;
  readonly first: number;
  readonly count: number;
  readonly cols: number;
  readonly block: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly results: number;
  readonly params: number;
  readonly integers: number;
  readonly scratch: number;
}

/** How far beyond the end of a buffer the module may read. */
export const readAhead = 64;

export const scratchBytes = 256;

/**
 * A histogram is counted in copies, lanes taking turns, so that equal neighbours do not wait for each other. Measured on
 * bf16 differences with all keys inside: 1, 2 and 4 copies cost 1.40, 1.37 and 1.53 ns an element (2026, x86-64).
 */
export const histogramCopies = 2;

/** The offsets of a kernel's frame, in bytes; addresses and numbers of one kind stand next to each other, 4 bytes each. */
export function frameOf(kernel: Kernel): Frame {
  const inputs = 24;
  const outputs = inputs + 4 * kernel.inputs.length;
  const results = outputs + 4 * kernel.outputs.length;
  const params = results + 4 * kernel.roots.length;
  const integers = params + 4 * kernel.params;
  const scratch = Math.ceil((integers + 4 * kernel.integers) / 16) * 16;
  const bytes = scratch + scratchBytes;
  return { bytes, first: 0, count: 8, cols: 12, block: 16, inputs, outputs, results, params, integers, scratch };
}

/** Counters in one copy of a histogram: the bins, the keys past them, and one a lane for what must not be counted. */
export function histogramStride(bins: number): number {
  return Math.ceil((bins + 5) / 4) * 4;
}

/** Bytes of a root's result for a call of `blocks` blocks; 0 for stores. */
export function resultBytes(root: Root, blocks: number, cols: number): number {
  switch (root.kind) {
    case "store":
      return 0;
    case "accumulate":
      return 8 * blocks;
    case "argmax":
      return 16 * blocks;
    case "column":
      return 4 * blocks * cols;
    case "histogram":
      return 4 * histogramCopies * histogramStride(root.bins);
  }
}

/** What a result's buffer holds at entry, in numbers of its kind. */
export function resultFill(root: Root): number {
  if (root.kind !== "column" || root.fn === "sum") return 0;
  return root.fn === "max" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
