/**
 * Gradients of functions: `value_and_grad` evaluates a function and adds the nodes of its gradient. In: a function and
 * the value it is differentiated at. Out: what it gives there, and a gradient of the structure of that value.
 */
import type { Span } from "../../grammar/index.js";
import { nearest } from "../../grammar/index.js";
import { GradientError, gradient } from "../gradient/index.js";
import { type Node, sizeOf } from "../ir/index.js";
import { filled } from "./builtins/index.js";
import { apply } from "./call.js";
import { type Context, numbered, step, stop } from "./context.js";
import { nodeOf } from "./operators.js";
import { flatten } from "./running-state.js";
import { describe, list, type TensorValue, tensor, type Value } from "./value.js";

/** (value, gradient): the gradient has the structure of `at`. Losses of the modules that were called are added. */
export function valueAndGrad(context: Context, f: Value, at: Value, span: Span): Value {
  const flat = flatten(context, at, span);
  const losses: Node[] = [];
  const scope: Context = { ...step(context, numbered(context, "grad")), losses, training: true };
  // Tensors that are equal, or used elsewhere too, are points of their own here.
  const points = flat.nodes.map((node) =>
    context.graph.make("reshape", [node], { shape: [...node.shape], point: context.graph.nodes.length }),
  );
  const result = apply(scope, f, [flat.rebuild(points)], span);
  const own = result.kind === "tuple" ? result.items[0] : result;
  const main = nodeOf(scope, own, span);
  if (sizeOf(main.shape) !== 1)
    return stop(context, "T001", `a gradient is that of one number, found ${describe(own)}`, span, {
      help: "reduce it first: mean(loss)",
    });
  const scalar =
    main.shape.length === 0
      ? main
      : context.graph.make("reduce_sum", [main], { axes: main.shape.map((_, i) => i), keep: false });
  const total = losses.reduce((sum, loss) => context.graph.make("add", [sum, loss]), scalar);
  const value = context.graph.make("cast", [total], { to: "float" });
  try {
    const gradients = gradient(context.graph, value, points);
    refuseUnreached(context, at, gradients, span);
    const filledIn = gradients.map((g, i) => g ?? zerosLike(context, flat.nodes[i], span).node);
    const tree = asTensors(flat.rebuild(filledIn));
    const rest = result.kind === "tuple" ? result.items.slice(1) : [];
    return { kind: "tuple", items: [tensor(value), tree, ...rest] };
  } catch (error) {
    if (!(error instanceof GradientError)) throw error;
    return stop(context, "T028", error.message, span, { help: error.help });
  }
}

/** A tensor of an adapter that the value does not depend on would never change. */
function refuseUnreached(context: Context, at: Value, gradients: readonly (Node | null)[], span: Span): void {
  if (at.kind !== "tree") return;
  const names = [...at.leaves];
  const lost = names.flatMap(([name, leaf], i) => (leaf.adapter === true && gradients[i] === null ? [name] : []));
  if (lost.length === 0) return;
  const reached = names.flatMap(([name], i) => (gradients[i] === null ? [] : [name]));
  const near = nearest(lost[0], reached);
  stop(
    context,
    "R047",
    `${lost.length === 1 ? "a tensor of an adapter" : `${lost.length} tensors of adapters`} can never get a gradient: ${lost
      .slice(0, 3)
      .map((n) => JSON.stringify(n))
      .join(", ")}${lost.length > 3 ? ", .." : ""}`,
    span,
    {
      help:
        reached.length === 0
          ? "the loss depends on no adapter: is it computed from the model that it is given?"
          : `the loss depends on ${(near.length > 0 ? near : reached.slice(0, 2)).join(", ")}: attach there, or leave these out of what trains`,
    },
  );
}

function zerosLike(context: Context, node: Node, span: Span): TensorValue {
  return filled(context, 0, node.shape, span);
}

/** A gradient is a difference, not a point. */
function asTensors(value: Value): Value {
  if (value.kind === "tensor") return tensor(value.node, "tensor", value.axes);
  if (value.kind === "tree")
    return {
      ...value,
      leaves: new Map([...value.leaves].map(([n, leaf]) => [n, { ...leaf, value: asTensors(leaf.value) }])),
    };
  if (value.kind === "list") return list(value.items.map(asTensors));
  if (value.kind === "tuple") return { ...value, items: value.items.map(asTensors) };
  if (value.kind === "record")
    return { ...value, fields: new Map([...value.fields].map(([k, v]) => [k, asTensors(v)])) };
  return value;
}
