/**
 * What an adapter may wrap, and what it knows of it. In: a model. Out: its modules, their parts and tensors in the order
 * of their making; the place of each (layer, role, ..); groups of hosts that share.
 */
import type { Place } from "../places/index.js";
import { partOf } from "./forward.js";
import { float, int, type ModuleValue, none, parts, type TreeValue, text, type Value } from "./value.js";

/** All module instances of a model in the order of their making, the root first. */
export function modulesOf(module: ModuleValue): ModuleValue[] {
  const inside = [...module.children.values()]
    .flatMap((child) => [...parts(child)])
    .filter((v): v is ModuleValue => v.kind === "module");
  return [module, ...inside.flatMap(modulesOf)];
}

/** Names that modules and adapters of a model read as `side` fields. */
export function sidesOf(tree: TreeValue): ReadonlySet<string> {
  const own = [tree.module!, ...[...tree.attached.values()].flat()].flatMap(modulesOf);
  const modules = [...own, ...own.flatMap((m) => [...(m.attached?.values() ?? [])].flat().flatMap(modulesOf))];
  const definitions = new Set(modules.map((m) => m.definition));
  return new Set(
    [...definitions].flatMap((d) =>
      d.members.flatMap((m) => (m.kind === "field" && m.role === "side" ? [m.name.text] : [])),
    ),
  );
}

/** Modules and their parts: all that an adapter may wrap. */
export function hostsOf(module: ModuleValue): ModuleValue[] {
  return modulesOf(module).flatMap((m) => [
    m,
    ...m.definition.members.flatMap((f) => (f.kind === "function" && f.part ? [partOf(m, f.name.text)] : [])),
  ]);
}

/** The tensors of modules as hosts of their own: each is the weight that its adapter changes. */
export function tensorsOf(module: ModuleValue): ModuleValue[] {
  return modulesOf(module).flatMap((m) =>
    [...m.fields].map(([field, leaf]) => ({
      ...m,
      path: leaf,
      single: true,
      fields: new Map([["weight", leaf]]),
      transposed: new Set(m.transposed?.has(field) === true ? ["weight"] : []),
      children: new Map(),
    })),
  );
}

/** The place of a host: that of its weight, else of the first tensor inside it, whose role and kind are not its own. */
export function placeOf(tree: TreeValue, module: ModuleValue): Place | null {
  const weight = module.part === undefined ? module.fields.get("weight") : undefined;
  const own = weight === undefined ? undefined : tree.leaves.get(weight);
  if (own !== undefined) return own.place;
  const owner = module.part === undefined ? module.path : module.path.slice(0, -module.part.length).replace(/\.$/, "");
  for (const [name, leaf] of tree.leaves) {
    if (leaf.adapter === true || !(owner === "" || name.startsWith(`${owner}.`))) continue;
    const outside = owner === "";
    return {
      ...leaf.place,
      kind: "other",
      role: null,
      layer: outside ? null : leaf.place.layer,
    };
  }
  return null;
}

/** What is asked of a host beside its own names: where it stands. Undefined: no such word. */
export function hostField(tree: TreeValue, name: string): Value | undefined {
  const module = tree.module!;
  if (name === "path") return text(module.path);
  if (name === "name") return text(module.path.split(".").at(-1)!);
  if (name === "index") return module.index === undefined ? undefined : int(module.index);
  if (!["layer", "layers", "role", "kind", "stack", "depth", "place"].includes(name)) return undefined;
  const place = placeOf(tree, module);
  if (place === null) return none;
  const value = place[name as "layer" | "layers" | "role" | "kind" | "stack" | "depth" | "place"];
  if (value === null) return none;
  return typeof value === "string" ? text(value) : name === "depth" ? float(value) : int(value);
}

/** A static value as a key, and as a part of names of tensors; null if it is neither number nor word. */
export function keyText(value: Value): string | null {
  switch (value.kind) {
    case "number":
    case "string":
    case "bool":
      return String(value.value);
    case "none":
      return "none";
    case "list":
    case "tuple": {
      const keys = value.items.map(keyText);
      return keys.some((k) => k === null) ? null : keys.join("-");
    }
    default:
      return null;
  }
}
