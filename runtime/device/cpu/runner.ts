/**
 * The CPU device: kernels as WASM SIMD modules in the thread that made the runner. In: kernel calls. Out: bytes in the
 * memory of the runner, and the results of reductions.
 *
 * All buffers lie in one WebAssembly memory of at most 4 GiB, handed out one after the other and given back all at once.
 * A call's frame and its results stand behind the last buffer for the time of the call. Modules are kept by the kernel's
 * text, so a kernel is compiled once a thread.
 */

import type { Kernel, Root } from "../../../compiler/index.js";
import {
  emitMatmul,
  emitWasm,
  frameOf,
  histogramStride,
  matmulFrame,
  resultBytes,
  resultFill,
} from "../../../compiler/targets/wasm/index.js";
import type { MatmulCall } from "../matmul.js";
import type { KernelCall, KernelResult, Memory, Region, Runner } from "../runner.js";
import { type Arena, aligned, allocate, createArena, mathFunctions, type Place, reserve } from "./arena.js";
import { placeProduct } from "./tiles.js";

type Run = (frame: number) => void;

function compile(kernel: Kernel, arena: Arena): Run {
  return load(emitWasm(kernel), arena);
}

function load(binary: Uint8Array, arena: Arena): Run {
  const module = new WebAssembly.Module(binary);
  const instance = new WebAssembly.Instance(module, { m: { memory: arena.memory }, math: mathFunctions });
  return instance.exports.run as Run;
}

/** Where the results of the roots stand, by number of the root, and the end of the last. */
function placeResults(
  kernel: Kernel,
  from: number,
  blocks: number,
  cols: number,
): { addresses: number[]; end: number } {
  let end = from;
  const addresses = kernel.roots.map((root) => {
    const address = aligned(end);
    end = address + resultBytes(root, blocks, cols);
    return address;
  });
  return { addresses, end };
}

function fillResult(buffer: ArrayBuffer, root: Root, address: number, bytes: number): void {
  if (root.kind === "column") new Float32Array(buffer, address, bytes / 4).fill(resultFill(root));
  else new Uint8Array(buffer, address, bytes).fill(0);
}

function runKernelIn(arena: Arena, run: Run, call: KernelCall): KernelResult {
  const { kernel, cols, count } = call;
  const layout = frameOf(kernel);
  const blocks = Math.ceil(count / call.block);
  const frame = aligned(arena.top);
  const results = placeResults(kernel, frame + layout.bytes, blocks, cols);
  const counts = call.counts ?? [];
  if (counts.length > 0) {
    let next = 0;
    kernel.roots.forEach((root, i) => {
      if (root.kind !== "histogram") return;
      const { address, bytes } = counts[next++] as Place;
      results.addresses[i] = address;
      // What the module's other copies counted in the call before is in the first one already.
      const first = 4 * histogramStride(root.bins);
      new Uint8Array(arena.memory.buffer, address + first, bytes - first).fill(0);
    });
  }
  reserve(arena, results.end);
  const { buffer } = arena.memory;
  const view = new DataView(buffer, frame, layout.bytes);
  const addresses = (offset: number, values: readonly number[]) => {
    for (const [i, v] of values.entries()) view.setUint32(offset + 4 * i, v, true);
  };
  const addressOf = (region: Region) => (region.memory as Place).address + region.offset;
  view.setBigUint64(layout.first, BigInt(call.first), true);
  addresses(layout.count, [count, cols, Math.min(call.block, 2 ** 32 - 1)]);
  addresses(layout.inputs, call.inputs.map(addressOf));
  addresses(layout.outputs, call.outputs.map(addressOf));
  addresses(layout.results, results.addresses);
  for (const [i, x] of call.params.entries()) view.setFloat32(layout.params + 4 * i, x, true);
  addresses(layout.integers, call.integers);
  for (const [i, root] of kernel.roots.entries()) {
    if (root.kind === "histogram" && counts.length > 0) continue;
    fillResult(buffer, root, results.addresses[i], resultBytes(root, blocks, cols));
  }
  run(frame);
  const found: { scalars: Float64Array[]; columns: Float32Array[]; histograms: Uint32Array[] } = {
    scalars: [],
    columns: [],
    histograms: [],
  };
  kernel.roots.forEach((root, i) => {
    const at = results.addresses[i];
    if (root.kind === "accumulate") found.scalars.push(new Float64Array(buffer, at, blocks).slice());
    else if (root.kind === "argmax") found.scalars.push(new Float64Array(buffer, at, 2 * blocks).slice());
    else if (root.kind === "column") found.columns.push(new Float32Array(buffer, at, blocks * cols).slice());
    else if (root.kind === "histogram" && counts.length === 0)
      found.histograms.push(new Uint32Array(buffer, at, root.bins + 1).slice());
  });
  return found;
}

/** A runner whose calls end before they return. */
export interface CpuRunner extends Runner {
  readonly kind: "cpu";
  download(memory: Memory): void;
  run(call: KernelCall): KernelResult;
  matmul(call: MatmulCall): void;
}

/**
 * A CPU device in this thread. `allocate` throws a PeftError (V050, V051) when memory ends; `reset` makes all earlier
 * Memory values invalid.
 */
export function cpuRunner(): CpuRunner {
  const arena = createArena();
  const compiled = new Map<string, Run>();
  let product: Run | null = null;
  return {
    kind: "cpu",
    allocate: (bytes) => allocate(arena, bytes),
    counts(bins) {
      const memory = allocate(arena, resultBytes({ kind: "histogram", key: 0, lo: 0, shift: 0, bins }, 1, 1));
      memory.host.fill(0);
      return memory;
    },
    reset() {
      arena.top = 64;
    },
    upload() {},
    download() {},
    run(call) {
      let run = compiled.get(call.kernel.text);
      if (run === undefined) {
        run = compile(call.kernel, arena);
        compiled.set(call.kernel.text, run);
      }
      return runKernelIn(arena, run, call);
    },
    matmul(call) {
      product ??= load(emitMatmul(), arena);
      const { frames, panels } = placeProduct(arena, call, 1);
      for (let part = 0; part < frames.parts; part++) {
        const frame = frames.first + part * frames.stride;
        new DataView(arena.memory.buffer).setUint32(frame + matmulFrame.panels, panels.first, true);
        product(frame);
      }
    },
    close() {
      compiled.clear();
    },
  };
}

/** A call with plain bytes for buffers. */
export type BytesCall = Omit<KernelCall, "inputs" | "outputs"> & {
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
};

/** Runs a call on a runner: copies the inputs in and the outputs (and what lay in them) back. */
export function runKernel(runner: CpuRunner, call: BytesCall): KernelResult {
  const region = (bytes: Uint8Array): Region => {
    const memory = runner.allocate(bytes.length);
    memory.host.set(bytes);
    return { memory, offset: 0 };
  };
  const outputs = call.outputs.map(region);
  const result = runner.run({ ...call, inputs: call.inputs.map(region), outputs });
  for (const [i, output] of outputs.entries()) call.outputs[i].set(output.memory.host);
  return result;
}
