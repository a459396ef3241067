/**
 * Attaching adapters. In: a model, an adapter with its arguments, and where: a pattern of module paths, a role, a list
 * of them, or a function of the host. Out: the model with an instance around each host; its tensors are leaves of the
 * same tree under the host's name. `fuse` works the changes into the weights.
 */
import type { Span } from "../../grammar/index.js";
import { compilePattern, roles } from "../places/index.js";
import { apply, type Given } from "./call.js";
import { type Context, stop } from "./context.js";
import { partOf, withWeight } from "./forward.js";
import { modelOf, nearPaths } from "./model.js";
import { type Build, instantiate, viewOf } from "./module.js";
import {
  describe,
  type Leaf,
  type ModuleValue,
  parts,
  type TemplateValue,
  type TreeValue,
  type Value,
} from "./value.js";

/** All module instances of a model in the order of their making, the root first. */
export function modulesOf(module: ModuleValue): ModuleValue[] {
  const inside = [...module.children.values()]
    .flatMap((child) => [...parts(child)])
    .filter((v): v is ModuleValue => v.kind === "module");
  return [module, ...inside.flatMap(modulesOf)];
}

export function attach(
  context: Context,
  value: Value,
  adapter: Value,
  to: Value | undefined,
  init: Value | undefined,
  span: Span,
): TreeValue {
  if (value.kind !== "tree") return stop(context, "T001", `attach takes a model, found ${describe(value)}`, span);
  const model = modelOf(context, value, span);
  const all = hostsOf(model.module!);
  const chosen = choose(context, model, all, adapter, to, span);
  if (chosen.length === 0) {
    const kind = adapter.kind === "template" ? (adapter.definition.on?.kind?.text ?? null) : null;
    const fitting = kind === null ? all : all.filter((m) => kindOf(m) === kind);
    return stop(
      context,
      "R036",
      `the adapter is attached to nothing: no ${kind ?? "module"} of ${model.origin} matches ${to === undefined ? "" : describe(to)}`,
      span,
      {
        help: `the model has ${nearPaths(
          to?.kind === "string" ? to.value : "",
          fitting.map((m) => m.path),
        )}`,
      },
    );
  }
  const leaves = new Map(model.leaves);
  const attached = new Map(model.attached);
  for (const { host, template } of chosen) {
    const instance = adapt(context, { ...model, leaves, attached }, host, template, init, leaves, span);
    attached.set(host.path, [...(attached.get(host.path) ?? []), instance]);
  }
  return { ...model, leaves, attached };
}

function adapt(
  context: Context,
  model: TreeValue,
  host: ModuleValue,
  template: TemplateValue,
  init: Value | undefined,
  leaves: Map<string, Leaf>,
  span: Span,
): ModuleValue {
  const view = viewOf(model, host) as TreeValue;
  const build: Build = {
    leaves: new Map(),
    source: init?.kind === "tree" ? init.leaves : null,
    adapter: true,
    host: view,
  };
  const given = new Map(
    [...template.given].map(([name, value]): [string, Given] => [name, { value, at: { file: context.file, span } }]),
  );
  const earlier = model.attached.get(host.path)?.length ?? 0;
  const path = (host.path === "" ? [] : host.path.split("."))
    .concat(earlier === 0 ? [] : [`adapter${earlier}`])
    .join("/");
  const instance = instantiate(
    { ...context, build, frame: { path, counts: new Map() }, recipe: false },
    template.definition,
    template.file,
    given,
    span,
  );
  for (const [name, leaf] of build.leaves) {
    if (leaves.has(name)) stop(context, "R037", `the adapter's tensor ${JSON.stringify(name)} is there already`, span);
    leaves.set(name, leaf);
  }
  return instance;
}

interface Chosen {
  readonly host: ModuleValue;
  readonly template: TemplateValue;
}

