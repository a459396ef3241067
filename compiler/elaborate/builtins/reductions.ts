/**
 * Reductions. On a List, or with several arguments, `sum mean max min count any all argmax` work per position; on one
 * tensor they reduce it over a scope or over axes.
 */
import type { Span } from "../../../grammar/index.js";
import type { Node } from "../../ir/index.js";
import { type Context, stop } from "../context.js";
import { binary, makeNode, nodeOf, overModel, thresholdOf } from "../operators.js";
import { describe, float, int, type TensorValue, tensor, type Value } from "../value.js";
import { type Arguments, type Builtin, type Over, overOf, tensorArg } from "./builtin.js";
import { larger, pointwise, smaller } from "./elementwise.js";

/** Reduces with a row of the registry over axes; with a scope over all axes. */
function reduceAxes(
  context: Context,
  op: string,
  xs: readonly TensorValue[],
  over: Over,
  span: Span,
  attrs: Record<string, boolean> = {},
): TensorValue {
  const [x] = xs;
  const all = x.node.shape.map((_, i) => i);
  const axes = over.kind === "scope" ? all : over.axes;
  const keep = over.kind === "axes" && over.keep;
  const node = makeNode(
    context,
    op,
    xs.map((v) => v.node),
    { axes: [...axes], keep, ...attrs },
    span,
  );
  const names =
    x.axes === null || over.kind === "scope" ? null : keep ? x.axes : x.axes.filter((_, i) => !axes.includes(i));
  return tensor(node, "tensor", names);
}

/** A sum, maximum or minimum of parts over the places of the model. */
function overPlaces(context: Context, op: "total" | "largest" | "smallest", part: Node, span: Span): TensorValue {
  return tensor(overModel(context, op, [], part, span).node);
}

type Kind = "sum" | "mean" | "max" | "min" | "count" | "norm2" | "norm1" | "dot" | "var";

/** One statistic of one or two tensors over anything. */
export function reduce(
  context: Context,
  kind: Kind,
  xs: readonly TensorValue[],
  over: Over,
  span: Span,
  unbiased = false,
): TensorValue {
  if (over.kind === "scope" && over.scope === "model") return reduceModel(context, kind, xs, span, unbiased);
  const attrs: Record<string, boolean> = kind === "var" ? { unbiased } : {};
  const op = kind === "sum" || kind === "max" || kind === "min" ? `reduce_${kind}` : kind;
  return reduceAxes(context, op, xs, over, span, attrs);
}

function reduceModel(
  context: Context,
  kind: Kind,
  xs: readonly TensorValue[],
  span: Span,
  unbiased: boolean,
): TensorValue {
  const tensorScope: Over = { kind: "scope", scope: "tensor" };
  const total = (x: TensorValue, inside: Kind) =>
    overPlaces(context, "total", reduce(context, inside, [x], tensorScope, span).node, span);
  const size = () => modelSize(context, xs[0], span);
  switch (kind) {
    case "sum":
    case "norm1":
    case "count":
      return total(xs[0], kind);
    case "max":
      return overPlaces(context, "largest", reduce(context, "max", xs, tensorScope, span).node, span);
    case "min":
      return overPlaces(context, "smallest", reduce(context, "min", xs, tensorScope, span).node, span);
    case "dot":
      return overPlaces(context, "total", reduce(context, "dot", xs, tensorScope, span).node, span);
    case "norm2":
      return pointwise(context, "sqrt", [total(pointwise(context, "mul", [xs[0], xs[0]], span), "sum")], span);
    case "mean":
      return pointwise(context, "div", [total(xs[0], "sum"), size()], span);
    case "var": {
      const d = pointwise(context, "sub", [xs[0], reduceModel(context, "mean", xs, span, false)], span);
      const n = unbiased ? pointwise(context, "sub", [size(), int(1)], span) : size();
      return pointwise(context, "div", [total(pointwise(context, "mul", [d, d], span), "sum"), n], span);
    }
  }
}

