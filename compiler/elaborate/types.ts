/**
 * Values meet declared types: at parameters, returns and typed bindings. Names of dimensions bind on first use, numbers
 * are checked, words become strings of a union, and a Tensor becomes a Weight where one is declared.
 */
import type { DiagnosticParts, DimExpr, Expr, Span, TypeExpr } from "../../grammar/index.js";
import { nearest } from "../../grammar/index.js";
import { showShape } from "../ir/index.js";
import { type Context, inner, lookup, Poisoned, stop } from "./context.js";
import { evaluate } from "./evaluate.js";
import { describe, int, mapParts, parts, type TensorValue, tensor, type Value } from "./value.js";

/** The place to blame: the argument, in the caller's file. The context is that of the declaration. */
export interface At {
  readonly file: string;
  readonly span: Span;
}

function blame(context: Context, code: string, message: string, at: At, parts: DiagnosticParts = {}): never {
  return stop({ ...context, file: at.file }, code, message, at.span, parts);
}

/** Dimension names that are bound in a scope: a marker keeps them apart from ordinary numbers. */
const dimensions = new WeakMap<Map<string, Value>, Map<string, readonly number[]>>();

function boundDims(context: Context): Map<string, readonly number[]> {
  const own = context.names.own;
  let dims = dimensions.get(own);
  if (dims === undefined) {
    dims = new Map();
    dimensions.set(own, dims);
  }
  return dims;
}