function choose(
  context: Context,
  model: TreeValue,
  all: readonly ModuleValue[],
  adapter: Value,
  to: Value | undefined,
  span: Span,
): Chosen[] {
  if (adapter.kind === "closure" || adapter.kind === "definition") {
    return all
      .filter((m) => selects(context, model, m, to, span))
      .flatMap((host) => pick(context, model, host, apply(context, adapter, [viewOf(model, host)], span), span));
  }
  if (adapter.kind !== "template" || adapter.definition.kind !== "adapter")
    return stop(context, "T001", `attach takes an adapter, found ${describe(adapter)}`, span, {
      help: "write attach(model, lora(rank = 8), to = ..)",
    });
  return all
    .filter((m) => hosts(adapter, m) && selects(context, model, m, to, span))
    .map((host) => ({ host, template: adapter }));
}

function pick(context: Context, model: TreeValue, host: ModuleValue, result: Value, span: Span): Chosen[] {
  if (result.kind === "none") return [];
  if (result.kind === "template" && result.definition.kind === "adapter")
    return hosts(result, host) ? [{ host, template: result }] : [];
  return stop(
    context,
    "T001",
    `the function of attach gives an adapter or none for ${host.path || model.origin}, found ${describe(result)}`,
    span,
  );
}

/** What an adapter calls its host: the name of a part, else of the definition. */
function kindOf(module: ModuleValue): string {
  return module.part ?? module.definition.name.text;
}

/** Modules and their parts: all that an adapter may wrap. */
function hostsOf(module: ModuleValue): ModuleValue[] {
  return modulesOf(module).flatMap((m) => [
    m,
    ...m.definition.members.flatMap((f) => (f.kind === "function" && f.part ? [partOf(m, f.name.text)] : [])),
  ]);
}

/** Whether a module is of the kind that the adapter goes on. */
function hosts(template: TemplateValue, module: ModuleValue): boolean {
  const kind = template.definition.on?.kind?.text ?? null;
  if (kind === null) return true;
  return kind === "model" ? module.path === "" : kindOf(module) === kind;
}

/** Whether `to` names this module: a path pattern, a role, or a list of them; absent: every module that fits. */
function selects(context: Context, model: TreeValue, module: ModuleValue, to: Value | undefined, span: Span): boolean {
  if (to === undefined || to.kind === "none") return true;
  if (to.kind === "list" || to.kind === "tuple") return to.items.some((t) => selects(context, model, module, t, span));
  if (to.kind === "string") {
    if (module.part === to.value) return true;
    if ((roles as readonly string[]).includes(to.value)) return roleOf(model, module) === to.value;
    const pattern = compilePattern(to.value);
    if (!pattern.ok)
      return stop(context, "R006", `the pattern ${JSON.stringify(to.value)} cannot be read: ${pattern.message}`, span);
    return pattern.matches(module.path);
  }
  if (to.kind === "closure" || to.kind === "definition") {
    const chosen = apply(context, to, [viewOf(model, module)], span);
    return chosen.kind === "bool" && chosen.value;
  }
  return stop(context, "T001", `to takes a pattern, a role or a list of them, found ${describe(to)}`, span);
}

export function roleOf(model: TreeValue, module: ModuleValue): string | null {
  const weight = module.fields.get("weight");
  return (weight === undefined ? null : model.leaves.get(weight)?.place.role) ?? null;
}

/** Works every adapter into the weights of its host; the adapters' own tensors are gone then. */
export function fuse(context: Context, value: Value, span: Span): TreeValue {
  if (value.kind !== "tree" || value.module === null || value.attached.size === 0)
    return stop(context, "R038", `there are no adapters in ${describe(value)} to work into its weights`, span);
  let model: TreeValue = value;
  for (const adapters of value.attached.values()) {
    for (const adapter of adapters) model = withWeight(context, model, adapter, span);
  }
  const leaves = new Map([...model.leaves].filter(([, leaf]) => leaf.adapter !== true));
  return { ...model, leaves, attached: new Map() };
}
