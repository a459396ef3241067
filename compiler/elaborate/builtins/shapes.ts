/** Builtin functions about shapes: sizes, reshaping, joining, making. */
import type { Expr, Span } from "../../../grammar/index.js";
import { type Node, sizeOf } from "../../ir/index.js";
import { type Context, stop } from "../context.js";
import { evaluate, itemsOf, staticInt } from "../evaluate.js";
import { makeNode, reshaped } from "../operators.js";
import { describe, float, int, list, type TensorValue, tensor, type Value } from "../value.js";
import { axisOf, type Builtin, overOf, tensorArg } from "./builtin.js";
import { modelSize } from "./reductions.js";

function shapeArg(context: Context, value: Value, span: Span): number[] {
  if (value.kind === "number") return [staticInt(context, value, span)];
  const shape = itemsOf(context, value, span).map((v) => staticInt(context, v, span));
  if (shape.some((d) => d < 0) || sizeOf(shape) > 2 ** 40)
    return stop(context, "H005", `[${shape.join(", ")}] is not a shape`, span);
  return shape;
}

/** A constant in every position of a shape. */
export function filled(context: Context, value: number, shape: readonly number[], span: Span): TensorValue {
  const one = context.graph.constant(value, true);
  return tensor(shape.length === 0 ? one : makeNode(context, "broadcast", [one], { shape: [...shape] }, span));
}

const filledLike = (value: number): Builtin => ({
  params: ["x"],
  lifts: true,
  run: (context, { values, span }) => {
    const x = tensorArg(context, values.get("x")!, span);
    return { ...filled(context, value, x.node.shape, span), axes: x.axes };
  },
});

const filledShape = (value: number): Builtin => ({
  params: ["shape"],
  lifts: true,
  run: (context, { values, span }) => filled(context, value, shapeArg(context, values.get("shape")!, span), span),
});

/** Axis of a list of tensors; a name that no tensor has is a new name (stack). */
function joinAxis(context: Context, expr: Expr | undefined, of: TensorValue): { at: number; name: string | null } {
  if (expr === undefined) return { at: 0, name: null };
  if (expr.kind === "name" && !of.axes?.includes(expr.name.text)) {
    const known = context.names.own.get(expr.name.text);
    if (known === undefined) return { at: 0, name: expr.name.text };
  }
  return { at: axisOf(context, expr, of), name: null };
}

function tensorsOf(context: Context, value: Value, name: string, span: Span): TensorValue[] {
  const items = itemsOf(context, value, span).map((v) => tensorArg(context, v, span));
  if (items.length === 0) return stop(context, "H005", `${name} of an empty list has no shape`, span);
  return items;
}

export const shapes: Readonly<Record<string, Builtin>> = {
  zeros: filledShape(0),
  ones: filledShape(1),
  zeros_like: filledLike(0),
  ones_like: filledLike(1),
  size: {
    params: ["x", "over?"],
    axes: ["over"],
    lifts: true,
    run(context, { values, expressions, span }) {
      const x = tensorArg(context, values.get("x")!, span);
      const over = overOf(context, expressions.get("over"), x);
      if (over.kind === "axes") return int(over.axes.reduce((n, a) => n * x.node.shape[a], 1));
      return over.scope === "tensor" ? int(sizeOf(x.node.shape)) : modelSize(context, x, span);
    },
  },
  shape: {
    params: ["x"],
    lifts: true,
    run: (context, { values, span }) => list(tensorArg(context, values.get("x")!, span).node.shape.map(int)),
  },
  reshape: {
    params: ["x", "shape"],
    lifts: true,
    run(context, { values, span }) {
      const x = tensorArg(context, values.get("x")!, span);
      return tensor(reshaped(context, x.node, shapeArg(context, values.get("shape")!, span), span), x.space);
    },
  },
  flatten: {
    params: ["x"],
    lifts: true,
    run(context, { values, span }) {
      const x = tensorArg(context, values.get("x")!, span);
      return tensor(makeNode(context, "reshape", [x.node], { shape: [sizeOf(x.node.shape)] }, span), x.space);
    },
  },
  concat: {
    params: ["xs", "axis?"],
    axes: ["axis"],
    lifts: true,
    run(context, { values, expressions, span }) {
      const xs = tensorsOf(context, values.get("xs")!, "concat", span);
      const { at } = joinAxis(context, expressions.get("axis"), xs[0]);
      const node = makeNode(
        context,
        "concat",
        xs.map((x) => x.node),
        { axis: at },
        span,
      );
      return tensor(node, xs.every((x) => x.space === "weight") ? "weight" : "tensor");
    },
  },
  stack: {
    params: ["xs", "axis?"],
    axes: ["axis"],
    lifts: true,
    run(context, { values, expressions, span }) {
      const xs = tensorsOf(context, values.get("xs")!, "stack", span);
      const expr = expressions.get("axis");
      const named = expr?.kind === "name" && !xs[0].axes?.includes(expr.name.text) ? expr.name.text : null;
      const asked = expr === undefined || named !== null ? 0 : staticInt(context, evaluate(context, expr), expr.span);
      const rank = xs[0].node.shape.length;
      const at = asked < 0 ? asked + rank + 1 : asked;
      if (at < 0 || at > rank)
        return stop(context, "H004", `there is no place ${asked} for a new axis in ${describe(xs[0])}`, span);
      const slabs = xs.map((x): Node => {
        const shape = [...x.node.shape.slice(0, at), 1, ...x.node.shape.slice(at)];
        return makeNode(
          context,
          "reshape",
          [x.node.shape.length === 0 ? makeNode(context, "broadcast", [x.node], { shape: [1] }, span) : x.node],
          { shape },
          span,
        );
      });
      const node = makeNode(context, "concat", slabs, { axis: at }, span);
      const names = [...(xs[0].axes ?? new Array<string | null>(rank).fill(null))];
      names.splice(at, 0, named);
      return tensor(node, xs.every((x) => x.space === "weight") ? "weight" : "tensor", names);
    },
  },
  iota: {
    params: ["x"],
    lifts: true,
    run(context, { values, span }) {
      const x = values.get("x")!;
      const n =
        x.kind === "tensor" && x.node.shape.length > 0
          ? x.node.shape[0]
          : x.kind === "list"
            ? x.items.length
            : staticInt(context, x, span);
      return tensor(makeNode(context, "iota", [], { shape: [n], axis: 0 }, span));
    },
  },
  infinity: { params: [], lifts: false, run: () => float(Infinity) },
};
