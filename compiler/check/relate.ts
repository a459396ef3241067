/**
 * Does a value of one type fit where another is declared, and which dimension names does that bind? In: the type found,
 * the type expected, and the names that may still be bound. Out: null, or the first place where they certainly do not
 * fit. What cannot be known fits. Models and trees fit where a tensor or number is declared (the call then lifts).
 * Spec: spec/language.md, "Types", "Lifting".
 */
import { constant, differ, type Polynomial, substitute, symbolOf } from "./polynomial.js";
import { type Axis, axis, type Reduced, rankOf, type Shape } from "./shape.js";
import {
  atPlace,
  type InstanceType,
  isModelLike,
  isQuiet,
  list,
  type NumberType,
  type TensorType,
  type Type,
  unknown,
} from "./types.js";

/** Dimension names of a callee (or of a declared type) and what they turned out to be. */
export interface Binding {
  readonly flexible: (name: string) => boolean;
  /** null: seen, but its length is unknown. */
  readonly lengths: Map<string, Polynomial | null>;
  readonly rests: Map<string, Shape>;
  /** Set when a model or tree stood where a tensor or number is declared. */
  lifted: boolean;
}

export function binding(flexible: (name: string) => boolean): Binding {
  return { flexible, lengths: new Map(), rests: new Map(), lifted: false };
}

/** No name may be bound: names mean what they mean around. */
export const rigid = (): Binding => binding(() => false);

export type Misfit =
  | { readonly kind: "type"; readonly found: Type; readonly expected: Type }
  | { readonly kind: "word"; readonly word: string; readonly words: readonly string[] }
  | { readonly kind: "shape"; readonly found: Shape; readonly expected: Shape };

/** null if `found` may stand where `expected` is declared. */
export function misfit(found: Type, expected: Type, b: Binding): Misfit | null {
  const wrong: Misfit = { kind: "type", found, expected };
  if (isQuiet(found) || isQuiet(expected)) return null;
  if (expected.kind === "optional") {
    if (found.kind === "none") return null;
    return misfit(found.kind === "optional" ? found.of : found, expected.of, b);
  }
  if (found.kind === "optional" || found.kind === "none") return wrong;
  if (expected.kind === "model" || expected.kind === "tree") return misfitTree(found, expected, b) ? wrong : null;
  if (found.kind === "schedule") return misfit(found.of, expected, b) && wrong;
  if (expected.kind === "instance") return misfitInstance(found, expected, b) ? wrong : null;
  if (isModelLike(found) || found.kind === "tree") {
    if (expected.kind !== "tensor" && expected.kind !== "number" && found.kind !== "tree") return wrong;
    b.lifted = true;
    return misfit(atPlace(found), expected, b) && wrong;
  }
  switch (expected.kind) {
    case "number":
      return fitsNumber(found, expected) ? null : wrong;
    case "tensor":
      if (found.kind === "number") return numberAsTensor(expected, b) ? null : wrong;
      return found.kind === "tensor" ? misfitShape(found.shape, expected.shape, b) : wrong;
    case "string":
      return found.kind === "string" || found.kind === "words" ? null : wrong;
    case "words":
      if (found.kind === "string") return null;
      if (found.kind !== "words") return wrong;
      for (const word of found.words) {
        if (!expected.declared.includes(word)) return { kind: "word", word, words: expected.declared };
      }
      return null;
    case "scope":
      return found.kind === "scope" || (found.kind === "number" && found.of === "Int") || found.kind === "tuple"
        ? null
        : wrong;
    case "list":
      if (found.kind === "tuple")
        return firstMisfit(
          found.items.map((item) => [item, expected.of]),
          b,
        );
      if (found.kind !== "list") return wrong;
      return misfit(found.of, expected.of, b);
    case "tuple":
      if (found.kind === "list")
        return firstMisfit(
          expected.items.map((item) => [found.of, item]),
          b,
        );
      if (found.kind !== "tuple" || found.items.length !== expected.items.length) return wrong;
      return firstMisfit(
        found.items.map((item, i) => [item, expected.items[i]]),
        b,
      );
    case "record":
      return misfitRecord(found, expected, b);
    case "function":
      if (found.kind !== "function") return wrong;
      if (found.required > expected.params.length || found.params.length < expected.params.length) return wrong;
      return null;
    default:
      return found.kind === expected.kind ? null : wrong;
  }
}

