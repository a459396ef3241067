/**
 * Runs a recipe in memory: std and the recipe's text, checkpoints given as arrays, the reference evaluator in place of a
 * device. Out: the saved tensors of each output, and the reported numbers. Random draws are the product's own.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { elaborate } from "../../../compiler/elaborate/index.js";
import { evaluate, inputOf, type Node, roundToStorage, type StorageDtype } from "../../../compiler/ir/index.js";
import { type Definition, type File, PeftError, parse, type RecipeDefinition } from "../../../grammar/index.js";

export interface Array {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  /** F32 where it is left out. */
  readonly dtype?: StorageDtype;
}

/** Tensors by name. */
export type Checkpoint = Readonly<Record<string, Array>>;

export interface SavedArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
  readonly dtype: StorageDtype;
}

export interface Outcome {
  /** Output path → tensor name → elements, rounded to the dtype that they are stored in. */
  readonly saved: ReadonlyMap<string, ReadonlyMap<string, SavedArray>>;
  readonly reported: readonly number[];
  /** The texts of `require`s whose condition turned out false. */
  readonly broken: readonly string[];
}

const std: readonly File[] = ["merge", "optim", "train"].flatMap((module) => {
  const folder = join("compiler/std", module);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".peft"))
    .map((name) => parse(join(folder, name), readFileSync(join(folder, name), "utf8")).file);
});

/** Throws PeftError when the recipe does not elaborate. `config` is the config.json of every checkpoint. */
export function runInMemory(
  text: string,
  checkpoints: Readonly<Record<string, Checkpoint>>,
  config: Readonly<Record<string, unknown>> | null = null,
): Outcome {
  const parsed = parse("recipe.peft", text);
  if (parsed.diagnostics.length > 0) throw new PeftError(parsed.diagnostics);
  const files = new Map([...std, parsed.file].map((file) => [file.path, file]));
  const stdNames = new Map(
    std.flatMap((file) => file.definitions.map((d) => [d.name.text, { definition: d, file: file.path }] as const)),
  );
  const find = (path: string, name: string): { definition: Definition; file: string } | undefined => {
    const file = files.get(path);
    const own = file?.definitions.find((d) => d.name.text === name);
    if (own !== undefined) return { definition: own, file: path };
    const used = file?.uses.flatMap((u) => u.names).find((n) => (n.as ?? n.name).text === name);
    return used === undefined ? undefined : stdNames.get(used.name.text);
  };
  const recipe = parsed.file.definitions.find((d): d is RecipeDefinition => d.kind === "recipe")!;
  const elaborated = elaborate({
    recipe,
    file: "recipe.peft",
    texts: new Map([...files].map(([path, file]) => [path, file.text])),
    definitions: { find, names: () => [...stdNames.keys()] },
    host: {
      open: (path) => ({
        id: path,
        path,
        config,
        modelType: typeof config?.model_type === "string" ? config.model_type : null,
        tensors: Object.entries(checkpoints[path]).map(([name, t]) => ({
          name,
          shape: t.shape,
          dtype: t.dtype ?? "F32",
        })),
      }),
    },
    inputs: new Map(),
  });
  if (elaborated.plan === null) throw new PeftError(elaborated.diagnostics);
  const { saves, reports, requirements, graph } = elaborated.plan;
  const reportNodes = reports.flatMap((r) => (r.value.kind === "tensor" ? [r.value.node] : []));
  const roots: Node[] = [
    ...saves.flatMap((s) => s.tensors.map((t) => t.node)),
    ...reportNodes,
    ...requirements.map((r) => r.node),
  ];
  const inputs = (node: Node) => {
    const { source, name } = inputOf(node);
    return Float64Array.from(checkpoints[source][name].data);
  };
  const values = evaluate(roots, inputs, { precision: "f32", loops: graph.loops });
  return {
    saved: new Map(
      saves.map((s) => [
        s.to,
        new Map(
          s.tensors.map((t) => {
            const data = values
              .get(t.node)!
              .data.map(t.stored === "F32" ? Math.fround : (x) => roundToStorage(t.stored, x));
            return [t.name, { shape: t.shape, data, dtype: t.stored }];
          }),
        ),
      ]),
    ),
    reported: reportNodes.map((n) => values.get(n)!.data[0]),
    broken: requirements.filter((r) => values.get(r.node)!.data[0] === 0).map((r) => `${r.message}`),
  };
}
