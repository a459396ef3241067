/**
 * Modules: instances of `module`, `adapter` and `router` definitions. In: a definition, its arguments, and where it
 * stands (its path). Out: its structure and the leaves of its tensors, drawn afresh or taken from a checkpoint. The
 * members run in textual order, once when the instance is made and again in every call, each time with the tensors of
 * the tree at hand. Spec: spec/language.md, "Modules".
 */
import type { Member, ModuleDefinition, Span, TypeExpr } from "../../grammar/index.js";
import { adopt, isForeign } from "./adopt.js";
import { bindParams, type Given } from "./call.js";
import { cellsOf, sideValue } from "./cells.js";
import { type Cell, type Context, inner, type Names, step, stop } from "./context.js";
import { evaluate } from "./evaluate.js";
import { fieldValue } from "./field-value.js";
import { hostField } from "./hosts.js";
import { isStored, makeField, restore, sharedScope, sharers, tune } from "./leaves.js";
import { bind, evaluateStatement } from "./statements.js";
import { coerce } from "./types.js";
import {
  bool,
  describe,
  type Group,
  int,
  type Leaf,
  list,
  type ModuleValue,
  mapParts,
  none,
  type TreeValue,
  type Value,
} from "./value.js";

/** Where instances put their leaves while a tree is built. */
export interface Build {
  readonly leaves: Map<string, Leaf>;
  /** Tensors by name that are there already: a checkpoint, or first values for an adapter. */
  readonly source: ReadonlyMap<string, Leaf> | null;
  /** True while adapters are attached: their tensors train by default. */
  readonly adapter: boolean;
  /** The module around which an adapter is built, in a tree with its leaves. */
  readonly host: TreeValue | null;
  /** Of an adapter: the hosts that it shares with, and the path of its own tensors. */
  readonly group?: Group;
  readonly own?: string;
  /** First values of the adapter's own tensors, by field. */
  readonly first?: ReadonlyMap<string, Value>;
}

/** Makes an instance under the path of the context and adds its leaves to the build. */
export function instantiate(
  context: Context,
  definition: ModuleDefinition,
  file: string,
  given: ReadonlyMap<string, Given>,
  span: Span,
): ModuleValue {
  const { build } = context;
  if (build === null) return stop(context, "R030", `${definition.name.text} is made inside a module or a recipe`, span);
  if (context.calls.length > 60) return stop(context, "N008", `${definition.name.text} contains itself`, span);
  const path = context.frame.path.replaceAll("/", ".");
  const scope: Context = {
    ...context,
    file,
    names: { own: new Map(), outer: null },
    here: null,
    recipe: false,
    calls: [...context.calls, { file: context.file, span, text: `in this ${definition.name.text}` }],
    losses: [],
  };
  bindParams(scope, definition.name.text, definition.params, given, { file: context.file, span });
  bindHost(scope, definition, build.host);
  const { group } = build;
  const within = group === undefined ? "" : path.slice((build.own ?? "").length);
  const loaded = isStored(scope, definition, path);
  if (definition.kind !== "optimizer") {
    scope.names.own.set("loaded", bool(loaded));
    scope.names.own.set("training", bool(false));
  }
  const fields = new Map<string, string>();
  const transposed = new Set<string>();
  const children = new Map<string, Value>();
  const instance = (statics: ReadonlyMap<string, Value>): ModuleValue => ({
    kind: "module",
    definition,
    file,
    path,
    statics,
    fields,
    transposed,
    children,
    host: build.host?.module ?? null,
    ...(group === undefined ? {} : { group, within }),
    ...(loaded ? { loaded } : {}),
  });
  const view = (): TreeValue => ({
    kind: "tree",
    leaves: build.leaves,
    donor: null,
    origin: definition.name.text,
    module: instance(new Map(scope.names.own)),
    attached: new Map(),
  });
  for (const member of definition.members) {
    if (member.kind === "tune") tune(scope, member.value);
    else if (member.kind === "field") makeField(scope, member, path, within, fields, transposed);
    else if (member.kind === "child") {
      const child = makeChild(scope, member, within);
      children.set(member.name.text, structureOf(child));
      scope.names.own.set(member.name.text, child);
    } else if (member.kind === "statement" && member.statement.kind === "let" && definition.kind !== "router")
      evaluateStatement(scope, member.statement);
    else if (member.kind === "statement" && isRequire(member)) evaluateStatement(scope, member.statement);
    else if (member.kind === "function")
      scope.names.own.set(member.name.text, { kind: "method", of: view(), name: member.name.text });
  }
  if (loaded) restore(scope, definition, path, fields);
  return instance(staticsOf(scope.names, definition, fields, children));
}

