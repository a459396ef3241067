/**
 * An adapter as PEFT's folder has it: tensors under `base_model.model.` and the names that modules have in memory, and
 * `adapter_config.json` from the definition's `config { .. }`. What was read from a file keeps its names and its config.
 * Source: huggingface/peft, save_and_load.
 */
import { memoryName } from "../arch/index.js";
import { listsOf, savedConfig } from "./adapter-config.js";
import type { Context } from "./context.js";
import { modulesOf } from "./hosts.js";
import type { Leaf, ModuleValue, TreeValue } from "./value.js";

/** The config of adapters that are saved by themselves: its entries, or the file whose own is kept. */
export interface SavedAdapter {
  readonly entries: Readonly<Record<string, unknown>>;
  /** The `id` of the adapter's file that these were read from, unchanged. */
  readonly origin: string | null;
}

/** Whether a leaf is saved with the adapters of its model. */
export function belongsToAdapters(leaf: Leaf): boolean {
  return leaf.adapter === true || leaf.tuned === true;
}

/** Whether a tree is the adapters of a model by themselves: then what their config file says, else null. */
export function adapterConfig(context: Context, tree: TreeValue): SavedAdapter | null {
  const leaves = [...tree.leaves.values()];
  if (leaves.length === 0 || !leaves.every(belongsToAdapters)) return null;
  const instances = withTensors(tree);
  const origins = new Set(instances.map((i) => i.origin ?? null));
  const [origin] = origins;
  const read = origins.size === 1 && origin !== null ? context.session.loads.find((l) => l.id === origin) : undefined;
  if (read !== undefined) return { entries: read.config ?? {}, origin: read.id };
  const names = (i: ModuleValue) => hostName(context, tree, i.host?.path ?? i.path);
  const listed = listedNames(context, tree, instances);
  const own = savedConfig((i) => configScope(context, tree, i), instances, names, listed);
  const kept = tunedParts(context, tree, instances);
  const targets = instances.filter((i) => (i.host?.path ?? "") !== "").map(listed);
  return {
    entries: {
      ...own,
      ...(targets.length > 0 ? { target_modules: [...new Set(targets)].sort() } : {}),
      base_model_name_or_path: null,
      bias: kept.biases === "own" ? `${String(own.peft_type).toLowerCase()}_only` : kept.biases,
      ...(kept.modules.length > 0 ? { modules_to_save: kept.modules } : {}),
      inference_mode: true,
      task_type: null,
    },
    origin: null,
  };
}

/** The adapters that have tensors of their own: others only say what of the model trains. */
function withTensors(tree: TreeValue): ModuleValue[] {
  return [...tree.attached.values()].flat().filter((i) => modulesOf(i).some((m) => m.fields.size > 0));
}

/** What lists call a host: the last part of its path, if all modules that end so are hosts and stand in the same lists. */
function listedNames(
  context: Context,
  tree: TreeValue,
  instances: readonly ModuleValue[],
): (instance: ModuleValue) => string {
  const last = (path: string) => path.split(".").at(-1)!;
  const nameOf = (i: ModuleValue) => hostName(context, tree, i.host?.path ?? i.path);
  const lists = new Map<string, Set<string>>();
  for (const module of tree.module === null ? [] : modulesOf(tree.module)) {
    const name = hostName(context, tree, module.path);
    const own = instances.filter((i) => nameOf(i) === name).map(listsOf);
    const all = lists.get(last(name)) ?? new Set();
    lists.set(last(name), all);
    for (const text of own.length > 0 ? own : ["no host"]) all.add(text);
  }
  const whole = (i: ModuleValue) => lists.get(last(nameOf(i)))?.size === 1 && i.host?.bare?.byLastName !== false;
  return (i) => (whole(i) ? last(nameOf(i)) : nameOf(i));
}

/** What the config of an adapter sees: what is static in it and in its host. Its tensors need not be in the tree. */
export function configScope(context: Context, tree: TreeValue, instance: ModuleValue): Context {
  const own = new Map(instance.statics);
  if (instance.host !== null) {
    const host: TreeValue = { ...tree, module: instance.host, origin: instance.host.path };
    own.set("host", host);
    const alias = instance.definition.on?.alias ?? null;
    if (alias !== null) own.set(alias.text, host);
  }
  return { ...context, names: { own, outer: null }, file: instance.file, recipe: false, build: null };
}

/** What of the model itself is saved too: whole modules by their last names, and biases of adapted maps or of others as well. */
function tunedParts(
  context: Context,
  tree: TreeValue,
  instances: readonly ModuleValue[],
): { readonly biases: "none" | "own" | "all"; readonly modules: readonly string[] } {
  const adapted = new Set(instances.map((i) => i.host?.path ?? i.path));
  const tuned = [...tree.leaves].filter(([, leaf]) => leaf.tuned === true).map(([name]) => name);
  const moduleOf = (name: string) => name.slice(0, Math.max(0, name.lastIndexOf(".")));
  const biases = tuned.filter((name) => name.endsWith(".bias") && !tuned.includes(`${moduleOf(name)}.weight`));
  const whole = tuned.filter((name) => !biases.includes(name)).map(moduleOf);
  const last = (path: string) => hostName(context, tree, path).split(".").at(-1)!;
  return {
    biases: biases.length === 0 ? "none" : biases.every((name) => adapted.has(moduleOf(name))) ? "own" : "all",
    modules: [...new Set(whole.filter((path) => !adapted.has(path)).map(last))].sort(),
  };
}

/** A module's path as it is in memory. */
export function hostName(context: Context, tree: TreeValue, path: string): string {
  const header = context.session.loads.find((l) => l.id === tree.donor?.id);
  return memoryName(header?.modelType ?? null, `${path}.weight`).replace(/\.weight$/, "");
}

/** The name of an adapter's tensor in the file. */
export function adapterName(context: Context, tree: TreeValue, name: string): string {
  const leaf = tree.leaves.get(name);
  if (leaf?.file !== undefined) return leaf.file;
  const instances = withTensors(tree);
  if (leaf?.tuned === true) {
    const cut = name.lastIndexOf(".");
    const adapted = instances.some((i) => i.host?.path === name.slice(0, cut) && i.host.part === undefined);
    const path = `${hostName(context, tree, name.slice(0, cut))}${adapted ? ".base_layer" : ""}`;
    return `base_model.model.${path}${name.slice(cut)}`;
  }
  if (instances.some((i) => isRooted(i, name))) return name;
  const instance = instances.find((i) => i.path !== "" && name.startsWith(`${i.path}.`));
  if (instance === undefined) return `base_model.model.${name}`;
  const host = instance.host?.path ?? instance.path;
  return `base_model.model.${hostName(context, tree, host)}${name.slice(instance.path.length)}`;
}

/** Whether an instance, or a module inside it, calls its tensor `as "/name"`: that is its whole name. */
function isRooted(instance: ModuleValue, name: string): boolean {
  return modulesOf(instance).some((module) =>
    module.definition.members.some((member) => {
      if (member.kind !== "field" || module.fields.get(member.name.text) !== name) return false;
      const [start] = member.as?.path.parts ?? [];
      return typeof start === "string" && start.startsWith("/");
    }),
  );
}