/** Number of elements of all selected places: rank 0, the same everywhere. */
export function modelSize(context: Context, x: TensorValue, span: Span): TensorValue {
  const own = context.graph.constant(x.node.shape.reduce((a, b) => a * b, 1));
  return overPlaces(context, "total", own, span);
}

/** The items to work on per position: those of a list, or several arguments. Null: one value, to be reduced. */
function positions(args: Arguments): readonly Value[] | null {
  if (args.rest.length > 1) return args.rest;
  const [only] = args.rest;
  return only?.kind === "list" || only?.kind === "tuple" ? only.items : null;
}

function reducing(
  name: string,
  kind: Kind,
  perPosition: (context: Context, items: readonly Value[], span: Span) => Value,
): Builtin {
  return {
    params: ["...", "over?"],
    axes: ["over"],
    lifts: true,
    run(context, args) {
      const items = positions(args);
      if (items !== null) {
        const over = args.expressions.get("over");
        if (over !== undefined)
          return stop(context, "T004", `${name} of a list works per position and takes no \`over\``, over.span, {
            help: `reduce each item first: [${name}(x, over = ..) for x in xs]`,
          });
        return perPosition(context, items, args.span);
      }
      const [x] = args.rest;
      if (x === undefined) return stop(context, "T003", `${name} needs an argument`, args.span);
      if (x.kind === "number" && args.expressions.get("over") === undefined) return x;
      if (x.kind !== "tensor" && x.kind !== "number")
        return stop(
          context,
          "T001",
          `${name} takes a tensor, a list or several values, found ${describe(x)}`,
          args.span,
        );
      const t = tensorArg(context, x, args.span);
      return reduce(context, kind, [t], overOf(context, args.expressions.get("over"), t), args.span);
    },
  };
}

/** Folds the items with a binary operation; an empty list has a neutral value or none. */
function foldItems(
  context: Context,
  items: readonly Value[],
  span: Span,
  name: string,
  empty: Value | null,
  f: (a: Value, b: Value) => Value,
): Value {
  if (items.length === 0) return empty ?? stop(context, "T001", `${name} of an empty list has no value`, span);
  return items.slice(1).reduce(f, items[0]);
}

export function sumItems(context: Context, items: readonly Value[], span: Span): Value {
  return foldItems(
    context,
    items.map((v) => asNumber(context, v, span)),
    span,
    "sum",
    int(0),
    (a, b) => binary(context, "+", a, b, span),
  );
}

function asNumber(context: Context, value: Value, span: Span): Value {
  if (value.kind === "bool") return int(value.value ? 1 : 0);
  if (value.kind === "tensor" && value.node.dtype === "bool")
    return pointwise(context, "cast", [value], span, { to: "float" });
  return value;
}

/** The mean of Weights is a Weight: it is summed as Tensors and stays a point. */
export function meanItems(context: Context, items: readonly Value[], span: Span): Value {
  if (items.length === 0) return stop(context, "T001", "mean of an empty list has no value", span);
  const sum = sumItems(context, items.map(asTensor), span);
  const mean = binary(context, "/", sum, int(items.length), span);
  const weights = items.every((v) => v.kind === "tensor" && v.space === "weight");
  return weights && mean.kind === "tensor" ? tensor(mean.node, "weight", mean.axes) : mean;
}

export function asTensor(value: Value): Value {
  return value.kind === "tensor" ? tensor(value.node, "tensor", value.axes) : value;
}

function countItems(context: Context, items: readonly Value[], span: Span): Value {
  return sumItems(
    context,
    items.map((v) => nonZero(context, v, span)),
    span,
  );
}

function nonZero(context: Context, value: Value, span: Span): Value {
  if (value.kind === "bool") return value;
  if (value.kind === "number") return int(value.value !== 0 ? 1 : 0);
  if (value.kind === "tensor" && value.node.dtype === "bool") return value;
  return pointwise(context, "ne", [value, int(0)], span);
}