/** A child; what a group shares is made by its first host. */
function makeChild(scope: Context, member: Extract<Member, { kind: "child" }>, within: string): Value {
  const build = scope.build!;
  const group = member.sharing === "own" ? undefined : sharers(build.group, member.sharing);
  const name = member.name.text;
  if (group === undefined) return ownChild(scope, member, evaluate(step(scope, name), member.value));
  const key = `${within}.${name}`;
  const made = group.made.get(key);
  if (made !== undefined && typeof made !== "string") return viewOf(treeOfBuild(build), made);
  const at = sharedScope(scope, group);
  const path = `${group.path}${within}`.replaceAll(".", "/");
  const child = evaluate(step({ ...at, frame: { path, counts: new Map() } }, name), member.value);
  group.made.set(key, structureOf(child));
  return child;
}

/** What is a model already becomes a part of this one; what is frozen never trains. */
function ownChild(scope: Context, member: Extract<Member, { kind: "child" }>, child: Value): Value {
  const build = scope.build!;
  const path = step(scope, member.name.text).frame.path.replaceAll("/", ".");
  if (isForeign(build, child)) return adopt(build, child, path, member.frozen);
  if (member.frozen)
    for (const [name, leaf] of build.leaves)
      if (name.startsWith(`${path}.`)) build.leaves.set(name, { ...leaf, frozen: true });
  return child;
}

function treeOfBuild(build: Build): TreeValue {
  return { kind: "tree", leaves: build.leaves, donor: null, origin: "", module: null, attached: new Map() };
}

function isRequire(member: Extract<Member, { kind: "statement" }>): boolean {
  const { statement } = member;
  return (
    statement.kind === "expression" &&
    statement.value.kind === "call" &&
    statement.value.callee.kind === "name" &&
    statement.value.callee.name.text === "require"
  );
}

/** Names that every call finds again: parameters, bound lengths and lets that are static, not what depends on tensors. */
function staticsOf(
  names: Names,
  definition: ModuleDefinition,
  fields: ReadonlyMap<string, string>,
  children: ReadonlyMap<string, Value>,
): ReadonlyMap<string, Value> {
  const lets = new Set(
    definition.members.flatMap((m) =>
      m.kind === "statement" && m.statement.kind === "let"
        ? m.statement.bindings.flatMap((b) => namesOf(b.pattern))
        : [],
    ),
  );
  return new Map(
    [...names.own].filter(
      ([name, value]) =>
        !fields.has(name) && !children.has(name) && value.kind !== "method" && (!lets.has(name) || isStatic(value)),
    ),
  );
}

const staticKinds: ReadonlySet<Value["kind"]> = new Set(["number", "bool", "string", "none"]);

function isStatic(value: Value): boolean {
  return staticKinds.has(value.kind);
}

function namesOf(
  pattern: Extract<Member, { kind: "field" }> extends never ? never : Parameters<typeof bind>[1],
): string[] {
  if (pattern.kind === "name") return [pattern.name.text];
  if (pattern.kind === "record") return pattern.fields.flatMap((field) => namesOf(field.pattern));
  return pattern.kind === "tuple" ? pattern.items.flatMap(namesOf) : [];
}

