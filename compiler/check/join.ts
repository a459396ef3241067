/**
 * The type of a value that comes from one of several branches, and the leafwise rule by which operations act on models,
 * trees and schedules. In: types. Out: a type that covers all of them; `unknown` where they have nothing in common,
 * because a static condition may choose between values of any types. Spec: spec/language.md, "Control", "Lifting".
 */

import { equal, type Polynomial } from "./polynomial.js";
import { joinShapes, type Shape } from "./shape.js";
import { chosenSpace } from "./spaces.js";
import {
  anyInstance,
  atPlace,
  type Field,
  type InstanceType,
  isModelLike,
  isQuiet,
  laterStage,
  list,
  type NumberType,
  number,
  showType,
  type TensorType,
  type Type,
  tensor,
  unknown,
  words,
} from "./types.js";

export function join(a: Type, b: Type): Type {
  if (a === b) return a;
  if (a.kind === "error" || b.kind === "error") return a.kind === "error" ? b : a;
  if (isQuiet(a) || isQuiet(b)) return unknown;
  if (a.kind === "none") return b.kind === "none" || b.kind === "optional" ? b : { kind: "optional", of: b };
  if (b.kind === "none") return join(b, a);
  if (a.kind === "optional" || b.kind === "optional") {
    return { kind: "optional", of: join(a.kind === "optional" ? a.of : a, b.kind === "optional" ? b.of : b) };
  }
  if (a.kind === "schedule" || b.kind === "schedule") {
    const of = join(atSchedule(a), atSchedule(b));
    return isQuiet(of) || of.kind === "tensor" ? of : { kind: "schedule", of };
  }
  if (a.kind === "number" && b.kind === "number") return joinNumbers(a, b);
  if (a.kind === "tensor" && b.kind === "tensor") return joinTensors(a, b, joinShapes(a.shape, b.shape));
  if (a.kind === "tensor" && b.kind === "number") return { ...a, shape: joinShapes(a.shape, []), order: false };
  if (a.kind === "number" && b.kind === "tensor") return { ...b, shape: joinShapes(b.shape, []), order: false };
  if (a.kind === "words" && b.kind === "words") {
    return words([...new Set([...a.words, ...b.words])], [...new Set([...a.declared, ...b.declared])]);
  }
  if ((a.kind === "words" || a.kind === "string") && (b.kind === "words" || b.kind === "string"))
    return { kind: "string", of: "String" };
  if (a.kind === "scope" && b.kind === "scope") return { kind: "scope", word: a.word === b.word ? a.word : null };
  if (a.kind === "list" && b.kind === "list") return list(joinElements(a, b), joinShapes(a.lengths, b.lengths));
  if (a.kind === "tuple" && b.kind === "tuple" && a.items.length === b.items.length) {
    return { kind: "tuple", items: a.items.map((item, i) => join(item, b.items[i])) };
  }
  if (a.kind === "record" && b.kind === "record") return joinRecords(a, b);
  if (a.kind === "tree" && b.kind === "tree") return { kind: "tree", of: join(a.of, b.of) };
  if (a.kind === "instance" && b.kind === "instance") return joinInstances(a, b);
  if (a.kind === b.kind && showType(a) === showType(b)) return a;
  return unknown;
}

function joinInstances(a: InstanceType, b: InstanceType): Type {
  if (a.of !== b.of) return unknown;
  if (a.known === null || a.known.definition !== b.known?.definition) return anyInstance(a.of);
  const same = (name: string, length: Polynomial | null) => {
    const other = b.lengths.get(name) ?? null;
    return length !== null && other !== null && equal(length, other) ? length : null;
  };
  return { ...a, lengths: new Map([...a.lengths].map(([name, length]) => [name, same(name, length)])) };
}

/** The elements of `[]` have no type of their own. */
function joinElements(a: Type & { kind: "list" }, b: Type & { kind: "list" }): Type {
  if (a.lengths?.length === 0) return b.of;
  return b.lengths?.length === 0 ? a.of : join(a.of, b.of);
}

function atSchedule(type: Type): Type {
  return type.kind === "schedule" ? type.of : type;
}

function joinNumbers(a: NumberType, b: NumberType): Type {
  if ((a.of === "Bool") !== (b.of === "Bool")) return unknown;
  const of =
    a.of === b.of
      ? a.of
      : a.of === "Int" || a.of === "Size"
        ? b.of === "Int" || b.of === "Size"
          ? "Int"
          : "Float"
        : "Float";
  const same = a.value !== null && b.value !== null && equal(a.value, b.value);
  return number(of, laterStage(a.stage, b.stage), same ? a.value : null);
}

export function joinTensors(a: TensorType, b: TensorType, shape: Shape): TensorType {
  return tensor(chosenSpace(a.space, b.space), shape, a.dtype === b.dtype ? a.dtype : null);
}

function joinRecords(a: Type & { kind: "record" }, b: Type & { kind: "record" }): Type {
  if (a.fields.size !== b.fields.size) return unknown;
  const fields = new Map<string, Field>();
  for (const [name, field] of a.fields) {
    const other = b.fields.get(name);
    if (other === undefined) return unknown;
    fields.set(name, { type: join(field.type, other.type), optional: field.optional || other.optional });
  }
  return { kind: "record", name: a.name === b.name ? a.name : null, fields };
}

export function joinAll(types: readonly Type[]): Type {
  return types.length === 0 ? unknown : types.reduce(join);
}

/** The type of what a rule gives at every place: tensors become models (Weights) or trees, numbers trees of numbers. */
export function everywhere(type: Type): Type {
  switch (type.kind) {
    case "tensor":
      return type.space === "Weight" ? { kind: "model" } : { kind: "tree", of: { ...type, shape: null, order: false } };
    case "number":
      return { kind: "tree", of: type };
    case "list":
      return list(everywhere(type.of));
    case "tuple":
      return { ...type, items: type.items.map(everywhere) };
    default:
      return type;
  }
}

/** What stands at one place of a type, also inside lists and tuples. */
export function leafwise(type: Type): Type {
  if (type.kind === "list") return { ...type, of: leafwise(type.of) };
  if (type.kind === "tuple") return { ...type, items: type.items.map(leafwise) };
  if (type.kind === "optional") return { ...type, of: leafwise(type.of) };
  return atPlace(type);
}

export function holds(type: Type, kind: "tree" | "schedule"): boolean {
  if (type.kind === "list" || type.kind === "optional") return holds(type.of, kind);
  if (type.kind === "tuple") return type.items.some((item) => holds(item, kind));
  return type.kind === kind || (kind === "tree" && isModelLike(type));
}

/**
 * Applies a rule for tensors and numbers to types that may be models, trees or schedules: at every place, then together.
 * `once` tells that the result does not depend on the place (a reduction over the model).
 */
export function lifting(types: readonly Type[], rule: (types: readonly Type[]) => Type, once = false): Type {
  if (types.some((t) => holds(t, "tree"))) {
    const result = rule(types.map(leafwise));
    return once && result.kind === "number" ? result : everywhere(result);
  }
  if (types.some((t) => holds(t, "schedule"))) {
    const result = rule(types.map(leafwise));
    return result.kind === "number" ? { kind: "schedule", of: result } : result;
  }
  return rule(types);
}
