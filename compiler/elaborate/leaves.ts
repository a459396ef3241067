/**
 * The tensors of a module while it is made. In: a field of its definition. Out: a leaf of the tree, from the source by its
 * name or drawn by its initialiser; what a group of hosts shares is made once; what stands in its stored form is restored
 * from it. Spec: spec/language.md, "Modules" and "Adapters".
 */
import type { Expr, Member, ModuleDefinition, Span } from "../../grammar/index.js";
import { isFloat, type StorageDtype, showShape } from "../ir/index.js";
import type { Place } from "../places/index.js";
import { type Context, inner, stop } from "./context.js";
import { evaluate, truth } from "./evaluate.js";
import { transposed } from "./field-value.js";
import { placeOf } from "./hosts.js";
import { initialValue } from "./initial.js";
import { type Build, hostsIn } from "./module.js";
import { evaluateStatement } from "./statements.js";
import { coerce, shapeOfType } from "./types.js";
import { describe, type Group, type Leaf, none, type TensorValue, tensor, type Value } from "./value.js";

type Field = Extract<Member, { kind: "field" }>;

/** The hosts among which a field is one: those of the group, or of the whole attach. */
export function sharers(group: Group | undefined, sharing: Field["sharing"]): Group | undefined {
  return sharing === "global" ? (group?.all ?? group) : group;
}

/** What is shared sees the hosts among which it is. */
export function sharedScope(scope: Context, group: Group): Context {
  const host = scope.names.own.get("host");
  if (host?.kind !== "tree") return scope;
  const at = inner(scope);
  const index = group.hosts.findIndex((h) => h.path === host.module!.path);
  const own = { ...host, module: { ...host.module!, index } };
  at.names.own.set("host", own);
  at.names.own.set("hosts", hostsIn(group, host));
  return at;
}

/** Adds the leaf of a field to the build, binds its name, and says in `fields` which leaf it is. */
export function makeField(
  scope: Context,
  member: Field,
  path: string,
  within: string,
  fields: Map<string, string>,
  turned: Set<string>,
): void {
  const name = member.name.text;
  const { role } = member;
  if (role === "carry" || role === "side" || role === "stored") return;
  if (member.condition !== null && !truth(scope, evaluate(scope, member.condition), member.condition.span)) {
    scope.names.own.set(name, none);
    return;
  }
  const build = scope.build!;
  const group = member.sharing === "own" ? undefined : sharers(build.group, member.sharing);
  if (member.sharing !== "own" && group === undefined)
    return stop(scope, "R046", `${name} is ${member.sharing}, but there are no hosts to share it`, member.span, {
      help: "shared and global tensors stand in adapters",
    });
  const at = { file: scope.file, span: member.span };
  const key = `${within}.${name}`;
  const shared = group?.made.get(key);
  const leafName =
    typeof shared === "string"
      ? shared
      : tensorName(scope, member, group === undefined ? path : `${group.path}${within}`);
  const leaf =
    typeof shared === "string"
      ? build.leaves.get(leafName)!
      : firstLeaf(group === undefined ? scope : sharedScope(scope, group), member, leafName, path);
  if (typeof shared === "string") sameShape(sharedScope(scope, group!), scope, member, leaf);
  if (typeof shared !== "string" && build.adapter && build.leaves.has(leafName))
    return stop(scope, "R037", `the adapter's tensor ${JSON.stringify(leafName)} is there already`, member.span);
  if (build.adapter && member.role === "param" && leaf.value.kind === "tensor" && leaf.value.node.shape.includes(0))
    return stop(scope, "R087", `${name} is empty: ${showShape(leaf.value.node.shape)}`, member.span, {
      help: "a rank or a number of tokens is at least 1",
    });
  build.leaves.set(leafName, typeof shared === "string" ? leaf : besideHost(leaf, leafName, build));
  group?.made.set(key, leafName);
  fields.set(name, leafName);
  const turns = isTurned(scope, member);
  if (turns) turned.add(name);
  const own = turns && leaf.value.kind === "tensor" ? transposed(scope, leaf.value, member.span) : leaf.value;
  const what = `the tensor ${JSON.stringify(leafName)}`;
  const seen = group === undefined ? scope : sharedScope(scope, group);
  scope.names.own.set(name, member.type === null ? own : coerce(seen, own, member.type, at, what));
}