/** Modules inside a value: what is kept of a child. */
export function structureOf(value: Value): Value {
  return mapParts(value, (v) =>
    v.kind !== "tree" || v.module === null
      ? v
      : v.attached.size === 0
        ? v.module
        : { ...v.module, attached: v.attached },
  );
}

/** The views of a child's modules in a tree. */
export function viewOf(tree: TreeValue, child: Value): Value {
  return mapParts(child, (v) =>
    v.kind === "module"
      ? {
          ...tree,
          module: v,
          origin: v.path === "" ? tree.origin : v.path,
          attached: v.attached === undefined ? tree.attached : joined(v.attached, tree.attached),
        }
      : v,
  );
}

/** A part's own adapters act inside those of the whole. */
function joined(own: TreeValue["attached"], whole: TreeValue["attached"]): TreeValue["attached"] {
  const all = new Map(whole);
  for (const [path, adapters] of own) {
    const known = new Set(adapters);
    all.set(path, [...adapters, ...(whole.get(path) ?? []).filter((a) => !known.has(a))]);
  }
  return all;
}

/** Binds what an adapter's `on` clause names: tensors of the host, and the host itself. */
function bindHost(scope: Context, definition: ModuleDefinition, host: TreeValue | null): void {
  const clause = definition.on;
  if (clause === null || host === null) return;
  if (definition.kind !== "router") {
    for (const param of clause.params) {
      const name = param.pattern.kind === "name" ? param.pattern.name.text : "";
      const leaf = memberOf(scope, host, name, param.span);
      if (leaf === undefined) return stop(scope, "R031", `the host ${host.origin} has no ${name}`, param.span);
      bind(
        scope,
        param.pattern,
        param.type === null
          ? leaf
          : coerce(
              scope,
              leaf,
              param.type,
              { file: scope.file, span: param.span },
              `${name} of the host ${host.origin}`,
            ),
      );
    }
  }
  if (clause.alias !== null) scope.names.own.set(clause.alias.text, host);
  scope.names.own.set("host", host);
  scope.names.own.set("hosts", hostsIn(scope.build?.group, host));
  if (definition.kind === "router") bindRouterInput(scope, definition, host);
}

/** The hosts of a group as views of the tree that holds them. */
export function hostsIn(group: Group | undefined, host: TreeValue): Value {
  const hosts = group?.hosts ?? [host.module!];
  return list(hosts.map((module) => ({ ...host, module, origin: module.path })));
}

/** A router's lengths come from what its host reads. */
function bindRouterInput(scope: Context, definition: ModuleDefinition, host: TreeValue): void {
  const [input] = definition.on?.params ?? [];
  const dims = input?.type?.kind === "tensor" ? input.type.dims : null;
  const last = dims?.[dims.length - 1];
  if (last?.kind !== "size" || last.value.kind !== "name") return;
  const width = hostWidth(scope, host, input.span);
  if (width !== null) scope.names.own.set(last.value.name.text, int(width));
}

/** Length of the vectors that a host reads: the last axis of its weight, else of its first argument as declared. */
function hostWidth(scope: Context, host: TreeValue, span: Span): number | null {
  const module = host.module!;
  const weight = module.part === undefined ? memberOf(scope, host, "weight", span) : undefined;
  if (weight?.kind === "tensor" && weight.node.shape.length >= 2)
    return weight.node.shape[weight.node.shape.length - 1];
  const called = module.part ?? "forward";
  const run = module.definition.members.find((m) => m.kind === "function" && m.name.text === called);
  const type = run?.kind === "function" ? (run.params.at(0)?.type ?? null) : null;
  const last = type?.kind === "tensor" ? type.dims?.at(-1) : undefined;
  const width =
    last?.kind === "size" && last.value.kind === "name" ? module.statics.get(last.value.name.text) : undefined;
  return width?.kind === "number" ? width.value : null;
}

