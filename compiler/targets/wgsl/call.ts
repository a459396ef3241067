/**
 * The calling convention of a WGSL program: everything that a host does besides moving bytes.
 *
 * In: a program and the sizes of one call. Out: how long the result buffers are, which grids to dispatch, the words of
 * the uniform block, and afterwards the totals from the words that came back. Partial results are f32 (or whole
 * numbers in two halves) over segments of a block or of a row, in positions that do not depend on the call; the host
 * adds them up in f64, block by block, in order. Groups of four elements are counted from the call's first element, so
 * f32 sums are the same bits for every cut only where `block * cols` is a multiple of 4; nothing else depends on it.
 */
import { bytesOf } from "../../ir/index.js";
import type { Kernel, KernelTotals } from "../../kernels/index.js";
import { columnsWorkgroupSize } from "./columns.js";
import type { WgslProgram } from "./emit.js";
import { header } from "./layout.js";
import { elementsPerInvocation, foldLane, partialWords } from "./reductions.js";
import { isRowLevel } from "./values.js";

/** The sizes of a call, as in the runner's KernelCall. */
export interface CallSizes {
  readonly first: number;
  readonly count: number;
  readonly cols: number;
  readonly block: number;
}

/** One dispatch: the pipeline and the grid of workgroups. */
export interface Dispatch {
  readonly entry: "main" | "columns";
  /** Value of the override `workgroup_size` (main only). */
  readonly workgroupSize: number;
  readonly grid: readonly [number, number];
}

export interface CallPlan {
  readonly sizes: CallSizes;
  readonly dispatches: readonly Dispatch[];
  /** Length of `results` and of `counts` in 32-bit words; counts must be zero before the call. */
  readonly resultWords: number;
  readonly countWords: number;
  /** Word of the first result of each root, in `results` or `counts`. */
  readonly roots: readonly number[];
  readonly segments: number;
  readonly rowsPerGroup: number;
  readonly scratch: number;
  readonly groups: number;
}

/** Elements that a tensor may have: element numbers are 32-bit, with room for the ends of grids. */
export const largestElementCount = 2 ** 32 - 2 ** 27;

/** Workgroups in one direction that every device takes. */
const gridLimit = 65535;

function gridOf(groups: number): readonly [number, number] {
  const rows = Math.ceil(groups / gridLimit);
  return [Math.ceil(groups / rows), rows];
}

/** Rows that one workgroup must run so that no two workgroups write into one 32-bit word. */
function rowsSharingWords(kernel: Kernel, cols: number): number {
  let rows = 1;
  for (const { dtype, access } of kernel.outputs) {
    const perWord = 4 / Math.min(bytesOf(dtype), 4);
    const along = access === "row" ? 1 : cols;
    while ((rows * along) % perWord !== 0) rows *= 2;
  }
  return rows;
}

/** The workgroup size of a call: it depends on the tensor's sizes only, never on where the tensor is cut. */
function workgroupSizeOf(program: WgslProgram, sizes: CallSizes): number {
  return program.schedule === "rows" && sizes.cols <= 512 ? 64 : 256;
}

/** Bytes of each input (null for strided access, which may reach anywhere) and of each output that a call touches. */
export function regionBytes(
  kernel: Kernel,
  { count, cols }: CallSizes,
): { inputs: (number | null)[]; outputs: number[] } {
  const elements = (access: string) =>
    access === "col" ? cols : access === "row" && !kernel.flat ? count : count * cols;
  return {
    inputs: kernel.inputs.map(({ dtype, access }) =>
      access.kind === "strided" ? null : elements(access.kind) * bytesOf(dtype),
    ),
    outputs: kernel.outputs.map(({ dtype, access }) => elements(access) * bytesOf(dtype)),
  };
}

/** What the sizes of a call mean for a program. The call must not be empty. */
export function planCall(program: WgslProgram, sizes: CallSizes): CallPlan {
  const { kernel, schedule } = program;
  const { count, cols, block } = sizes;
  const workgroupSize = workgroupSizeOf(program, sizes);
  const blocks = Math.ceil(count / block);
  const perSegment = workgroupSize * elementsPerInvocation;
  const segments = Math.ceil((schedule === "rows" ? cols : Math.min(block, count)) / perSegment);
  const rowsPerGroup = schedule === "rows" ? rowsSharingWords(kernel, cols) : 1;
  const partials = schedule === "rows" ? count * segments : blocks * segments;

  let resultWords = 0;
  let countWords = 0;
  const roots = kernel.roots.map((root) => {
    switch (root.kind) {
      case "store":
        return 0;
      case "histogram":
        return (countWords += root.bins + 1) - (root.bins + 1);
      case "column":
        return (resultWords += blocks * cols) - blocks * cols;
      default: {
        const words = (isOncePerRow(kernel, root) ? count : partials) * partialWords(kernel, root);
        return (resultWords += words) - words;
      }
    }
  });
  const scratch = resultWords;
  resultWords += program.exported * count;

  const groups = {
    each: Math.ceil(Math.ceil(count / 4) / workgroupSize),
    segments: partials,
    rows: Math.ceil(count / rowsPerGroup),
  }[schedule];
  const dispatches = program.entries.map(({ name }): Dispatch => {
    const n = name === "main" ? groups : Math.ceil((blocks * cols) / columnsWorkgroupSize);
    return { entry: name, workgroupSize, grid: gridOf(n) };
  });
  return { sizes, dispatches, resultWords, countWords, roots, segments, rowsPerGroup, scratch, groups };
}

