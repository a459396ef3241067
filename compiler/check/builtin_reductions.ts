/**
 * Typing rules of builtins that reduce or order: `sum`, `norm`, `rank`, `size` and their relatives. In: a call at one
 * place. Out: the type of its value. A reduction over a tensor or the model gives a running number.
 */
import { type BuiltinCall, type Given, plain, reduced, together, typeOfArg } from "./builtin_call.js";
import { report } from "./context.js";
import { joinAll } from "./join.js";
import { weightPlusWeight } from "./operators.js";
import { constant } from "./polynomial.js";
import { elements, rankOf, type Shape } from "./shape.js";
import {
  atPlace,
  error,
  isNumeric,
  isQuiet,
  laterStage,
  type NumberType,
  number,
  numberOrTensor,
  type Space,
  showType,
  stageOf,
  type TensorType,
  type Type,
  tensor,
  unknown,
} from "./types.js";

interface Combined {
  readonly types: readonly (NumberType | TensorType)[];
  readonly shape: Shape;
}

/**
 * The operands of a per-position call (the elements of one list, or several arguments); null for a reduction of one
 * tensor; a type where nothing more can be said.
 */
function perPosition(call: BuiltinCall): Combined | Type | null {
  const given = call.all("x").map((g) => plain(call, g));
  if (given.length === 0) return error;
  const first = given[0].type;
  const listed = given.length === 1 ? elementsOf(first) : null;
  if (given.length === 1 && listed === null) return isNumeric(first) ? null : isQuiet(first) ? first : error;
  refuseOver(call);
  const operands: readonly Given[] = listed?.map((type) => ({ ...given[0], type })) ?? given;
  if (operands.some((o) => o.type.kind === "error")) return error;
  if (operands.some((o) => isQuiet(o.type))) return unknown;
  const types = operands.map((o) => atPlace(o.type));
  const odd = operands.find((_, i) => !isNumeric(types[i]));
  if (odd !== undefined) {
    report(call.cx, "T008", `\`${call.name}\` combines numbers or tensors, found ${showType(odd.type)}`, odd.span, {
      label: "neither a number nor a tensor",
    });
    return error;
  }
  return { types: types.filter(isNumeric), shape: together(call, operands) };
}

function elementsOf(type: Type): readonly Type[] | null {
  if (type.kind === "tuple") return type.items;
  return type.kind === "list" ? [type.of] : null;
}

/** Per position there is nothing to range over. */
function refuseOver(call: BuiltinCall): void {
  const over = call.one("over");
  if (over === null) return;
  report(call.cx, "T004", `\`${call.name}\` of several values works per position and takes no \`over\``, over.span, {
    label: "nothing to range over",
    help: `reduce each one: [${call.name}(x, over = …) for x in xs]`,
  });
}

function isCombined(x: Combined | Type | null): x is Combined {
  return x !== null && "types" in x;
}

function allNumbers(c: Combined): readonly NumberType[] | null {
  const numbers = c.types.filter((t) => t.kind === "number");
  return numbers.length === c.types.length ? (numbers as readonly NumberType[]) : null;
}

/** Space of a combination: `each` for tensors of one space, else Tensor. */
function commonSpace(c: Combined): Space | null {
  const spaces = new Set(c.types.map((t) => (t.kind === "tensor" ? t.space : null)));
  return spaces.size === 1 ? [...spaces][0] : "Tensor";
}

function commonDtype(c: Combined): string | null {
  const dtypes = new Set(
    c.types.map((t) => (t.kind === "tensor" ? (t.dtype === "bool" ? "i32" : t.dtype) : t.of === "Int" ? "i32" : "f32")),
  );
  return dtypes.size === 1 ? [...dtypes][0] : dtypes.has(null) ? null : "f32";
}

function combined(
  call: BuiltinCall,
  space: (c: Combined) => Space | "refused",
  numbers: (all: readonly NumberType[]) => Type,
  dtype?: string,
): Type {
  const c = perPosition(call);
  if (c === null) return reduction(call, dtype);
  if (!isCombined(c)) return c;
  const all = allNumbers(c);
  if (all !== null) return numbers(all);
  const result = space(c);
  if (result === "refused") return refuseSum(call);
  return numberOrTensor(tensor(result, c.shape, dtype ?? commonDtype(c)));
}

function refuseSum(call: BuiltinCall): Type {
  return weightPlusWeight(call.cx, { kind: "error", span: call.all("x")[0].span });
}

