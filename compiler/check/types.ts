/**
 * The types of the language as values, how they are written in messages, and the small questions asked about them.
 * The checker is gradual: `unknown` fits everywhere and says nothing, `error` is what an expression has after its
 * mistake was reported. Spec: spec/language.md, "Types".
 */
import type { ModuleDefinition } from "../../grammar/index.js";
import type { Known } from "./modules.js";
import type { Polynomial } from "./polynomial.js";
import { type Shape, showAxis } from "./shape.js";

/** When a number is known; `unknown` for parameters, which accept every stage. */
export type Stage = "static" | "running" | "unknown";

export type Space = "Weight" | "Delta" | "Tensor";

export type ScopeWord = "row" | "column" | "tensor" | "model";

export interface NumberType {
  readonly kind: "number";
  readonly of: "Int" | "Float" | "Fraction" | "Size" | "Bool";
  readonly stage: Stage;
  /** For static Ints the value as a length, where the text tells it. */
  readonly value: Polynomial | null;
}

export interface TensorType {
  readonly kind: "tensor";
  readonly space: Space;
  readonly shape: Shape;
  /** null: unknown. */
  readonly dtype: string | null;
  /** A result of `rank` over tensor or model, which is never stored. */
  readonly order: boolean;
}

export interface Field {
  readonly type: Type;
  readonly optional: boolean;
}

export interface FunctionType {
  readonly kind: "function";
  readonly params: readonly Type[];
  /** How many of the parameters have no default. */
  readonly required: number;
  readonly result: Type;
}

/** What a definition of a module, adapter, router or optimizer gives when it is called. */
export interface InstanceType {
  readonly kind: "instance";
  readonly of: ModuleDefinition["kind"];
  /** null: some definition of that kind. */
  readonly known: Known | null;
  /** What lengths the names of the definition stand for; null: not known from the text. */
  readonly lengths: ReadonlyMap<string, Polynomial | null>;
}

export type Type =
  | { readonly kind: "unknown" }
  | { readonly kind: "error" }
  | { readonly kind: "none" }
  | NumberType
  | { readonly kind: "string"; readonly of: "String" | "Path" }
  /** A union of words; `declared`: those it had before a condition left some out. */
  | { readonly kind: "words"; readonly words: readonly string[]; readonly declared: readonly string[] }
  | { readonly kind: "scope"; readonly word: ScopeWord | null }
  | { readonly kind: "dtype" }
  | { readonly kind: "optional"; readonly of: Type }
  /** `lengths`: the elements as axis lengths, for lists of Ints that describe a shape. */
  | { readonly kind: "list"; readonly of: Type; readonly lengths: Shape }
  | { readonly kind: "tuple"; readonly items: readonly Type[] }
  | { readonly kind: "record"; readonly name: string | null; readonly fields: ReadonlyMap<string, Field> }
  | FunctionType
  | TensorType
  | { readonly kind: "model" }
  | InstanceType
  | { readonly kind: "tree"; readonly of: Type }
  | { readonly kind: "schedule"; readonly of: Type };

export const unknown: Type = { kind: "unknown" };
export const error: Type = { kind: "error" };
export const none: Type = { kind: "none" };
export const string: Type = { kind: "string", of: "String" };
export const model: Type = { kind: "model" };
export const anyScope: Type = { kind: "scope", word: null };

export function number(of: NumberType["of"], stage: Stage = "static", value: Polynomial | null = null): NumberType {
  return { kind: "number", of, stage, value };
}

export function tensor(space: Space, shape: Shape, dtype: string | null = "f32"): TensorType {
  return { kind: "tensor", space, shape, dtype, order: false };
}

export function list(of: Type, lengths: Shape = null): Type {
  return { kind: "list", of, lengths };
}

export function words(all: readonly string[], declared = all): Type & { readonly kind: "words" } {
  return { kind: "words", words: all, declared };
}

/** Some instance of a kind of definition. */
export function anyInstance(of: InstanceType["of"]): InstanceType {
  return { kind: "instance", of, known: null, lengths: new Map() };
}

/** A tree of named tensors that is written as one value: a model, or an instance with parameters. */
export function isModelLike(type: Type): boolean {
  return type.kind === "model" || (type.kind === "instance" && type.of !== "optimizer");
}

/** The type of one tensor of a model. */
export const leafOfModel: TensorType = tensor("Weight", null, null);

/** What stands at one place: the leaf of a model, tree or schedule; other types are their own. */
export function atPlace(type: Type): Type {
  if (isModelLike(type)) return leafOfModel;
  return type.kind === "tree" || type.kind === "schedule" ? type.of : type;
}

export function isQuiet(type: Type): boolean {
  return type.kind === "unknown" || type.kind === "error";
}

export function isBool(type: Type): boolean {
  return type.kind === "number" && type.of === "Bool";
}

export function isNumeric(type: Type): type is NumberType | TensorType {
  return type.kind === "number" || type.kind === "tensor";
}

/** The stage of a value made from several: running if one is, else unknown if one is. */
export function laterStage(...stages: readonly Stage[]): Stage {
  return stages.includes("running") ? "running" : stages.includes("unknown") ? "unknown" : "static";
}

export function stageOf(type: Type): Stage {
  if (type.kind === "number") return type.stage;
  if (type.kind === "tensor") return "running";
  return "unknown";
}

/** A tensor of rank 0 is a running number. */
export function numberOrTensor(type: TensorType): Type {
  if (type.shape?.length !== 0 || type.space === "Weight") return type;
  return number(type.dtype === "i32" ? "Int" : type.dtype === "bool" ? "Bool" : "Float", "running");
}

/** As written in a message. */
export function showType(type: Type): string {
  switch (type.kind) {
    case "unknown":
    case "error":
      return "_";
    case "none":
      return "none";
    case "number":
      return type.of;
    case "string":
      return type.of;
    case "words":
      return type.declared.map((w) => `"${w}"`).join(" | ");
    case "scope":
      return "Scope";
    case "dtype":
      return "Dtype";
    case "optional":
      return type.of.kind === "words" || type.of.kind === "function"
        ? `(${showType(type.of)})?`
        : `${showType(type.of)}?`;
    case "list":
      return `List[${showType(type.of)}]`;
    case "tuple":
      return `(${type.items.map(showType).join(", ")})`;
    case "record":
      return type.name ?? `{ ${[...type.fields].map(([name, f]) => `${name}: ${showType(f.type)}`).join(", ")} }`;
    case "function":
      return `(${type.params.map(showType).join(", ")}) -> ${showType(type.result)}`;
    case "tensor": {
      const axes = type.shape?.map(showAxis);
      const dtype = type.dtype === null || type.dtype === "f32" ? [] : [type.dtype];
      return axes === undefined && dtype.length === 0
        ? type.space
        : `${type.space}[${[...(axes ?? ["*_"]), ...dtype].join(", ")}]`;
    }
    case "model":
      return "Model";
    case "instance":
      return type.known?.definition.name.text ?? `${type.of[0].toUpperCase()}${type.of.slice(1)}`;
    case "tree":
      return `Tree[${showType(type.of)}]`;
    case "schedule":
      return `schedule of ${showType(type.of)}`;
  }
}
