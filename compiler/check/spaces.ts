/**
 * Arithmetic of points and differences. In: an operator and the types of its operands at one place. Out: the type of the
 * result, or why there is none. `Weight - Weight` is a Delta, `Weight ± Delta` a Weight, `Weight + Weight` is refused;
 * every other operation reads a Weight as a Tensor. Spec: spec/language.md, "Spaces".
 */
import type { BinaryOp } from "../../grammar/index.js";
import { add, constantOf, multiply, type Polynomial, subtract } from "./polynomial.js";
import type { Shape } from "./shape.js";
import {
  isBool,
  laterStage,
  type NumberType,
  number,
  numberOrTensor,
  type Space,
  stageOf,
  type TensorType,
  type Type,
  tensor,
  unknown,
} from "./types.js";

export type Arithmetic = "+" | "-" | "*" | "/" | "%" | "^";

export function isArithmetic(op: BinaryOp): op is Arithmetic {
  return op === "+" || op === "-" || op === "*" || op === "/" || op === "%" || op === "^";
}

/** The space of `a op b` where at least one is a tensor; null: Weight + Weight. A number has the space null. */
export function spaceOf(op: Arithmetic, a: Space | null, b: Space | null): Space | null {
  if (op === "+") {
    if (a === "Weight" && b === "Weight") return null;
    if (a === "Weight" || b === "Weight") return "Weight";
    return a === "Delta" && b === "Delta" ? "Delta" : "Tensor";
  }
  if (op === "-") {
    if (a === "Weight") return b === "Weight" ? "Delta" : "Weight";
    return a === "Delta" && b === "Delta" ? "Delta" : "Tensor";
  }
  if (op === "*") return (a === "Delta" && b === null) || (a === null && b === "Delta") ? "Delta" : "Tensor";
  if (op === "/") return a === "Delta" && b === null ? "Delta" : "Tensor";
  return "Tensor";
}

function exactValue(op: Arithmetic, a: NumberType, b: NumberType): Polynomial | null {
  if (op === "+") return add(a.value, b.value);
  if (op === "-") return subtract(a.value, b.value);
  return op === "*" ? multiply(a.value, b.value) : null;
}

/** Numbers: exact Ints stay Ints but for `/`; a power of Ints is an Int where the exponent is known not to be negative. */
function numberArithmetic(op: Arithmetic, a: NumberType, b: NumberType): Type {
  const stage = laterStage(a.stage, b.stage);
  const whole = (n: NumberType) => n.of === "Int" || n.of === "Size" || n.of === "Bool";
  if (!whole(a) || !whole(b) || op === "/") return number("Float", stage);
  if (op === "^") {
    const exponent = b.value && constantOf(b.value);
    return exponent === null ? unknown : number(exponent >= 0 ? "Int" : "Float", stage);
  }
  return number(a.of === "Size" || b.of === "Size" ? "Size" : "Int", stage, exactValue(op, a, b));
}

/** The dtype of an elementwise result: i32 stays i32 only among integers. */
function dtypeOf(op: Arithmetic, a: NumberType | TensorType, b: NumberType | TensorType): string | null {
  const whole = (t: NumberType | TensorType): boolean | null => {
    if (t.kind === "number") return t.of === "Int";
    return t.dtype === null ? null : t.dtype === "i32";
  };
  const [x, y] = [whole(a), whole(b)];
  if (x === null || y === null) return null;
  return x && y && op !== "/" && op !== "^" ? "i32" : "f32";
}

export function arithmeticType(
  op: Arithmetic,
  a: NumberType | TensorType,
  b: NumberType | TensorType,
  shape: Shape,
): Type | null {
  if (a.kind === "number" && b.kind === "number") return numberArithmetic(op, a, b);
  const space = spaceOf(op, a.kind === "tensor" ? a.space : null, b.kind === "tensor" ? b.space : null);
  return space === null ? null : numberOrTensor(tensor(space, shape, dtypeOf(op, a, b)));
}

/** A comparison, or a word of logic: Bool among numbers, else a bool tensor. */
export function truthType(a: Type, b: Type, shape: Shape): Type {
  if (a.kind === "tensor" || b.kind === "tensor") return numberOrTensor(tensor("Tensor", shape, "bool"));
  return number(
    "Bool",
    a.kind === "number" && b.kind === "number" ? laterStage(stageOf(a), stageOf(b)) : stageAcross(a, b),
  );
}

function stageAcross(a: Type, b: Type) {
  return stageOf(a) === "running" || stageOf(b) === "running" ? "running" : "unknown";
}

/** The space of a choice between two values: both Weights (or one and a number): a Weight; likewise Deltas. */
export function chosenSpace(a: Space | null, b: Space | null): Space {
  if (a === b) return a ?? "Tensor";
  if (a === null) return b ?? "Tensor";
  return b === null ? a : "Tensor";
}

export function isTruth(type: Type): boolean {
  return isBool(type) || (type.kind === "tensor" && (type.dtype === "bool" || type.dtype === null));
}
