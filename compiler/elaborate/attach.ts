/**
 * Attaching adapters. In: a model, an adapter with its arguments, and where: a pattern of module paths, a role, a list
 * of them, or a function of the host. Out: the model with an instance around each host; its tensors are leaves of the
 * same tree under the host's name. `fuse` works the changes into the weights.
 */
import type { Span } from "../../grammar/index.js";
import { compilePattern, roles } from "../places/index.js";
import { withChanges } from "./adapted.js";
import { finishFile, hostsOfFile, toldOfFile } from "./adapter-load.js";
import { apply, type Given } from "./call.js";
import { type Context, inner, stop } from "./context.js";
import { evaluate } from "./evaluate.js";
import { hostsOf, keyText, placeOf, tensorsOf } from "./hosts.js";
import { modelOf, nearPaths } from "./model.js";
import { type Build, instantiate, viewOf } from "./module.js";
import {
  type AdapterFileValue,
  describe,
  type Group,
  type Leaf,
  type ModuleValue,
  type TemplateValue,
  type TreeValue,
  type Value,
} from "./value.js";

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
  const wanted = adapter.kind === "template" ? adapter.definition.on?.kind?.text : undefined;
  const all = wanted === "tensor" ? tensorsOf(model.module!) : hostsOf(model.module!);
  if (adapter.kind === "adapterFile") return attachFile(context, model, adapter, to, span);
  const chosen = choose(context, model, all, adapter, to, span);
  if (chosen.length === 0) {
    const kind = adapter.kind === "template" ? (adapter.definition.on?.kind?.text ?? null) : null;
    const fitting = adapter.kind === "template" ? all.filter((m) => hosts(model, adapter, m)) : all;
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
  const source = init?.kind === "tree" ? init.leaves : null;
  return wrap(
    context,
    model,
    chosen.map((c) => ({ ...c, source: () => source })),
    span,
  );
}

/** The model with an adapter around each of the hosts. */
function wrap(context: Context, model: TreeValue, chosen: readonly Sourced[], span: Span): TreeValue {
  const { root, leaves } = bench(context, model);
  const attached = new Map(model.attached);
  const grouped = groupsOf(context, model, chosen, leaves, root, span);
  chosen.forEach((c, i) => {
    const instance = adapt(context, { ...model, attached }, c, grouped[i], leaves, root, span);
    attached.set(c.host.path, [...(attached.get(c.host.path) ?? []), instance]);
  });
  return { ...model, leaves, attached };
}

/** The model with a saved adapter. */
function attachFile(
  context: Context,
  model: TreeValue,
  file: AdapterFileValue,
  to: Value | undefined,
  span: Span,
): TreeValue {
  if (to !== undefined && to.kind !== "none")
    return stop(context, "T004", "a saved adapter says itself where it goes, and takes no `to`", span, {
      help: "leave out `to`",
    });
  const chosen = hostsOfFile(context, model, file, span);
  const wrapped = toldOfFile(context, file, span, () => wrap(context, model, chosen, span));
  const attached = new Map(
    [...wrapped.attached].map(([path, all]) => {
      const before = model.attached.get(path)?.length ?? 0;
      return [path, all.map((a, i) => (i < before ? a : { ...a, origin: file.header.id }))] as const;
    }),
  );
  return finishFile(context, model, { ...wrapped, attached }, file, span);
}

/** Where new leaves go, and under which path: those of the module being made, else beside those of the model. */
function bench(context: Context, model: TreeValue): { readonly root: string; readonly leaves: Map<string, Leaf> } {
  if (context.build === null) return { root: "", leaves: new Map(model.leaves) };
  return { root: context.frame.path.replaceAll("/", "."), leaves: context.build.leaves };
}

function adapt(
  context: Context,
  model: TreeValue,
  { host, template, source }: Sourced,
  { group, index }: { readonly group: Group; readonly index: number },
  leaves: Map<string, Leaf>,
  root: string,
  span: Span,
): ModuleValue {
  const view = viewOf(model, { ...host, index }) as TreeValue;
  const earlier = model.attached.get(host.path)?.length ?? 0;
  const path = [root, host.path, earlier === 0 ? "" : `adapter${earlier}`].filter((p) => p !== "").join(".");
  const build: Build = {
    leaves,
    source: source(path),
    adapter: true,
    host: view,
    group,
    own: path,
    ...(template.first === undefined ? {} : { first: template.first }),
  };
  const given = new Map(
    [...template.given].map(([name, value]): [string, Given] => [name, { value, at: { file: context.file, span } }]),
  );
  return instantiate(
    { ...context, build, frame: { path: path.replaceAll(".", "/"), counts: new Map() }, recipe: false },
    template.definition,
    template.file,
    given,
    span,
  );
}

/**
 * The group of each host and its number there. Hosts of one definition and one value of `group by` make a group;
 * tensors that it shares stand under the adapter's name and that value, global ones under the name alone.
 */
