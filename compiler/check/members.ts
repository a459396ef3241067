/**
 * Checks the members of a module, adapter, router or optimizer. In: a definition and the signature of making one. Out: its
 * meaning, filled in while the members are read in textual order, functions last; T024, T026 and T027 for fields and
 * members that cannot be meant. Whether they are complete is in completeness.ts.
 */
import type { Expr, Member, ModuleDefinition, Name, Pattern, Span } from "../../grammar/index.js";
import { reportMissing, reportTwice } from "./completeness.js";
import { type Context, type ModuleBody, report } from "./context.js";
import { declareDimensions, declareParams, resultFrom, returnsTo } from "./definitions.js";
import { unknownName } from "./expressions.js";
import { functionType } from "./instances.js";
import type { Meaning, MemberFunction } from "./meaning.js";
import { expectType } from "./mismatch.js";
import { bindPattern, declareName } from "./patterns.js";
import { rigid } from "./relate.js";
import { declare, innerScope, lookup, type Scope } from "./scope.js";
import {
  type DimensionNames,
  type Parameter,
  type Signature,
  signatureFrom,
  symbolicNames,
  typeFrom,
} from "./signature.js";
import { checkCondition, inferBlock, inferStatement } from "./statements.js";
import { isQuiet, list, number, type Type, tensor, unknown } from "./types.js";

type Field = Member & { kind: "field" };
type FunctionMember = Member & { kind: "function" };

/** One reading of a definition. */
interface Reading {
  readonly cx: Context;
  readonly definition: ModuleDefinition;
  readonly meaning: Meaning;
  /** Declared types of fields; null: none. */
  readonly declared: ReadonlyMap<Member, Type | null>;
  /** Names of lengths that each function declares, with the places where they stand. */
  readonly origins: ReadonlyMap<Member, ReadonlyMap<string, Span>>;
  readonly scope: Scope;
}

/** Reads all members; `cx.origins` must hold the names of the definition's parameters. Fills `meaning`. */
export function readMembers(cx: Context, definition: ModuleDefinition, meaning: Meaning): void {
  const { on, members } = definition;
  const host = on === null ? null : signatureFrom(cx, definition.name, on.params, null);
  const fixed = new Set([...cx.origins.keys(), ...meaning.signature.dimensions]);
  const names = lengthNames(cx.origins, letNames(definition));
  const declared = new Map<Member, Type | null>();
  const origins = new Map<Member, ReadonlyMap<string, Span>>();
  for (const m of members) {
    if (m.kind === "field") declared.set(m, m.type ? typeFrom(cx, m.type, names) : null);
    if (m.kind === "function") origins.set(m, readSignature(cx, definition, meaning, m, fixed));
  }
  const outer = innerScope(null);
  declareDimensions(cx, outer);
  const around = innerScope(outer);
  declareParams(cx, around, definition.params, meaning.signature);
  meaning.signature.params.forEach((p) => {
    if (p.name !== null) meaning.fields.set(p.name, p.type);
  });
  declareSurroundings(cx, around, definition, host);
  const reading: Reading = { cx, definition, meaning, declared, origins, scope: innerScope(around) };
  if (on?.groupBy) cx.infer(cx, around, on.groupBy);
  declareFunctions(reading);
  reportTwice(cx, definition);
  readInOrder(reading, host);
  for (const m of members) if (m.kind === "function") readFunction(reading, m);
  for (const m of members) if (m.kind === "load") readLoad(reading, m);
  reportMissing(cx, definition);
}

/** Names that the definition's own lets bind. */
function letNames(definition: ModuleDefinition): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (p: Pattern): void => {
    if (p.kind === "name") found.add(p.name.text);
    if (p.kind === "tuple") p.items.forEach(visit);
  };
  for (const m of definition.members)
    if (m.kind === "statement" && m.statement.kind === "let") for (const b of m.statement.bindings) visit(b.pattern);
  return found;
}

/** Names in the types of fields: what a let has computed is a length that the text does not tell. */
function lengthNames(origins: Map<string, Span>, lets: ReadonlySet<string>): DimensionNames {
  const names = symbolicNames(origins);
  return { ...names, lengthOf: (name) => (lets.has(name.text) ? null : names.lengthOf(name)) };
}

