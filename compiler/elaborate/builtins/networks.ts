/** Builtin functions of networks: activations, products by letters, gathering rows. */
import { stop } from "../context.js";
import { staticInt } from "../evaluate.js";
import { makeNode } from "../operators.js";
import { describe, tensor } from "../value.js";
import { type Builtin, tensorArg } from "./builtin.js";
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
    params: ["x", "i"],
    lifts: true,
    run: (context, { values, span }) => {
      const x = tensorArg(context, values.get("x")!, span);
      return tensor(
        makeNode(context, "take", [x.node, tensorArg(context, values.get("i")!, span).node], {}, span),
        x.space,
      );
    },
  },
  one_hot: {
    params: ["i", "n"],
    lifts: true,
    run: (context, { values, span }) =>
      tensor(
        makeNode(
          context,
          "one_hot",
          [tensorArg(context, values.get("i")!, span).node],
          { depth: staticInt(context, values.get("n")!, span) },
          span,
        ),
      ),
  },
};
