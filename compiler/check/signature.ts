/**
 * From types as written to types as values, and the signatures of definitions. In: type expressions, with a rule for what
 * dimension names mean there. Out: types; N001 for names of types that do not exist. In a signature every name of a
 * dimension is a symbol; in a `let` inside a body it may already have a length.
 */
import {
  type DimExpr,
  type Expr,
  type ModuleDefinition,
  type Name,
  nearest,
  type Param,
  type Pattern,
  type Span,
  type TypeExpr,
} from "../../grammar/index.js";
import { type Context, report } from "./context.js";
import type { Known } from "./modules.js";
import { add, constant, multiply, negate, type Polynomial, subtract, symbol } from "./polynomial.js";
import { type Axis, axis, type Shape } from "./shape.js";
import {
  anyInstance,
  anyScope,
  error,
  type Field,
  type InstanceType,
  list,
  model,
  number,
  string,
  type Type,
  tensor,
  unknown,
  words,
} from "./types.js";

export interface Parameter {
  /** null for a tuple pattern. */
  readonly name: string | null;
  readonly pattern: Pattern;
  readonly type: Type;
  readonly optional: boolean;
  readonly span: Span;
}

export interface Signature {
  readonly name: string;
  readonly file: string;
  readonly params: readonly Parameter[];
  /** null: not declared. */
  readonly result: Type | null;
  /** Every name of a dimension or rest, and every Int parameter: what a call binds. */
  readonly dimensions: ReadonlySet<string>;
  /** Int parameters whose default is written as a number. */
  readonly defaults: ReadonlyMap<string, number>;
  readonly span: Span;
}

/** What names in the brackets of a tensor type stand for. */
export interface DimensionNames {
  readonly lengthOf: (name: Name) => Polynomial | null;
  readonly restOf: (name: Name) => Shape;
}

const plainTypes: ReadonlyMap<string, Type> = new Map<string, Type>([
  ["Int", number("Int", "unknown")],
  ["Float", number("Float", "unknown")],
  ["Fraction", number("Fraction", "unknown")],
  ["Bool", number("Bool", "unknown")],
  ["Size", number("Size")],
  ["String", string],
  ["Path", { kind: "string", of: "Path" }],
  ["Dtype", { kind: "dtype" }],
  ["Scope", anyScope],
  ["Model", model],
  ["Adapter", anyInstance("adapter")],
  ["Router", anyInstance("router")],
  ["Optimizer", anyInstance("optimizer")],
  ["Config", unknown],
  ["Dataset", unknown],
  ["Tokenizer", unknown],
  ["Text", string],
]);

/**
 * Resolves a written type. Reports N001 (no such type), T001 (wrong number of types in the brackets) and H005 (other
 * axes than the weight of a module has).
 */
export function typeFrom(cx: Context, t: TypeExpr, names: DimensionNames): Type {
  switch (t.kind) {
    case "named":
      return namedType(cx, t, names);
    case "tensor": {
      const shape = t.dims === null ? null : shapeFrom(t.dims, names);
      return tensor(t.space, shape, t.dtype ?? "f32");
    }
    case "union":
      return words(t.options.map((o) => o.parts.filter((p) => typeof p === "string").join("")));
    case "optional":
      return { kind: "optional", of: typeFrom(cx, t.of, names) };
    case "tuple":
      return { kind: "tuple", items: t.items.map((item) => typeFrom(cx, item, names)) };
    case "record": {
      const fields = new Map<string, Field>();
      for (const f of t.fields) {
        if (f.pattern.kind !== "name") continue;
        fields.set(f.pattern.name.text, {
          type: f.type ? typeFrom(cx, f.type, names) : unknown,
          optional: f.default !== null,
        });
      }
      return { kind: "record", name: null, fields };
    }
    case "function":
      return {
        kind: "function",
        params: t.params.map((p) => typeFrom(cx, p, names)),
        required: t.params.length,
        result: typeFrom(cx, t.result, names),
      };
  }
}

function namedType(cx: Context, t: TypeExpr & { kind: "named" }, names: DimensionNames): Type {
  const { text, span } = t.name;
  const args = t.args.map((a) => typeFrom(cx, a, names));
  const known = cx.program.table.get(cx.file)?.get(text);
  if (known !== undefined && "members" in known.definition) return instanceType(cx, t, known, known.definition, names);
  const wanted = known === undefined && (text === "List" || text === "Tree") ? 1 : 0;
  const given = args.length + (t.dims?.length ?? 0);
  if (given !== wanted && text !== "Dataset" && (wanted === 1 || known !== undefined || plainTypes.has(text))) {
    report(
      cx,
      "T001",
      `\`${text}\` takes ${wanted === 1 ? "one type" : "no types"} in brackets, found ${given}`,
      t.span,
      {
        help: wanted === 1 ? `write ${text}[Float], with the type of its elements` : `write ${text}`,
      },
    );
    return error;
  }
  if (known !== undefined) {
    if (known.definition.kind === "record") return cx.program.recordOf(known);
    report(cx, "N001", `\`${text}\` is a ${known.definition.kind}, not a type`, span, {
      others: [{ file: known.file, span: known.definition.name.span, text: "defined here" }],
      help: "a type is a number, tensor, list, record or function type, or the name of a module or adapter",
    });
    return error;
  }
  if (text === "List") return list(args[0]);
  if (text === "Tree") return { kind: "tree", of: args[0] };
  const plain = plainTypes.get(text);
  if (plain !== undefined) return plain;
  const records = [...(cx.program.table.get(cx.file) ?? [])]
    .filter(([, k]) => k.definition.kind === "record" || "members" in k.definition)
    .map(([n]) => n);
  const close = nearest(text, [...plainTypes.keys(), "List", "Tree", "Weight", "Delta", "Tensor", ...records]);
  report(cx, "N001", `there is no type \`${text}\``, span, {
    label: "unknown type",
    help:
      close.length > 0
        ? `did you mean ${close.map((c) => `\`${c}\``).join(" or ")}?`
        : "types are Int, Float, Fraction, Bool, String, Scope, Weight[…], Delta[…], Tensor[…], List[…], Model, Tree[…] and your records",
  });
  return error;
}

/** `linear`, or `linear[out, in]` with the lengths of its weight. */
function instanceType(
  cx: Context,
  t: TypeExpr & { kind: "named" },
  known: Known,
  definition: ModuleDefinition,
  names: DimensionNames,
): Type {
  const lengths = new Map<string, Polynomial | null>();
  const instance: InstanceType = { kind: "instance", of: definition.kind, known, lengths };
  if (t.dims === null) return instance;
  const shape = shapeFrom(t.dims, names);
  const weight = weightOf(definition);
  if (weight === null || shape === null) return instance;
  if (weight.length !== shape.length && !weight.some((d) => d.kind === "rest")) {
    report(cx, "H005", `the weight of \`${t.name.text}\` has ${weight.length} axes, found ${shape.length}`, t.span, {
      others: [{ file: known.file, span: definition.name.span, text: "defined here" }],
      help: "write the lengths of its weight, `_` for those that do not matter",
    });
    return error;
  }
  weight.forEach((d, i) => {
    const a = shape[i];
    if (d.kind === "size" && d.value.kind === "name" && a.kind === "size") lengths.set(d.value.name.text, a.length);
  });
  return instance;
}