/** What the host and the state of the call tell; a router's input. */
function declareSurroundings(cx: Context, scope: Scope, definition: ModuleDefinition, host: Signature | null): void {
  const ambient = (name: string, type: Type) => declare(scope, name, { type, span: null, kind: "variable" });
  if (definition.kind !== "optimizer") {
    ambient("training", number("Bool"));
    ambient("loaded", number("Bool"));
  }
  if (definition.on === null || host === null) return;
  ambient("hosts", unknown);
  ambient("host", unknown);
  declareParams(cx, scope, definition.on.params, host);
  const { alias } = definition.on;
  if (alias !== null) declareName(cx, scope, alias, unknown, "variable");
}

/** The signature of a function; returns where the names of lengths stand that only it declares. */
function readSignature(
  cx: Context,
  definition: ModuleDefinition,
  meaning: Meaning,
  m: FunctionMember,
  fixed: ReadonlySet<string>,
): ReadonlyMap<string, Span> {
  const inner: Context = { ...cx, origins: new Map() };
  const written = signatureFrom(inner, m.name, m.params, m.result);
  const own = [...inner.origins].filter(([name]) => !fixed.has(name));
  const lengths = written.params.flatMap((p) => (p.type.kind === "number" && p.type.value ? [p.name!] : []));
  const signature: Signature = {
    ...written,
    params: written.params.map((p, i) => ({ ...p, type: givenType(definition, m, p, i) })),
    dimensions: new Set([...own.map(([name]) => name.replace("*", "")), ...lengths]),
  };
  const made: MemberFunction = { signature, rest: m.rest, result: signature.result ?? unknown };
  if (!meaning.functions.has(m.name.text)) meaning.functions.set(m.name.text, made);
  return new Map(own);
}

/** What the language itself passes to `update` of an optimizer and to a `rule`. */
function givenType(definition: ModuleDefinition, m: FunctionMember, p: Parameter, i: number): Type {
  if (m.params[i].type !== null) return p.type;
  if (m.name.text === "update" && definition.kind === "optimizer")
    return [tensor("Weight", null), tensor("Tensor", null), number("Int", "running")][i] ?? unknown;
  return m.name.text === "rule" && i === 0 ? number("Int", "running") : unknown;
}

/** Members have the names that tensors have in files, so that they may hide definitions of their own file. */
function declareFunctions({ definition, meaning, scope }: Reading): void {
  for (const m of definition.members) {
    if (m.kind !== "function" || scope.locals.has(m.name.text)) continue;
    const member = meaning.functions.get(m.name.text)!;
    declare(scope, m.name.text, { type: functionType(member), span: m.name.span, kind: "member", member });
  }
}

function readInOrder(reading: Reading, host: Signature | null): void {
  const { cx, definition, meaning, scope } = reading;
  const isRouter = definition.kind === "router";
  const body: ModuleBody = { assignable: isRouter ? assignable(reading) : new Map(), adds: true };
  const at: Context = { ...cx, body: definition.kind === "optimizer" ? null : body };
  const forward = isRouter ? routerForward(reading, host) : null;
  const results: Type[] = [];
  let always = false;
  const onReturn = forward ? returnsTo(cx, forward.signature, definition.result) : (_: Scope, __: Expr, t: Type) => t;
  for (const m of definition.members) {
    if (m.kind === "field") readField(reading, m);
    else if (m.kind === "child") readChild(reading, m);
    else if (m.kind === "delta" || m.kind === "weight") readChange(reading, m, host);
    else if (m.kind === "config" || m.kind === "tune") cx.infer(cx, scope, m.value);
    else if (m.kind === "statement") {
      if (forward === null) onlyMembers(cx, m);
      const returned = inferStatement(at, scope, m.statement, forward?.signature.result ?? null, onReturn);
      results.push(...returned.types);
      always ||= returned.always;
      if (m.statement.kind !== "let") continue;
      for (const [name, local] of scope.locals) if (local.kind === "let") meaning.fields.set(name, local.type);
    }
  }
  if (forward === null || meaning.functions.get("forward") !== forward) return;
  if (results.length > 0)
    forward.result = forward.signature.result ?? resultFrom(cx, forward.signature, { types: results, always });
  else {
    report(cx, "T026", `the router \`${definition.name.text}\` gives no gates`, definition.name.span, {
      label: "no `return` in its body",
      help: "end the body with `return …`, or write `forward(x) = …`",
    });
  }
}

