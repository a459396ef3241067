/**
 * Rows that decide what a gradient sees: values that are constants to it, values that stand for others. They are
 * composites: gradients are built before passes run, and `expand` leaves the value alone.
 */
import { elementBits, stepKey } from "../philox.js";
import { flat } from "./adjoint.js";
import { exactly, type OpRow, ShapeError, sameShape, showShape, ulps } from "./row.js";

export const passing: readonly OpRow[] = [
  {
    name: "stop_gradient",
    doc: "the value itself, a constant to gradients",
    arity: 1,
    fusion: "composite",
    infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
    evaluate: ([x]) => x.data,
    expand: (_g, [x]) => x,
    gradient: flat,
    tolerance: exactly,
  },
  {
    name: "straight_through",
    doc: "arguments value, like: the value itself, whose gradient goes to `like` unchanged",
    arity: 2,
    fusion: "composite",
    infer([value, like]) {
      if (!sameShape(value.shape, like.shape) || value.dtype !== like.dtype) {
        const [a, b] = [value, like].map((x) => `${x.dtype} ${showShape(x.shape)}`);
        throw new ShapeError(`straight_through takes two values of one shape and dtype, found ${a} and ${b}`);
      }
      return { shape: value.shape, dtype: value.dtype };
    },
    evaluate: ([value]) => value.data,
    expand: (_g, [value]) => value,
    gradient: (_g, _node, up) => [null, up],
    tolerance: exactly,
  },
  {
    name: "dropout",
    doc: "arguments x, rate (rank 0) and perhaps the step of a loop: elements fall to 0 where a uniform draw is below the rate, the others are divided by 1 - rate: attribute key",
    arity: 2,
    optional: 1,
    fusion: "composite",
    attributes: { key: "key" },
    infer([x, rate, step]) {
      if (rate.shape.length > 0 || rate.dtype === "bool")
        throw new ShapeError(`the rate of dropout is a number, found ${rate.dtype} ${showShape(rate.shape)}`);
      if (step !== undefined && step.dtype !== "i64")
        throw new ShapeError(`the step of a draw must be i64 of rank 0, found ${step.dtype}`, "dtype");
      return { shape: x.shape, dtype: x.shape.length === 0 ? "f64" : "f32" };
    },
    evaluate([x, rate, step], attrs, _node, round) {
      const fixed = attrs.key as readonly [number, number];
      const key = step === undefined ? fixed : stepKey(fixed, step.data[0]);
      const [below] = rate.data;
      return x.data.map((each, i) => {
        const draw = (elementBits(i, "packed", key) >>> 8) * 2 ** -24;
        return draw >= below ? round(each / (1 - below)) : 0;
      });
    },
    expand(g, [x, rate, ...step], attrs) {
      const draws = g.make("uniform", step, { shape: x.shape, key: attrs.key });
      const scale = g.make("div", [g.constant(1), g.make("sub", [g.constant(1), rate])]);
      // At rate 1 nothing stays, and the scale must not be infinite.
      const finite = g.make("where", [g.make("lt", [rate, g.constant(1)]), scale, g.constant(0, true)]);
      const zero = g.constant(0, true);
      return g.make("where", [g.make("ge", [draws, rate]), g.make("mul", [x, finite]), zero]);
    },
    // Linear in x, with the same draws.
    gradient: (g, node, up) => [
      g.make("dropout", [up, ...node.args.slice(1)], node.attrs),
      ...node.args.slice(1).map(() => null),
    ],
    tolerance: ulps(2, 4),
  },
];
