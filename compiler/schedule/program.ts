/**
 * The program: what the executor runs. Tasks read tensors of files piece by piece and give statistics or outputs;
 * between tasks only rank-0 values, thresholds and column vectors pass. Everything here is plain data (nodes are named
 * by number), so that it can be sent to worker threads.
 */
import type { StorageDtype, ValueDtype } from "../ir/index.js";
import type { Kernel } from "../kernels/index.js";

/** A tensor of a file: the leaf that an `input` node stands for. */
export interface FileTensor {
  readonly source: string;
  readonly name: string;
  readonly dtype: StorageDtype;
  readonly elements: number;
}

/** A buffer of a task. */
export type BufferRef =
  | { readonly kind: "file"; readonly index: number }
  | { readonly kind: "temp"; readonly index: number }
  /** A vector over the columns that an earlier task gave. */
  | { readonly kind: "column"; readonly node: number }
  | { readonly kind: "output" };

/** Where a u32 of a kernel call comes from. */
export type IntegerRef =
  | { readonly kind: "value"; readonly value: number }
  /** A word of a draw's key with the value of a rank-0 node, the step of a loop, mixed in. */
  | { readonly kind: "key"; readonly node: number; readonly key: readonly [number, number]; readonly word: 0 | 1 }
  /** The key of the first element that a threshold does not keep, and how far equal keys are kept in this part. */
  | { readonly kind: "limit"; readonly node: number }
  | { readonly kind: "cut"; readonly node: number; readonly part: number }
  /** The window of a histogram round. */
  | { readonly kind: "low"; readonly node: number }
  | { readonly kind: "shift"; readonly node: number };

/** What becomes of the numbers that leave a kernel, in the order of its roots of that kind. */
export interface ScalarResult {
  readonly node: number;
  readonly fn: "sum" | "max" | "min" | "argmax";
  /** Which part of a threshold, in the task that counts equal keys. */
  readonly part?: number;
}

/** The temp that marks the elements of a part whose key equals a threshold's limit. */
export interface Mark {
  readonly node: number;
  readonly part: number;
  readonly temp: number;
}

export interface KernelStep {
  readonly kind: "kernel";
  /** Index into Program.kernels. */
  readonly kernel: number;
  readonly domain: Domain;
  readonly inputs: readonly BufferRef[];
  readonly outputs: readonly BufferRef[];
  /** Numbers of the rank-0 nodes that are its f32 parameters. */
  readonly params: readonly number[];
  readonly integers: readonly IntegerRef[];
  readonly scalars: readonly ScalarResult[];
  readonly columns: readonly { readonly node: number; readonly fn: "sum" | "max" | "min" }[];
  /** Numbers of the threshold nodes whose keys it counts. */
  readonly histograms: readonly { readonly node: number; readonly part: number }[];
}

export type Step =
  | KernelStep
  /** Ranks along rows of f32: temp to temp (i32). */
  | {
      readonly kind: "row_rank";
      readonly rows: number;
      readonly cols: number;
      readonly from: number;
      readonly to: number;
    }
  /** Joins temps: `outer` times the runs of elements of each. */
  | {
      readonly kind: "concat";
      readonly outer: number;
      readonly runs: readonly number[];
      readonly from: readonly number[];
      readonly to: number;
      readonly bytes: number;
    }
  /** A matrix product of whole f32 temps. */
  | {
      readonly kind: "matmul";
      readonly batch: readonly number[];
      readonly m: number;
      readonly k: number;
      readonly n: number;
      readonly left: TempMatrix;
      readonly right: TempMatrix;
      readonly to: number;
    }
  /** An operation without kernels: the row's own evaluation on the host, on whole temps. */
  | {
      readonly kind: "evaluate";
      readonly op: string;
      readonly attrs: { readonly [name: string]: unknown };
      readonly args: readonly EvaluateArgument[];
      readonly shape: readonly number[];
      readonly dtype: ValueDtype;
      readonly to: number;
      /** Bytes that it works with besides its temps. */
      readonly working: number;
    };

/** A batch of matrices in a temp: element (b.., i, j) lies at offset + strides of the batch axes + i * row + j * col. */
export interface TempMatrix {
  readonly temp: number;
  readonly offset: number;
  readonly batch: readonly number[];
  readonly row: number;
  readonly col: number;
}

