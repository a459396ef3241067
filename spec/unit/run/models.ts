/**
 * What the tests of runs share: temporary folders with small checkpoints, a run from text to files in this process, and
 * the same recipe on the reference evaluator. In: recipes as text, tensors as arrays. Out: tensors by name.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  bytesOf,
  encodeElements,
  evaluate,
  inputOf,
  type Node,
  roundToStorage,
  type StorageDtype,
  sizeOf,
} from "../../../compiler/ir/index.js";
import { PeftError } from "../../../grammar/index.js";
import { type Compiled, compileFile } from "../../../runtime/compile/index.js";
import { type RunOptions, type RunResult, runPlan } from "../../../runtime/execute/index.js";
import { readTensors } from "../golden/checkpoints.js";
import type { Tensor } from "../golden/compare.js";

export type { Tensor };
export type Tensors = Readonly<Record<string, Tensor>>;

/** Numbers in [0, 1) from a seed (a 32-bit mixing counter). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** A tensor whose elements come from a function of the position, rounded to its dtype. */
export function filled(dtype: StorageDtype, shape: readonly number[], element: (i: number) => number): Tensor {
  const data = new Float64Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    const x = element(i);
    data[i] = dtype === "F32" ? Math.fround(x) : roundToStorage(dtype, x);
  }
  return { dtype, shape, data };
}

/** Small numbers around 0, of a seed. */
export function noise(dtype: StorageDtype, shape: readonly number[], seed: number, scale = 1): Tensor {
  const random = randomFrom(seed);
  return filled(dtype, shape, () => (random() + random() + random() - 1.5) * scale);
}

/** The bytes of a safetensors file, tensors in the order given. */
export function safetensors(tensors: Tensors): Uint8Array {
  const header: [string, unknown][] = [];
  let offset = 0;
  for (const [name, { dtype, shape }] of Object.entries(tensors)) {
    const bytes = sizeOf(shape) * bytesOf(dtype);
    header.push([name, { dtype, shape, data_offsets: [offset, offset + bytes] }]);
    offset += bytes;
  }
  const json = Buffer.from(`{${header.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(",")}}`);
  const start = 8 + Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(start + offset).fill(0x20, 8, start);
  new DataView(file.buffer).setBigUint64(0, BigInt(start - 8), true);
  file.set(json, 8);
  let at = start;
  for (const { dtype, shape, data } of Object.values(tensors)) {
    const bytes = sizeOf(shape) * bytesOf(dtype);
    encode(file.subarray(at, at + bytes), dtype, data);
    at += bytes;
  }
  return file;
}

function encode(into: Uint8Array, dtype: StorageDtype, data: ArrayLike<number>): void {
  encodeElements(into, dtype, 0, data);
}

/** Writes a model folder, or a single file if the path ends in .safetensors. */
export function writeModel(path: string, tensors: Tensors, config: object | null = { model_type: "tiny" }): void {
  const file = path.endsWith(".safetensors") ? path : join(path, "model.safetensors");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, safetensors(tensors));
  if (file !== path && config !== null) writeFileSync(join(path, "config.json"), JSON.stringify(config));
}

const made: string[] = [];

/** A fresh folder; `removeScratch` removes all of them. */
export function scratch(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "peftc-run-")));
  made.push(folder);
  return folder;
}

