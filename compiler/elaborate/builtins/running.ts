/** Builtin functions along an axis that keep its elements apart: running sums, and the largest of each row. */
import type { Node } from "../../ir/index.js";
import { type Context, stop } from "../context.js";
import { staticInt } from "../evaluate.js";
import { makeNode } from "../operators.js";
import { describe, tensor } from "../value.js";
import { type Arguments, axisOf, type Builtin, tensorArg } from "./builtin.js";
import { larger, smaller } from "./elementwise.js";

/** A tensor with rows, and how many of each row are meant. */
function rowsArg(context: Context, { values, span }: Arguments): { readonly x: Node; readonly k: number } {
  const x = tensorArg(context, values.get("x")!, span);
  const k = staticInt(context, values.get("k")!, span);
  const width = x.node.shape[x.node.shape.length - 1];
  if (width === undefined) return stop(context, "H005", `expected a tensor with rows, found ${describe(x)}`, span);
  if (k < 0 || k > width)
    return stop(context, "H005", `a row of ${describe(x)} has ${width} entries, ${k} are asked for`, span);
  return { x: x.node, k };
}

export const running: Readonly<Record<string, Builtin>> = {
  cumsum: {
    params: ["x", "axis?"],
    axes: ["axis"],
    lifts: true,
    run(context, { values, expressions, span }) {
      const x = tensorArg(context, values.get("x")!, span);
      const expr = expressions.get("axis");
      if (x.node.shape.length === 0)
        return stop(context, "H005", `expected a tensor with axes, found ${describe(x)}`, span);
      const axis = expr === undefined ? x.node.shape.length - 1 : axisOf(context, expr, x);
      return tensor(makeNode(context, "cumsum", [x.node], { axis }, span), "tensor", x.axes);
    },
  },
  maximum: {
    params: ["a", "b"],
    lifts: true,
    run: (context, { values, span }) => larger(context, values.get("a")!, values.get("b")!, span),
  },
  minimum: {
    params: ["a", "b"],
    lifts: true,
    run: (context, { values, span }) => smaller(context, values.get("a")!, values.get("b")!, span),
  },
  keep_top: {
    params: ["x", "k"],
    lifts: true,
    run(context, args) {
      const { x, k } = rowsArg(context, args);
      const top = makeNode(context, "row_top", [x], { k }, args.span);
      return tensor(makeNode(context, "where", [top, x, context.graph.constant(0, true)], {}, args.span));
    },
  },
  top_k: {
    params: ["x", "k"],
    lifts: true,
    run(context, args) {
      const { x, k } = rowsArg(context, args);
      const make = (op: string, nodes: readonly Node[], attrs = {}) => makeNode(context, op, nodes, attrs, args.span);
      const [lead, width] = [x.shape.slice(0, -1), x.shape[x.shape.length - 1]];
      const apart = (node: Node) => make("reshape", [node], { shape: [...lead, 1, width] });
      // Row j of the new axis marks the entry of rank j.
      const marks = make("eq", [apart(make("row_rank", [x])), make("iota", [], { shape: [k, 1], axis: 0 })]);
      const pick = (of: Node, zero: Node) =>
        tensor(make("reduce_sum", [make("where", [marks, of, zero])], { axes: [lead.length + 1], keep: false }));
      const values = pick(apart(x), context.graph.constant(0, true));
      const indices = pick(make("iota", [], { shape: [width], axis: 0 }), context.graph.constant(0));
      return {
        kind: "record",
        fields: new Map([
          ["values", values],
          ["indices", indices],
        ]),
      };
    },
  },
};
