/**
 * Modules: instances of `module`, `adapter` and `router` definitions. In: a definition, its arguments, and where it
 * stands (its path). Out: its structure and the leaves of its tensors, drawn afresh or taken from a checkpoint. The
 * members run in textual order, once when the instance is made and again in every call, each time with the tensors of
 * the tree at hand. Spec: spec/language.md, "Modules".
 */
import type { Member, ModuleDefinition, Span, TypeExpr } from "../../grammar/index.js";
import { isFloat, type StorageDtype } from "../ir/index.js";
import type { Place } from "../places/index.js";
import { bindParams, type Given } from "./call.js";
import { type Context, inner, type Names, step, stop } from "./context.js";
import { evaluate, truth } from "./evaluate.js";
import { initialValue } from "./initial.js";
import { bind, evaluateStatement } from "./statements.js";
import { coerce, shapeOfType } from "./types.js";
import {
  describe,
  int,
  type Leaf,
  type ModuleValue,
  mapParts,
  none,
  type TensorValue,
  type TreeValue,
  tensor,
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
  const fields = new Map<string, string>();
  const children = new Map<string, Value>();
  const view = (): TreeValue => ({
    kind: "tree",
    leaves: build.leaves,
    donor: null,
    origin: definition.name.text,
    module: {
      kind: "module",
      definition,
      file,
      path,
      statics: new Map(scope.names.own),
      fields,
      children,
      host: build.host?.module ?? null,
    },
    attached: new Map(),
  });
  for (const member of definition.members) {
    if (member.kind === "field") makeField(scope, member, path, fields);
    else if (member.kind === "child") {
      const child = evaluate(step(scope, member.name.text), member.value);
      children.set(member.name.text, structureOf(child));
      scope.names.own.set(member.name.text, child);
    } else if (member.kind === "statement" && member.statement.kind === "let" && definition.kind !== "router")
      evaluateStatement(scope, member.statement);
    else if (member.kind === "statement" && isRequire(member)) evaluateStatement(scope, member.statement);
    else if (member.kind === "function")
      scope.names.own.set(member.name.text, { kind: "method", of: view(), name: member.name.text });
  }
  const statics = staticsOf(scope.names, definition, fields, children);
  return { kind: "module", definition, file, path, statics, fields, children, host: build.host?.module ?? null };
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
  return pattern.kind === "tuple" ? pattern.items.flatMap(namesOf) : [];
}

/** Modules inside a value: what is kept of a child. */
export function structureOf(value: Value): Value {
  return mapParts(value, (v) => (v.kind === "tree" && v.module !== null ? v.module : v));
}

/** The views of a child's modules in a tree. */
export function viewOf(tree: TreeValue, child: Value): Value {
  return mapParts(child, (v) =>
    v.kind === "module" ? { ...tree, module: v, origin: v.path === "" ? tree.origin : v.path } : v,
  );
}