export function removeScratch(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export type Options = Partial<RunOptions> & { readonly set?: Readonly<Record<string, string>> };

/** Compiles a recipe in a folder. Throws PeftError if it is refused. */
export function compileIn(folder: string, text: string, options: Options = {}): Compiled {
  const file = join(folder, "recipe.peft");
  writeFileSync(file, text);
  const set = Object.entries(options.set ?? {}).map(([name, value]) => ({ name, text: value }));
  const compiled = compileFile({ file, set });
  if (compiled.plan === null) throw new PeftError(compiled.diagnostics);
  return compiled;
}

/** Runs a compiled recipe, by default on one CPU thread and without digests. */
export function runCompiled(compiled: Compiled, options: Options = {}): Promise<RunResult> {
  return runPlan(compiled, {
    device: "cpu",
    memory: null,
    threads: 1,
    out: null,
    force: true,
    chunk: null,
    strict: false,
    hash: false,
    progress: () => {},
    signal: new AbortController().signal,
    ...options,
  });
}

export interface Ran {
  readonly compiled: Compiled;
  readonly result: RunResult;
  /** Tensors by the path given to `save`. */
  readonly saved: ReadonlyMap<string, ReadonlyMap<string, Tensor>>;
}

/** Compiles and runs a recipe, and reads what it saved. */
export async function runIn(folder: string, text: string, options: Options = {}): Promise<Ran> {
  const compiled = compileIn(folder, text, options);
  const result = await runCompiled(compiled, options);
  return { compiled, result, saved: savedTensors(folder, compiled) };
}

export function savedTensors(folder: string, compiled: Compiled): Ran["saved"] {
  return new Map(compiled.plan!.saves.map((s) => [s.to, readTensors(join(folder, s.to))]));
}

/** What the reference evaluator gives for the outputs of a plan, rounded to their dtypes. */
export function referenceOf(
  compiled: Compiled,
  models: Readonly<Record<string, Tensors>>,
  extra: readonly Node[] = [],
): { readonly saved: Ran["saved"]; readonly extra: readonly number[] } {
  const { saves } = compiled.plan!;
  const bySource = new Map([...compiled.checkpoints].map(([id, c]) => [id, c.path]));
  const values = evaluate([...saves.flatMap((s) => s.tensors.map((t) => t.node)), ...extra], (node) => {
    const { source, name } = inputOf(node);
    const path = bySource.get(source)!;
    const model = Object.entries(models).find(([key]) => path.endsWith(`/${key}`));
    return Float64Array.from(model![1][name].data);
  });
  const saved = saves.map((save): [string, ReadonlyMap<string, Tensor>] => [
    save.to,
    new Map(
      save.tensors.map((t) => {
        const { data } = values.get(t.node)!;
        const round = t.stored === "F32" ? Math.fround : (x: number) => roundToStorage(t.stored, x);
        return [t.name, { dtype: t.stored, shape: t.shape, data: data.map(round) }];
      }),
    ),
  ]);
  return { saved: new Map(saved), extra: extra.map((node) => values.get(node)!.data[0]) };
}

/** The first difference of two sets of tensors beyond a relative tolerance (0: equal numbers), or null. */
export function difference(
  found: ReadonlyMap<string, Tensor>,
  expected: ReadonlyMap<string, Tensor>,
  tolerance = 0,
): string | null {
  if ([...found.keys()].sort().join() !== [...expected.keys()].sort().join())
    return `the names are ${[...found.keys()]}, not ${[...expected.keys()]}`;
  for (const [name, want] of expected) {
    const got = found.get(name)!;
    if (got.dtype !== want.dtype || got.shape.join() !== want.shape.join())
      return `${name} is ${got.dtype}[${got.shape}], not ${want.dtype}[${want.shape}]`;
    const slack = tolerance === 0 ? 0 : tolerance * Math.max(1, ...sampleOf(want.data));
    for (let i = 0; i < want.data.length; i++) {
      const [a, b] = [got.data[i], want.data[i]];
      if (a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= slack) continue;
      return `${name}[${i}] is ${a}, not ${b}`;
    }
  }
  return null;
}

/** Magnitudes of finite elements, thinned out where there are many. */
function sampleOf(data: ArrayLike<number>): number[] {
  const every = Math.max(1, Math.floor(data.length / 1000));
  return Array.from({ length: Math.ceil(data.length / every) }, (_, i) => Math.abs(data[i * every])).filter(
    Number.isFinite,
  );
}
