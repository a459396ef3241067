/**
 * Names in scope inside one definition: parameters, dimensions, lets, variables of comprehensions and arms, with what
 * a branch has learned about them (a narrowed type; what `*s` is). In: declarations in textual order. Out: the type of a
 * name at a place, and the lets that nothing reads.
 */
import type { Expr, Span } from "../../grammar/index.js";
import type { MemberFunction } from "./meaning.js";
import { binding, substituteType } from "./relate.js";
import type { Shape } from "./shape.js";
import type { Type } from "./types.js";

export interface Local {
  readonly type: Type;
  readonly span: Span | null;
  readonly kind: "param" | "dimension" | "let" | "input" | "variable" | "member";
  /** Of members that are functions: how they are called. */
  readonly member?: MemberFunction;
  /** Is none only where a condition of its declaration fails: uses are trusted to stand under the same condition. */
  readonly conditional?: boolean;
  used: boolean;
}

export interface Scope {
  readonly outer: Scope | null;
  readonly locals: Map<string, Local>;
  /** Types that a condition or arm has narrowed, by name. */
  readonly narrowed: Map<string, Type>;
  /** What a rest of axes is known to be inside this arm. */
  readonly rests: ReadonlyMap<string, Shape>;
  /** Inside a branch that tests lengths for equality: names may stand for equal lengths there. */
  assumesLengths: boolean;
}

export function innerScope(outer: Scope | null, rests: ReadonlyMap<string, Shape> = new Map()): Scope {
  return { outer, locals: new Map(), narrowed: new Map(), rests, assumesLengths: outer?.assumesLengths ?? false };
}

export function declare(scope: Scope, name: string, local: Omit<Local, "used">): void {
  scope.narrowed.delete(name);
  scope.locals.set(name, { ...local, used: false });
}

/** A type from outside seen from inside: rests that the scopes between have spelt out are replaced. */
export function seenFrom(scope: Scope, until: Scope | null, type: Type): Type {
  const layers: ReadonlyMap<string, Shape>[] = [];
  for (let s: Scope | null = scope; s !== null && s !== until; s = s.outer) if (s.rests.size > 0) layers.push(s.rests);
  return layers.reduceRight((t, rests) => {
    const b = binding((name) => rests.has(name));
    for (const [name, shape] of rests) b.rests.set(name, shape);
    return substituteType(t, b);
  }, type);
}

interface Found {
  readonly local: Local;
  readonly type: Type;
}

/** The local a name means, marked as used, and its type here. */
export function lookup(scope: Scope, name: string): Found | null {
  let narrowed: { readonly type: Type; readonly at: Scope } | null = null;
  for (let s: Scope | null = scope; s !== null; s = s.outer) {
    const narrow = s.narrowed.get(name);
    if (narrow !== undefined && narrowed === null) narrowed = { type: narrow, at: s };
    const local = s.locals.get(name);
    if (local === undefined) continue;
    local.used = true;
    const known = narrowed ?? { type: local.type, at: s };
    return { local, type: seenFrom(scope, known.at, known.type) };
  }
  return null;
}

/** Whether a value that may be none is trusted to be there: fields, and names declared under a condition. */
export function isTrusted(scope: Scope, e: Expr): boolean {
  return e.kind !== "name" || lookup(scope, e.name.text)?.local.conditional === true;
}

export function hasLocal(scope: Scope, name: string): boolean {
  for (let s: Scope | null = scope; s !== null; s = s.outer) if (s.locals.has(name)) return true;
  return false;
}

export function localNames(scope: Scope): readonly string[] {
  const names: string[] = [];
  for (let s: Scope | null = scope; s !== null; s = s.outer) names.push(...s.locals.keys());
  return names;
}