export type EvaluateArgument =
  | { readonly kind: "temp"; readonly temp: number; readonly shape: readonly number[]; readonly dtype: ValueDtype }
  | { readonly kind: "number"; readonly node: number; readonly dtype: ValueDtype };

/** A loop over `units` elements (flat) or rows of `cols` elements, in blocks of `block` units. */
export interface Domain {
  readonly flat: boolean;
  readonly units: number;
  readonly cols: number;
  readonly block: number;
}

/** A buffer that lives inside a task: of a piece, or of the whole tensor when the task is not cut. */
export interface Temp {
  readonly dtype: StorageDtype;
  readonly elements: number;
  /** Why it is not fused away. */
  readonly reason: string;
}

export interface Task {
  readonly id: number;
  readonly place: string;
  readonly level: number;
  readonly kind: "statistics" | "thresholds" | "equals" | "output" | "kept";
  /** How the task is cut into pieces. `whole`: it is not, every buffer holds its whole tensor. */
  readonly domain: Domain;
  readonly whole: boolean;
  readonly steps: readonly Step[];
  readonly files: readonly FileTensor[];
  /** How each file tensor is read: with the piece (full, row), or all of it (all). */
  readonly reads: readonly ("full" | "row" | "all")[];
  readonly temps: readonly Temp[];
  readonly marks: readonly Mark[];
  /** Statistics and kept results (node numbers) that must be known before it runs. */
  readonly needs: readonly number[];
  /** The output tensor it writes, if any: index into Program.outputs. */
  readonly output: number | null;
  /** The result it keeps for later tasks, if any: index into Program.kept. */
  readonly keeps: number | null;
}

/** A tensor to write: computed by a task, or copied from a file. */
export interface Output {
  readonly save: number;
  readonly name: string;
  readonly dtype: StorageDtype;
  readonly shape: readonly number[];
  readonly copy: FileTensor | null;
  /** True when a call selected this tensor. */
  readonly selected: boolean;
  /** Node numbers of what the receipt says: elements changed, sum of squared change, sum of squared rounding loss; and of the count of non-finite elements. */
  readonly changed: number | null;
  readonly change: number | null;
  readonly lost: number | null;
  readonly nonFinite: number | null;
}

/** A result that later tasks read like a tensor of a file (of the source KEPT, under this name). */
export interface KeptResult {
  /** Number of the input that stands for it. */
  readonly node: number;
  readonly name: string;
  readonly bytes: number;
  /** The temp of its task that holds it. */
  readonly temp: number;
}

/** A rank-0 node, as plain data, for the host's arithmetic. */
export interface HostNode {
  readonly id: number;
  readonly op: string;
  readonly args: readonly number[];
  readonly attrs: { readonly [name: string]: unknown };
  readonly dtype: ValueDtype;
}

export interface ThresholdInfo {
  readonly node: number;
  /** The rank-0 node that says how many elements are kept. */
  readonly k: number;
  /** Number of elements of each part. */
  readonly parts: readonly number[];
  /** The task that counts each part, and the one that counts equal keys. */
  readonly tasks: readonly number[];
  readonly equals: readonly number[];
}

export interface Program {
  readonly kernels: readonly Kernel[];
  readonly tasks: readonly Task[];
  readonly outputs: readonly Output[];
  readonly kept: readonly KeptResult[];
  readonly host: ReadonlyMap<number, HostNode>;
  readonly thresholds: readonly ThresholdInfo[];
  /** Passes over the data: 1 + the largest level. */
  readonly passes: number;
}

/** Elements a block of a flat domain; rows are grouped to about as many. */
export const BLOCK = 65536;

export function domainOf(flat: boolean, rows: number, cols: number): Domain {
  if (flat) return { flat, units: rows * cols, cols: 1, block: BLOCK };
  const fitting = Math.max(1, Math.floor(BLOCK / Math.max(1, cols)));
  // Blocks start at whole vectors of four elements, so that partial sums are cut alike wherever a piece begins.
  const block = cols % 4 === 0 ? fitting : Math.max(4, fitting - (fitting % 4));
  return { flat, units: rows, cols, block };
}