function findDim(context: Context, name: string): readonly number[] | undefined {
  for (let n: Context["names"] | null = context.names; n !== null; n = n.outer) {
    const found = dimensions.get(n.own)?.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The value as the type wants it, or a diagnostic at `at`. */
export function coerce(context: Context, value: Value, type: TypeExpr, at: At, what = "this value"): Value {
  if (value.kind === "poison") throw new Poisoned();
  switch (type.kind) {
    case "optional":
      return value.kind === "none" ? value : coerce(context, value, type.of, at, what);
    case "union":
      return coerceUnion(context, value, type, at, what);
    case "tensor":
      return coerceTensor(context, value, type, at, what);
    case "tuple": {
      if ((value.kind !== "tuple" && value.kind !== "list") || value.items.length !== type.items.length)
        return mismatch(context, value, type, at, what);
      return { kind: "tuple", items: value.items.map((v, i) => coerce(context, v, type.items[i], at, what)) };
    }
    case "record": {
      if (value.kind !== "record") return mismatch(context, value, type, at, what);
      return coerceFields(context, value, type.fields, at, what);
    }
    case "function":
      if (value.kind === "closure" || value.kind === "definition" || value.kind === "builtin") return value;
      return mismatch(context, value, type, at, what);
    case "named":
      return coerceNamed(context, value, type, at, what);
  }
}

function coerceFields(
  context: Context,
  value: Extract<Value, { kind: "record" }>,
  fields: Extract<TypeExpr, { kind: "record" }>["fields"],
  at: At,
  what: string,
): Value {
  const result = new Map(value.fields);
  for (const field of fields) {
    const name = field.pattern.kind === "name" ? field.pattern.name.text : "";
    const given = value.fields.get(name);
    if (given === undefined && field.default === null) blame(context, "T003", `${what} lacks the field ${name}`, at);
    if (given !== undefined && field.type !== null)
      result.set(name, coerce(context, given, field.type, at, `the field ${name}`));
  }
  return { kind: "record", fields: result };
}

function coerceNamed(
  context: Context,
  value: Value,
  type: Extract<TypeExpr, { kind: "named" }>,
  at: At,
  what: string,
): Value {
  const running = value.kind === "tensor" && value.node.shape.length === 0;
  switch (type.name.text) {
    case "Float":
    case "Fraction":
      if (value.kind === "number" || value.kind === "schedule" || running) return value;
      break;
    case "Int":
    case "Size":
      if (value.kind === "schedule" || running) return value;
      if (value.kind === "number" && Number.isInteger(value.value)) return int(value.value);
      if (value.kind === "number") {
        return blame(context, "T001", `${what} must be an Int, found ${value.value}`, at, {
          help: "round it with floor, ceil or int",
        });
      }
      break;
    case "Bool":
      if (
        value.kind === "bool" ||
        value.kind === "schedule" ||
        (running && (value as TensorValue).node.dtype === "bool")
      )
        return value;
      break;
    case "String":
    case "Path":
      if (value.kind === "string" || value.kind === "schedule") return value;
      break;
    case "Dtype":
      if (value.kind === "dtype") return value;
      break;
    case "Scope":
      if (value.kind === "scope" || value.kind === "number") return value;
      break;
    case "List":
      if (value.kind === "range")
        return coerceNamed(
          context,
          { kind: "list", items: Array.from({ length: value.to - value.from }, (_, i) => int(value.from + i)) },
          type,
          at,
          what,
        );
      if (value.kind === "list" || value.kind === "tuple") {
        const [of] = type.args;
        return {
          kind: "list",
          items:
            of === undefined
              ? value.items
              : value.items.map((v, i) => coerce(context, v, of, at, `item ${i} of ${what}`)),
        };
      }
      break;
    case "Dataset":
      if (value.kind === "table") return value;
      break;
    case "Model":
    case "Tree":
      if (value.kind === "tree") return value;
      break;
    case "Config":
      if (value.kind === "record") return { ...value, open: true };
      break;
    case "Adapter":
      if (value.kind === "adapterFile" || (value.kind === "template" && value.definition.kind === "adapter"))
        return value;
      break;
    case "Optimizer":
      if (value.kind === "template" && value.definition.kind === "optimizer") return value;
      break;
    default: {
      const found = context.session.definitions.find(context.file, type.name.text);
      if (found?.definition.kind === "record") {
        if (value.kind !== "record") break;
        return coerceFields(context, value, found.definition.fields, at, what);
      }
      if (found === undefined) return stop(context, "N001", `there is no type ${type.name.text}`, type.span);
      if (value.kind === "tree" && value.module !== null && value.module.definition === found.definition) return value;
    }
  }
  return mismatch(context, value, type, at, what);
}

function coerceUnion(
  context: Context,
  value: Value,
  type: Extract<TypeExpr, { kind: "union" }>,
  at: At,
  what: string,
): Value {
  if (value.kind !== "string") return mismatch(context, value, type, at, what);
  const options = type.options.map((o) => o.parts.join(""));
  if (options.includes(value.value)) return { ...value, words: options };
  const near = nearest(value.value, options);
  return blame(
    context,
    "T012",
    `${what} must be one of ${options.map((o) => `"${o}"`).join(", ")}, found "${value.value}"`,
    at,
    {
      help: near.length > 0 ? `did you mean "${near[0]}"?` : null,
    },
  );
}

function coerceTensor(
  context: Context,
  value: Value,
  type: Extract<TypeExpr, { kind: "tensor" }>,
  at: At,
  what: string,
): Value {
  const declared = coerceNumberToTensor(context, value);
  if (declared.kind !== "tensor") return mismatch(context, value, type, at, what);
  const axes = type.dims === null ? declared.axes : bindDims(context, declared, type.dims, at, what);
  return tensor(declared.node, type.space === "Weight" ? "weight" : "tensor", axes);
}

function coerceNumberToTensor(context: Context, value: Value): Value {
  if (value.kind === "number") return tensor(context.graph.constant(value.value, !value.integer));
  return value;
}

/** Binds the names of the dimensions to the tensor's shape, or reports the one that does not fit. */
function bindDims(
  context: Context,
  value: TensorValue,
  dims: readonly DimExpr[],
  at: At,
  what: string,
): TensorValue["axes"] {
  const { shape } = value.node;
  const restAt = dims.findIndex((d) => d.kind === "rest");
  const fixed = dims.length - (restAt < 0 ? 0 : 1);
  const found = shape.length === 0 ? "a single number" : describe(value);
  const wrong = (message: string): never =>
    blame(context, "H002", `${what} is ${found}, but is declared ${showDims(context, dims)}: ${message}`, at, {
      help: "equal names in a signature are equal lengths",
    });
  if (restAt < 0 ? shape.length !== fixed : shape.length < fixed)
    wrong(`${fixed} axes expected${restAt < 0 ? "" : " at least"}, ${shape.length} found`);
  const axes: (string | null)[] = [];
  let next = 0;
  for (const dim of dims) {
    if (dim.kind === "rest") {
      const part = shape.slice(next, next + shape.length - fixed);
      const known = findDim(context, `*${dim.name.text}`);
      if (known === undefined) boundDims(context).set(`*${dim.name.text}`, part);
      else if (showShape(known) !== showShape(part)) wrong(`*${dim.name.text} is ${showShape(known)} elsewhere`);
      for (const _ of part) axes.push(null);
      next += part.length;
      continue;
    }
    const length = shape[next++];
    if (dim.kind === "fresh") {
      axes.push(null);
      continue;
    }
    const name = dim.value.kind === "name" ? dim.value.name.text : null;
    axes.push(name);
    if (name !== null && findDim(context, name) === undefined && lookup(context.names, name) === undefined) {
      boundDims(context).set(name, [length]);
      context.names.own.set(name, int(length));
      continue;
    }
    const known = dimValue(context, dim.value);
    if (known !== length) wrong(`${name ?? "this dimension"} is ${known}, found ${length}`);
  }
  return axes;
}

/** The shape that a type with fixed dimensions declares. */
export function shapeOfType(context: Context, type: Extract<TypeExpr, { kind: "tensor" }>): number[] {
  return (type.dims ?? []).map((dim) => {
    if (dim.kind !== "size")
      return stop(context, "T007", "the shape of a parameter must be known", dim.span, {
        help: "name every dimension",
      });
    return dimValue(context, dim.value);
  });
}

function dimValue(context: Context, expr: Expr): number {
  const value = evaluate(inner(context), expr);
  if (value.kind === "number" && Number.isInteger(value.value) && value.value >= 0) return value.value;
  return stop(context, "T007", `a dimension must be a static Int, found ${describe(value)}`, expr.span);
}

function showDims(context: Context, dims: readonly DimExpr[]): string {
  const source = context.session.texts.get(context.file) ?? "";
  return `[${dims.map((d) => source.slice(d.span.start, d.span.end)).join(", ")}]`;
}

function mismatch(context: Context, value: Value, type: TypeExpr, at: At, what: string): never {
  const source = context.session.texts.get(context.file) ?? "";
  const declared = source.slice(type.span.start, type.span.end);
  const others = at.file === context.file ? [] : [{ file: context.file, span: type.span, text: "declared here" }];
  return blame(context, "T001", `${what} must be ${declared}, found ${describe(value)}`, at, { others });
}

/** Whether a value of this type is lifted when a tree is given: the type has a tensor or a number where the tree is. */
export function liftsThrough(context: Context, value: Value, type: TypeExpr | null): boolean {
  if (type === null || ![...parts(value)].some((v) => v.kind === "tree")) return false;
  switch (type.kind) {
    case "tensor":
      return value.kind === "tree";
    case "optional":
      return liftsThrough(context, value, type.of);
    case "tuple":
      return (
        (value.kind === "tuple" || value.kind === "list") &&
        value.items.some((v, i) => type.items[i] !== undefined && liftsThrough(context, v, type.items[i]))
      );
    case "record":
      return (
        value.kind === "record" &&
        type.fields.some(
          (f) =>
            f.pattern.kind === "name" &&
            liftsThrough(context, value.fields.get(f.pattern.name.text) ?? { kind: "none" }, f.type),
        )
      );
    case "named": {
      const name = type.name.text;
      if (name === "List")
        return (
          (value.kind === "list" || value.kind === "tuple") &&
          value.items.some((v) => liftsThrough(context, v, type.args[0] ?? null))
        );
      if (["Float", "Fraction", "Int", "Bool"].includes(name)) return value.kind === "tree";
      const found = context.session.definitions.find(context.file, name);
      return (
        found?.definition.kind === "record" &&
        value.kind === "record" &&
        found.definition.fields.some(
          (f) =>
            f.pattern.kind === "name" &&
            liftsThrough(context, value.fields.get(f.pattern.name.text) ?? { kind: "none" }, f.type),
        )
      );
    }
    default:
      return false;
  }
}

/** Names of the tensors' axes do not leave the function that declared them. */
export function forgetAxes(value: Value): Value {
  return mapParts(value, (v) => (v.kind === "tensor" && v.axes !== null ? tensor(v.node, v.space) : v));
}
