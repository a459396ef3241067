/**
 * What the threads of a pool share besides the memory they compute in: a few words. `next` holds the number of the job
 * (its *epoch*) and the next part of it, so that a thread takes both at once and never mixes two jobs; the fields of a job
 * stand in a ring by epoch. A job begins only after all parts of the one before are done.
 */

export const control = {
  next: 0,
  done: 1,
  wake: 2,
  stop: 3,
  ring: 16,
  bytes: 4096,
} as const;

/** Parts of one job: they share a word with the epoch. */
export const mostParts = 60000;

const ringSize = 16;
const fields = 8;

/** `run(frame)` of a function for the frames `first + part * stride`. */
export interface Job {
  readonly fn: number;
  readonly parts: number;
  readonly first: number;
  readonly stride: number;
  /** A word of the frame that takes `ownFirst + thread * ownStride`, the room of the thread that runs it; or -1. */
  readonly ownField: number;
  readonly ownFirst: number;
  readonly ownStride: number;
}

export const epochOf = (next: number) => next >>> 16;
export const partOf = (next: number) => next & 0xffff;

const ringAt = (epoch: number) => control.ring + (epoch % ringSize) * fields;

export function writeJob(words: Int32Array, epoch: number, job: Job): void {
  words.set([job.fn, job.parts, job.first, job.stride, job.ownField, job.ownFirst, job.ownStride], ringAt(epoch));
}

export function readJob(words: Int32Array, epoch: number): Job {
  const [fn, parts, first, stride, ownField, ownFirst, ownStride] = words.subarray(
    ringAt(epoch),
    ringAt(epoch) + fields,
  );
  const address = (x: number) => x >>> 0;
  return { fn, parts, first: address(first), stride, ownField, ownFirst: address(ownFirst), ownStride };
}

/**
 * Takes parts of the current job until none is left and runs them. `runPart` gets the job and the frame. Returns the
 * epoch of the job.
 */
export function takeParts(
  words: Int32Array,
  thread: number,
  memory: { readonly buffer: ArrayBufferLike },
  run: (fn: number, frame: number) => void,
): number {
  for (;;) {
    const taken = Atomics.add(words, control.next, 1);
    const epoch = epochOf(taken);
    const job = readJob(words, epoch);
    const part = partOf(taken);
    if (part >= job.parts) return epoch;
    const frame = job.first + part * job.stride;
    if (job.ownField >= 0) {
      new DataView(memory.buffer).setUint32(frame + job.ownField, job.ownFirst + thread * job.ownStride, true);
    }
    run(job.fn, frame);
    if (Atomics.add(words, control.done, 1) === job.parts - 1) Atomics.notify(words, control.done);
  }
}