function groupsOf(
  context: Context,
  model: TreeValue,
  chosen: readonly Chosen[],
  leaves: ReadonlyMap<string, Leaf>,
  root: string,
  span: Span,
): { readonly group: Group; readonly index: number }[] {
  const keyed = chosen.map(({ host, template }) => ({
    host: host as ModuleValue,
    name: template.definition.name.text,
    key: groupKey(context, model, host, template, span),
  }));
  const wholes = new Map<string, Group>();
  const groups = new Map<string, Group>();
  const found: { group: Group; index: number }[] = [];
  for (const { host, name, key } of keyed) {
    if (!wholes.has(name)) {
      const path = freeName(root === "" ? name : `${root}.${name}`, leaves);
      const all = keyed.filter((k) => k.name === name).map((k, index): ModuleValue => ({ ...k.host, index }));
      const id = `${model.module!.path}:${path}`;
      wholes.set(name, { id, path, hosts: all, root: model.module!.path, all: null, made: new Map() });
    }
    const whole = wholes.get(name)!;
    const id = key === null ? whole.id : `${whole.id}:${key}`;
    const path = key === null ? whole.path : `${whole.path}.${key}`;
    if (!groups.has(id)) {
      const mates = keyed.filter((k) => k.name === name && k.key === key);
      const hosts = mates.map((k, index): ModuleValue => ({ ...k.host, index }));
      groups.set(id, key === null ? whole : { ...whole, id, path, hosts, all: whole, made: new Map() });
    }
    const group = groups.get(id)!;
    found.push({ group, index: group.hosts.findIndex((h) => h.path === host.path) });
  }
  return found;
}

/** A name under which no leaf stands. */
function freeName(name: string, leaves: ReadonlyMap<string, Leaf>): string {
  const taken = (n: string) => [...leaves.keys()].some((leaf) => leaf.startsWith(`${n}.`));
  let free = name;
  for (let i = 1; taken(free); i++) free = `${name}${i}`;
  return free;
}

/** The value of `group by` for one host, as text; null without it. */
function groupKey(
  context: Context,
  model: TreeValue,
  host: ModuleValue,
  template: TemplateValue,
  span: Span,
): string | null {
  const { on } = template.definition;
  if (on?.groupBy == null) return null;
  const scope: Context = {
    ...inner(context),
    file: template.file,
    names: { own: new Map(template.given), outer: null },
  };
  const view = viewOf(model, host);
  scope.names.own.set("host", view);
  if (on.alias !== null) scope.names.own.set(on.alias.text, view);
  const value = evaluate(scope, on.groupBy);
  return (
    keyText(value) ??
    stop(
      scope,
      "T007",
      `group by takes a number, a word or a tuple of them, found ${describe(value)}`,
      on.groupBy.span,
      {
        others: [{ file: context.file, span, text: "in this attach" }],
      },
    )
  );
}

interface Chosen {
  readonly host: ModuleValue;
  readonly template: TemplateValue;
}

/** A host with the first values that its adapter has when its tensors stand under a path. */
interface Sourced extends Chosen {
  readonly source: (path: string) => ReadonlyMap<string, Leaf> | null;
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
    .filter((m) => hosts(model, adapter, m) && selects(context, model, m, to, span))
    .map((host) => ({ host, template: adapter }));
}

function pick(context: Context, model: TreeValue, host: ModuleValue, result: Value, span: Span): Chosen[] {
  if (result.kind === "none") return [];
  if (result.kind === "template" && result.definition.kind === "adapter")
    return hosts(model, result, host) ? [{ host, template: result }] : [];
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

/** Kinds of places that go by many names: what is a norm or a convolution, whatever its definition is called. */
const kindsOfPlaces: ReadonlySet<string> = new Set(["norm", "conv"]);

/** Whether a module is of the kind that the adapter goes on: a definition, a part, a norm, a convolution, a tensor, the model. */
function hosts(model: TreeValue, template: TemplateValue, module: ModuleValue): boolean {
  const kind = template.definition.on?.kind?.text ?? null;
  if (kind === null) return true;
  if (kind === "tensor") return module.single === true;
  if (kind === "model") return module.path === model.module!.path && module.part === undefined;
  if (kindOf(module) === kind) return true;
  return kindsOfPlaces.has(kind) && module.fields.has("weight") && placeOf(model, module)?.kind === kind;
}

/** Whether `to` names this module: a path pattern, a role, or a list of them; absent: every module that fits. */
export function selects(
  context: Context,
  model: TreeValue,
  module: ModuleValue,
  to: Value | undefined,
  span: Span,
): boolean {
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

/** An adapter that trains tensors of its host and changes nothing else. */
function onlyTunes(adapter: ModuleValue): boolean {
  const { members } = adapter.definition;
  return members.some((m) => m.kind === "tune") && members.every((m) => m.kind === "tune" || m.kind === "config");
}

/** Works every adapter into the weights of its host; the adapters' own tensors are gone then. */
export function fuse(context: Context, value: Value, span: Span): TreeValue {
  if (value.kind !== "tree" || value.module === null || value.attached.size === 0)
    return stop(context, "R038", `there are no adapters in ${describe(value)} to work into its weights`, span);
  let model: TreeValue = value;
  for (const [path, adapters] of value.attached) {
    model = { ...model, attached: new Map([...model.attached].filter(([other]) => other !== path)) };
    for (const adapter of adapters) if (!onlyTunes(adapter)) model = withChanges(context, model, adapter, span);
  }
  const leaves = new Map([...model.leaves].filter(([, leaf]) => leaf.adapter !== true));
  return { ...model, leaves, attached: new Map() };
}
