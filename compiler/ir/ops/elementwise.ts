/**
 * Elementwise rows: one element from one element of each argument. The numbers follow IEEE 754 in f32 on tensors and in
 * f64 on rank-0 values. Sources: the WebAssembly and WGSL specifications for what the targets give.
 */
import { isStorageDtype, type StorageDtype, type ValueDtype } from "../dtype.js";
import type { Attrs, Node } from "../graph.js";
import { roundToStorage } from "../storage.js";
import { elementwiseGradients } from "./elementwise_gradients.js";
import { arithmeticDtype, broadcastShapes, exactly, type OpRow, ShapeError, ulps } from "./row.js";

const floatOf = (rank: number): ValueDtype => (rank === 0 ? "f64" : "f32");

function inferArithmetic(args: readonly Node[]) {
  const shape = broadcastShapes(args.map((a) => a.shape));
  return { shape, dtype: arithmeticDtype(args, shape.length) };
}
function inferFloat(args: readonly Node[]) {
  const shape = broadcastShapes(args.map((a) => a.shape));
  return { shape, dtype: floatOf(shape.length) };
}
function inferBool(args: readonly Node[]) {
  return { shape: broadcastShapes(args.map((a) => a.shape)), dtype: "bool" as const };
}

type Infer = OpRow["infer"];
const row = (
  name: string,
  arity: number,
  infer: Infer,
  scalar: (...v: number[]) => number,
  doc: string,
  tolerance = exactly,
): OpRow => ({ name, arity, infer, scalar, doc, tolerance, fusion: "elementwise" });

/** The table below with the gradient rule of each row. */
const withGradients = (rows: readonly OpRow[]): readonly OpRow[] =>
  rows.map((each) => ({ ...each, gradient: elementwiseGradients.get(each.name) }));

const bit = (b: boolean) => (b ? 1 : 0);

/** Nearest integer, ties to even. */
export function roundEven(x: number): number {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

export const elementwise: readonly OpRow[] = withGradients([
  row("add", 2, inferArithmetic, (a, b) => a + b, "a + b"),
  row("sub", 2, inferArithmetic, (a, b) => a - b, "a - b"),
  row("mul", 2, inferArithmetic, (a, b) => a * b, "a * b"),
  row("div", 2, inferFloat, (a, b) => a / b, "a / b, always a float", ulps(0, 3)),
  row(
    "mod",
    2,
    inferArithmetic,
    (a, b) => a - b * Math.floor(a / b),
    "a - b floor(a / b): the sign of the divisor",
    ulps(0, 4, 1e-6),
  ),
  row("floor_div", 2, inferArithmetic, (a, b) => Math.floor(a / b), "floor(a / b)", ulps(0, 1)),
  row("pow", 2, inferArithmetic, (a, b) => a ** b, "a ^ b", ulps(16, 64)),
  row("min", 2, inferArithmetic, Math.min, "the smaller; NaN if one is NaN"),
  row("max", 2, inferArithmetic, Math.max, "the larger; NaN if one is NaN"),
  row("neg", 1, inferArithmetic, (a) => -a, "-a"),
  row("abs", 1, inferArithmetic, Math.abs, "|a|"),
  row("sqrt", 1, inferFloat, Math.sqrt, "square root", ulps(0, 3)),
  row("exp", 1, inferFloat, Math.exp, "e^a", ulps(3, 64)),
  row("log", 1, inferFloat, Math.log, "natural logarithm", ulps(3, 64, 1e-6)),
  row("sin", 1, inferFloat, Math.sin, "sine", ulps(3, 64, 1e-6)),
  row("cos", 1, inferFloat, Math.cos, "cosine", ulps(3, 64, 1e-6)),
  row("acos", 1, inferFloat, Math.acos, "arc cosine", ulps(4, 64, 2e-6)),
  row("tanh", 1, inferFloat, Math.tanh, "hyperbolic tangent", ulps(4, 64, 1e-6)),
  row("floor", 1, inferFloat, Math.floor, "next integer below, as a float"),
  row("ceil", 1, inferFloat, Math.ceil, "next integer above, as a float"),
  row("trunc", 1, inferFloat, Math.trunc, "towards zero, as a float"),
  row("round", 1, inferFloat, roundEven, "nearest integer, ties to even, as a float"),
  row("eq", 2, inferBool, (a, b) => bit(a === b), "a == b"),
  row("ne", 2, inferBool, (a, b) => bit(a !== b), "a != b"),
  row("lt", 2, inferBool, (a, b) => bit(a < b), "a < b"),
  row("le", 2, inferBool, (a, b) => bit(a <= b), "a <= b"),
  row("gt", 2, inferBool, (a, b) => bit(a > b), "a > b"),
  row("ge", 2, inferBool, (a, b) => bit(a >= b), "a >= b"),
  row("and", 2, inferBool, (a, b) => bit(a !== 0 && b !== 0), "both"),
  row("or", 2, inferBool, (a, b) => bit(a !== 0 || b !== 0), "either"),
  row("not", 1, inferBool, (a) => bit(a === 0), "not"),
  row("is_finite", 1, inferBool, (a) => bit(Number.isFinite(a)), "neither NaN nor infinite"),
  {
    name: "where",
    doc: "where(c, a, b): a where c is true, else b",
    arity: 3,
    fusion: "elementwise",
    infer(args) {
      if (args[0].dtype !== "bool")
        throw new ShapeError(`the condition of where must be bool, found ${args[0].dtype}`, "dtype");
      const shape = broadcastShapes(args.map((a) => a.shape));
      const branches = args.slice(1);
      const bool = branches.every((a) => a.dtype === "bool");
      return { shape, dtype: bool ? "bool" : arithmeticDtype(branches, shape.length) };
    },
    scalar: (c, a, b) => (c !== 0 ? a : b),
    tolerance: exactly,
  },
  {
    name: "quantize",
    doc: "rounded to the nearest number (ties to even) of a storage dtype: attribute dtype",
    attributes: { dtype: "storage" },
    arity: 1,
    fusion: "elementwise",
    infer([a], attrs: Attrs) {
      if (!isStorageDtype(String(attrs.dtype)))
        throw new ShapeError(`quantize needs a storage dtype, found ${attrs.dtype}`, "dtype");
      return { shape: a.shape, dtype: floatOf(a.shape.length) };
    },
    evaluate: ([a], attrs) => a.data.map((x) => roundToStorage(attrs.dtype as StorageDtype, x)),
    tolerance: exactly,
  },
  {
    name: "cast",
    doc: "to another value dtype; to integers towards zero, to bool as non-zero",
    arity: 1,
    fusion: "elementwise",
    attributes: { to: "text" },
    infer([a], attrs: Attrs) {
      return { shape: a.shape, dtype: castDtype(String(attrs.to), a.shape.length) };
    },
    evaluate: ([a], attrs) =>
      a.data.map(
        attrs.to === "int"
          ? (x) => (Number.isNaN(x) ? 0 : Math.trunc(x))
          : attrs.to === "bool"
            ? (x) => bit(x !== 0)
            : (x) => x,
      ),
    tolerance: exactly,
  },
]);

function castDtype(to: string, rank: number): ValueDtype {
  switch (to) {
    case "float":
      return rank === 0 ? "f64" : "f32";
    case "int":
      return rank === 0 ? "i64" : "i32";
    case "bool":
      return "bool";
    default:
      throw new ShapeError(`cast knows float, int and bool, found ${to}`, "dtype");
  }
}
