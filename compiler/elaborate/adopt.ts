/**
 * A model as a child of another one: `frozen base = m` in a body. In: a model and the name of the child. Out: its structure
 * with all paths under that name; its tensors become leaves of the module that is being made. What is frozen never trains.
 */
import type { Build } from "./module.js";
import { type Leaf, type ModuleValue, mapParts, type TreeValue, type Value } from "./value.js";

/** Whether the tensors of a child are those of another model, not of the one being made or of its host. */
export function isForeign(build: Build, child: Value): child is TreeValue {
  return (
    child.kind === "tree" &&
    child.module !== null &&
    child.leaves !== build.leaves &&
    child.leaves !== build.host?.leaves
  );
}

/** The child's view among the leaves of the build, under `path`. */
export function adopt(build: Build, child: TreeValue, path: string, frozen: boolean): TreeValue {
  const own = child.module!.path;
  const renamed = (name: string) => moved(name, own, path);
  for (const [name, leaf] of child.leaves) {
    if (own !== "" && !name.startsWith(`${own}.`) && leaf.adapter !== true) continue;
    build.leaves.set(renamed(name), kept(leaf, renamed(name), frozen));
  }
  const attached = new Map(
    [...child.attached].map(([at, all]) => [renamed(at), all.map((a) => movedModule(a, renamed))] as const),
  );
  const module = movedModule(child.module!, renamed);
  return { ...child, leaves: build.leaves, module: attached.size === 0 ? module : { ...module, attached }, attached };
}

function kept(leaf: Leaf, name: string, frozen: boolean): Leaf {
  const place = {
    ...leaf.place,
    name,
    at: leaf.place.at === null ? null : leaf.place.at + name.length - leaf.place.name.length,
  };
  return { ...leaf, place, ...(frozen ? { frozen } : {}) };
}

function moved(name: string, from: string, to: string): string {
  if (name === from || name === "") return to;
  const rest = from !== "" && name.startsWith(`${from}.`) ? name.slice(from.length + 1) : name;
  return to === "" ? rest : `${to}.${rest}`;
}

function movedModule(module: ModuleValue, renamed: (name: string) => string): ModuleValue {
  const inside = (value: Value): Value => mapParts(value, (v) => (v.kind === "module" ? movedModule(v, renamed) : v));
  return {
    ...module,
    path: renamed(module.path),
    fields: new Map([...module.fields].map(([field, leaf]) => [field, renamed(leaf)])),
    children: new Map([...module.children].map(([name, child]) => [name, inside(child)])),
    host: module.host === null ? null : movedModule(module.host, renamed),
    ...(module.group === undefined
      ? {}
      : {
          group: {
            ...module.group,
            root: renamed(module.group.root),
            hosts: module.group.hosts.map((h) => movedModule(h, renamed)),
          },
        }),
  };
}
