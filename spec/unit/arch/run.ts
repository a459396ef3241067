/**
 * Runs a recipe on checkpoints from disk in memory, on the reference evaluator or the resident machine: the library, the
 * recipe's text, paths below spec/golden/models. Out: the tensors that the recipe
 * saves, by name, and the numbers that it reports. Networks come from the
 * table of architectures, as in the product.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { networkOf } from "../../../compiler/arch/index.js";
import { elaborate, type ModelHeader, type Plan } from "../../../compiler/elaborate/index.js";
import { evaluate, inputOf, type Node, type StorageDtype } from "../../../compiler/ir/index.js";
import { type Definition, type File, PeftError, parse, type RecipeDefinition } from "../../../grammar/index.js";
import { openGpu } from "../../../runtime/device/index.js";
import { residentCpu } from "../../../runtime/resident/index.js";
import { runOn } from "../resident/running.js";

export interface Tensor {
  readonly dtype: StorageDtype;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

const golden = "spec/golden/models";
const std = "compiler/std";
const modules = new Map<string, File[]>();

function moduleFiles(segments: readonly string[]): File[] {
  const folder = join(std, ...segments.slice(1));
  const known = modules.get(folder);
  if (known !== undefined) return known;
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".peft")) : [];
  const files = names.map((name) => parse(join(folder, name), readFileSync(join(folder, name), "utf8")).file);
  modules.set(folder, files);
  return files;
}

function definedIn(files: readonly File[], name: string): { definition: Definition; file: File } | undefined {
  for (const file of files) {
    const definition = file.definitions.find((d) => d.name.text === name);
    if (definition !== undefined) return { definition, file };
  }
  return undefined;
}

/** The tensors of a safetensors file, or of all files of a folder. */
export function readTensors(path: string): ReadonlyMap<string, Tensor> {
  const full = join(golden, path);
  if (!full.endsWith(".safetensors")) {
    const parts = readdirSync(full).filter((name) => name.endsWith(".safetensors"));
    return new Map(parts.flatMap((name) => [...readTensors(join(path, name))]));
  }
  const bytes = readFileSync(full);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Record<
    string,
    { dtype: StorageDtype; shape: number[]; data_offsets: [number, number] }
  >;
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== "__metadata__")
      .map(([name, { dtype, shape, data_offsets }]) => {
        const part = Uint8Array.from(bytes.subarray(8 + length + data_offsets[0], 8 + length + data_offsets[1]));
        return [name, { dtype, shape, data: numbersOf(dtype, part.buffer) }];
      }),
  );
}

function numbersOf(dtype: StorageDtype, buffer: ArrayBuffer): Float64Array {
  if (dtype === "F32") return Float64Array.from(new Float32Array(buffer));
  if (dtype === "I32") return Float64Array.from(new Int32Array(buffer));
  if (dtype === "U8") return Float64Array.from(new Uint8Array(buffer));
  if (dtype === "I64") return Float64Array.from(new BigInt64Array(buffer), Number);
  if (dtype === "BF16")
    return Float64Array.from(new Float32Array(Uint32Array.from(new Uint16Array(buffer), (x) => x << 16).buffer));
  throw new Error(`no reader for ${dtype}`);
}

export interface Outcome {
  /** Tensors that the recipe saves. */
  readonly saved: ReadonlyMap<string, Tensor>;
  /** Numbers that it reports, in order. */
  readonly reported: readonly number[];
}

type Checkpoints = Readonly<Record<string, ReadonlyMap<string, Tensor>>>;

/** Entries that take the place of those in the config of an adapter, by its path. */
type Configs = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Planned {
  readonly plan: Plan;
  readonly elements: (node: Node) => Float64Array;
}

/** Runs the one recipe of a text; throws PeftError when it does not elaborate. `given` adds checkpoints to those on disk. */
export function run(text: string, given: Checkpoints = {}, configs: Configs = {}): Outcome {
  const { plan, elements } = planOf(text, given, configs);
  const values = evaluate(wanted(plan), elements, { precision: "f32", loops: plan.graph.loops });
  return outcomeOf(plan, (node) => values.get(node)!.data);
}

/**
 * Runs a recipe on the resident machine: thousands of times faster, for training. On the CPU, or with
 * PEFTC_TEST_GPU=1 on the GPU (see gpu.test.ts).
 */
export async function runResident(text: string, given: Checkpoints = {}, configs: Configs = {}): Promise<Outcome> {
  const { plan, elements } = planOf(text, given, configs);
  const nodes = wanted(plan);
  const runner = process.env.PEFTC_TEST_GPU === "1" ? await openGpu() : residentCpu();
  const { values } = await runOn(runner, nodes, elements, plan.graph.loops);
  runner.close();
  return outcomeOf(plan, (node) => values[nodes.indexOf(node)]);
}