/** The body of a router as a function of its input; its own `forward`, if it has one, stays. */
function routerForward({ cx, definition, meaning }: Reading, host: Signature | null): MemberFunction | null {
  const own = meaning.functions.get("forward");
  if (own !== undefined) return null;
  const result = definition.result ? typeFrom(cx, definition.result, symbolicNames(cx.origins)) : null;
  const params = host?.params ?? [];
  const dimensions = new Set([...cx.origins.keys()].map((name) => name.replace("*", "")));
  for (const name of meaning.signature.dimensions) dimensions.delete(name);
  const signature: Signature = { ...meaning.signature, params, result, dimensions, defaults: new Map() };
  const made: MemberFunction = { signature, rest: false, result: result ?? unknown };
  meaning.functions.set("forward", made);
  return made;
}

function onlyMembers(cx: Context, m: Member & { kind: "statement" }): void {
  if (m.statement.kind !== "return" && m.statement.kind !== "assign") return;
  const what = m.statement.kind === "return" ? "`return`" : "`<-`";
  report(cx, "T027", `${what} stands in a function of a module, not among its members`, m.span, {
    label: "between members",
    help: "write a function: `forward(x) { … }`, `update(x) { … }`, `rule(step, g) { … }`",
  });
}

function readField(reading: Reading, m: Field): void {
  const { cx, definition, meaning, scope } = reading;
  const declared = reading.declared.get(m) ?? null;
  const name = m.name.text;
  if (definition.kind === "optimizer" && m.role !== "state") {
    report(cx, "T027", `an optimizer keeps \`state\`, found \`${m.role}\``, m.span, {
      help: "what it computes with is a parameter or a `let`; what it remembers for each tensor is a `state`",
    });
  }
  const found = m.value === null ? null : readFirst(reading, m, m.value, declared);
  if (m.condition) checkCondition(cx, scope, m.condition, "the condition of a field");
  if (m.as) {
    cx.infer(cx, scope, m.as.path);
    if (m.as.condition) checkCondition(cx, scope, m.as.condition, "the condition of a stored name");
  }
  if (m.role === "stored" && m.value === null && declared === null) {
    if (lookup(scope, name) === null) unknownName(cx, scope, name, m.name.span);
    return;
  }
  if (found === null && declared === null) {
    report(cx, "T024", `\`${m.role} ${name}\` has neither a type nor a first value`, m.span, {
      label: "of which shape?",
      help: `write \`${m.role} ${name}: Tensor[…] = zeros()\``,
    });
  }
  const given = declared ?? (found === null ? unknown : keptType(m, found));
  const conditional = m.condition !== null && given.kind !== "optional" && !isQuiet(given);
  const type: Type = conditional ? { kind: "optional", of: given } : given;
  addMember(reading, m.name, type, conditional);
  meaning.fields.set(name, type);
}

/** The first value of a field, where initialisers stand and an optimizer's parameter is known. */
function readFirst(reading: Reading, m: Field, value: Expr, declared: Type | null): Type {
  const { cx, definition, scope } = reading;
  const at = innerScope(scope);
  if (definition.kind === "optimizer") {
    const update = definition.members.find((f) => f.kind === "function" && f.name.text === "update");
    const [p] = update?.kind === "function" ? update.params : [];
    if (p) bindPattern(cx, at, p.pattern, tensor("Weight", null), "param");
  }
  const found = cx.infer({ ...cx, field: declared === null ? "untyped" : "typed" }, at, value, declared);
  const fills = found.kind === "number" && declared?.kind === "tensor";
  if (declared !== null && !fills) {
    const where = m.type ? { file: cx.file, span: m.type.span, text: "declared here" } : null;
    expectType(cx, at, value, found, declared, rigid(), { what: `\`${m.name.text}\``, declared: where });
  }
  return found;
}

/** What changes during the run is known only then. */
function keptType(m: Field, type: Type): Type {
  if (m.role === "seeded" || m.role === "stored") return type;
  if (type.kind === "number") return { ...type, stage: "running", value: null };
  return type.kind === "list" ? list(type.of) : type;
}

function readChild(reading: Reading, m: Member & { kind: "child" }): void {
  const type = reading.cx.infer(reading.cx, reading.scope, m.value);
  addMember(reading, m.name, type);
  reading.meaning.fields.set(m.name.text, type);
}