/** The uniform block of a call. Offsets are in 32-bit words from the start of each binding. */
export function uniformWords(
  program: WgslProgram,
  plan: CallPlan,
  offsets: { readonly inputs: readonly number[]; readonly outputs: readonly number[] },
  params: readonly number[],
  integers: readonly number[],
): Uint32Array<ArrayBuffer> {
  const { layout, kernel } = program;
  const { first, count, cols, block } = plan.sizes;
  const words = new Uint32Array(layout.words);
  const floats = new Float32Array(words.buffer);
  words[header.base] = first * cols;
  words[header.first] = first;
  words[header.count] = count;
  words[header.cols] = cols;
  words[header.block] = Math.min(block, count);
  words[header.rowsPerGroup] = plan.rowsPerGroup;
  words[header.segments] = plan.segments;
  words[header.scratch] = plan.scratch;
  words[header.groups] = plan.groups;
  const fill = (at: readonly number[], values: readonly number[]) => {
    for (let n = 0; n < at.length; n++) words[at[n]] = values[n];
  };
  fill(layout.inputOffsets, offsets.inputs);
  fill(layout.outputOffsets, offsets.outputs);
  fill(layout.rootOffsets, plan.roots);
  for (let i = 0; i < kernel.params; i++) floats[layout.params + i] = params[i];
  for (let i = 0; i < kernel.integers; i++) words[layout.integers + i] = integers[i];
  return words;
}

type Scalars = Extract<Kernel["roots"][number], { kind: "accumulate" | "argmax" }>;

/** Whether a root takes one value a row and leaves it as it is. */
function isOncePerRow(kernel: Kernel, root: Scalars): boolean {
  return root.kind === "accumulate" && isRowLevel(kernel, root.value);
}

/** The totals of a call from the words of `results` and `counts`. */
export function readTotals(
  program: WgslProgram,
  plan: CallPlan,
  results: Uint32Array,
  counts: Uint32Array,
): KernelTotals {
  const { kernel } = program;
  const { count, cols, block } = plan.sizes;
  const blocks = Math.ceil(count / block);
  const floats = new Float32Array(results.buffer, results.byteOffset, results.length);
  const totals: KernelTotals = { scalars: [], columns: [], histograms: [] };
  kernel.roots.forEach((root, n) => {
    const at = plan.roots[n];
    if (root.kind === "histogram") totals.histograms.push(counts.slice(at, at + root.bins + 1));
    else if (root.kind === "column") totals.columns.push(floats.slice(at, at + blocks * cols));
    else if (root.kind !== "store") totals.scalars.push(scalarsOf(program, plan, root, at, results, floats));
  });
  return totals;
}

function scalarsOf(
  program: WgslProgram,
  plan: CallPlan,
  root: Scalars,
  at: number,
  results: Uint32Array,
  floats: Float32Array,
): Float64Array {
  const { kernel, schedule } = program;
  const { first, count, cols, block } = plan.sizes;
  const blocks = Math.ceil(count / block);
  const perUnit = isOncePerRow(kernel, root) ? 1 : plan.segments;
  /** Partial results of block b: a range. */
  const range = (b: number): readonly [number, number] =>
    schedule === "rows"
      ? [b * block * perUnit, Math.min((b + 1) * block, count) * perUnit]
      : [b * perUnit, (b + 1) * perUnit];

  if (root.kind === "argmax") {
    const out = new Float64Array(blocks * 2);
    for (let b = 0; b < blocks; b++) {
      let best = Number.NEGATIVE_INFINITY;
      let where = b * block * cols;
      for (let p = range(b)[0]; p < range(b)[1]; p++) {
        const value = floats[at + 2 * p];
        if (value > best) [best, where] = [value, results[at + 2 * p + 1]];
      }
      out[2 * b] = best;
      out[2 * b + 1] = first * cols + where;
    }
    return out;
  }
  const lane = foldLane(kernel.instrs[root.value].lane);
  const words = partialWords(kernel, root);
  const signed = new Int32Array(results.buffer, results.byteOffset, results.length);
  const value = (p: number) => {
    const w = at + p * words;
    if (words === 2) return signed[w + 1] * 65536 + results[w];
    return lane === "f32" ? floats[w] : lane === "i32" ? signed[w] : results[w];
  };
  const initial = { sum: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY }[root.fn];
  return Float64Array.from({ length: blocks }, (_, b) => {
    let acc = initial;
    for (let p = range(b)[0]; p < range(b)[1]; p++)
      acc = root.fn === "sum" ? acc + value(p) : Math[root.fn](acc, value(p));
    return acc;
  });
}

/** The totals of a call without elements. */
export function emptyTotals({ kernel }: WgslProgram, { count, cols, block, first }: CallSizes): KernelTotals {
  const blocks = Math.ceil(count / block);
  const initial = { sum: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY };
  const totals: KernelTotals = { scalars: [], columns: [], histograms: [] };
  for (const root of kernel.roots) {
    if (root.kind === "accumulate") totals.scalars.push(new Float64Array(blocks).fill(initial[root.fn]));
    else if (root.kind === "argmax") {
      totals.scalars.push(
        Float64Array.from({ length: 2 * blocks }, (_, i) => (i % 2 === 0 ? Number.NEGATIVE_INFINITY : first * cols)),
      );
    } else if (root.kind === "column") totals.columns.push(new Float32Array(blocks * cols));
    else if (root.kind === "histogram") totals.histograms.push(new Uint32Array(root.bins + 1));
  }
  return totals;
}
