/**
 * A kernel call cut into parts that threads can take. In: a call. Out: parts with their own frames in memory (the calling
 * convention of the WASM target) and one place for the results of all blocks. Where it is cut depends on the kernel and
 * the sizes alone, so that the bytes are the same for any number of threads.
 */

import { bytesOf } from "../../../compiler/ir/index.js";
import type { Access, Kernel, Root } from "../../../compiler/kernels/index.js";
import { frameOf, resultBytes, resultFill } from "../../../compiler/targets/wasm/index.js";
import { type Arena, aligned, type Frames, type Place, reserve } from "../../device/cpu/index.js";
import type { KernelCall, KernelResult, Region } from "../../device/index.js";

export interface PlacedCall {
  readonly frames: Frames;
  /** Address of the results of each root. */
  readonly results: readonly number[];
  readonly blocks: number;
}

/** Elements of a part: enough work to be worth handing over, few enough that all threads get some. */
const partElements = 32768;

const reducesOverBlocks = (root: Root) =>
  root.kind === "accumulate" || root.kind === "argmax" || root.kind === "column";

/** Elements (flat) or rows of a part. */
function partUnits(call: KernelCall): number {
  const { kernel, count, cols, block } = call;
  // A strided access is one of the whole tensor; a histogram is counted in one place.
  const isWhole =
    kernel.inputs.some((input) => input.access.kind === "strided") || kernel.roots.some((r) => r.kind === "histogram");
  if (isWhole || count * cols < 2 * partElements) return Math.max(1, count);
  const wanted = Math.ceil(partElements / cols);
  // Random bits come in groups of 16 elements.
  const grain = kernel.roots.some(reducesOverBlocks) ? block : 16;
  return Math.ceil(wanted / grain) * grain;
}

/** Where a part of a region begins. */
function partAddress(region: Region, access: Access["kind"], bytes: number, unit: number, cols: number): number {
  const start = (region.memory as Place).address + region.offset;
  if (access === "full") return start + bytes * unit * cols;
  return access === "row" ? start + bytes * unit : start;
}

/** Bytes of a root's results before block `b`. */
function resultOffset(root: Root, b: number, cols: number): number {
  return reducesOverBlocks(root) ? resultBytes(root, b, cols) : 0;
}

/** Writes the frames of a call behind the arena's last buffer. Throws a PeftError (V050, V051) when memory ends. */
export function placeCall(arena: Arena, call: KernelCall): PlacedCall {
  const { kernel, first, count, cols, block } = call;
  const layout = frameOf(kernel);
  const units = partUnits(call);
  const parts = Math.ceil(count / units);
  const blocks = Math.ceil(count / block);
  const stride = aligned(layout.bytes);
  const start = aligned(arena.top);
  let end = start + parts * stride;
  const results = kernel.roots.map((root) => {
    const address = aligned(end);
    end = address + resultBytes(root, blocks, cols);
    return address;
  });
  reserve(arena, end);
  const { buffer } = arena.memory;
  kernel.roots.forEach((root, i) => {
    const bytes = resultBytes(root, blocks, cols);
    if (root.kind === "column") new Float32Array(buffer, results[i], bytes / 4).fill(resultFill(root));
    else new Uint8Array(buffer, results[i], bytes).fill(0);
  });
  const view = new DataView(buffer);
  for (let part = 0; part < parts; part++) {
    const frame = start + part * stride;
    const unit = part * units;
    let at = frame + layout.inputs;
    const word = (value: number) => {
      view.setUint32(at, value, true);
      at += 4;
    };
    view.setBigUint64(frame + layout.first, BigInt(first + unit), true);
    view.setUint32(frame + layout.count, Math.min(units, count - unit), true);
    view.setUint32(frame + layout.cols, cols, true);
    view.setUint32(frame + layout.block, Math.min(block, 2 ** 32 - 1), true);
    kernel.inputs.forEach(({ access, dtype }, i) => {
      word(partAddress(call.inputs[i], access.kind, bytesOf(dtype), unit, cols));
    });
    kernel.outputs.forEach(({ access, dtype }, i) => {
      word(partAddress(call.outputs[i], access, bytesOf(dtype), unit, cols));
    });
    kernel.roots.forEach((root, i) => {
      word(results[i] + resultOffset(root, Math.floor(unit / block), cols));
    });
    for (const [i, x] of call.params.entries()) view.setFloat32(frame + layout.params + 4 * i, x, true);
    for (const [i, x] of call.integers.entries()) view.setUint32(frame + layout.integers + 4 * i, x, true);
  }
  return { frames: { first: start, stride, parts }, results, blocks };
}

/** Copies of the results after all parts are done. */
export function resultsOf(arena: Arena, kernel: Kernel, placed: PlacedCall, cols: number): KernelResult {
  const { buffer } = arena.memory;
  const { results, blocks } = placed;
  const found: { scalars: Float64Array[]; columns: Float32Array[]; histograms: Uint32Array[] } = {
    scalars: [],
    columns: [],
    histograms: [],
  };
  kernel.roots.forEach((root, i) => {
    if (root.kind === "accumulate") found.scalars.push(new Float64Array(buffer, results[i], blocks).slice());
    else if (root.kind === "argmax") found.scalars.push(new Float64Array(buffer, results[i], 2 * blocks).slice());
    else if (root.kind === "column") found.columns.push(new Float32Array(buffer, results[i], blocks * cols).slice());
    else if (root.kind === "histogram")
      found.histograms.push(new Uint32Array(buffer, results[i], root.bins + 1).slice());
  });
  return found;
}