function wider(all: readonly NumberType[]): Type {
  const type = joinAll(all);
  if (type.kind !== "number") return unknown;
  return number(type.of === "Bool" ? "Int" : type.of, laterStage(...all.map((t) => t.stage)));
}

function reduction(call: BuiltinCall, dtype = "f32"): Type {
  const x = typeOfArg(call, "x");
  if (isQuiet(x)) return x;
  if (x.kind === "number")
    return number(dtype === "i32" ? "Int" : dtype === "bool" ? "Bool" : x.of === "Bool" ? "Int" : "Float", x.stage);
  if (x.kind !== "tensor") return unknown;
  return numberOrTensor(tensor("Tensor", reduced(call, x.shape), dtype));
}

export function typeOfSum(call: BuiltinCall): Type {
  return combined(
    call,
    (c) =>
      commonSpace(c) === "Weight" && (c.types.length > 1 || call.all("x")[0].type.kind === "list")
        ? "refused"
        : (commonSpace(c) ?? "Tensor"),
    wider,
  );
}

export function typeOfMean(call: BuiltinCall): Type {
  return combined(
    call,
    (c) => commonSpace(c) ?? "Tensor",
    (all) => number("Float", laterStage(...all.map((t) => t.stage))),
    undefined,
  );
}

/** `max` and `min`. */
export function typeOfMany(call: BuiltinCall): Type {
  return combined(call, () => "Tensor", wider);
}

export function typeOfCount(call: BuiltinCall): Type {
  return combined(
    call,
    () => "Tensor",
    (all) => number("Int", laterStage(...all.map((t) => t.stage))),
    "i32",
  );
}

export function typeOfTruths(call: BuiltinCall): Type {
  return combined(
    call,
    () => "Tensor",
    (all) => number("Bool", laterStage(...all.map((t) => t.stage))),
    "bool",
  );
}

export function typeOfArgmax(call: BuiltinCall): Type {
  const x = typeOfArg(call, "x");
  if (x.kind !== "list") return reduction(call, "i32");
  const of = atPlace(x.of);
  if (of.kind === "number") return number("Int", of.stage);
  return of.kind === "tensor" ? numberOrTensor(tensor("Tensor", of.shape, "i32")) : unknown;
}

/** `norm`, `norm1`, `std`, `var`. */
export function typeOfReduction(call: BuiltinCall): Type {
  const given = call.one("x");
  return given && plain(call, given).type.kind === "error" ? error : reduction(call);
}

export function typeOfDot(call: BuiltinCall): Type {
  const given = [...call.all("a"), ...call.all("b")].map((g) => plain(call, g));
  if (given.some((g) => g.type.kind === "error")) return error;
  const shape = together(call, given);
  if (given.every((g) => g.type.kind === "number"))
    return number("Float", laterStage(...given.map((g) => stageOf(g.type))));
  return numberOrTensor(tensor("Tensor", reduced(call, shape)));
}

export function typeOfRank(call: BuiltinCall): Type {
  const x = typeOfArg(call, "x");
  if (isQuiet(x)) return x;
  if (x.kind !== "tensor") return x.kind === "number" ? number("Int", x.stage) : unknown;
  reduced(call, x.shape);
  const word = call.over.kind === "scope" ? call.over.word : null;
  return { ...tensor("Tensor", x.shape, "i32"), order: word === "tensor" || word === "model" };
}

/** `kth_largest`, `kth_smallest`. */
export function typeOfKth(call: BuiltinCall): Type {
  return typeOfReduction(call);
}

export function typeOfSize(call: BuiltinCall): Type {
  const x = typeOfArg(call, "x");
  if (x.kind === "number") return number("Int", "static", constant(1));
  if (x.kind !== "tensor") return number("Int");
  const whole = call.over.kind === "scope" && call.over.word === "tensor";
  const rank = rankOf(x.shape);
  reduced(call, x.shape);
  if (
    whole ||
    (rank !== null && rank <= 1 && call.over.kind === "scope" && call.over.word !== null && call.over.word !== "model")
  ) {
    return number("Int", "static", elements(x.shape));
  }
  const row = call.over.kind === "scope" && (call.over.word === "row" || call.over.word === "column");
  const axis =
    row && rank !== null && x.shape !== null
      ? x.shape.at(call.over.kind === "scope" && call.over.word === "row" ? -1 : 0)
      : undefined;
  return number("Int", "static", axis?.kind === "size" ? axis.length : null);
}
