/**
 * A kernel call's regions as bindings. In: the call and its plan. Out: for every binding a buffer and an offset, the
 * word offsets for the uniform block, and the copies to make before and after. A binding begins at a multiple of
 * `alignment`; the rest of an offset goes into the uniform block. WebGPU forbids one buffer to be read and written, or
 * written twice, in one dispatch; such regions, and inputs that share a binding, go through scratch buffers.
 */
import { type CallSizes, regionBytes, type WgslProgram } from "../../../compiler/targets/wgsl/index.js";
import type { KernelCall, Region } from "../runner.js";
import { GpuMemory } from "./memory.js";

export interface Copy {
  readonly from: GPUBuffer;
  readonly fromOffset: number;
  readonly to: GPUBuffer;
  readonly toOffset: number;
  readonly bytes: number;
}

export interface BoundCall {
  readonly resources: readonly { readonly binding: number; readonly buffer: GPUBuffer; readonly offset: number }[];
  readonly inputOffsets: readonly number[];
  readonly outputOffsets: readonly number[];
  readonly before: readonly Copy[];
  readonly after: readonly Copy[];
  /** To give back once the work is submitted. */
  readonly scratch: readonly GPUBuffer[];
}

const words = (bytes: number) => Math.ceil(bytes / 4) * 4;

function memoryOf(region: Region, needed: number, what: string): GpuMemory {
  const { memory, offset } = region;
  if (!(memory instanceof GpuMemory)) throw new TypeError(`${what} is not memory of this runner`);
  if (offset % 4 !== 0 || offset < 0)
    throw new RangeError(`${what} begins at byte ${offset}, which is not a multiple of 4`);
  if (offset + needed > memory.bytes) {
    throw new RangeError(`${what} needs bytes ${offset} to ${offset + needed} of memory of ${memory.bytes} bytes`);
  }
  return memory;
}

/** Binds the regions of a call. `take` gives scratch buffers. Throws a RangeError for regions outside their memory. */
export function bindCall(
  program: WgslProgram,
  call: KernelCall,
  alignment: number,
  take: (bytes: number) => GPUBuffer,
): BoundCall {
  const { kernel, layout } = program;
  const sizes: CallSizes = call;
  const needed = regionBytes(kernel, sizes);
  const inputs = kernel.inputs.map((_, n) => memoryOf(call.inputs[n], needed.inputs[n] ?? 0, `input ${n}`));
  const outputs = kernel.outputs.map((_, n) => memoryOf(call.outputs[n], needed.outputs[n], `output ${n}`));

  const resources: BoundCall["resources"][number][] = [];
  const before: Copy[] = [];
  const after: Copy[] = [];
  const scratch: GPUBuffer[] = [];
  const fresh = (bytes: number) => {
    const buffer = take(bytes);
    scratch.push(buffer);
    return buffer;
  };
  const inputOffsets = new Array<number>(inputs.length).fill(0);
  const outputOffsets = new Array<number>(outputs.length).fill(0);
  const direct = (binding: number, buffer: GPUBuffer, offset: number) => {
    const start = Math.floor(offset / alignment) * alignment;
    resources.push({ binding, buffer, offset: start });
    return (offset - start) / 4;
  };

  for (const binding of new Set(layout.inputBindings)) {
    const shared = layout.inputBindings.flatMap((b, n) => (b === binding ? [n] : []));
    const [only] = shared;
    if (shared.length === 1 && !outputs.includes(inputs[only])) {
      inputOffsets[only] = direct(binding, inputs[only].buffer, call.inputs[only].offset);
      continue;
    }
    // Strided access may reach the whole memory behind the offset.
    const lengths = shared.map((n) => words(needed.inputs[n] ?? inputs[n].bytes - call.inputs[n].offset));
    const buffer = fresh(lengths.reduce((a, b) => a + b, 0));
    let at = 0;
    shared.forEach((n, k) => {
      before.push({
        from: inputs[n].buffer,
        fromOffset: call.inputs[n].offset,
        to: buffer,
        toOffset: at,
        bytes: lengths[k],
      });
      inputOffsets[n] = at / 4;
      at += lengths[k];
    });
    resources.push({ binding, buffer, offset: 0 });
  }
  outputs.forEach((memory, n) => {
    const { offset } = call.outputs[n];
    const binding = layout.outputBindings[n];
    if (outputs.indexOf(memory) === n) {
      outputOffsets[n] = direct(binding, memory.buffer, offset);
      return;
    }
    const bytes = words(needed.outputs[n]);
    const buffer = fresh(bytes);
    before.push({ from: memory.buffer, fromOffset: offset, to: buffer, toOffset: 0, bytes });
    after.push({ from: buffer, fromOffset: 0, to: memory.buffer, toOffset: offset, bytes });
    resources.push({ binding, buffer, offset: 0 });
  });
  return { resources, inputOffsets, outputOffsets, before, after, scratch };
}
