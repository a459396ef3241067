/**
 * The GPU runner: kernels on Dawn. In: kernel calls on memory of this runner. Out: the same as every runner gives.
 *
 * All work goes into one queue in the order of the calls, so only results that the host reads wait for the device. A
 * mistake that the device reports, its loss, or `close` while work is pending reject that work with a diagnostic; the
 * runner is unusable afterwards. Kernels are compiled once a device, buffers are pooled.
 */

import type { Kernel } from "../../../compiler/index.js";
import {
  type CallPlan,
  emitWgsl,
  emptyTotals,
  largestElementCount,
  planCall,
  readTotals,
  uniformWords,
  type WgslProgram,
} from "../../../compiler/targets/wgsl/index.js";
import type { PeftError } from "../../../grammar/index.js";
import type { MatmulCall } from "../matmul.js";
import type { KernelCall, KernelResult, Memory, Runner } from "../runner.js";
import { bindCall, type Copy } from "./arguments.js";
import { BufferPool, usage } from "./buffers.js";
import { type DawnOptions, openAdapter, openDevice } from "./dawn.js";
import { gpuError, reasonOf } from "./failure.js";
import { Products, planProduct } from "./matmul.js";
import { GpuMemory } from "./memory.js";
import { type CompiledKernel, compileKernel } from "./pipelines.js";

export interface GpuInfo {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** Whether the "GPU" is a program on the CPU (lavapipe, SwiftShader, WARP). */
  readonly isSoftware: boolean;
  /** Largest memory that can be allocated, in bytes. */
  readonly maxBytes: number;
  /** Buffers that one kernel binds at once. */
  readonly storageBuffers: number;
}

export interface GpuRunner extends Runner {
  readonly kind: "gpu";
  readonly info: GpuInfo;
  /** Largest memory that `allocate` gives, in bytes: the executor cuts chunks accordingly. */
  readonly maxBytes: number;
  /** Multiplies matrices. Throws V003 for sizes that the GPU cannot number. */
  matmul(call: MatmulCall): void;
}

const softwareNames = /swiftshader|llvmpipe|lavapipe|software|basic render|\bwarp\b/i;

/**
 * Opens a GPU. Throws V001 when the package webgpu is missing and V002 when there is no adapter (or none of that name).
 */
export async function openGpu(options: DawnOptions = {}): Promise<GpuRunner> {
  const adapter = await openAdapter(options);
  return new DawnRunner(await openDevice(adapter), infoOf(adapter));
}

function infoOf({ info, limits }: GPUAdapter): GpuInfo {
  const name = info.description || info.device || info.vendor || "unnamed adapter";
  const largest = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
  return {
    name,
    vendor: info.vendor,
    architecture: info.architecture,
    isSoftware: info.isFallbackAdapter || softwareNames.test(`${name} ${info.device} ${info.architecture}`),
    maxBytes: Math.floor(largest / 256) * 256,
    storageBuffers: limits.maxStorageBuffersPerShaderStage,
  };
}

class DawnRunner implements GpuRunner {
  readonly kind = "gpu";
  readonly maxBytes: number;
  private readonly memories = new Set<GpuMemory>();
  private readonly programs = new Map<string, WgslProgram>();
  private readonly kernels = new Map<string, CompiledKernel>();
  private readonly storage: BufferPool;
  private readonly uniforms: BufferPool;
  private readonly staging: BufferPool;
  private readonly products: Products;
  /** What made the runner unusable. */
  private failure: PeftError | null = null;
  private readonly lost: Promise<never>;

  constructor(
    private readonly device: GPUDevice,
    readonly info: GpuInfo,
  ) {
    this.maxBytes = info.maxBytes;
    this.storage = new BufferPool(device, usage.storage | usage.copySource | usage.copyTarget);
    this.uniforms = new BufferPool(device, usage.uniform | usage.copyTarget);
    this.staging = new BufferPool(device, usage.mapRead | usage.copyTarget);
    this.products = new Products(device);
    this.lost = device.lost.then(({ message }) => {
      throw this.fail(
        gpuError(
          "V004",
          `the GPU was lost: ${message || "no reason given"}`,
          "run again with a smaller --memory, or with --device cpu",
        ),
      );
    });
    // Pending work races against `lost`; without pending work nobody needs to hear of it.
    this.lost.catch(() => {});
    device.addEventListener("uncapturederror", ({ error }) => {
      this.fail(
        error.constructor.name === "GPUOutOfMemoryError"
          ? gpuError("V006", "the GPU is out of memory", "use a smaller --memory", [error.message])
          : gpuError("V005", "the GPU refuses a command", null, [error.message]),
      );
    });
  }