function logical(op: "and" | "or"): Builtin {
  const empty: Value = { kind: "bool", value: op === "and" };
  return {
    params: ["...", "over?"],
    axes: ["over"],
    lifts: true,
    run(context, args) {
      const items = positions(args);
      if (items !== null)
        return foldItems(context, items, args.span, op, empty, (a, b) => binary(context, op, a, b, args.span));
      const t = tensorArg(context, args.rest[0], args.span);
      const truth = nonZero(context, t, args.span);
      const numbers = pointwise(context, "cast", [truth], args.span, { to: "float" });
      const found = reduce(
        context,
        op === "and" ? "min" : "max",
        [numbers],
        overOf(context, args.expressions.get("over"), t),
        args.span,
      );
      return pointwise(context, "ne", [found, int(0)], args.span);
    },
  };
}

/** Position of the first largest of the items. */
function argmaxItems(context: Context, items: readonly Value[], span: Span): Value {
  if (items.length === 0) return stop(context, "T001", "argmax of an empty list has no value", span);
  let best: Value = items[0];
  let at: Value = int(0);
  items.slice(1).forEach((item, i) => {
    const higher = pointwise(context, "gt", [item, best], span);
    at = pointwise(context, "where", [higher, int(i + 1), at], span);
    best = pointwise(context, "where", [higher, item, best], span);
  });
  return at;
}

const statistic = (kind: Kind): Builtin => ({
  params: ["x", "over?"],
  axes: ["over"],
  lifts: true,
  run(context, { values, expressions, span }) {
    const x = tensorArg(context, values.get("x")!, span);
    return reduce(context, kind, [x], overOf(context, expressions.get("over"), x), span);
  },
});

const spread = (root: boolean): Builtin => ({
  params: ["x", "over?", "unbiased?"],
  axes: ["over"],
  lifts: true,
  run(context, { values, expressions, span }) {
    const x = tensorArg(context, values.get("x")!, span);
    const unbiased = values.get("unbiased");
    const variance = reduce(
      context,
      "var",
      [x],
      overOf(context, expressions.get("over"), x),
      span,
      unbiased?.kind === "bool" && unbiased.value,
    );
    return root ? pointwise(context, "sqrt", [variance], span) : variance;
  },
});

