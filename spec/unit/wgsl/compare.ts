/** Runs a kernel on a runner and in the interpreter and compares every output and total. */
import { bytesOf, decodeElement, type StorageDtype, storageDtypes } from "../../../compiler/ir/index.js";
import { interpretKernel, type Kernel, type KernelTotals } from "../../../compiler/kernels/index.js";
import type { KernelCall, Runner } from "../../../runtime/device/runner.js";
import { randomSource } from "./kernels.js";

export interface Sizes {
  readonly first: number;
  readonly count: number;
  readonly cols: number;
  readonly block: number;
}

export interface Outcome {
  readonly outputs: readonly Uint8Array[];
  readonly totals: KernelTotals;
}

/** Bytes of an operand of the domain. */
function regionLength(kernel: Kernel, dtype: StorageDtype, access: string, { count, cols }: Sizes): number {
  const elements = access === "row" && !kernel.flat ? count : access === "col" ? cols : count * cols;
  return elements * bytesOf(dtype);
}

/** Random bits, with f32 and bf16 numbers moved out of the subnormal range, which devices may flush. */
export function randomBytes(random: () => number, dtype: StorageDtype, length: number): Uint8Array {
  const bytes = Uint8Array.from({ length }, () => Math.floor(random() * 256));
  const [size, high] = dtype === "F32" ? [4, 2] : dtype === "BF16" ? [2, 0] : [0, 0];
  for (let at = 0; size > 0 && at + size <= length; at += size) {
    // Half of the numbers near 1, so that comparisons and ties have something to do.
    if (random() < 0.5) bytes[at + high + 1] = (bytes[at + high + 1] & 0x80) | 0x3f;
    if ((bytes[at + high + 1] & 0x7f) === 0 && (bytes[at + high] & 0x80) === 0) bytes[at + high + 1] |= 0x01;
  }
  if (dtype === "F64") {
    for (let at = 0; at + 8 <= length; at += 8) {
      const [exponent, fraction] =
        random() < 0.8 ? [random() < 0.5 ? 0x3f : 0x40, bytes[at + 6]] : [0x7f, bytes[at + 6] | 0xf0];
      bytes[at + 7] = (bytes[at + 7] & 0x80) | exponent;
      bytes[at + 6] = fraction;
    }
  }
  // The interpreter reads 64-bit integers as numbers, which are exact below 2^53.
  if (dtype === "I64" || dtype === "U64") {
    for (let at = 0; at + 8 <= length; at += 8)
      bytes.fill(dtype === "I64" && bytes[at + 3] > 127 ? 0xff : 0, at + 4, at + 8);
  }
  return bytes;
}

export function randomInputs(kernel: Kernel, sizes: Sizes, seed: number): Uint8Array[] {
  const random = randomSource(seed);
  return kernel.inputs.map(({ dtype, access }) =>
    randomBytes(random, dtype, regionLength(kernel, dtype, access.kind, sizes)),
  );
}

export function interpret(
  kernel: Kernel,
  sizes: Sizes,
  inputs: readonly Uint8Array[],
  params: readonly number[],
  integers: readonly number[],
): Outcome {
  const outputs = kernel.outputs.map(({ dtype, access }) => new Uint8Array(regionLength(kernel, dtype, access, sizes)));
  return { outputs, totals: interpretKernel({ kernel, ...sizes, inputs, outputs, params, integers }) };
}

/** Runs the whole domain, or in calls of whole blocks, `cut` blocks each, with memory of their own behind some unused bytes. */
export async function runOn(
  runner: Runner,
  kernel: Kernel,
  sizes: Sizes,
  inputs: readonly Uint8Array[],
  params: readonly number[],
  integers: readonly number[],
  cut = Number.POSITIVE_INFINITY,
): Promise<Outcome> {
  const offset = 36;
  const totals: KernelTotals = { scalars: [], columns: [], histograms: [] };
  const rows = Math.min(sizes.count, cut * sizes.block);
  const outputs = kernel.outputs.map(({ dtype, access }) => new Uint8Array(regionLength(kernel, dtype, access, sizes)));
  for (let at = 0; at < sizes.count; at += rows) {
    const part: Sizes = { ...sizes, first: sizes.first + at, count: Math.min(rows, sizes.count - at) };
    const before: Sizes = { ...sizes, count: at };
    const call: KernelCall = {
      kernel,
      ...part,
      inputs: kernel.inputs.map(({ dtype, access }, n) => {
        const whole = access.kind === "col" || access.kind === "strided";
        const from = whole ? 0 : regionLength(kernel, dtype, access.kind, before);
        const bytes = whole
          ? inputs[n]
          : inputs[n].subarray(from, from + regionLength(kernel, dtype, access.kind, part));
        const memory = runner.allocate(offset + bytes.length);
        memory.host.set(bytes, offset);
        runner.upload(memory);
        return { memory, offset };
      }),
      outputs: kernel.outputs.map(({ dtype, access }) => ({
        memory: runner.allocate(offset + regionLength(kernel, dtype, access, part)),
        offset,
      })),
      params,
      integers,
    };
    append(totals, await runner.run(call));
    for (const [n, { memory }] of call.outputs.entries()) {
      const { dtype, access } = kernel.outputs[n];
      await runner.download(memory);
      outputs[n].set(memory.host.subarray(offset), regionLength(kernel, dtype, access, before));
    }
    runner.reset();
  }
  return { outputs, totals };
}

/** Puts the totals of the next call behind those of the calls before. */
function append(
  all: KernelTotals,
  next: {
    readonly scalars: readonly Float64Array[];
    readonly columns: readonly Float32Array[];
    readonly histograms: readonly Uint32Array[];
  },
): void {
  next.scalars.forEach((s, i) => {
    all.scalars[i] = Float64Array.from([...(all.scalars[i] ?? []), ...s]);
  });
  next.columns.forEach((s, i) => {
    all.columns[i] = Float32Array.from([...(all.columns[i] ?? []), ...s]);
  });
  next.histograms.forEach((s, i) => {
    all.histograms[i] = all.histograms[i] === undefined ? s : s.map((n, j) => n + all.histograms[i][j]);
  });
}

/** The first place where an output differs from what it should be, or null. NaN is NaN whatever its bits. */
export function outputDifference(kernel: Kernel, got: Outcome, want: Outcome): string | null {
  for (let n = 0; n < kernel.outputs.length; n++) {
    const { dtype } = kernel.outputs[n];
    for (let i = 0; i < want.outputs[n].length / bytesOf(dtype); i++) {
      const [g, w] = [got, want].map((o) => decodeElement(o.outputs[n], dtype, i));
      const same = storageDtypes[dtype].float ? Object.is(g, w) : g === w;
      if (!same) return `output ${n} (${dtype}) element ${i}: ${g} instead of ${w}`;
    }
  }
  return null;
}

/** The first total that differs, or null. */
export function totalsDifference(got: Outcome, want: Outcome): string | null {
  for (const kind of ["scalars", "columns", "histograms"] as const) {
    const [g, w] = [got.totals[kind], want.totals[kind]];
    if (g.length !== w.length) return `${g.length} ${kind} instead of ${w.length}`;
    for (let n = 0; n < w.length; n++) {
      if (g[n].length !== w[n].length) return `${kind} ${n}: ${g[n].length} numbers instead of ${w[n].length}`;
      for (let i = 0; i < w[n].length; i++) {
        const same = Object.is(g[n][i], w[n][i]) || g[n][i] === w[n][i];
        if (!same) return `${kind} ${n} [${i}]: ${g[n][i]} instead of ${w[n][i]}`;
      }
    }
  }
  return null;
}
