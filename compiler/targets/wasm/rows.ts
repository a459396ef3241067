/**
 * Values of level `row`: one number a row, computed between the loops over the row. f32 values are kept as f64 (and once
 * more, rounded, in all lanes of a vector for the element loops); integers and bool live in a vector only. What has no
 * f64 form here (bit patterns, integers, logic) goes through the vector operations.
 */
import type { Instr } from "../../kernels/index.js";
import { type Code, f64, get, i32, lane, op } from "./code.js";
import { type Context, callMath, keep, wideValue } from "./context.js";
import { coordinate, loadSplat } from "./elements.js";
import { vectorOp } from "./vector.js";

const wideOps: Record<string, string> = {
  add: "f64.add",
  sub: "f64.sub",
  mul: "f64.mul",
  div: "f64.div",
  min: "f64.min",
  max: "f64.max",
  neg: "f64.neg",
  abs: "f64.abs",
  sqrt: "f64.sqrt",
  floor: "f64.floor",
  ceil: "f64.ceil",
  trunc: "f64.trunc",
  round: "f64.nearest",
};
const wideComparisons: Record<string, string> = {
  eq: "f64.eq",
  ne: "f64.ne",
  lt: "f64.lt",
  le: "f64.le",
  gt: "f64.gt",
  ge: "f64.ge",
};
const mathFunctions = new Set(["exp", "log", "sin", "cos", "acos", "tanh", "pow", "atan2"]);

/** The first lane of an integer or bool value, as i32. */
function firstLane(context: Context, instr: number): Code {
  return lane("i32x4.extract_lane", 0, get(context.splats.get(instr)!));
}

/** The f64 of an f32-lane instruction, or null where the vector form serves. */
function wideOf(context: Context, instr: Instr): Code | null {
  const { instrs } = context.kernel;
  if (instr.lane !== "f32") return null;
  const isTrue = (i: number) => op("i32.ne", firstLane(context, i), i32(0));
  if (instr.op === "where")
    return {
      op: "select",
      immediates: [],
      args: [wideValue(context, instr.args[1]), wideValue(context, instr.args[2]), isTrue(instr.args[0])],
    };
  if (!instr.args.every((a) => instrs[a].lane === "f32")) return null;
  const operands = instr.args.map((a) => wideValue(context, a));
  if (Object.hasOwn(wideOps, instr.op)) return op(wideOps[instr.op], ...operands);
  if (mathFunctions.has(instr.op)) return callMath(context.needs, instr.op, ...operands);
  if (instr.op !== "mod") return null;
  const [a, b] = operands;
  return op("f64.sub", a, op("f64.mul", b, op("f64.floor", op("f64.div", a, b))));
}

/** A comparison or conversion of f64 values as i32, or null. */
function narrowOf(context: Context, instr: Instr): Code | null {
  const { instrs } = context.kernel;
  if (!instr.args.every((a) => instrs[a].lane === "f32")) return null;
  const operands = instr.args.map((a) => wideValue(context, a));
  const mask = (condition: Code) => op("i32.sub", i32(0), condition);
  if (Object.hasOwn(wideComparisons, instr.op)) return mask(op(wideComparisons[instr.op], ...operands));
  if (instr.op === "is_finite") return mask(op("f64.lt", op("f64.abs", operands[0]), f64(Number.POSITIVE_INFINITY)));
  return instr.op === "to_i32" ? op("i32.trunc_sat_f64_s", operands[0]) : null;
}

/** Keeps a row value of lane f32, in both forms. */
export function keepWide(context: Context, out: Code[], instr: number, value: Code): void {
  const variable = keep(context, out, "f64", value);
  context.wide.set(instr, variable);
  context.splats.set(instr, keep(context, out, "v128", op("f32x4.splat", op("f32.demote_f64", get(variable)))));
}

/** A row value of any lane as f64; bool is 0 or 1. */
export function rowNumber(context: Context, instr: number): Code {
  const { lane: of } = context.kernel.instrs[instr];
  if (of === "f32") return wideValue(context, instr);
  if (of === "bool") return op("f64.convert_i32_u", op("i32.ne", firstLane(context, instr), i32(0)));
  return op(`f64.convert_i32_${of === "u32" ? "u" : "s"}`, firstLane(context, instr));
}

/** Statements that compute the row value of an instruction that is not a reduction. */
export function rowValue(context: Context, out: Code[], i: number): void {
  const instr = context.kernel.instrs[i];
  const isPlace = instr.op === "load" || instr.op === "iota";
  const wide = isPlace ? null : wideOf(context, instr);
  if (wide !== null) {
    keepWide(context, out, i, wide);
    return;
  }
  const narrow = isPlace ? null : narrowOf(context, instr);
  const vector = (): Code => {
    if (instr.op === "load") return loadSplat(context, out, instr);
    if (instr.op === "iota")
      return op("i32x4.splat", lane("i32x4.extract_lane", 0, coordinate(context, out, instr, null, 0)));
    return vectorOp(
      context,
      out,
      instr,
      instr.args.map((a) => context.splats.get(a)!),
    );
  };
  context.splats.set(i, keep(context, out, "v128", narrow === null ? vector() : op("i32x4.splat", narrow)));
}
