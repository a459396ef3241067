/**
 * The seam between the executor and a device: something that holds buffers and runs kernels on them.
 *
 * The executor fills `Memory.host`, calls `upload`, runs kernels, calls `download`, and reads `Memory.host`. On the CPU
 * the host bytes *are* the device's bytes (a view of WASM memory) and both calls do nothing.
 */
import type { Kernel } from "../../compiler/index.js";
import type { MatmulCall } from "./matmul.js";

/** A buffer. `host` may be replaced when memory grows: read the property each time, keep no copy of it. */
export interface Memory {
  readonly host: Uint8Array;
  readonly bytes: number;
}

/** A kernel's argument: a buffer from a byte offset on (a multiple of 4 on the GPU). */
export interface Region {
  readonly memory: Memory;
  readonly offset: number;
}

/** One run of a kernel over whole blocks of its domain. */
export interface KernelCall {
  readonly kernel: Kernel;
  /** First element (flat) or row, counted from the tensor's start: a multiple of `block`. */
  readonly first: number;
  /** Number of elements (flat) or rows. */
  readonly count: number;
  /** Elements a row; 1 for flat kernels. */
  readonly cols: number;
  /** Elements (flat) or rows a block. */
  readonly block: number;
  readonly inputs: readonly Region[];
  readonly outputs: readonly Region[];
  readonly params: readonly number[];
  readonly integers: readonly number[];
  /**
   * Where histograms are added up over several calls, one memory (from `Runner.counts`) a histogram root: its first
   * bins + 1 u32. `KernelResult.histograms` is then empty.
   */
  readonly counts?: readonly Memory[];
}

/** What leaves a kernel besides its outputs, in the order of the roots of that kind; blocks in order. */
export interface KernelResult {
  /** accumulate: [blocks]; argmax: [blocks * 2] (value, flat element number from the tensor's start). One array a root, in the order of the roots. */
  readonly scalars: readonly Float64Array[];
  /** column: [blocks * cols]. */
  readonly columns: readonly Float32Array[];
  /** histogram: [bins + 1] over all blocks of the call; the last slot counts the keys past the last bin. */
  readonly histograms: readonly Uint32Array[];
}

export interface Runner {
  readonly kind: "cpu" | "gpu";
  /** Fresh memory, 64-byte aligned. Contents are undefined. */
  allocate(bytes: number): Memory;
  /** Gives all memory back at once. */
  reset(): void;
  /** Fresh memory, all zero, for `KernelCall.counts` of a histogram with so many bins; null where calls bring none. */
  counts(bins: number): Memory | null;
  upload(memory: Memory): void;
  download(memory: Memory): void | Promise<void>;
  run(call: KernelCall): KernelResult | Promise<KernelResult>;
  matmul(call: MatmulCall): void | Promise<void>;
  close(): void;
}
