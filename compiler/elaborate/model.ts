/**
 * Models: trees with a module. A recipe makes one by calling a module definition, or has one when a loaded checkpoint
 * is used as a network: its architecture's definition is then instantiated with the checkpoint's own tensors.
 */
import type { ModuleDefinition, Span } from "../../grammar/index.js";
import { nearest } from "../../grammar/index.js";
import { placesOf } from "../places/index.js";
import type { Given } from "./call.js";
import { type Context, stop } from "./context.js";
import { configOf } from "./layers.js";
import { type Build, instantiate } from "./module.js";
import { float, int, type Leaf, list, type ModuleValue, none, type TreeValue, text, type Value } from "./value.js";

/** What calling a module definition gives: a part of the module being made, a model of its own, or a template. */
export function makeModule(
  context: Context,
  definition: ModuleDefinition,
  file: string,
  given: ReadonlyMap<string, Given>,
  span: Span,
): Value {
  const template: Value = {
    kind: "template",
    definition,
    file,
    given: new Map([...given].map(([name, g]) => [name, g.value])),
  };
  if (definition.kind === "optimizer") return template;
  if (context.build !== null && (definition.kind !== "adapter" || context.build.host !== null)) {
    const module = instantiate(context, definition, file, given, span);
    return {
      kind: "tree",
      leaves: context.build.leaves,
      donor: null,
      origin: definition.name.text,
      module,
      attached: new Map(),
    };
  }
  if (definition.kind === "adapter") return template;
  return rootModel(context, definition, file, given, null, span);
}

/** A model with a definition at its root; tensors come from `source` where it has them. */
function rootModel(
  context: Context,
  definition: ModuleDefinition,
  file: string,
  given: ReadonlyMap<string, Given>,
  source: TreeValue | null,
  span: Span,
): TreeValue {
  const build: Build = { leaves: new Map(), source: source?.leaves ?? null, adapter: false, host: null };
  const module = instantiate(
    { ...context, build, frame: { path: "", counts: new Map() } },
    definition,
    file,
    given,
    span,
  );
  const leaves = source === null ? withPlaces(build.leaves) : adoptLeaves(source, build.leaves);
  return {
    kind: "tree",
    leaves,
    donor: source?.donor ?? null,
    origin: source?.origin ?? definition.name.text,
    module,
    attached: new Map(),
  };
}

/** The tensors of a network that the recipe made have places by their names, as those of a checkpoint have. */
function withPlaces(leaves: ReadonlyMap<string, Leaf>): ReadonlyMap<string, Leaf> {
  const shapes = [...leaves].map(([name, { value, stored }]) => ({
    name,
    dtype: stored,
    shape: value.kind === "tensor" ? value.node.shape : [],
  }));
  const places = placesOf(shapes, null);
  return new Map([...leaves].map(([name, leaf]) => [name, { ...leaf, place: places.get(name)! }]));
}

/** The checkpoint's leaves stay, those that the architecture does not know too: they are carried along. */
function adoptLeaves(source: TreeValue, built: ReadonlyMap<string, Leaf>): ReadonlyMap<string, Leaf> {
  return new Map([...source.leaves, ...built]);
}

const models = new WeakMap<ReadonlyMap<string, Leaf>, ModuleValue>();

/** The tree as a network. Loaded checkpoints get the module of their architecture. */
export function modelOf(context: Context, tree: TreeValue, span: Span): TreeValue {
  if (tree.module !== null) return tree;
  const header = tree.donor === null ? undefined : context.session.loads.find((l) => l.id === tree.donor!.id);
  if (header === undefined) return stop(context, "R034", `${tree.origin} is a tree of tensors without a network`, span);
  const known = models.get(tree.leaves);
  if (known !== undefined) return { ...tree, module: known };
  const architecture =
    context.session.definitions.architecture?.(header.modelType, architecturesOf(header.config)) ?? null;
  if (architecture === null) {
    return stop(
      context,
      "R035",
      `there is no network for the model type ${header.modelType ?? "that config.json does not name"} of ${tree.origin}`,
      span,
      {
        help: "it can be merged; to run it, write its architecture as a module and call that on the checkpoint's tensors",
      },
    );
  }
  const config = configValue(configOf(context, tree) ?? {});
  const [param] = architecture.definition.params;
  const name = param?.pattern.kind === "name" ? param.pattern.name.text : "cfg";
  const given = new Map<string, Given>(
    param === undefined ? [] : [[name, { value: config, at: { file: context.file, span } }]],
  );
  const model = rootModel({ ...context, recipe: false }, architecture.definition, architecture.file, given, tree, span);
  models.set(tree.leaves, model.module!);
  return { ...model, origin: tree.origin };
}

function architecturesOf(config: Readonly<Record<string, unknown>> | null): readonly string[] {
  const names = config?.architectures;
  return Array.isArray(names) ? names.filter((n): n is string => typeof n === "string") : [];
}

/** JSON as values of the language: objects are records, null is none. */
export function configValue(json: unknown): Value {
  if (json === null || json === undefined) return none;
  if (typeof json === "number") return Number.isInteger(json) ? int(json) : float(json);
  if (typeof json === "boolean") return { kind: "bool", value: json };
  if (typeof json === "string") return text(json);
  if (Array.isArray(json)) return list(json.map(configValue));
  return {
    kind: "record",
    open: true,
    fields: new Map(Object.entries(json as object).map(([k, v]) => [k, configValue(v)])),
  };
}

/** Names near a module path, for messages. */
export function nearPaths(pattern: string, paths: readonly string[]): string {
  const near = nearest(pattern, paths);
  return (near.length > 0 ? near : paths.slice(0, 4)).join(", ");
}
