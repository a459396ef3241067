/**
 * Elementwise operations on vectors of four lanes. In: an instruction and its operands in variables. Out: an expression.
 * bool is a mask: all bits of a lane or none. Operations without an instruction of their own are helper functions.
 */
import type { StorageDtype } from "../../ir/index.js";
import type { Instr, Kernel, Lane } from "../../kernels/index.js";
import { type Code, call, f32x4, get, i32x4, type Local, op } from "./code.js";
import { type Context, callHelper, keep, type Needs } from "./context.js";
import { shift, writeAcos, writeExp, writeLanes, writeLog, writeTanh } from "./math.js";
import { writeIdiv, writeMod, writePow, writeSine } from "./math-wide.js";
import { asFloat, quantized } from "./pack.js";

const isInteger = (lane: Lane) => lane === "i32" || lane === "u32";

const comparisons: Record<string, { float: string; signed: string; unsigned: string }> = {
  eq: { float: "f32x4.eq", signed: "i32x4.eq", unsigned: "i32x4.eq" },
  ne: { float: "f32x4.ne", signed: "i32x4.ne", unsigned: "i32x4.ne" },
  lt: { float: "f32x4.lt", signed: "i32x4.lt_s", unsigned: "i32x4.lt_u" },
  le: { float: "f32x4.le", signed: "i32x4.le_s", unsigned: "i32x4.le_u" },
  gt: { float: "f32x4.gt", signed: "i32x4.gt_s", unsigned: "i32x4.gt_u" },
  ge: { float: "f32x4.ge", signed: "i32x4.ge_s", unsigned: "i32x4.ge_u" },
};

/** Calls a helper on vectors, and the helpers that it calls. */
export function callVector(needs: Needs, name: string, ...args: Code[]): Code {
  const lanes = (math: string) => {
    const slow = `${math}_lanes`;
    if (!needs.functions.has(slow)) needs.functions.set(slow, writeLanes(needs, slow, math, args.length));
    return slow;
  };
  switch (name) {
    case "exp":
      return callHelper(needs, name, writeExp, ...args);
    case "log":
      return callHelper(needs, name, writeLog, ...args);
    case "tanh":
      return callHelper(needs, name, () => writeTanh((x) => callVector(needs, "exp", x)), ...args);
    case "acos":
      return callHelper(needs, name, writeAcos, ...args);
    case "sin":
      return callHelper(needs, name, () => writeSine("sin", 0, lanes("sin")), ...args);
    case "cos":
      return callHelper(needs, name, () => writeSine("cos", 1, lanes("cos")), ...args);
    case "pow":
      return callHelper(needs, name, () => writePow(lanes("pow")), ...args);
    case "mod":
      return callHelper(needs, name, writeMod, ...args);
    case "idiv":
      return callHelper(needs, name, writeIdiv, ...args);
    case "atan2":
      return call(lanes("atan2"), ...args);
    default:
      throw new Error(`a kernel has no operation ${name}`);
  }
}

/** The u32 that orders as the numbers do; x + 0 makes both zeros one. */
function orderKey(context: Context, out: Code[], x: Code): Code {
  const bits = keep(context, out, "v128", op("f32x4.add", x, f32x4(0)));
  const flip = op("v128.or", op("i32x4.shr_s", get(bits), shift(31)), i32x4(0x80000000));
  return op("v128.xor", get(bits), flip);
}

/** The literal that an instruction is, or null. */
function literalOf(kernel: Kernel, instr: number): number | null {
  const { op: name, attrs, lane } = kernel.instrs[instr];
  return name === "literal" && lane === "f32" ? Math.fround(Number(attrs.value)) : null;
}

/** Small whole powers are products: no logarithm, and the same as pow but for the last place. */
function power(context: Context, instr: Instr, x: Local, y: Local): Code {
  const exponent = literalOf(context.kernel, instr.args[1]);
  const square = op("f32x4.mul", get(x), get(x));
  if (exponent === 1) return get(x);
  if (exponent === 2) return square;
  if (exponent === 3) return op("f32x4.mul", square, get(x));
  if (exponent === -1) return op("f32x4.div", f32x4(1), get(x));
  return callVector(context.needs, "pow", get(x), get(y));
}

/**
 * min and max of f32. With a literal the pseudo-minimum serves: one machine instruction where the exact one is eight. It
 * keeps a NaN of its first operand; of two zeros it keeps the first, so max(x, 0) adds 0, and -0 is left to the exact one.
 */
function extremeOfFloats(context: Context, instr: Instr, x: Local, y: Local): Code {
  const literals = instr.args.map((arg) => literalOf(context.kernel, arg));
  const isBound = (c: number | null) => c !== null && !Number.isNaN(c) && !Object.is(c, -0);
  const which = literals.findIndex(isBound);
  if (which < 0) return op(`f32x4.${instr.op}`, get(x), get(y));
  const [value, bound] = which === 1 ? [x, y] : [y, x];
  const chosen = op(`f32x4.p${instr.op}`, get(value), get(bound));
  return instr.op === "max" && literals[which] === 0 ? op("f32x4.add", chosen, f32x4(0)) : chosen;
}

/** The value of an elementwise instruction; statements that it needs go to `out`. */
export function vectorOp(context: Context, out: Code[], instr: Instr, operands: readonly Local[]): Code {
  const of = context.kernel.instrs[instr.args[instr.op === "where" ? 1 : 0]].lane;
  const [a, b, c] = operands.map(get);
  const kind = isInteger(of) ? "i32x4" : "f32x4";
  const comparison = Object.hasOwn(comparisons, instr.op) ? comparisons[instr.op] : null;
  if (comparison !== null) {
    return op(of === "f32" ? comparison.float : of === "u32" ? comparison.unsigned : comparison.signed, a, b);
  }
  switch (instr.op) {
    case "add":
    case "sub":
    case "mul":
    case "div":
      return op(`${kind}.${instr.op}`, a, b);
    case "min":
    case "max":
      if (isInteger(of)) return op(`i32x4.${instr.op}_${of === "u32" ? "u" : "s"}`, a, b);
      return extremeOfFloats(context, instr, operands[0], operands[1]);
    case "neg":
    case "abs":
      return op(`${kind}.${instr.op}`, a);
    case "sqrt":
    case "floor":
    case "ceil":
    case "trunc":
      return op(`f32x4.${instr.op}`, a);
    case "round":
      return op("f32x4.nearest", a);
    case "pow":
      return power(context, instr, operands[0], operands[1]);
    case "imod":
      return op("i32x4.sub", a, op("i32x4.mul", callVector(context.needs, "idiv", a, b), b));
    case "and":
    case "or":
      return op(`v128.${instr.op}`, a, b);
    case "not":
      return op("v128.not", a);
    case "where":
      return op("v128.bitselect", b, c, a);
    case "to_f32":
      return asFloat(of, a);
    case "to_i32":
      if (of === "f32") return op("i32x4.trunc_sat_f32x4_s", a);
      return of === "bool" ? op("v128.and", a, i32x4(1)) : a;
    case "is_finite":
      return op("f32x4.lt", op("f32x4.abs", a), f32x4(Number.POSITIVE_INFINITY));
    case "order_key":
      return orderKey(context, out, a);
    case "unit":
      return op("f32x4.mul", op("f32x4.convert_i32x4_u", op("i32x4.shr_u", a, shift(8))), f32x4(2 ** -24));
    case "quantize":
      return quantized(context, out, instr.attrs.dtype as StorageDtype, a);
    default:
      return callVector(context.needs, instr.op, ...operands.map(get));
  }
}
