/**
 * The resident program: what is computed again and again on values that stay in memory, such as a step of training.
 * Steps in the order of their execution over numbered buffers; rank-0 values are named by the number of their node.
 * Plain data but for the nodes by which a caller names inputs and outputs.
 */
import type { Node, StorageDtype, ValueDtype } from "../ir/index.js";
import type { Kernel } from "../kernels/index.js";
import type { Domain, IntegerRef, ScalarResult } from "../schedule/index.js";

/** A tensor in memory. Buffers that are not needed at the same time share a slot. */
export interface ResidentBuffer {
  readonly dtype: StorageDtype;
  readonly elements: number;
  readonly slot: number;
  /** Why it is in memory. */
  readonly reason: string;
}

/** Where a caller's input or output lies: a buffer, or the value of a rank-0 node. */
export type ValuePlace =
  | {
      readonly kind: "buffer";
      readonly buffer: number;
      readonly dtype: StorageDtype;
      readonly shape: readonly number[];
    }
  | { readonly kind: "number"; readonly node: number; readonly dtype: ValueDtype };

/** A batch of matrices in a buffer: element (b.., i, j) lies at offset + strides of the batch axes + i * row + j * col. */
export interface MatrixView {
  readonly buffer: number;
  readonly offset: number;
  readonly batch: readonly number[];
  readonly row: number;
  readonly col: number;
}

/** A rank-0 value that the host computes from others by the row of its operation. */
export interface HostValue {
  readonly node: number;
  readonly op: string;
  readonly args: readonly number[];
  readonly attrs: { readonly [name: string]: unknown };
  readonly dtype: ValueDtype;
}

/** An argument of an operation that the host runs on whole tensors. */
export type HostArgument =
  | { readonly kind: "buffer"; readonly buffer: number; readonly shape: readonly number[]; readonly dtype: ValueDtype }
  | { readonly kind: "number"; readonly node: number; readonly dtype: ValueDtype };

/** One value of a loop's state. `next` is null where a step leaves it as it is. */
export type LoopState =
  /** Both buffers have one size; after a step they change places. */
  | { readonly kind: "tensor"; readonly current: number; readonly next: number | null }
  /** Rank-0 nodes: the initial value, the variable, the value after a step, and what takes the final value. */
  | {
      readonly kind: "number";
      readonly initial: number;
      readonly current: number;
      readonly next: number;
      readonly results: readonly number[];
    };

export interface LoopLog {
  readonly name: string;
  readonly place: ValuePlace;
}

export type ResidentStep =
  | {
      readonly kind: "kernel";
      readonly kernel: number;
      readonly domain: Domain;
      readonly inputs: readonly number[];
      readonly outputs: readonly number[];
      /** Rank-0 nodes whose values are its f32 parameters. */
      readonly params: readonly number[];
      readonly integers: readonly IntegerRef[];
      readonly scalars: readonly ScalarResult[];
      /** Vectors that are put together from the blocks and written into a buffer. */
      readonly columns: readonly { readonly to: number; readonly fn: "sum" | "max" | "min" }[];
    }
  | {
      readonly kind: "matmul";
      readonly batch: readonly number[];
      readonly m: number;
      readonly k: number;
      readonly n: number;
      readonly left: MatrixView;
      readonly right: MatrixView;
      readonly to: number;
    }
  | {
      readonly kind: "row_rank";
      readonly rows: number;
      readonly cols: number;
      readonly from: number;
      readonly to: number;
    }
  /** Joins buffers: `outer` times the runs of elements of each. */
  | {
      readonly kind: "concat";
      readonly outer: number;
      readonly runs: readonly number[];
      readonly from: readonly number[];
      readonly to: number;
    }
  /** Finds the state of the order statistic `node` that keeps `k` of the elements of all parts. */
  | { readonly kind: "select"; readonly node: number; readonly k: number; readonly parts: readonly HostArgument[] }
  /** The first element of a buffer as a rank-0 value. */
  | { readonly kind: "read"; readonly node: number; readonly from: number }
  | { readonly kind: "host"; readonly values: readonly HostValue[] }
  /** An operation without kernels: the row's own evaluation on the host. */
  | {
      readonly kind: "evaluate";
      readonly op: string;
      readonly attrs: { readonly [name: string]: unknown };
      readonly args: readonly HostArgument[];
      readonly result: HostArgument;
    }
  | LoopStep;

export interface LoopStep {
  readonly kind: "loop";
  /** The node whose value is the number of steps that were run. */
  readonly node: number;
  readonly count: number | { readonly node: number };
  readonly index: number;
  readonly state: readonly LoopState[];
  readonly steps: readonly ResidentStep[];
  readonly until: number | null;
  readonly logs: readonly LoopLog[];
}

export interface ResidentProgram {
  readonly kernels: readonly Kernel[];
  readonly buffers: readonly ResidentBuffer[];
  /** Bytes of each slot. */
  readonly slots: readonly number[];
  readonly constants: readonly { readonly node: number; readonly value: number }[];
  readonly inputs: ReadonlyMap<Node, ValuePlace>;
  readonly outputs: ReadonlyMap<Node, ValuePlace>;
  /** What depends on no variable: run once. */
  readonly prologue: readonly ResidentStep[];
  readonly steps: readonly ResidentStep[];
  /** The loop node of the request → the number of its step's node. */
  readonly loops: ReadonlyMap<Node, number>;
}

/** Bytes of all slots: what a machine for this program allocates. */
export function residentBytes(program: ResidentProgram): number {
  return program.slots.reduce((a, b) => a + b, 0);
}

/** All steps, those inside loops too. */
export function allSteps(steps: readonly ResidentStep[]): ResidentStep[] {
  return steps.flatMap((step) => (step.kind === "loop" ? [step, ...allSteps(step.steps)] : [step]));
}