/** The declared axes of a module's weight, or of the weight that an adapter wraps. */
function weightOf(definition: ModuleDefinition): readonly DimExpr[] | null {
  const own = definition.members.find((m) => m.kind === "field" && m.name.text === "weight");
  const type =
    own?.kind === "field"
      ? own.type
      : definition.on?.params.find((p) => p.pattern.kind === "name" && p.pattern.name.text === "weight")?.type;
  return type?.kind === "tensor" ? type.dims : null;
}

/** What a call of such a definition gives; every name of a length stands for itself. */
export function instanceOf(known: Known, definition: ModuleDefinition, head: Signature): InstanceType {
  const lengths = new Map([...head.dimensions].map((name) => [name, symbol(name)] as const));
  return { kind: "instance", of: definition.kind, known, lengths };
}

function shapeFrom(dims: readonly DimExpr[], names: DimensionNames): Shape {
  const axes: Axis[] = [];
  for (const d of dims) {
    if (d.kind === "fresh") axes.push(axis(null, null));
    else if (d.kind === "size") {
      const length = lengthFrom(d.value, names);
      axes.push(d.value.kind === "name" ? axis(length, d.value.name.text) : axis(length));
    } else {
      const rest = names.restOf(d.name);
      if (rest === null) return null;
      axes.push(...rest);
    }
  }
  return axes.filter((a) => a.kind === "rest").length > 1 ? null : axes;
}

/** A length written with names, integers, `+`, `-` and `*`; null for anything else. */
function lengthFrom(e: Expr, names: DimensionNames): Polynomial | null {
  switch (e.kind) {
    case "number":
      return e.integer ? constant(e.value) : null;
    case "name":
      return names.lengthOf(e.name);
    case "unary":
      return e.op === "-" ? negate(lengthFrom(e.value, names)) : null;
    case "binary": {
      const a = lengthFrom(e.left, names);
      const b = lengthFrom(e.right, names);
      return e.op === "+" ? add(a, b) : e.op === "-" ? subtract(a, b) : e.op === "*" ? multiply(a, b) : null;
    }
    case "call":
      for (const arg of e.args) if (arg.value) lengthFrom(arg.value, names);
      return null;
    default:
      return null;
  }
}

/** Names of a signature: each is a symbol; the first place of each is remembered (a rest under `*s`). */
export function symbolicNames(seen: Map<string, Span>): DimensionNames {
  const see = (key: string, name: Name) => {
    if (!seen.has(key)) seen.set(key, name.span);
  };
  return {
    lengthOf: (name) => {
      see(name.text, name);
      return symbol(name.text);
    },
    restOf: (name) => {
      see(`*${name.text}`, name);
      return [{ kind: "rest", name: name.text, reduced: null }];
    },
  };
}

/** The signature of what is called by name; `cx.origins` receives where its dimension names stand. */
export function signatureFrom(
  cx: Context,
  head: Name,
  written: readonly Param[],
  declaredResult: TypeExpr | null,
): Signature {
  const names = symbolicNames(cx.origins);
  const params = written.map((p): Parameter => {
    const name = p.pattern.kind === "name" ? p.pattern.name.text : null;
    const declared = p.type ? typeFrom(cx, p.type, names) : unknown;
    const isLength = name !== null && declared.kind === "number" && declared.of === "Int";
    return {
      name,
      pattern: p.pattern,
      type: isLength ? { ...declared, value: symbol(name) } : declared,
      optional: p.default !== null,
      span: p.span,
    };
  });
  const defaults = new Map<string, number>();
  for (const p of written) {
    if (p.pattern.kind === "name" && p.default?.kind === "number" && p.default.integer)
      defaults.set(p.pattern.name.text, p.default.value);
  }
  const result = declaredResult ? typeFrom(cx, declaredResult, names) : null;
  const lengths = params.filter((p) => p.type.kind === "number" && p.type.value !== null).map((p) => p.name!);
  return {
    name: head.text,
    file: cx.file,
    params,
    result,
    dimensions: new Set([...[...cx.origins.keys()].map((key) => key.replace("*", "")), ...lengths]),
    defaults,
    span: head.span,
  };
}
