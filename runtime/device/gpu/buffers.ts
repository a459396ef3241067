/**
 * Buffers of a device, pooled by use. In: a size. Out: a buffer at least as large, fresh or used before. Work of one
 * queue runs in order, so a buffer may be given back as soon as the work that uses it is submitted. `sweep` destroys
 * what has been idle since the sweep before.
 */

interface Idle {
  readonly buffer: GPUBuffer;
  fresh: boolean;
}

export class BufferPool {
  private idle: Idle[] = [];

  constructor(
    private readonly device: GPUDevice,
    private readonly usage: number,
  ) {}

  /** The smallest idle buffer of `bytes` to twice that, or a new one whose size is `bytes` rounded up to a multiple of 256. */
  take(bytes: number): GPUBuffer {
    let best = -1;
    this.idle.forEach(({ buffer }, i) => {
      if (
        buffer.size >= bytes &&
        buffer.size <= 2 * bytes + 65536 &&
        (best < 0 || buffer.size < this.idle[best].buffer.size)
      )
        best = i;
    });
    if (best >= 0) return this.idle.splice(best, 1)[0].buffer;
    return this.device.createBuffer({ size: Math.max(256, Math.ceil(bytes / 256) * 256), usage: this.usage });
  }

  give(buffer: GPUBuffer): void {
    this.idle.push({ buffer, fresh: true });
  }

  sweep(): void {
    for (const { buffer, fresh } of this.idle) if (!fresh) buffer.destroy();
    this.idle = this.idle.filter((i) => i.fresh);
    for (const i of this.idle) i.fresh = false;
  }

  destroy(): void {
    for (const { buffer } of this.idle) buffer.destroy();
    this.idle = [];
  }
}

/** WebGPU's buffer usage bits (the globals exist in browsers only). */
export const usage = { mapRead: 0x1, copySource: 0x4, copyTarget: 0x8, uniform: 0x40, storage: 0x80 } as const;