/** What an adapter adds stands where its host stands: schedules by layer, depth or role find it there. */
function besideHost(leaf: Leaf, name: string, build: Build): Leaf {
  const place = build.host === null ? null : placeOf(build.host, build.host.module!);
  if (place === null) return leaf;
  const at = place.at !== null && name.startsWith(place.name.slice(0, place.at)) ? place.at : null;
  return { ...leaf, place: { ...place, name, kind: "other", at } };
}

/** The leaf from the source, or with its first value: what `with` gave to the adapter at `path`, else its initialiser's. */
function firstLeaf(scope: Context, member: Field, leafName: string, path: string): Leaf {
  const build = scope.build!;
  const name = member.name.text;
  const { type } = member;
  const role = member.role === "param" ? undefined : (member.role as Leaf["role"]);
  if (type !== null && type.kind !== "tensor" && type.kind !== "named")
    return stop(scope, "T013", `${name} needs the type of a tensor`, member.span, {
      help: "write param name: Tensor[n, m] = ..",
    });
  const at = { file: scope.file, span: member.span };
  const found = member.role === "seeded" || member.role === "state" ? undefined : build.source?.get(leafName);
  if (found !== undefined) {
    const what = `the tensor ${JSON.stringify(leafName)}`;
    const turn = (v: Value) => (isTurned(scope, member) && v.kind === "tensor" ? transposed(scope, v, member.span) : v);
    const value = (
      type === null ? found.value : coerce(inner(scope), turn(found.value), type, at, what)
    ) as TensorValue;
    const kept = isTurned(scope, member) ? (found.value as TensorValue).node : value.node;
    const own: Leaf = { ...found, value: tensor(kept, value.space) };
    return build.adapter ? { ...own, adapter: true, ...(role === undefined ? {} : { role }) } : own;
  }
  if (member.value === null || (build.source !== null && !build.adapter && role === undefined))
    return stop(scope, "R032", `the model has no tensor ${JSON.stringify(leafName)}`, member.span, {
      help: "the checkpoint is of another architecture, or the parameter needs an initial value",
    });
  const drawn = { ...scope, frame: { path: leafName, counts: new Map<string, number>() } };
  const given = path === build.own ? build.first?.get(name) : undefined;
  const first =
    given ??
    (type?.kind === "tensor"
      ? initialValue(drawn, member.value, shapeOfType(scope, type))
      : evaluate(inner(drawn), member.value));
  const whole = first.kind === "number" ? tensor(scope.graph.constant(first.value, !first.integer)) : first;
  const typed = type === null ? whole : coerce(inner(scope), whole, type, at, `the initial value of ${name}`);
  if (typed.kind !== "tensor")
    return stop(scope, "T013", `${name} is a tensor, found another value`, member.span, {
      help: "write param name: Tensor[n, m] = ..",
    });
  const stored = isTurned(scope, member) ? transposed(scope, typed, member.span) : typed;
  return freshLeaf(leafName, tensor(stored.node, typed.space), build.adapter, role);
}

/** Only what is shared must agree: the type in this host's own lengths. */
function sameShape(among: Context, scope: Context, member: Field, leaf: Leaf): void {
  if (member.type?.kind !== "tensor" || leaf.value.kind !== "tensor") return;
  const here = shapeOfType(among, member.type);
  const there = leaf.value.node.shape;
  if (showShape(here) === showShape(there)) return;
  const host = scope.names.own.get("host");
  stop(
    scope,
    "R046",
    `${member.name.text} is shared, but is ${showShape(there)} for the first host and ${showShape(here)} for ${host?.kind === "tree" ? host.origin : "this one"}`,
    member.span,
    { help: "group by what decides the shape, as in `group by (host.role, in)`, or attach to hosts of one size" },
  );
}

/** The place of a tensor that is not one of a checkpoint's. */
export function placeless(name: string): Place {
  return {
    name,
    kind: "other",
    role: null,
    layer: null,
    layers: 0,
    stack: null,
    at: null,
    depth: 0,
    place: "before",
    layout: "out-in",
  };
}

function freshLeaf(name: string, value: TensorValue, adapter: boolean, role: Leaf["role"]): Leaf {
  const stored: StorageDtype = value.node.dtype === "i32" ? "I32" : value.node.dtype === "bool" ? "BOOL" : "F32";
  const leaf: Leaf = {
    value,
    place: placeless(name),
    stored,
    scalar: false,
    reference: null,
    selected: isFloat(stored),
    adapter,
  };
  return role === undefined ? leaf : { ...leaf, role };
}