export const reductions: Readonly<Record<string, Builtin>> = {
  sum: reducing("sum", "sum", sumItems),
  mean: reducing("mean", "mean", meanItems),
  max: reducing("max", "max", (c, items, span) =>
    foldItems(c, items, span, "max", null, (a, b) => larger(c, a, b, span)),
  ),
  min: reducing("min", "min", (c, items, span) =>
    foldItems(c, items, span, "min", null, (a, b) => smaller(c, a, b, span)),
  ),
  count: reducing("count", "count", countItems),
  any: logical("or"),
  all: logical("and"),
  norm: statistic("norm2"),
  norm1: statistic("norm1"),
  std: spread(true),
  var: spread(false),
  dot: {
    params: ["a", "b", "over?"],
    axes: ["over"],
    lifts: true,
    run(context, { values, expressions, span }) {
      // dot(a, b) and dot(b, a) are one value: the arguments stand in the order of their making.
      const [a, b] = [tensorArg(context, values.get("a")!, span), tensorArg(context, values.get("b")!, span)].sort(
        (x, y) => x.node.id - y.node.id,
      );
      const product = pointwise(context, "mul", [a, b], span);
      return reduce(context, "sum", [product], overOf(context, expressions.get("over"), product), span);
    },
  },
  argmax: {
    params: ["...", "over?"],
    axes: ["over"],
    lifts: true,
    run(context, args) {
      const items = positions(args);
      if (items !== null) return argmaxItems(context, items, args.span);
      const x = tensorArg(context, args.rest[0], args.span);
      const over = overOf(context, args.expressions.get("over"), x);
      if (over.kind === "scope" && over.scope === "model")
        return stop(context, "T016", "argmax over the whole model has no position to give", args.span);
      return reduceAxes(context, "reduce_argmax", [x], over, args.span);
    },
  },
  softmax: softmaxLike("softmax"),
  log_softmax: softmaxLike("log_softmax"),
  rank: {
    params: ["x", "over?"],
    axes: ["over"],
    lifts: true,
    run(context, { values, expressions, span }) {
      const x = tensorArg(context, values.get("x")!, span);
      const over = overOf(context, expressions.get("over"), x);
      if (over.kind === "scope" && over.row !== true) return { kind: "rank", of: x, over: over.scope };
      if (over.kind === "axes" && over.axes[0] !== x.node.shape.length - 1)
        return stop(context, "H004", "ranks are taken along the last axis", span, { help: "transpose first" });
      return tensor(makeNode(context, "row_rank", [x.node], {}, span), "tensor", x.axes);
    },
  },
  kth_largest: kth(1),
  kth_smallest: kth(-1),
  mix: {
    params: ["weights", "coefficients"],
    lifts: true,
    run(context, { values, span }) {
      const [ws, cs] = [values.get("weights")!, values.get("coefficients")!];
      if (ws.kind !== "list" || cs.kind !== "list" || ws.items.length !== cs.items.length) {
        return stop(
          context,
          "T001",
          `mix takes as many coefficients as weights, found ${describe(ws)} and ${describe(cs)}`,
          span,
        );
      }
      const sum = sumItems(
        context,
        ws.items.map((w, i) => binary(context, "*", cs.items[i], asTensor(w), span)),
        span,
      );
      return sum.kind === "tensor" ? tensor(sum.node, "weight", sum.axes) : sum;
    },
  },
};

function softmaxLike(op: string): Builtin {
  return {
    params: ["x", "over?"],
    axes: ["over"],
    lifts: true,
    run(context, { values, expressions, span }) {
      const x = tensorArg(context, values.get("x")!, span);
      const over = overOf(context, expressions.get("over"), x, "row");
      if (over.kind === "scope" && over.scope === "model")
        return stop(context, "T016", `${op} over the whole model is not defined`, span);
      const axes = over.kind === "scope" ? x.node.shape.map((_, i) => i) : [...over.axes];
      return tensor(makeNode(context, op, [x.node], { axes }, span), "tensor", x.axes);
    },
  };
}

/** The k-th largest (sign 1) or smallest (sign -1) element, k from 0. */
function kth(sign: 1 | -1): Builtin {
  return {
    params: ["x", "k", "over?"],
    axes: ["over"],
    lifts: true,
    run(context, { values, expressions, span }) {
      const given = tensorArg(context, values.get("x")!, span);
      const x = sign === 1 ? given : pointwise(context, "neg", [given], span);
      const k = nodeOf(context, values.get("k")!, span);
      const over = overOf(context, expressions.get("over"), x);
      const signed = (v: TensorValue) => (sign === 1 ? v : pointwise(context, "neg", [v], span));
      if (over.kind === "scope") {
        const state = thresholdOf(context, x, k, over.scope, span);
        return signed(tensor(context.graph.make("threshold_value", [state.node])));
      }
      if (over.axes[0] !== x.node.shape.length - 1 || over.axes.length > 1)
        return stop(context, "H004", "order statistics are taken along the last axis", span, {
          help: "transpose first",
        });
      const ranks = tensor(makeNode(context, "row_rank", [x.node], {}, span));
      const chosen = pointwise(
        context,
        "where",
        [pointwise(context, "eq", [ranks, tensor(k)], span), x, float(-Infinity)],
        span,
      );
      return signed(reduce(context, "max", [chosen], over, span));
    },
  };
}