function misfitTree(found: Type, expected: Type, b: Binding): boolean {
  if (expected.kind === "model") {
    const network = found.kind === "instance" && (found.of === "module" || found.known === null);
    return found.kind !== "model" && found.kind !== "tree" && !(network && isModelLike(found));
  }
  if (!isModelLike(found) && found.kind !== "tree") return true;
  return expected.kind === "tree" && misfit(atPlace(found), expected.of, b) !== null;
}

/** A model stands for the modules of that definition inside it: the call then lifts over them. */
function misfitInstance(found: Type, expected: InstanceType, b: Binding): boolean {
  if (found.kind === "model" || found.kind === "tree") {
    if (expected.of === "optimizer") return true;
    b.lifted = true;
    for (const length of expected.lengths.values()) bindUnknown(axis(length), b);
    return false;
  }
  if (found.kind !== "instance" || found.of !== expected.of) return true;
  if (expected.known === null || found.known === null) return false;
  if (found.known.definition !== expected.known.definition) return true;
  return [...expected.lengths].some(([name, length]) => {
    return length !== null && !fitsAxis(axis(found.lengths.get(name) ?? null), axis(length), b);
  });
}

function firstMisfit(pairs: readonly (readonly [Type, Type])[], b: Binding): Misfit | null {
  for (const [found, expected] of pairs) {
    const bad = misfit(found, expected, b);
    if (bad) return bad;
  }
  return null;
}

function misfitRecord(found: Type, expected: Type & { kind: "record" }, b: Binding): Misfit | null {
  const wrong: Misfit = { kind: "type", found, expected };
  if (found.kind !== "record") return wrong;
  const pairs: [Type, Type][] = [];
  for (const [name, field] of expected.fields) {
    const given = found.fields.get(name);
    if (given) pairs.push([given.type, field.type]);
    else if (!field.optional) return wrong;
  }
  return firstMisfit(pairs, b);
}

function fitsNumber(found: Type, expected: NumberType): boolean {
  if (found.kind === "tensor") {
    const rank = rankOf(found.shape);
    return rank === null || rank === 0;
  }
  if (found.kind !== "number") return false;
  if ((found.of === "Bool") !== (expected.of === "Bool")) return false;
  const whole = found.of === "Int" || found.of === "Size";
  return whole || expected.of === "Float" || expected.of === "Fraction" || expected.of === "Bool";
}

/** A number is a tensor of rank 0; a declared shape with axes needs more. */
function numberAsTensor(expected: TensorType, b: Binding): boolean {
  const shape = expected.shape;
  if (shape === null || shape.length === 0) return true;
  if (shape.length > 1 || shape[0].kind !== "rest") return false;
  if (b.flexible(shape[0].name) && !b.rests.has(shape[0].name)) b.rests.set(shape[0].name, []);
  return true;
}

function misfitShape(found: Shape, expected: Shape, b: Binding): Misfit | null {
  if (expected === null) return null;
  const wrong: Misfit = { kind: "shape", found, expected: substituteShape(expected, b) };
  const rest = expected.findIndex((a) => a.kind === "rest");
  if (found === null) {
    for (const a of expected) bindUnknown(a, b);
    return null;
  }
  const foundRest = found.some((a) => a.kind === "rest");
  if (rest < 0) {
    if (foundRest) {
      for (const a of expected) bindUnknown(a, b);
      return null;
    }
    if (found.length !== expected.length) return wrong;
    return found.every((a, i) => fitsAxis(a, expected[i], b)) ? null : wrong;
  }
  const after = expected.length - 1 - rest;
  if (found.length < rest + after) {
    if (!foundRest) return wrong;
    for (const a of expected) bindUnknown(a, b);
    return null;
  }
  const head = found.slice(0, rest);
  const tail = found.slice(found.length - after);
  const ends = [...head, ...tail];
  if (ends.some((a) => a.kind === "rest")) {
    for (const a of expected) bindUnknown(a, b);
    return null;
  }
  const declared = [...expected.slice(0, rest), ...expected.slice(rest + 1)];
  if (!ends.every((a, i) => fitsAxis(a, declared[i], b))) return wrong;
  return fitsRest(found.slice(rest, found.length - after), expected[rest] as Axis & { kind: "rest" }, b) ? null : wrong;
}

function bindUnknown(a: Axis, b: Binding): void {
  if (a.kind === "rest") {
    if (b.flexible(a.name) && !b.rests.has(a.name)) b.rests.set(a.name, null);
    return;
  }
  const name = symbolOf(a.length);
  if (name !== null && b.flexible(name) && !b.lengths.has(name)) b.lengths.set(name, null);
}

