/**
 * Memory of the GPU runner: a buffer on the device and, once somebody asks for it, bytes on the host. The two are
 * copies; `upload` and `download` of the runner bring one up to date from the other. Host bytes stay with their buffer
 * when it goes back to the pool, because fresh pages for every chunk cost more than the copy.
 */
import type { Memory } from "../runner.js";

const hosts = new WeakMap<GPUBuffer, Uint8Array<ArrayBuffer>>();

/** Host bytes of a buffer, as many as the buffer has. */
function hostOf(buffer: GPUBuffer): Uint8Array<ArrayBuffer> {
  const known = hosts.get(buffer);
  if (known !== undefined) return known;
  const bytes = new Uint8Array(buffer.size);
  hosts.set(buffer, bytes);
  return bytes;
}

export class GpuMemory implements Memory {
  constructor(
    readonly bytes: number,
    /** As large as `bytes` rounded up to a multiple of 4, or larger. */
    readonly buffer: GPUBuffer,
  ) {}

  /** The host bytes with the padding that copies need: a multiple of 4. */
  get padded(): Uint8Array<ArrayBuffer> {
    return hostOf(this.buffer).subarray(0, Math.ceil(this.bytes / 4) * 4);
  }

  get host(): Uint8Array {
    return hostOf(this.buffer).subarray(0, this.bytes);
  }
}