/** A tensor, child, argument or function of a module by name. */
export function memberOf(context: Context, tree: TreeValue, name: string, span: Span): Value | undefined {
  const { module } = tree;
  if (module === null) return undefined;
  if (module.fields.has(name)) return fieldValue(context, tree, module, name, span);
  const child = module.children.get(name);
  if (child !== undefined) return viewOf(tree, child);
  if (module.definition.members.some((m) => m.kind === "function" && m.name.text === name))
    return { kind: "method", of: tree, name };
  const fixed = module.statics.get(name);
  if (fixed !== undefined) return fixed;
  const change = module.definition.members.find((m) => m.kind === "delta");
  if (name === "delta" && change?.kind === "delta") return evaluate(moduleScope(context, tree, span), change.value);
  if (module.definition.members.some((m) => m.kind === "field" && m.name.text === name)) return none;
  return hostField(tree, name);
}

/** The scope of a call into an instance: arguments, tensors of the tree, children, lets, functions. */
export function moduleScope(context: Context, tree: TreeValue, span: Span, inRule = false): Context {
  const module = tree.module!;
  const cells = new Map<string, Cell>();
  const scope: Context = {
    ...inner(context),
    names: { own: new Map(module.statics), outer: null, cells },
    group: module.group,
    file: module.file,
    selector: false,
    recipe: false,
    build: null,
    calls: [
      ...context.calls,
      {
        file: context.file,
        span,
        text: `in this call of ${module.definition.name.text}${module.path === "" ? "" : ` at ${module.path}`}`,
      },
    ],
  };
  const { own } = scope.names;
  own.set("training", bool(context.training === true));
  own.set("loaded", bool(module.loaded === true));
  if (module.host !== null) {
    const host: TreeValue = {
      ...tree,
      module: module.host,
      origin: module.host.path,
      attached: before(tree.attached, module),
    };
    own.set("host", host);
    own.set("hosts", hostsIn(module.group, host));
    const clause = module.definition.on;
    if (clause?.alias) own.set(clause.alias.text, host);
    for (const param of clause?.params ?? []) {
      if (module.definition.kind === "router" || param.pattern.kind !== "name") continue;
      const leaf = memberOf(scope, host, param.pattern.name.text, param.span);
      if (leaf !== undefined) bind(scope, param.pattern, retyped(scope, leaf, param.type, param.span));
    }
  }
  for (const [name, cell] of cellsOf(scope, tree, inRule)) cells.set(name, cell);
  for (const member of module.definition.members) {
    if (member.kind === "field") {
      if (cells.has(member.name.text)) continue;
      if (member.role === "side") {
        own.set(member.name.text, sideValue(scope, member, module.definition.name.text));
        continue;
      }
      const leaf = module.fields.get(member.name.text);
      const value = fieldValue(scope, tree, module, member.name.text, member.span);
      const group = member.sharing === "own" ? undefined : sharers(module.group, member.sharing);
      const at = group === undefined ? scope : sharedScope(scope, group);
      own.set(member.name.text, leaf === undefined ? value : retyped(at, value, member.type, member.span));
    } else if (member.kind === "child") own.set(member.name.text, viewOf(tree, module.children.get(member.name.text)!));
    else if (member.kind === "function")
      own.set(member.name.text, { kind: "method", of: tree, name: member.name.text });
    else if (member.kind === "statement" && member.statement.kind === "let" && module.definition.kind !== "router")
      evaluateStatement(scope, member.statement);
  }
  return scope;
}

/** Names of axes belong to the scope: the type is met again. */
function retyped(scope: Context, value: Value, type: TypeExpr | null, span: Span): Value {
  return type === null || value.kind !== "tensor"
    ? value
    : coerce(scope, value, type, { file: scope.file, span }, describe(value));
}

/** Adapters that were attached to the host before this one: inside `host(x)` only they act. */
function before(attached: TreeValue["attached"], module: ModuleValue): TreeValue["attached"] {
  const path = module.host!.path;
  const all = attached.get(path);
  if (all === undefined) return attached;
  const at = all.findIndex((a) => a.path === module.path || module.path.startsWith(`${a.path}.`));
  return at < 0 ? attached : new Map([...attached, [path, all.slice(0, at)]]);
}
