/** Builtin functions of images [n, channels, height, width]: convolution and pooling. Lengths are for both axes, or [height, width]. */
import type { Span } from "../../../grammar/index.js";
import { type Context, stop } from "../context.js";
import { itemsOf, staticInt } from "../evaluate.js";
import { makeNode } from "../operators.js";
import { tensor, type Value } from "../value.js";
import { type Builtin, tensorArg } from "./builtin.js";

/** A length for each of the two axes. */
function pair(context: Context, value: Value | undefined, otherwise: number, least: number, span: Span): number[] {
  const given = value === undefined || value.kind === "none" ? otherwise : value;
  const lengths =
    typeof given === "number"
      ? [given, given]
      : given.kind === "number"
        ? [staticInt(context, given, span), staticInt(context, given, span)]
        : itemsOf(context, given, span).map((v) => staticInt(context, v, span));
  if (lengths.length === 2 && lengths.every((n) => n >= least && n < 2 ** 31)) return lengths;
  return stop(context, "H005", `expected a length from ${least} on, or two, found ${lengths.join(", ")}`, span, {
    help: "write 2, or [2, 3] for the height and the width",
  });
}

const pool = (op: "max_pool" | "mean_pool"): Builtin => ({
  params: ["x", "size", "stride?", "padding?"],
  lifts: false,
  run(context, { values, span }) {
    const kernel = pair(context, values.get("size"), 1, 1, span);
    const stride = values.has("stride") ? pair(context, values.get("stride"), 1, 1, span) : kernel;
    const attrs = { kernel, stride, padding: pair(context, values.get("padding"), 0, 0, span), dilation: [1, 1] };
    return tensor(makeNode(context, op, [tensorArg(context, values.get("x")!, span).node], attrs, span));
  },
});

export const images: Readonly<Record<string, Builtin>> = {
  conv2d: {
    params: ["x", "weight", "bias?", "stride?", "padding?", "dilation?", "groups?"],
    lifts: false,
    run(context, { values, span }) {
      const bias = values.get("bias");
      const given = [
        values.get("x")!,
        values.get("weight")!,
        ...(bias === undefined || bias.kind === "none" ? [] : [bias]),
      ];
      const groups = values.get("groups");
      const attrs = {
        stride: pair(context, values.get("stride"), 1, 1, span),
        padding: pair(context, values.get("padding"), 0, 0, span),
        dilation: pair(context, values.get("dilation"), 1, 1, span),
        groups: groups === undefined ? 1 : staticInt(context, groups, span),
      };
      const nodes = given.map((v) => tensorArg(context, v, span).node);
      return tensor(makeNode(context, "conv2d", nodes, attrs, span));
    },
  },
  max_pool: pool("max_pool"),
  mean_pool: pool("mean_pool"),
};