/** `as "lora_A.weight"` stands after the module's path, `as "/name"` at the root. */
export function tensorName(scope: Context, member: Field, path: string): string {
  const written = member.as;
  const applies =
    written !== null &&
    (written.condition === null || truth(scope, evaluate(scope, written.condition), written.condition.span));
  const own = applies ? evaluate(scope, written.path) : null;
  const name = own?.kind === "string" ? own.value : member.name.text;
  if (name.startsWith("/")) return name.slice(1);
  return path === "" ? name : `${path}.${name}`;
}

/** Whether files have the matrix of this field the other way round. */
function isTurned(scope: Context, member: Field): boolean {
  const { as } = member;
  if (as === null || !as.transposed) return false;
  return as.condition === null || truth(scope, evaluate(scope, as.condition), as.condition.span);
}

function storedFields(definition: ModuleDefinition): Field[] {
  return definition.members.filter((m): m is Field => m.kind === "field" && m.role === "stored");
}

/** Whether the source has the stored form of this instance. */
export function isStored(scope: Context, definition: ModuleDefinition, path: string): boolean {
  const source: Build["source"] = scope.build?.source ?? null;
  if (source === null || !definition.members.some((m) => m.kind === "load")) return false;
  return storedFields(definition).some((m) => source.has(tensorName(scope, m, path)));
}

/** Runs `on load { .. }`: its names are those of the stored fields, its assignments give parameters their values. */
export function restore(
  scope: Context,
  definition: ModuleDefinition,
  path: string,
  fields: ReadonlyMap<string, string>,
): void {
  const build = scope.build!;
  const at = inner(scope);
  for (const member of storedFields(definition)) {
    const name = tensorName(scope, member, path);
    const leaf = build.source!.get(name);
    if (leaf === undefined)
      return stop(scope, "R032", `the stored form has no tensor ${JSON.stringify(name)}`, member.span, {
        help: "all stored fields of one instance are saved together",
      });
    at.names.own.set(member.name.text, leaf.value);
  }
  for (const member of definition.members) {
    if (member.kind !== "load") continue;
    for (const statement of member.body.statements) {
      if (statement.kind !== "assign") {
        evaluateStatement(at, statement);
        continue;
      }
      setField(scope, statement.name.text, evaluate(at, statement.value), fields, statement.span);
      at.names.own.set(statement.name.text, scope.names.own.get(statement.name.text)!);
    }
  }
}

function setField(scope: Context, name: string, value: Value, fields: ReadonlyMap<string, string>, span: Span): void {
  const leafName = fields.get(name);
  const old = leafName === undefined ? undefined : scope.build!.leaves.get(leafName);
  if (leafName === undefined || old?.value.kind !== "tensor")
    return stop(scope, "T022", `on load gives values to tensors of the module, and ${name} is none`, span, {
      help: "assign to a param or a buffer",
    });
  if (value.kind !== "tensor" || showShape(value.node.shape) !== showShape(old.value.node.shape))
    return stop(scope, "H002", `on load gives ${name} another shape than it has`, span);
  scope.build!.leaves.set(leafName, { ...old, value: tensor(value.node, old.value.space) });
  scope.names.own.set(name, value);
}

/** `tune host.bias`, `tune host`: these tensors train and are saved with the adapter. What the host lacks is passed over. */
export function tune(scope: Context, target: Expr): void {
  const leaves = scope.build!.leaves;
  const mark = (names: readonly string[]) => {
    for (const name of names) leaves.set(name, { ...leaves.get(name)!, tuned: true });
  };
  const owner = target.kind === "field" ? evaluate(scope, target.target) : null;
  if (target.kind === "field" && owner?.kind === "tree" && owner.module !== null) {
    const name = target.name.text;
    const leaf = owner.module.fields.get(name);
    const declared = owner.module.definition.members.some((m) => m.kind === "field" && m.name.text === name);
    if (leaf !== undefined || declared) return mark(leaf === undefined ? [] : [leaf]);
  }
  const part = evaluate(scope, target);
  if (part.kind !== "tree" || part.module === null)
    return stop(scope, "T001", `tune takes the host, a part or a tensor of it, found ${describe(part)}`, target.span, {
      help: "write `tune host` or `tune host.bias`",
    });
  const { path } = part.module;
  mark(
    [...leaves].flatMap(([name, l]) =>
      l.adapter !== true && (path === "" || name.startsWith(`${path}.`)) ? [name] : [],
    ),
  );
}
