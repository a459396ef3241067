/**
 * Reduction rows. `reduce_*` drop or keep the axes they reduce; over all axes (keep = false) the result is rank 0 and
 * lives on the host as f64, reduced by blocks of fixed size. `total`, `largest`, `smallest` put together the rank-0
 * parts of the places of a model.
 */
import type { Attrs, Graph, Node, Shape } from "../graph.js";
import { flat, shareAmongEqual, spread } from "./adjoint.js";
import { exactly, type Gradient, type OpRow, ShapeError, showShape, type Tolerance, type Value } from "./row.js";
import { stridesOf } from "./views.js";

const count = (shape: Shape) => shape.reduce((a, b) => a * b, 1);

export const reductionAttributes = { axes: "axes", "keep?": "flag" } as const;

/** The axes that a reduction drops or keeps; throws ShapeError when the argument lacks one. */
export function axesOf([a]: readonly Node[], attrs: Attrs): { axes: readonly number[]; keep: boolean } {
  const axes = attrs.axes as readonly number[];
  for (const axis of axes) {
    if (axis >= a.shape.length) throw new ShapeError(`${showShape(a.shape)} has no axis ${axis}`, "axis");
  }
  return { axes, keep: attrs.keep === true };
}

export function reducedShape(shape: Shape, axes: readonly number[], keep: boolean): Shape {
  if (keep) return shape.map((d, i) => (axes.includes(i) ? 1 : d));
  return shape.filter((_, i) => !axes.includes(i));
}

/** Folds the elements of each group; `step` also sees the position within the group (row-major over the reduced axes). */
function foldGroups(
  a: Value,
  axes: readonly number[],
  initial: number,
  step: (acc: number, x: number, at: number) => number,
): Float64Array {
  const shape = a.shape;
  const kept = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const strides = stridesOf(shape);
  const outerShape = kept.map((i) => shape[i]);
  const innerAxes = shape.map((_, i) => i).filter((i) => axes.includes(i));
  const innerShape = innerAxes.map((i) => shape[i]);
  const offsets = (axesList: readonly number[], box: Shape) => {
    const boxStrides = stridesOf(box);
    return Array.from({ length: count(box) }, (_, n) =>
      axesList.reduce((sum, axis, j) => sum + (Math.floor(n / boxStrides[j]) % box[j]) * strides[axis], 0),
    );
  };
  const outer = offsets(kept, outerShape);
  const inner = offsets(innerAxes, innerShape);
  return Float64Array.from(outer, (o) => {
    let acc = initial;
    for (let j = 0; j < inner.length; j++) acc = step(acc, a.data[o + inner[j]], j);
    return acc;
  });
}

/** Arguments that are equal to the largest (or smallest) share its gradient equally. */
const shareAmongArguments: Gradient = (g: Graph, node, up) => {
  const equal = node.args.map((arg) => g.make("eq", [arg, node]));
  const count = g.make(
    "total",
    equal.map((each) => g.make("cast", [each], { to: "float" })),
  );
  const share = g.make("div", [up, count]);
  return equal.map((each) => g.make("where", [each, share, g.constant(0, true)]));
};

const sumTolerance: { wasm: Tolerance; wgsl: Tolerance } = {
  wasm: { ulp: 64, abs: 1e-6 },
  wgsl: { ulp: 256, abs: 1e-5 },
};

function reduction(
  fn: "sum" | "max" | "min",
  initial: number,
  step: (acc: number, x: number) => number,
  tolerance: OpRow["tolerance"],
): OpRow {
  return {
    name: `reduce_${fn}`,
    doc: `${fn} over the attribute axes (keep: they stay with length 1)`,
    arity: 1,
    fusion: "reduce",
    attributes: reductionAttributes,
    infer(args, attrs) {
      const { axes, keep } = axesOf(args, attrs);
      const shape = reducedShape(args[0].shape, axes, keep);
      const integer = args[0].dtype === "i32" || args[0].dtype === "i64";
      return { shape, dtype: shape.length === 0 ? (integer ? "i64" : "f64") : integer ? "i32" : "f32" };
    },
    evaluate: ([a], attrs) => foldGroups(a, attrs.axes as readonly number[], initial, (acc, x) => step(acc, x)),
    gradient: fn === "sum" ? (g, node, up) => [spread(g, up, node.args[0].shape, node.attrs)] : shareAmongEqual,
    tolerance,
  };
}

export const reductions: readonly OpRow[] = [
  reduction("sum", 0, (acc, x) => acc + x, sumTolerance),
  reduction("max", -Infinity, Math.max, exactly),
  reduction("min", Infinity, Math.min, exactly),
  {
    name: "reduce_argmax",
    doc: "position of the first largest element along the attribute axes, row-major among them",
    arity: 1,
    fusion: "reduce",
    attributes: reductionAttributes,
    infer(args, attrs) {
      const { axes, keep } = axesOf(args, attrs);
      const shape = reducedShape(args[0].shape, axes, keep);
      return { shape, dtype: shape.length === 0 ? "i64" : "i32" };
    },
    evaluate([a], attrs) {
      const best = new Map<number, number>();
      let group = -1;
      return foldGroups(a, attrs.axes as readonly number[], 0, (acc, x, at) => {
        if (at === 0) {
          group++;
          best.set(group, x);
          return 0;
        }
        if (x > best.get(group)!) {
          best.set(group, x);
          return at;
        }
        return acc;
      });
    },
    gradient: flat,
    tolerance: exactly,
  },
  ...(
    [
      ["total", "sum", 0, (a: number, b: number) => a + b],
      ["largest", "largest", -Infinity, Math.max],
      ["smallest", "smallest", Infinity, Math.min],
    ] as const
  ).map(
    ([name, word, initial, step]): OpRow => ({
      name,
      doc: `${word} of rank-0 values, one a place, in the order of the places; f64 unless attribute integer says i64`,
      arity: "any",
      fusion: "host",
      attributes: { "integer?": "flag" },
      infer(args, attrs) {
        const tensor = args.find((a) => a.shape.length > 0);
        if (tensor !== undefined) throw new ShapeError(`${name} takes rank-0 values, found ${showShape(tensor.shape)}`);
        const wrong = args.find((a) => attrs.integer === true && a.dtype !== "i64");
        if (wrong !== undefined)
          throw new ShapeError(`an integer ${name} takes i64 values, found ${wrong.dtype}`, "dtype");
        return { shape: [], dtype: attrs.integer === true ? "i64" : "f64" };
      },
      evaluate: (args) => Float64Array.of(args.reduce((acc, a) => step(acc, a.data[0]), initial)),
      gradient: name === "total" ? (_g, node, up) => node.args.map(() => up) : shareAmongArguments,
      tolerance: exactly,
    }),
  ),
];
