/**
 * Instances of modules, adapters, routers and optimizers: their fields, calls of them and of their functions. In: an
 * instance type, which says what lengths the definition's names stand for. Out: types in the caller's names; N003 for
 * fields that the definition does not have, T005 for instances that cannot be called. Arguments that name no parameter
 * pass on to the modules inside (`side` inputs), unless they look like a slip.
 */
import { type Expr, type Name, nearest } from "../../grammar/index.js";
import { type MatchedArguments, matchArguments, type Slot } from "./arguments.js";
import { checkArguments, inferArguments, inferUnmatched, reportProblems } from "./calls.js";
import { type Context, report } from "./context.js";
import { noField } from "./fields.js";
import type { Meaning, MemberFunction } from "./meaning.js";
import { expectType } from "./mismatch.js";
import type { Polynomial } from "./polynomial.js";
import { type Binding, binding, rigid, substituteType } from "./relate.js";
import type { Scope } from "./scope.js";
import { error, type InstanceType, showType, type Type, unknown } from "./types.js";

type Call = Expr & { kind: "call" };

/** A function of a module as a call sees it. */
export interface Member {
  readonly function: MemberFunction;
  /** What the module's names of lengths stand for; null inside the module, where they stand for themselves. */
  readonly lengths: ReadonlyMap<string, Polynomial | null> | null;
}

/** What every instance has, beside what its definition says. */
const common: ReadonlySet<string> = new Set(["path", "name", "layer", "role", "kind", "index", "delta", "weight"]);
const ofOptimizers: ReadonlySet<string> = new Set(["init", "step"]);

function meaningOf(cx: Context, instance: InstanceType): Meaning | null {
  return instance.known === null ? null : cx.program.meaningOf(instance.known);
}

/** A function of an instance by name; null if it has none of this name. */
export function memberOf(cx: Context, instance: InstanceType, name: string): Member | null {
  const found = meaningOf(cx, instance)?.functions.get(name);
  return found ? { function: found, lengths: instance.lengths } : null;
}

/** The type of `instance.name`. */
export function fieldOfInstance(cx: Context, instance: InstanceType, name: Name): Type {
  const meaning = meaningOf(cx, instance);
  if (meaning === null) return unknown;
  const field = meaning.fields.get(name.text);
  if (field !== undefined) return inCaller(field, instance.lengths);
  const member = meaning.functions.get(name.text);
  if (member !== undefined) return inCaller(functionType(member), instance.lengths);
  if (instance.of === "optimizer" ? ofOptimizers.has(name.text) : common.has(name.text)) return unknown;
  return noField(cx, instance, name.text, name.span, [...meaning.fields.keys(), ...meaning.functions.keys()]);
}

function bound(lengths: ReadonlyMap<string, Polynomial | null>): Binding {
  const b = binding(() => true);
  for (const [name, length] of lengths) if (length !== null) b.lengths.set(name, length);
  return b;
}

/** A type of the definition in the names of those who hold the instance. */
function inCaller(type: Type, lengths: ReadonlyMap<string, Polynomial | null>): Type {
  return substituteType(type, bound(lengths));
}

/** A member as a value of its own. */
export function functionType(member: MemberFunction): Type {
  const { params } = member.signature;
  const required = params.filter((p) => !p.optional).length;
  return { kind: "function", params: params.map((p) => p.type), required, result: member.result };
}

/** Calls an instance: a module's `forward`, a router's body. */
export function callInstance(cx: Context, scope: Scope, e: Call, instance: InstanceType): Type {
  const member = memberOf(cx, instance, "forward") ?? memberOf(cx, instance, "update");
  if (member !== null && instance.of !== "optimizer") return callMember(cx, scope, e, member);
  inferArguments(cx, scope, e.args);
  if (instance.known === null && instance.of !== "optimizer") return unknown;
  const name = showType(instance);
  report(cx, "T005", `\`${name}\` has no forward, so that it cannot be called`, e.callee.span, {
    label: `this is ${instance.of === "module" ? "a module" : `an ${instance.of}`}`,
    others: instance.known
      ? [{ file: instance.known.file, span: instance.known.definition.name.span, text: "defined here" }]
      : [],
    help:
      instance.of === "optimizer"
        ? "an optimizer makes steps: `o.step(p, g, o.init(p), 1)`"
        : "write `forward(x) = …` in its body, or call one of its parts",
  });
  return error;
}

/** Calls a function of a module. */
export function callMember(cx: Context, scope: Scope, e: Call, member: Member): Type {
  const { signature, rest } = member.function;
  const slots = signature.params.map((p): Slot => ({ name: p.name, optional: p.optional, many: false }));
  const matched = withoutPassed(matchArguments(e.args, slots), slots, rest);
  const b = member.lengths === null ? binding((name) => signature.dimensions.has(name)) : bound(member.lengths);
  const fits = checkArguments(cx, scope, signature, matched, b);
  inferUnmatched(cx, scope, e, matched);
  reportProblems(cx, e, matched, slots, `\`${signature.name}\``, { file: signature.file, span: signature.span });
  const result = substituteType(member.function.result, b);
  return !fits && (result.kind === "tensor" || result.kind === "number") ? error : result;
}

/** Leaves out the problems of arguments that are passed on. */
function withoutPassed(matched: MatchedArguments, slots: readonly Slot[], rest: boolean): MatchedArguments {
  const names = slots.flatMap((s) => (s.name === null ? [] : [s.name]));
  const problems = matched.problems.filter((p) => {
    if (p.kind === "unknown") return !rest && nearest(p.argument.name!.text, names, 1).length > 0;
    return p.kind !== "too many" || !rest;
  });
  return { ...matched, problems };
}

/** `lora(rank = 2) with { A: x, B: y }`: an instance with other tensors. */
export function updateInstance(cx: Context, scope: Scope, e: Expr & { kind: "record" }, instance: InstanceType): Type {
  const meaning = meaningOf(cx, instance);
  for (const f of e.fields) {
    const path = f.name.text.split(".");
    const field = path.length === 1 ? meaning?.fields.get(f.name.text) : undefined;
    const declared = field === undefined ? null : inCaller(field, instance.lengths);
    const found = cx.infer(cx, scope, f.value, declared);
    if (declared !== null) {
      const what = `the field \`${f.name.text}\``;
      expectType(cx, scope, f.value, found, declared, rigid(), { what, declared: null });
    } else if (meaning !== null && !meaning.fields.has(path[0])) {
      noField(cx, instance, f.name.text, f.name.span, [...meaning.fields.keys()]);
    }
  }
  return instance;
}
