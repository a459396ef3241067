/**
 * Rows of loops at run time. A body of `graph.loops` is a part of the graph over its `variable` leaves; a `loop` node
 * starts it from initial values and is, as a number, the steps that were run; `loop_result` is one of its final values.
 */
import type { ValueDtype } from "../dtype.js";
import type { Shape } from "../graph.js";
import { exactly, type OpRow, ShapeError, showShape } from "./row.js";

const onHost = new Set<ValueDtype>(["f64", "i64", "bool"]);
const onDevice = new Set<ValueDtype>(["f32", "i32", "bool"]);

export const loops: readonly OpRow[] = [
  {
    name: "variable",
    doc: "a value that a loop or a caller gives: attributes id, shape, dtype (f32, i32, bool; with rank 0 f64, i64, bool)",
    arity: 0,
    fusion: "source",
    attributes: { id: "label", shape: "shape", dtype: "value" },
    infer(_, attrs) {
      const shape = attrs.shape as Shape;
      const dtype = attrs.dtype as ValueDtype;
      if (!(shape.length === 0 ? onHost : onDevice).has(dtype)) {
        throw new ShapeError(`a variable of shape ${showShape(shape)} cannot be ${dtype}`, "dtype");
      }
      return { shape, dtype };
    },
    tolerance: exactly,
  },
  {
    name: "loop",
    doc: "runs a body of graph.loops; arguments: the initial values and, without attribute count, how often (i64). The value is the number of steps that were run",
    arity: "any",
    fusion: "loop",
    attributes: { body: "whole", "count?": "whole" },
    infer(args, attrs) {
      if (args.length === 0 && attrs.count === undefined) throw new ShapeError("a loop needs a number of steps");
      const times = attrs.count === undefined ? args[args.length - 1] : null;
      if (times !== null && times.dtype !== "i64") {
        throw new ShapeError(`the number of steps of a loop must be i64 of rank 0, found ${times.dtype}`, "dtype");
      }
      return { shape: [], dtype: "i64" };
    },
    noGradient: "a loop at run time has no gradient; one whose steps are static and few can be unrolled",
    tolerance: exactly,
  },
  {
    name: "loop_result",
    doc: "argument loop; attribute index: the final value of this one of its initial values",
    arity: 1,
    fusion: "loop",
    attributes: { index: "whole" },
    infer([loop], attrs) {
      const state = loop.op === "loop" ? loop.args.slice(0, stateCount(loop.args.length, loop.attrs)) : [];
      const value = state[attrs.index as number];
      if (value === undefined) throw new ShapeError(`loop_result ${attrs.index} of a value that has ${state.length}`);
      return { shape: value.shape, dtype: value.dtype };
    },
    noGradient: "a loop at run time has no gradient; one whose steps are static and few can be unrolled",
    tolerance: exactly,
  },
];

/** How many of a loop's arguments are initial values. */
function stateCount(args: number, attrs: { readonly [name: string]: unknown }): number {
  return attrs.count === undefined ? args - 1 : args;
}
