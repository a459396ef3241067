/** Builtin functions of networks: activations, products by letters, gathering rows. */

import type { Node } from "../../ir/index.js";
import { stop } from "../context.js";
import { staticInt } from "../evaluate.js";
import { makeNode } from "../operators.js";
import { notePositions } from "../ranges.js";
import { describe, tensor } from "../value.js";
import { axisOf, type Builtin, tensorArg } from "./builtin.js";
import { rowsOf } from "./datasets.js";
import { pointwise } from "./elementwise.js";

const activation = (op: string): Builtin => ({
  params: ["x"],
  lifts: true,
  run: (context, { values, span }) => pointwise(context, op, [values.get("x")!], span),
});

export const networks: Readonly<Record<string, Builtin>> = {
  relu: activation("relu"),
  silu: activation("silu"),
  gelu: activation("gelu"),
  softplus: activation("softplus"),
  erf: activation("erf"),
  log1p: activation("log1p"),
  einsum: {
    params: ["..."],
    lifts: true,
    run(context, { rest, span }) {
      const [spec, ...xs] = rest;
      if (spec?.kind !== "string")
        return stop(
          context,
          "T001",
          `einsum takes letters first, as in einsum("ij,jk->ik", a, b), found ${spec === undefined ? "nothing" : describe(spec)}`,
          span,
        );
      return tensor(
        makeNode(
          context,
          "einsum",
          xs.map((x) => tensorArg(context, x, span).node),
          { spec: spec.value },
          span,
        ),
      );
    },
  },
  take: {
    params: ["x", "i", "axis?"],
    axes: ["axis"],
    lifts: true,
    run(context, { values, expressions, span }) {
      const from = values.get("x")!;
      const rows = tensorArg(context, values.get("i")!, span).node;
      if (from.kind === "table") return rowsOf(context, from, rows, span);
      const x = tensorArg(context, from, span);
      const expr = expressions.get("axis");
      const at = expr === undefined ? 0 : axisOf(context, expr, x);
      const move = (node: Node, perm: readonly number[]) =>
        makeNode(context, "transpose", [node], { perm: [...perm] }, span);
      notePositions(context, rows, { limit: x.node.shape[at] ?? 0, what: "rows", ignored: null }, span);
      if (at === 0) return tensor(makeNode(context, "take", [x.node, rows], {}, span), x.space);
      // The axis comes first, its slices are taken, and the axes of the indices go where it was.
      const others = x.node.shape.map((_, axis) => axis).filter((axis) => axis !== at);
      const taken = makeNode(context, "take", [move(x.node, [at, ...others]), rows], {}, span);
      const index = rows.shape.map((_, axis) => axis);
      const rest = others.map((_, axis) => rows.shape.length + axis);
      return tensor(move(taken, [...rest.slice(0, at), ...index, ...rest.slice(at)]), x.space);
    },
  },
  one_hot: {
    params: ["i", "n", "ignore?"],
    lifts: true,
    run(context, { values, span }) {
      const { node } = tensorArg(context, values.get("i")!, span);
      const depth = staticInt(context, values.get("n")!, span);
      const ignored = values.has("ignore") ? staticInt(context, values.get("ignore")!, span) : null;
      notePositions(context, node, { limit: depth, what: "classes", ignored }, span);
      return tensor(makeNode(context, "one_hot", [node], { depth }, span));
    },
  },
};
