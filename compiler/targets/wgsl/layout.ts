/**
 * Where a kernel finds its arguments: the uniform block and the bindings.
 *
 * In: a kernel and the number of storage buffers a shader may bind. Out: numbers that the code generator and `call.ts`
 * share. Everything that changes from call to call (sizes, offsets, params, integers) is a 32-bit word of one uniform
 * block, so that the text of a kernel is the same for all sizes. Every input has its own word offset; when there are
 * more buffers than bindings, the last inputs share one binding and the caller copies them side by side.
 */
import type { Kernel } from "../../kernels/index.js";

/** Words of the uniform block that every kernel has. */
export const header = {
  /** Number of the call's first element, counted from the tensor's start: first * cols (first, in a flat kernel). */
  base: 0,
  first: 1,
  count: 2,
  cols: 3,
  block: 4,
  /** Rows that one workgroup runs one after the other (row kernels). */
  rowsPerGroup: 5,
  /** Segments of a block (flat kernels) or of a row. */
  segments: 6,
  /** Where in `results` the main entry leaves the row values that the columns entry reads. */
  scratch: 7,
  /** Workgroups of the main entry that have work; the grid may be a little larger. */
  groups: 8,
} as const;

const headerWords = 9;

export interface WgslLayout {
  /** Length of the uniform block in 32-bit words, a multiple of 4. Binding 0. */
  readonly words: number;
  /** Word that holds the offset, in words, of each input in its binding. */
  readonly inputOffsets: readonly number[];
  readonly outputOffsets: readonly number[];
  /** Word that holds, for each root, where its results begin in `results` or, for histograms, in `counts`. */
  readonly rootOffsets: readonly number[];
  /** Word of the first param, and of the first integer. */
  readonly params: number;
  readonly integers: number;
  /** Binding of each input; several inputs may have the same. */
  readonly inputBindings: readonly number[];
  readonly outputBindings: readonly number[];
  /** Binding of the partial results, or null when no root and no entry needs them. */
  readonly results: number | null;
  /** Binding of the histograms, or null. */
  readonly counts: number | null;
}

/** How many storage buffers every device binds. */
export const guaranteedStorageBuffers = 8;

/** The layout of a kernel. Throws a RangeError when even one binding for all inputs is too many. */
export function layoutOf(kernel: Kernel, storageBuffers: number): WgslLayout {
  let word = headerWords;
  const take = (n: number) => (word += n) - n;
  const inputOffsets = kernel.inputs.map(() => take(1));
  const outputOffsets = kernel.outputs.map(() => take(1));
  const rootOffsets = kernel.roots.map(() => take(1));
  const params = take(kernel.params);
  const integers = take(kernel.integers);

  const hasResults = kernel.roots.some((r) => r.kind === "accumulate" || r.kind === "argmax" || r.kind === "column");
  const hasCounts = kernel.roots.some((r) => r.kind === "histogram");
  const others = kernel.outputs.length + Number(hasResults) + Number(hasCounts);
  const forInputs = Math.min(kernel.inputs.length, storageBuffers - others);
  if (kernel.inputs.length > 0 && forInputs < 1) {
    throw new RangeError(
      `a kernel with ${kernel.inputs.length} inputs and ${others} outputs does not fit into ${storageBuffers} storage buffers`,
    );
  }
  const next = 1 + forInputs + kernel.outputs.length;
  return {
    words: Math.ceil(word / 4) * 4,
    inputOffsets,
    outputOffsets,
    rootOffsets,
    params,
    integers,
    inputBindings: kernel.inputs.map((_, i) => 1 + Math.min(i, forInputs - 1)),
    outputBindings: kernel.outputs.map((_, i) => 1 + forInputs + i),
    results: hasResults ? next : null,
    counts: hasCounts ? next + Number(hasResults) : null,
  };
}

/** WGSL text of a word of the uniform block. */
export function word(at: number): string {
  return `call[${at >> 2}].${"xyzw"[at & 3]}`;
}