  /** Remembers the first failure. */
  private fail(error: PeftError): PeftError {
    this.failure ??= error;
    return this.failure;
  }

  private check(): void {
    if (this.failure !== null) throw this.failure;
  }

  /** Waits for the device; rejects when it is lost or reported a mistake meanwhile. */
  private async settle<T>(work: Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await Promise.race([work, this.lost]);
    } catch (error) {
      throw this.fail(
        gpuError(
          "V004",
          `the GPU stopped: ${reasonOf(error)}`,
          "run again with a smaller --memory, or with --device cpu",
        ),
      );
    }
    this.check();
    return result;
  }

  /** A buffer for kernels. Throws V003 when the device cannot bind that much. */
  private take(bytes: number): GPUBuffer {
    if (bytes > this.maxBytes) {
      throw gpuError(
        "V003",
        `a piece of ${bytes} bytes is larger than the ${this.maxBytes} bytes that ${this.info.name} binds at once`,
        "use a smaller --memory, or --device cpu",
      );
    }
    return this.storage.take(bytes);
  }

  allocate(bytes: number): Memory {
    this.check();
    const memory = new GpuMemory(bytes, this.take(Math.ceil(bytes / 4) * 4));
    this.memories.add(memory);
    return memory;
  }

  reset(): void {
    for (const { buffer } of this.memories) this.storage.give(buffer);
    this.memories.clear();
    for (const pool of [this.storage, this.uniforms, this.staging]) pool.sweep();
  }

  private own(memory: Memory): GpuMemory {
    if (!(memory instanceof GpuMemory) || !this.memories.has(memory))
      throw new TypeError("the memory is not of this runner, or was given back");
    return memory;
  }

  counts(): null {
    return null;
  }

  upload(memory: Memory): void {
    this.check();
    const { buffer, padded } = this.own(memory);
    this.device.queue.writeBuffer(buffer, 0, padded);
    // Without a submit the staging memory of the write is never returned.
    this.device.queue.submit([]);
  }

  async download(memory: Memory): Promise<void> {
    this.check();
    const { buffer, padded } = this.own(memory);
    if (padded.length === 0) return;
    const encoder = this.device.createCommandEncoder();
    const staging = this.staging.take(padded.length);
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, padded.length);
    this.device.queue.submit([encoder.finish()]);
    await this.read(staging, padded.length, (bytes) => padded.set(bytes));
  }

  /** Shows the bytes of a staging buffer to `use` and puts the buffer back into the pool. */
  private async read(staging: GPUBuffer, bytes: number, use: (bytes: Uint8Array) => void): Promise<void> {
    await this.settle(staging.mapAsync(1, 0, Math.ceil(bytes / 4) * 4));
    use(new Uint8Array(staging.getMappedRange(0, Math.ceil(bytes / 4) * 4), 0, bytes));
    staging.unmap();
    this.staging.give(staging);
  }

  private programOf(kernel: Kernel): WgslProgram {
    const known = this.programs.get(kernel.text);
    if (known !== undefined) return known;
    const made = emitWgsl(kernel, this.info.storageBuffers);
    this.programs.set(kernel.text, made);
    return made;
  }

  /** The pipelines of a call, and a promise of the device's verdict when some of them are new. */
  private compiled(
    program: WgslProgram,
    plan: CallPlan,
  ): { kernel: CompiledKernel; verdict: Promise<GPUError | null> | null } {
    const known = this.kernels.get(program.kernel.text);
    if (known !== undefined && plan.dispatches.every((d) => known.has(d))) return { kernel: known, verdict: null };
    this.device.pushErrorScope("validation");
    const kernel = known ?? compileKernel(this.device, program);
    for (const dispatch of plan.dispatches) kernel.pipeline(dispatch);
    this.kernels.set(program.kernel.text, kernel);
    return { kernel, verdict: this.device.popErrorScope() };
  }

  run(call: KernelCall): KernelResult | Promise<KernelResult> {
    this.check();
    const program = this.programOf(call.kernel);
    if (call.count === 0 || call.cols === 0) return emptyTotals(program, call);
    const elements = (call.first + call.count) * call.cols;
    if (elements > largestElementCount) {
      throw gpuError(
        "V003",
        `a tensor of ${elements} elements has more than the ${largestElementCount} that the GPU can number`,
        "use --device cpu",
      );
    }

    const plan = planCall(program, call);
    const bound = bindCall(program, call, this.device.limits.minStorageBufferOffsetAlignment, (bytes) =>
      this.take(bytes),
    );
    const { kernel, verdict } = this.compiled(program, plan);
    const offsets = { inputs: bound.inputOffsets, outputs: bound.outputOffsets };
    const words = uniformWords(program, plan, offsets, call.params, call.integers);
    const uniform = this.uniforms.take(words.byteLength);
    this.device.queue.writeBuffer(uniform, 0, words);
    const results = program.layout.results === null ? null : this.take(plan.resultWords * 4);
    const counts = program.layout.counts === null ? null : this.take(plan.countWords * 4);

    const encoder = this.device.createCommandEncoder();
    const copy = (c: Copy) => encoder.copyBufferToBuffer(c.from, c.fromOffset, c.to, c.toOffset, c.bytes);
    for (const c of bound.before) copy(c);
    if (counts !== null) encoder.clearBuffer(counts, 0, plan.countWords * 4);
    const group = this.device.createBindGroup({
      layout: kernel.bindings,
      entries: [
        { binding: 0, resource: { buffer: uniform } },
        ...bound.resources.map(({ binding, buffer, offset }) => ({ binding, resource: { buffer, offset } })),
        ...(results === null ? [] : [{ binding: program.layout.results!, resource: { buffer: results } }]),
        ...(counts === null ? [] : [{ binding: program.layout.counts!, resource: { buffer: counts } }]),
      ],
    });
    for (const dispatch of plan.dispatches) {
      const pass = encoder.beginComputePass();
      pass.setPipeline(kernel.pipeline(dispatch));
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...dispatch.grid);
      pass.end();
    }
    for (const c of bound.after) copy(c);

    const resultBytes = results === null ? 0 : plan.resultWords * 4;
    const countBytes = counts === null ? 0 : plan.countWords * 4;
    const staging = resultBytes + countBytes === 0 ? null : this.staging.take(resultBytes + countBytes + 4);
    if (results !== null) encoder.copyBufferToBuffer(results, 0, staging!, 0, resultBytes);
    if (counts !== null) encoder.copyBufferToBuffer(counts, 0, staging!, resultBytes, countBytes);
    this.device.queue.submit([encoder.finish()]);
    this.uniforms.give(uniform);
    for (const buffer of [...bound.scratch, results, counts]) if (buffer !== null) this.storage.give(buffer);

    if (staging === null && verdict === null) return emptyTotals(program, call);
    return this.collect(program, call, plan, staging, verdict, [resultBytes, countBytes]);
  }

  matmul(call: MatmulCall): void {
    this.check();
    const [left, right, to] = [call.left.region, call.right.region, call.to].map(({ memory }) => this.own(memory));
    const encoder = this.device.createCommandEncoder();
    const uniforms: GPUBuffer[] = [];
    for (const dispatch of planProduct(call)) {
      const uniform = this.uniforms.take(dispatch.words.byteLength);
      uniforms.push(uniform);
      this.device.queue.writeBuffer(uniform, 0, dispatch.words);
      this.products.encode(encoder, { left, right, to }, uniform, dispatch);
    }
    this.device.queue.submit([encoder.finish()]);
    for (const uniform of uniforms) this.uniforms.give(uniform);
  }

  private async collect(
    program: WgslProgram,
    call: KernelCall,
    plan: CallPlan,
    staging: GPUBuffer | null,
    verdict: Promise<GPUError | null> | null,
    [resultBytes, countBytes]: readonly [number, number],
  ): Promise<KernelResult> {
    const mistake = verdict === null ? null : await this.settle(verdict);
    if (mistake !== null)
      throw this.fail(gpuError("V005", "the GPU refuses a kernel", "use --device cpu", [mistake.message]));
    if (staging === null) return emptyTotals(program, call);
    let totals: KernelResult | null = null;
    await this.read(staging, resultBytes + countBytes, (bytes) => {
      const words = new Uint32Array(bytes.slice().buffer);
      totals = readTotals(program, plan, words.subarray(0, resultBytes / 4), words.subarray(resultBytes / 4));
    });
    return totals!;
  }

  close(): void {
    this.fail(gpuError("V004", "the GPU was closed"));
    for (const { buffer } of this.memories) buffer.destroy();
    this.memories.clear();
    for (const pool of [this.storage, this.uniforms, this.staging]) pool.destroy();
    this.device.destroy();
  }
}