function wanted(plan: Plan): Node[] {
  const numbers = plan.reports.flatMap(({ value }) => (value.kind === "tensor" ? [value.node] : []));
  return [...plan.saves.flatMap((s) => s.tensors.map((t) => t.node)), ...numbers];
}

function outcomeOf(plan: Plan, elementsOf: (node: Node) => ArrayLike<number>): Outcome {
  const tensors = plan.saves.flatMap((s) => s.tensors);
  return {
    saved: new Map(
      tensors.map((t) => [
        t.name,
        { dtype: t.stored, shape: t.node.shape, data: Float64Array.from(elementsOf(t.node)) },
      ]),
    ),
    reported: plan.reports.map(({ value }) =>
      value.kind === "tensor" ? elementsOf(value.node)[0] : value.kind === "number" ? value.value : Number.NaN,
    ),
  };
}

function planOf(text: string, given: Checkpoints, configs: Configs = {}): Planned {
  const parsed = parse("recipe.peft", text);
  if (parsed.diagnostics.length > 0) throw new PeftError(parsed.diagnostics);
  const files = new Map<string, File>([["recipe.peft", parsed.file]]);
  const found = (hit: { definition: Definition; file: File } | undefined) => {
    if (hit === undefined) return undefined;
    files.set(hit.file.path, hit.file);
    return { definition: hit.definition, file: hit.file.path };
  };
  const find = (path: string, name: string) => {
    const file = files.get(path)!;
    const own = definedIn([file], name);
    if (own !== undefined) return found(own);
    for (const use of file.uses) {
      const used = use.names.find((n) => (n.as ?? n.name).text === name);
      if (used !== undefined && use.from.kind === "module")
        return found(definedIn(moduleFiles(use.from.path.map((n) => n.text)), used.name.text));
    }
    return undefined;
  };
  const architecture = (modelType: string | null, architectures: readonly string[]) => {
    const network = networkOf(modelType, architectures);
    const hit = network === null ? undefined : found(definedIn(moduleFiles(network.module), network.name));
    return hit?.definition.kind === "module" ? { definition: hit.definition, file: hit.file } : null;
  };
  const adapters = (path: string) =>
    [files.get(path)!, ...moduleFiles(["std", "adapter"])].flatMap((file) =>
      file.definitions.flatMap((definition) => {
        if (definition.kind !== "adapter") return [];
        files.set(file.path, file);
        return [{ definition, file: file.path }];
      }),
    );
  const loaded = new Map<string, ReadonlyMap<string, Tensor>>(Object.entries(given));
  const elaborated = elaborate({
    recipe: parsed.file.definitions.find((d): d is RecipeDefinition => d.kind === "recipe")!,
    file: "recipe.peft",
    texts: { get: (path: string) => files.get(path)?.text } as ReadonlyMap<string, string>,
    definitions: { find, names: () => [], architecture, adapters },
    host: { open: (path) => headerOf(path, loaded), openAdapter: (path) => adapterHeader(path, loaded, configs) },
    inputs: new Map(),
  });
  if (elaborated.plan === null) throw new PeftError(elaborated.diagnostics);
  const elements = (node: Node) => {
    const { source, name } = inputOf(node);
    return loaded.get(source)!.get(name)!.data;
  };
  return { plan: elaborated.plan, elements };
}

function headerOf(path: string, loaded: Map<string, ReadonlyMap<string, Tensor>>): ModelHeader {
  const tensors = loaded.get(path) ?? readTensors(path);
  loaded.set(path, tensors);
  const configPath = join(golden, path, "config.json");
  const config = existsSync(configPath) ? JSON.parse(readFileSync(configPath, "utf8")) : null;
  return {
    id: path,
    path,
    config,
    modelType: typeof config?.model_type === "string" ? config.model_type : null,
    tensors: [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
  };
}

function adapterHeader(path: string, loaded: Map<string, ReadonlyMap<string, Tensor>>, configs: Configs): ModelHeader {
  const tensors = loaded.get(path) ?? readTensors(join(path, "adapter_model.safetensors"));
  loaded.set(path, tensors);
  return {
    id: path,
    path,
    config: { ...JSON.parse(readFileSync(join(golden, path, "adapter_config.json"), "utf8")), ...configs[path] },
    modelType: null,
    tensors: [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
  };
}

/** A tensor of f32 for `given`. */
export function tensorOf(shape: readonly number[], data: readonly number[]): Tensor {
  return { dtype: "F32", shape, data: Float64Array.from(data, Math.fround) };
}