/** Binds what an adapter's `on` clause names: tensors of the host, and the host itself. */
function bindHost(scope: Context, definition: ModuleDefinition, host: TreeValue | null): void {
  const clause = definition.on;
  if (clause === null || host === null) return;
  if (definition.kind !== "router") {
    for (const param of clause.params) {
      const name = param.pattern.kind === "name" ? param.pattern.name.text : "";
      const leaf = memberOf(host, name);
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
  if (definition.kind === "router") bindRouterInput(scope, definition, host);
}

/** A router's lengths come from what its host reads. */
function bindRouterInput(scope: Context, definition: ModuleDefinition, host: TreeValue): void {
  const [input] = definition.on?.params ?? [];
  const dims = input?.type?.kind === "tensor" ? input.type.dims : null;
  const last = dims?.[dims.length - 1];
  if (last?.kind !== "size" || last.value.kind !== "name") return;
  const width = hostWidth(host);
  if (width !== null) scope.names.own.set(last.value.name.text, int(width));
}

/** Length of the vectors that a module reads: the last axis of its weight. */
function hostWidth(host: TreeValue): number | null {
  const weight = memberOf(host, "weight");
  return weight?.kind === "tensor" && weight.node.shape.length >= 2
    ? weight.node.shape[weight.node.shape.length - 1]
    : null;
}

/** A tensor, child, argument or function of a module by name. */
export function memberOf(tree: TreeValue, name: string): Value | undefined {
  const { module } = tree;
  if (module === null) return undefined;
  const field = module.fields.get(name);
  if (field !== undefined) return tree.leaves.get(field)?.value;
  const child = module.children.get(name);
  if (child !== undefined) return viewOf(tree, child);
  if (module.definition.members.some((m) => m.kind === "function" && m.name.text === name))
    return { kind: "method", of: tree, name };
  const fixed = module.statics.get(name);
  if (fixed !== undefined) return fixed;
  if (module.definition.members.some((m) => m.kind === "field" && m.name.text === name)) return none;
  return undefined;
}

/** A tensor of the module: from the source by its name, or drawn by its initialiser. */
function makeField(
  scope: Context,
  member: Extract<Member, { kind: "field" }>,
  path: string,
  fields: Map<string, string>,
): void {
  const name = member.name.text;
  if (member.role === "state" || member.role === "carry" || member.role === "side") return;
  if (member.condition !== null && !truth(scope, evaluate(scope, member.condition), member.condition.span)) {
    scope.names.own.set(name, none);
    return;
  }
  const build = scope.build!;
  const leafName = tensorName(scope, member, path);
  const found = build.source?.get(leafName);
  const type = member.type;
  if (type === null || type.kind !== "tensor")
    return stop(scope, "T013", `${name} needs the type of a tensor`, member.span, {
      help: "write param name: Tensor[n, m] = ..",
    });
  const at = { file: scope.file, span: member.span };
  if (found !== undefined) {
    const value = coerce(scope, found.value, type, at, `the tensor ${JSON.stringify(leafName)}`) as TensorValue;
    build.leaves.set(leafName, { ...found, value: tensor(value.node, value.space) });
    scope.names.own.set(name, value);
  } else {
    if (member.value === null || (build.source !== null && !build.adapter))
      return stop(scope, "R032", `the model has no tensor ${JSON.stringify(leafName)}`, member.span, {
        help: "the checkpoint is of another architecture, or the parameter needs an initial value",
      });
    const shape = shapeOfType(scope, type);
    const drawn = initialValue({ ...scope, frame: { path: leafName, counts: new Map() } }, member.value, shape);
    const value = coerce(scope, drawn, type, at, `the initial value of ${name}`) as TensorValue;
    build.leaves.set(leafName, freshLeaf(leafName, tensor(value.node, value.space), build.adapter));
    scope.names.own.set(name, value);
  }
  fields.set(name, leafName);
}

function freshLeaf(name: string, value: TensorValue, adapter: boolean): Leaf {
  const place: Place = {
    name,
    kind: "other",
    role: null,
    layer: null,
    at: null,
    layers: 0,
    stack: null,
    depth: 0,
    place: "before",
    layout: "out-in",
  };
  const stored: StorageDtype = value.node.dtype === "i32" ? "I32" : value.node.dtype === "bool" ? "BOOL" : "F32";
  return { value, place, stored, scalar: false, reference: null, selected: isFloat(stored), adapter };
}

/** `as "lora_A.weight"` stands after the module's path, `as "/name"` at the root. */
function tensorName(scope: Context, member: Extract<Member, { kind: "field" }>, path: string): string {
  const written = member.as;
  const applies =
    written !== null &&
    (written.condition === null || truth(scope, evaluate(scope, written.condition), written.condition.span));
  const own = applies ? evaluate(scope, written.path) : null;
  const name = own?.kind === "string" ? own.value : member.name.text;
  if (name.startsWith("/")) return name.slice(1);
  return path === "" ? name : `${path}.${name}`;
}

/** The scope of a call into an instance: arguments, tensors of the tree, children, lets, functions. */
export function moduleScope(context: Context, tree: TreeValue, span: Span): Context {
  const module = tree.module!;
  const scope: Context = {
    ...inner(context),
    names: { own: new Map(module.statics), outer: null },
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
  own.set("training", { kind: "bool", value: context.training === true });
  if (module.host !== null) {
    const host: TreeValue = {
      ...tree,
      module: module.host,
      origin: module.host.path,
      attached: before(tree.attached, module),
    };
    own.set("host", host);
    const clause = module.definition.on;
    if (clause?.alias) own.set(clause.alias.text, host);
    for (const param of clause?.params ?? []) {
      if (module.definition.kind === "router" || param.pattern.kind !== "name") continue;
      const leaf = memberOf(host, param.pattern.name.text);
      if (leaf !== undefined) bind(scope, param.pattern, retyped(scope, leaf, param.type, param.span));
    }
  }
  for (const member of module.definition.members) {
    if (member.kind === "field") {
      const leaf = module.fields.get(member.name.text);
      const value = leaf === undefined ? none : tree.leaves.get(leaf)!.value;
      own.set(member.name.text, leaf === undefined ? value : retyped(scope, value, member.type, member.span));
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