function addMember({ scope }: Reading, name: Name, type: Type, conditional = false): void {
  if (scope.locals.get(name.text)?.kind === "member") return;
  declare(scope, name.text, { type, span: name.span, kind: "member", conditional });
}

/** `delta = e`, `weight' = e` and `bias' = e` have the shapes of what they change in the host. */
function readChange(reading: Reading, m: Member & { kind: "delta" | "weight" }, host: Signature | null): void {
  const { cx, definition, scope } = reading;
  const target = m.kind === "delta" ? "weight" : m.name.text;
  const weight = host?.params.find((p) => p.name === target);
  const space = m.kind === "delta" ? "Delta" : "Weight";
  const expected = weight?.type.kind === "tensor" ? ({ ...weight.type, space } as const) : null;
  const found = cx.infer(cx, scope, m.value, expected);
  const written = m.kind === "delta" ? "`delta`" : `\`${target}'\``;
  if (definition.kind !== "adapter") {
    report(cx, "T027", `${written} stands in an adapter, this is a ${definition.kind}`, m.span, {
      help: "only an adapter changes the weight of what it wraps",
    });
  } else if (expected !== null && !(found.kind === "number")) {
    const declared = { file: cx.file, span: weight!.span, text: "what it changes" };
    expectType(cx, scope, m.value, found, expected, rigid(), { what: written, declared });
  }
}

/** The fields that `<-` takes, with their declared types. */
function assignable(reading: Reading, more: readonly Field["role"][] = []): ReadonlyMap<string, Type | null> {
  const roles: readonly Field["role"][] = ["state", "carry", "buffer", ...more];
  const fields = reading.definition.members.filter((m) => m.kind === "field" && roles.includes(m.role));
  return new Map(fields.map((m) => [(m as Field).name.text, reading.declared.get(m) ?? null]));
}

function readFunction(reading: Reading, m: FunctionMember): void {
  const { definition, meaning, scope } = reading;
  const member = meaning.functions.get(m.name.text)!;
  if (member.signature.span !== m.name.span) return;
  const own = reading.origins.get(m)!;
  const isRule = m.name.text === "rule";
  const body: ModuleBody = {
    assignable: assignable(reading, isRule ? ["param"] : []),
    adds: definition.kind !== "optimizer" && !isRule,
  };
  const cx: Context = { ...reading.cx, origins: new Map([...reading.cx.origins, ...own]), body };
  const lengths = innerScope(scope);
  declareDimensions({ ...cx, origins: new Map(own) }, lengths);
  const inside = innerScope(lengths);
  declareParams(cx, inside, m.params, member.signature);
  const { signature } = member;
  const returned = inferBlock(cx, innerScope(inside), m.body, signature.result, returnsTo(cx, signature, m.result));
  if (isRule && returned.types.length === 0) return;
  const found = resultFrom(cx, signature, returned);
  if (signature.result === null && !isQuiet(found)) member.result = withoutOptionals(found);
}

/** What a body gives or not by a static choice is known to those who made the instance. */
function withoutOptionals(type: Type): Type {
  if (type.kind === "optional") return unknown;
  if (type.kind === "tuple") return { ...type, items: type.items.map(withoutOptionals) };
  if (type.kind !== "record") return type;
  const fields = [...type.fields].map(([name, f]) => [name, { ...f, type: withoutOptionals(f.type) }] as const);
  return { ...type, fields: new Map(fields) };
}

/** `on load { … }` gives fields and lets the values that the stored form stands for. */
function readLoad(reading: Reading, m: Member & { kind: "load" }): void {
  const { cx, definition, scope } = reading;
  const names = new Map<string, Type | null>();
  for (const f of definition.members) if (f.kind === "field") names.set(f.name.text, reading.declared.get(f) ?? null);
  const lets = [...scope.locals].filter(([, local]) => local.kind === "let");
  const inner = innerScope(scope);
  for (const [name, local] of lets) {
    names.set(name, null);
    declare(inner, name, { type: local.type, span: local.span, kind: "member" });
  }
  const at: Context = { ...cx, body: { assignable: names, adds: false } };
  inferBlock(at, innerScope(inner), m.body, null, (_, __, type) => type);
}
