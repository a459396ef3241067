/**
 * Typing rules of builtins that act entry by entry. In: a call at one place. Out: the type of its value: the broadcast
 * shape of the arguments, a Tensor unless the operation keeps points or differences.
 */
import { type BuiltinCall, type Given, plain, together, typeOfArg } from "./builtin_call.js";
import { report } from "./context.js";
import { join, joinAll, joinTensors } from "./join.js";
import { arithmeticType, chosenSpace } from "./spaces.js";
import {
  atPlace,
  error,
  isNumeric,
  isQuiet,
  laterStage,
  list,
  number,
  numberOrTensor,
  showType,
  stageOf,
  type Type,
  tensor,
  unknown,
} from "./types.js";

function operands(call: BuiltinCall, ...params: readonly string[]): readonly Given[] | null {
  const given = params.flatMap((p) => call.all(p)).map((g) => plain(call, g));
  return given.length === params.length && given.every((g) => isNumeric(g.type)) ? given : null;
}

function quietOf(call: BuiltinCall, ...params: readonly string[]): Type {
  return params.some((p) => typeOfArg(call, p).kind === "error") ? error : unknown;
}

/** One argument, same shape: `abs`, `exp`, ... */
export function typeOfElementwise(call: BuiltinCall): Type {
  const given = operands(call, "x");
  if (given === null) return quietOf(call, "x");
  const x = given[0].type;
  if (x.kind === "tensor")
    return tensor(
      "Tensor",
      x.shape,
      x.dtype === "i32" && keepsInts(call.name) ? "i32" : x.dtype === null ? null : "f32",
    );
  return x.kind === "number" ? number(x.of === "Int" && keepsInts(call.name) ? "Int" : "Float", x.stage) : unknown;
}

function keepsInts(name: string): boolean {
  return name === "abs" || name === "sign" || name === "neg";
}

export function typeOfRounded(call: BuiltinCall): Type {
  const given = operands(call, "x");
  if (given === null) return quietOf(call, "x");
  const x = given[0].type;
  return x.kind === "number"
    ? number("Int", x.stage)
    : x.kind === "tensor"
      ? tensor("Tensor", x.shape, x.dtype)
      : unknown;
}

/** `rounded` to a number format: a point stays a point. */
export function typeOfQuantized(call: BuiltinCall): Type {
  const given = operands(call, "x");
  return given === null ? quietOf(call, "x") : given[0].type;
}

/** `int` and `float`. */
export function typeOfToNumber(call: BuiltinCall): Type {
  const given = operands(call, "x");
  if (given === null) return quietOf(call, "x");
  const x = given[0].type;
  const whole = call.name === "int";
  if (x.kind === "number") return number(whole ? "Int" : "Float", x.stage, whole && x.of === "Int" ? x.value : null);
  return x.kind === "tensor" ? numberOrTensor(tensor("Tensor", x.shape, whole ? "i32" : "f32")) : unknown;
}

export function typeOfTest(call: BuiltinCall): Type {
  const given = operands(call, "x");
  if (given === null) return quietOf(call, "x");
  const x = given[0].type;
  return x.kind === "number"
    ? number("Bool", x.stage)
    : x.kind === "tensor"
      ? tensor("Tensor", x.shape, "bool")
      : unknown;
}

function mixed(
  call: BuiltinCall,
  params: readonly string[],
  space: (types: readonly Type[]) => "Tensor" | "Delta",
): Type {
  const given = operands(call, ...params);
  if (given === null) return quietOf(call, ...params);
  const shape = together(call, given);
  const types = given.map((g) => g.type);
  if (types.every((t) => t.kind === "number")) {
    const joined = joinAll(types);
    return joined.kind === "number" ? number(joined.of, laterStage(...types.map(stageOf))) : unknown;
  }
  return numberOrTensor(tensor(space(types), shape));
}

export function typeOfClamp(call: BuiltinCall): Type {
  return mixed(call, ["x", "low", "high"], () => "Tensor");
}

