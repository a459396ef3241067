/**
 * The memory plan. In: steps in order, buffers, what must outlive a run. Out: a slot for every buffer, such that buffers
 * that are needed at the same time have different slots. Buffers are placed by size, the largest first, into the first
 * slot that is free while they are needed (greedy by size, as in TensorFlow Lite's planner; Pisarchyk and Lee, 2020).
 */
import { bytesOf, type StorageDtype } from "../ir/index.js";
import type { HostArgument, LoopStep, ResidentStep } from "./program.js";

export interface PlannedBuffer {
  readonly dtype: StorageDtype;
  readonly elements: number;
}

export interface MemoryPlan {
  /** The slot of each buffer. */
  readonly slotOf: readonly number[];
  /** Bytes of each slot. */
  readonly slots: readonly number[];
}

/** When a buffer is needed: from one step to another, both included. */
export interface Lifetime {
  readonly from: number;
  readonly to: number;
}

const alignment = 64;

export function planMemory(buffers: readonly PlannedBuffer[], lifetimes: readonly Lifetime[]): MemoryPlan {
  const bytes = buffers.map(({ dtype, elements }) => Math.ceil((bytesOf(dtype) * elements) / alignment) * alignment);
  const order = buffers.map((_, i) => i).sort((a, b) => bytes[b] - bytes[a] || a - b);
  const slots: { readonly bytes: number; readonly taken: Lifetime[] }[] = [];
  const slotOf = new Array<number>(buffers.length);
  for (const buffer of order) {
    const own = lifetimes[buffer];
    const isFree = (slot: { taken: Lifetime[] }) =>
      slot.taken.every((other) => other.to < own.from || own.to < other.from);
    let at = slots.findIndex(isFree);
    if (at < 0) at = slots.push({ bytes: bytes[buffer], taken: [] }) - 1;
    slots[at].taken.push(own);
    slotOf[buffer] = at;
  }
  return { slotOf, slots: slots.map((slot) => slot.bytes) };
}

/** Buffers that a step reads and writes; those of a loop's own state and logs for a loop. */
export function buffersOf(step: ResidentStep): readonly number[] {
  const argument = (arg: HostArgument) => (arg.kind === "buffer" ? [arg.buffer] : []);
  switch (step.kind) {
    case "kernel":
      return [...step.inputs, ...step.outputs, ...step.columns.map((c) => c.to)];
    case "matmul":
      return [step.left.buffer, step.right.buffer, step.to];
    case "row_rank":
      return [step.from, step.to];
    case "concat":
      return [...step.from, step.to];
    case "select":
      return step.parts.flatMap(argument);
    case "read":
      return [step.from];
    case "evaluate":
      return [...step.args, step.result].flatMap(argument);
    case "host":
      return [];
    case "loop":
      return [
        ...step.state.flatMap((s) => (s.kind === "tensor" ? [s.current, ...(s.next === null ? [] : [s.next])] : [])),
        ...step.logs.flatMap(({ place }) => (place.kind === "buffer" ? [place.buffer] : [])),
      ];
  }
}

/**
 * The lifetimes of all buffers. What a loop takes from outside is needed until the loop ends; the two buffers of a state
 * live together. `always` holds inputs, `kept` what is asked for after a run; what the prologue leaves to the main block
 * stays for the next run.
 */
export function lifetimesOf(
  count: number,
  prologue: readonly ResidentStep[],
  main: readonly ResidentStep[],
  always: readonly number[],
  kept: readonly number[],
): Lifetime[] {
  const from = new Array<number>(count).fill(Number.POSITIVE_INFINITY);
  const to = new Array<number>(count).fill(-1);
  let position = 0;
  const states: LoopStep[] = [];
  const touch = (buffer: number, at: number) => {
    from[buffer] = Math.min(from[buffer], at);
    to[buffer] = Math.max(to[buffer], at);
  };
  const walk = (steps: readonly ResidentStep[]) => {
    for (const step of steps) {
      const start = position++;
      for (const buffer of buffersOf(step)) touch(buffer, start);
      if (step.kind !== "loop") continue;
      states.push(step);
      walk(step.steps);
      const end = position++;
      for (const buffer of buffersOf(step)) touch(buffer, end);
      for (let buffer = 0; buffer < count; buffer++) {
        if (from[buffer] < start && to[buffer] > start) touch(buffer, end);
      }
    }
  };
  walk(prologue);
  const begin = position;
  walk(main);
  for (let buffer = 0; buffer < count; buffer++) {
    if (from[buffer] < begin && to[buffer] >= begin) to[buffer] = position;
  }
  for (const buffer of always) {
    from[buffer] = 0;
    to[buffer] = position;
  }
  for (const buffer of kept) touch(buffer, position);
  // Inner loops come after the loops around them; their pairs are joined first.
  for (const { state } of states.toReversed()) {
    for (const each of state) {
      if (each.kind !== "tensor" || each.next === null) continue;
      const [a, b] = [each.current, each.next];
      from[a] = from[b] = Math.min(from[a], from[b]);
      to[a] = to[b] = Math.max(to[a], to[b]);
    }
  }
  return from.map((start, buffer) => ({
    from: Math.min(start, position),
    to: Math.max(to[buffer], Math.min(start, position)),
  }));
}
