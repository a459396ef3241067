/** Source rows: leaves of the graph. Tensors of files, constants, counters, random draws (spec/language.md, "Randomness"). */

import { isFloat, type StorageDtype, type ValueDtype } from "../dtype.js";
import type { Node, Shape } from "../graph.js";
import { elementBits, stepKey } from "../philox.js";
import { exactly, type OpRow, ShapeError, showShape, ulps, type Value } from "./row.js";

const numberDtype = (float: boolean, shape: Shape): ValueDtype =>
  shape.length === 0 ? (float ? "f64" : "i64") : float ? "f32" : "i32";

/** Elements of a random draw; an argument is the step that is mixed into the key. */
function draw(
  [step]: readonly Value[],
  attrs: { readonly [k: string]: unknown },
  size: number,
  element: (i: number, key: readonly [number, number]) => number,
): Float64Array {
  const fixed = attrs.key as readonly [number, number];
  const key = step === undefined ? fixed : stepKey(fixed, step.data[0]);
  return Float64Array.from({ length: size }, (_, i) => element(i, key));
}
const unit = (bits: number) => (bits >>> 8) * 2 ** -24;

const count = (shape: Shape) => shape.reduce((a, b) => a * b, 1);

/** The argument of a draw. */
function checkStep([step]: readonly Node[]): void {
  if (step !== undefined && step.dtype !== "i64") {
    throw new ShapeError(`the step of a draw must be i64 of rank 0, found ${step.dtype}`, "dtype");
  }
}

export const sources: readonly OpRow[] = [
  {
    name: "input",
    doc: "a tensor of a file: attributes source, name, dtype (as stored) and shape. Floats load as f32, BOOL as bool, other integers as i32; with rank 0 as f64, bool, i64",
    arity: 0,
    attributes: { source: "text", name: "text", dtype: "storage", shape: "shape" },
    fusion: "source",
    infer(_, attrs) {
      const stored = attrs.dtype as StorageDtype;
      const shape = attrs.shape as Shape;
      return { shape, dtype: stored === "BOOL" ? "bool" : numberDtype(isFloat(stored), shape) };
    },
    tolerance: exactly,
  },
  {
    name: "const",
    doc: "a rank-0 number or bool: attributes value, dtype",
    arity: 0,
    fusion: "host",
    attributes: { value: "number", dtype: "host" },
    infer(_, attrs) {
      if ((typeof attrs.value === "boolean") !== (attrs.dtype === "bool")) {
        throw new ShapeError(`a constant of dtype ${attrs.dtype} cannot be ${attrs.value}`, "dtype");
      }
      if (attrs.dtype === "i64" && !Number.isInteger(attrs.value)) {
        throw new ShapeError(`an i64 constant must be an integer, found ${attrs.value}`, "dtype");
      }
      return { shape: [], dtype: attrs.dtype as ValueDtype };
    },
    evaluate: (_, attrs) => Float64Array.of(Number(attrs.value)),
    tolerance: exactly,
  },
  {
    name: "iota",
    doc: "0, 1, .. along one axis (i32): attributes shape, axis",
    arity: 0,
    fusion: "source",
    attributes: { shape: "shape", axis: "whole" },
    infer(_, attrs) {
      const shape = attrs.shape as Shape;
      if ((attrs.axis as number) >= shape.length)
        throw new ShapeError(`${showShape(shape)} has no axis ${attrs.axis}`, "axis");
      return { shape, dtype: "i32" };
    },
    evaluate(_, attrs) {
      const shape = attrs.shape as Shape;
      const axis = attrs.axis as number;
      const inner = count(shape.slice(axis + 1));
      return Float64Array.from({ length: count(shape) }, (_x, i) => Math.floor(i / inner) % shape[axis]);
    },
    tolerance: exactly,
  },
  {
    name: "numbers",
    doc: "whole numbers that are known (i32): attributes shape, values (row-major)",
    arity: 0,
    fusion: "opaque",
    attributes: { shape: "shape", values: "positions" },
    infer(_, attrs) {
      const shape = attrs.shape as Shape;
      const { length } = attrs.values as readonly number[];
      if (count(shape) !== length)
        throw new ShapeError(`${showShape(shape)} has other elements than ${length} numbers`);
      return { shape, dtype: "i32" };
    },
    evaluate: (_, attrs) => Float64Array.from(attrs.values as readonly number[]),
    tolerance: exactly,
  },
  {
    name: "uniform",
    doc: "uniform numbers in [0, 1) with 24 random bits: attributes shape, key; an argument is the step of a loop for which it is drawn anew",
    arity: 0,
    optional: 1,
    fusion: "source",
    attributes: { shape: "shape", key: "key" },
    infer(args, attrs) {
      checkStep(args);
      return { shape: attrs.shape as Shape, dtype: numberDtype(true, attrs.shape as Shape) };
    },
    evaluate: (args, attrs) =>
      draw(args, attrs, count(attrs.shape as Shape), (i, key) => unit(elementBits(i, "packed", key))),
    tolerance: exactly,
  },
  {
    name: "normal",
    doc: "standard normal numbers by Box and Muller: sqrt(-2 log(1 - u)) cos(2 pi v): attributes shape, key; an argument is the step of a loop for which it is drawn anew",
    arity: 0,
    optional: 1,
    fusion: "source",
    attributes: { shape: "shape", key: "key" },
    infer(args, attrs) {
      checkStep(args);
      return { shape: attrs.shape as Shape, dtype: numberDtype(true, attrs.shape as Shape) };
    },
    evaluate: (args, attrs) =>
      draw(args, attrs, count(attrs.shape as Shape), (i, key) => {
        const u = 1 - unit(elementBits(i, 0, key));
        return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * unit(elementBits(i, 1, key)));
      }),
    tolerance: ulps(64, 512, 2e-5),
  },
  {
    name: "randint",
    doc: "integers 0 <= x < n, n at most 2^24 (i32): floor(u n): attributes shape, key, n; an argument as for uniform",
    arity: 0,
    optional: 1,
    fusion: "source",
    attributes: { shape: "shape", key: "key", n: "whole" },
    infer(args, attrs) {
      checkStep(args);
      const n = attrs.n as number;
      if (!(n >= 1 && n <= 2 ** 24)) throw new ShapeError(`randint needs 1 <= n <= 2^24, found ${n}`);
      return { shape: attrs.shape as Shape, dtype: numberDtype(false, attrs.shape as Shape) };
    },
    evaluate: (args, attrs) =>
      draw(args, attrs, count(attrs.shape as Shape), (i, key) =>
        Math.min(
          Math.floor(Math.fround(unit(elementBits(i, "packed", key)) * (attrs.n as number))),
          (attrs.n as number) - 1,
        ),
      ),
    tolerance: exactly,
  },
];