export function typeOfFallback(call: BuiltinCall): Type {
  return mixed(call, ["x", "y"], () => "Tensor");
}

export function typeOfQuotient(call: BuiltinCall): Type {
  const given = operands(call, "a", "b");
  if (given === null) return quietOf(call, "a", "b");
  const shape = together(call, given);
  const [a, b] = given.map((g) => g.type);
  return (isNumeric(a) && isNumeric(b) && arithmeticType("/", a, b, shape)) || unknown;
}

/** Whole numbers, or tensors entry by entry. */
export function typeOfDiv(call: BuiltinCall): Type {
  const [a, b] = [typeOfArg(call, "a"), typeOfArg(call, "b")];
  if (isQuiet(a) || isQuiet(b)) return unknown;
  if (a.kind === "number" && b.kind === "number") return number("Int", laterStage(stageOf(a), stageOf(b)));
  const given = operands(call, "a", "b");
  if (given === null) return quietOf(call, "a", "b");
  return (isNumeric(a) && isNumeric(b) && arithmeticType("%", a, b, together(call, given))) || unknown;
}

export function typeOfChoice(call: BuiltinCall): Type {
  const condition = call.one("condition");
  const given = operands(call, "a", "b");
  if (given === null || condition === null || isQuiet(condition.type)) return quietOf(call, "a", "b");
  const shape = together(call, [condition, ...given]);
  const [a, b] = given.map((g) => g.type);
  if (a.kind === "number" && b.kind === "number" && condition.type.kind === "number") {
    const joined = join(a, b);
    return joined.kind === "number" ? number(joined.of, laterStage(a.stage, b.stage, condition.type.stage)) : unknown;
  }
  if (a.kind === "tensor" && b.kind === "tensor") return joinTensors(a, b, shape);
  const space = chosenSpace(a.kind === "tensor" ? a.space : null, b.kind === "tensor" ? b.space : null);
  return numberOrTensor(tensor(space, shape, choiceDtype(a, b)));
}

function choiceDtype(a: Type, b: Type): string | null {
  const of = (t: Type) => (t.kind === "tensor" ? t.dtype : t.kind === "number" && t.of === "Bool" ? "bool" : null);
  if (a.kind === "number" && b.kind === "number") {
    return a.of === "Bool" && b.of === "Bool" ? "bool" : a.of === "Int" && b.of === "Int" ? "i32" : "f32";
  }
  return of(a) === "bool" || of(b) === "bool"
    ? null
    : a.kind === "tensor" && a.dtype === "f32"
      ? "f32"
      : b.kind === "tensor" && b.dtype === "f32"
        ? "f32"
        : null;
}

export function typeOfSoftmax(call: BuiltinCall): Type {
  const given = operands(call, "x");
  if (given === null) return quietOf(call, "x");
  const x = given[0].type;
  return x.kind === "tensor" ? tensor("Tensor", x.shape) : number("Float", stageOf(x));
}

export function typeOfMix(call: BuiltinCall): Type {
  const weights = call.one("weights");
  const coefficients = call.one("coefficients");
  if (!weights || !coefficients || weights.type.kind !== "list" || coefficients.type.kind !== "list") return unknown;
  const of = [weights, coefficients].map((g) => ({
    ...g,
    type: atPlace(g.type.kind === "list" ? g.type.of : unknown),
  }));
  const odd = of.find((g) => !isQuiet(g.type) && !isNumeric(g.type));
  if (odd !== undefined) {
    report(
      call.cx,
      "T001",
      `\`mix\` takes a list of tensors and a list of numbers, found ${showType(list(odd.type))}`,
      odd.span,
    );
    return error;
  }
  if (of.some((g) => isQuiet(g.type))) return unknown;
  const shape = together(call, of);
  const [w] = of;
  if (w.type.kind !== "tensor")
    return of[1].type.kind === "number"
      ? number("Float", laterStage(...of.map((g) => stageOf(g.type))))
      : tensor("Tensor", shape);
  return numberOrTensor(tensor(w.type.space, shape));
}