function fitsAxis(found: Axis, expected: Axis, b: Binding): boolean {
  if (found.kind === "rest" || expected.kind === "rest") return true;
  const name = symbolOf(expected.length);
  if (name !== null && b.flexible(name) && (b.lengths.get(name) ?? null) === null) {
    b.lengths.set(name, found.length);
    return true;
  }
  return !differ(found.length, lengthBy(expected.length, b));
}

function fitsRest(found: readonly Axis[], expected: Axis & { kind: "rest" }, b: Binding): boolean {
  if (b.flexible(expected.name)) {
    const bound = b.rests.get(expected.name);
    if (bound === undefined || bound === null) {
      b.rests.set(expected.name, found);
      return true;
    }
    return sameShape(found, bound);
  }
  return sameShape(found, [expected]);
}

/** False only if both are equally detailed and certainly differ. */
function sameShape(a: readonly Axis[], b: readonly Axis[]): boolean {
  const rests = [...a, ...b].filter((x) => x.kind === "rest");
  if (rests.length === 0) {
    return (
      a.length === b.length &&
      a.every(
        (x, i) => !differ((x as { length: Polynomial | null }).length, (b[i] as { length: Polynomial | null }).length),
      )
    );
  }
  if (a.length !== 1 || b.length !== 1 || a[0].kind !== "rest" || b[0].kind !== "rest") return true;
  return a[0].name === b[0].name;
}

function lengthBy(length: Polynomial | null, b: Binding): Polynomial | null {
  return substitute(length, (name) => {
    if (!b.flexible(name)) return new Map([[name, 1]]);
    return b.lengths.get(name) ?? null;
  });
}

/** A shape of the callee in the caller's names. */
function substituteShape(shape: Shape, b: Binding): Shape {
  if (shape === null) return null;
  const axes: Axis[] = [];
  for (const a of shape) {
    if (a.kind === "size") {
      const length = lengthBy(a.length, b);
      axes.push(axis(length, symbolOf(length) ?? a.name));
      continue;
    }
    if (!b.flexible(a.name)) {
      axes.push(a);
      continue;
    }
    const rest = reducedRest(b.rests.get(a.name) ?? null, a.reduced);
    if (rest === null) return null;
    axes.push(...rest);
  }
  return axes.filter((a) => a.kind === "rest").length > 1 ? null : axes;
}

function reducedRest(rest: Shape, reduced: Reduced): Shape {
  if (rest === null || reduced === null) return rest;
  if (rest.length === 1 && rest[0].kind === "rest")
    return [{ ...rest[0], reduced: rest[0].reduced === null ? reduced : "some" }];
  if (rest.length <= 1 || rest.some((a) => a.kind === "rest")) return rest.length === 0 ? [] : null;
  if (reduced === "some") return null;
  const one = axis(constant(1));
  return reduced === "row" ? [...rest.slice(0, -1), one] : [one, ...rest.slice(1)];
}

/** A type of the callee in the caller's names; names that nothing bound are unknown lengths. */
export function substituteType(type: Type, b: Binding): Type {
  switch (type.kind) {
    case "number":
      return type.value === null ? type : { ...type, value: lengthBy(type.value, b) };
    case "tensor":
      return { ...type, shape: substituteShape(type.shape, b) };
    case "list":
      return list(substituteType(type.of, b), substituteShape(type.lengths, b));
    case "optional":
    case "tree":
    case "schedule":
      return { ...type, of: substituteType(type.of, b) };
    case "tuple":
      return { ...type, items: type.items.map((item) => substituteType(item, b)) };
    case "record":
      return {
        ...type,
        fields: new Map([...type.fields].map(([name, f]) => [name, { ...f, type: substituteType(f.type, b) }])),
      };
    case "function":
      return { ...type, params: type.params.map((p) => substituteType(p, b)), result: substituteType(type.result, b) };
    case "instance":
      return { ...type, lengths: new Map([...type.lengths].map(([name, length]) => [name, lengthBy(length, b)])) };
    default:
      return type;
  }
}

/** The result of a lifted call: tensors become models (Weights) or trees, a number may or may not depend on the place. */
export function liftResult(type: Type): Type {
  switch (type.kind) {
    case "tensor":
      return type.space === "Weight" ? { kind: "model" } : { kind: "tree", of: { ...type, shape: null } };
    case "number":
      return unknown;
    case "list":
      return list(liftResult(type.of));
    case "optional":
      return { ...type, of: liftResult(type.of) };
    case "tuple":
      return { ...type, items: type.items.map(liftResult) };
    case "record":
      return {
        ...type,
        name: null,
        fields: new Map([...type.fields].map(([n, f]) => [n, { ...f, type: liftResult(f.type) }])),
      };
    default:
      return type;
  }
}
