/** Source rows: leaves of the graph. Tensors of files, constants, counters, random draws (spec/language.md, "Randomness"). */
import { elementBits } from "../../kernels/index.js";
import type { ValueDtype } from "../dtype.js";
import type { Shape } from "../graph.js";
import { exactly, type OpRow, ShapeError, ulps } from "./row.js";

const isFloatDtype = (dtype: string) => /^(F|BF)/.test(dtype);

/** Elements of a random draw. `u` is uniform in [0, 1) with 24 bits. */
function draw(attrs: { readonly [k: string]: unknown }, size: number, element: (i: number, key: readonly [number, number]) => number): Float64Array {
  const key = attrs.key as readonly [number, number];
  return Float64Array.from({ length: size }, (_, i) => element(i, key));
}
const unit = (bits: number) => (bits >>> 8) * 2 ** -24;

const count = (shape: Shape) => shape.reduce((a, b) => a * b, 1);

export const sources: readonly OpRow[] = [
  {
    name: "input",
    doc: "a tensor of a file: attributes source, name, dtype (as stored) and shape. Floats load as f32, BOOL as bool, other integers as i32",
    arity: 0,
    fusion: "source",
    infer(_, attrs) {
      const stored = String(attrs.dtype);
      const dtype: ValueDtype = isFloatDtype(stored) ? "f32" : stored === "BOOL" ? "bool" : "i32";
      return { shape: attrs.shape as Shape, dtype };
    },
    tolerance: exactly,
  },
  {
    name: "const",
    doc: "a rank-0 number or bool",
    arity: 0,
    fusion: "host",
    infer: (_, attrs) => ({ shape: [], dtype: attrs.dtype as ValueDtype }),
    evaluate: (_, attrs) => Float64Array.of(Number(attrs.value)),
    tolerance: exactly,
  },
  {
    name: "iota",
    doc: "0, 1, .. along one axis (i32): attributes shape, axis",
    arity: 0,
    fusion: "source",
    infer: (_, attrs) => ({ shape: attrs.shape as Shape, dtype: "i32" }),
    evaluate(_, attrs) {
      const shape = attrs.shape as Shape;
      const axis = attrs.axis as number;
      const inner = count(shape.slice(axis + 1));
      return Float64Array.from({ length: count(shape) }, (_x, i) => Math.floor(i / inner) % shape[axis]);
    },
    tolerance: exactly,
  },
  {
    name: "uniform",
    doc: "uniform numbers in [0, 1) with 24 random bits: attributes shape, key",
    arity: 0,
    fusion: "source",
    infer: (_, attrs) => ({ shape: attrs.shape as Shape, dtype: "f32" }),
    evaluate: (_, attrs) => draw(attrs, count(attrs.shape as Shape), (i, key) => unit(elementBits(i, "packed", key))),
    tolerance: exactly,
  },
  {
    name: "normal",
    doc: "standard normal numbers by Box and Muller: sqrt(-2 log(1 - u)) cos(2 pi v): attributes shape, key",
    arity: 0,
    fusion: "source",
    infer: (_, attrs) => ({ shape: attrs.shape as Shape, dtype: "f32" }),
    evaluate: (_, attrs) =>
      draw(attrs, count(attrs.shape as Shape), (i, key) => {
        const u = 1 - unit(elementBits(i, 0, key));
        return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * unit(elementBits(i, 1, key)));
      }),
    tolerance: ulps(64, 512, 2e-5),
  },
  {
    name: "randint",
    doc: "integers 0 <= x < n, n at most 2^24 (i32): floor(u n): attributes shape, key, n",
    arity: 0,
    fusion: "source",
    infer(_, attrs) {
      const n = attrs.n as number;
      if (!(Number.isInteger(n) && n >= 1 && n <= 2 ** 24)) throw new ShapeError(`randint needs 1 <= n <= 2^24, found ${n}`);
      return { shape: attrs.shape as Shape, dtype: "i32" };
    },
    evaluate: (_, attrs) =>
      draw(attrs, count(attrs.shape as Shape), (i, key) =>
        Math.min(Math.floor(Math.fround(unit(elementBits(i, "packed", key)) * (attrs.n as number))), (attrs.n as number) - 1),
      ),
    tolerance: exactly,
  },
];
