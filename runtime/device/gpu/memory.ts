/**
 * Memory of the GPU runner: a buffer on the device and, once somebody asks for it, bytes on the host. The two are
 * copies; `upload` and `download` of the runner bring one up to date from the other.
 */
import type { Memory } from "../runner.js";

export class GpuMemory implements Memory {
  private bytesOnHost: Uint8Array<ArrayBuffer> | null = null;

  constructor(
    readonly bytes: number,
    /** As large as `bytes` rounded up to a multiple of 4, or larger. */
    readonly buffer: GPUBuffer,
  ) {}

  /** The host bytes with the padding that copies need: a multiple of 4. */
  get padded(): Uint8Array<ArrayBuffer> {
    this.bytesOnHost ??= new Uint8Array(Math.ceil(this.bytes / 4) * 4);
    return this.bytesOnHost;
  }

  get host(): Uint8Array {
    return this.padded.subarray(0, this.bytes);
  }
}
