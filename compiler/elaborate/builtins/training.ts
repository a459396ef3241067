/** Builtin functions of training: gradients, running loops, adapters, parameters of a model. */
import type { Span } from "../../../grammar/index.js";
import { belongsToAdapters } from "../adapter-files.js";
import { attach, fuse } from "../attach.js";
import { apply } from "../call.js";
import { assignedIn } from "../cells.js";
import { type Context, stop } from "../context.js";
import { resolve, staticInt } from "../evaluate.js";
import { runRules } from "../forward.js";
import { valueAndGrad } from "../gradients.js";
import { iterate, scan, when } from "../loops.js";
import { modelOf } from "../model.js";
import { makeNode, nodeOf } from "../operators.js";
import { settled } from "../phases.js";
import { taps } from "../taps.js";
import { describe, type Leaf, type TreeValue, tensor, type Value } from "../value.js";
import { type Arguments, type Builtin, tensorArg } from "./builtin.js";

function modelArg(context: Context, value: Value, span: Span): TreeValue {
  return value.kind === "tree" ? value : stop(context, "T001", `expected a model, found ${describe(value)}`, span);
}

/** The leaves of a model that fit, as a tree of its own. */
function subtree(model: TreeValue, keep: (name: string, leaf: Leaf) => boolean): TreeValue {
  return {
    ...model,
    module: null,
    attached: new Map(),
    leaves: new Map([...model.leaves].filter(([name, leaf]) => keep(name, leaf))),
  };
}

const isFloatLeaf = (leaf: Leaf) => leaf.value.kind === "tensor" && leaf.value.node.dtype === "f32";

/** Leaves below the part that a view shows. */
function inside(model: TreeValue): (name: string) => boolean {
  const path = model.module?.path ?? "";
  return (name) => path === "" || name.startsWith(`${path}.`);
}

function trainable(model: TreeValue): TreeValue {
  const adapters = [...model.leaves.values()].some((leaf) => belongsToAdapters(leaf) && leaf.frozen !== true);
  const fresh = model.donor === null;
  return subtree(
    model,
    (name, leaf) =>
      inside(model)(name) &&
      isFloatLeaf(leaf) &&
      leaf.role === undefined &&
      leaf.frozen !== true &&
      (adapters ? belongsToAdapters(leaf) : fresh),
  );
}

const simple = (params: readonly string[], run: (context: Context, args: Arguments) => Value): Builtin => ({
  params,
  lifts: false,
  run,
});

export const training: Readonly<Record<string, Builtin>> = {
  value_and_grad: simple(["f", "at"], (context, { values, span }) =>
    valueAndGrad(context, values.get("f")!, values.get("at")!, span),
  ),
  grad: simple(["f", "at"], (context, { values, span }) => {
    const both = valueAndGrad(context, values.get("f")!, values.get("at")!, span);
    return both.kind === "tuple" ? both.items[1] : both;
  }),
  iterate: simple(["n", "init", "step"], (context, { values, span }) =>
    iterate(context, staticInt(context, values.get("n")!, span), values.get("init")!, values.get("step")!, null, span),
  ),
  iterate_until: simple(["max", "init", "step", "until"], (context, { values, span }) =>
    iterate(
      context,
      staticInt(context, values.get("max")!, span),
      values.get("init")!,
      values.get("step")!,
      values.get("until")!,
      span,
    ),
  ),
  scan: simple(["n", "init", "step", "until?"], (context, { values, span }) =>
    scan(
      context,
      staticInt(context, values.get("n")!, span),
      values.get("init")!,
      values.get("step")!,
      values.get("until") ?? null,
      span,
    ),
  ),
  when: simple(["condition", "then", "otherwise"], (context, { values, span }) =>
    when(context, values.get("condition")!, values.get("then")!, values.get("otherwise")!, span),
  ),
  static: simple(["e"], (context, { values, span }) => settled(context, values.get("e")!, span)),
  stop_gradient: {
    params: ["x"],
    lifts: true,
    run: (context, { values, span }) => {
      const x = values.get("x")!;
      return x.kind === "tensor" ? tensor(makeNode(context, "stop_gradient", [x.node], {}, span), x.space, x.axes) : x;
    },
  },
  straight_through: {
    params: ["value", "like"],
    lifts: true,
    run: (context, { values, span }) =>
      tensor(
        makeNode(
          context,
          "straight_through",
          [tensorArg(context, values.get("value")!, span).node, tensorArg(context, values.get("like")!, span).node],
          {},
          span,
        ),
      ),
  },
  attach: {
    params: ["model", "adapter", "to?", "init?"],
    words: ["to"],
    lifts: false,
    run: (context, { values, span }) =>
      attach(context, values.get("model")!, values.get("adapter")!, values.get("to"), values.get("init"), span),
  },
  fuse: simple(["model"], (context, { values, span }) => fuse(context, values.get("model")!, span)),
  adapters: simple(["model"], (context, { values, span }) => {
    const model = modelArg(context, values.get("model")!, span);
    const found = { ...model, leaves: new Map([...model.leaves].filter(([, leaf]) => belongsToAdapters(leaf))) };
    return found.leaves.size > 0 ? found : stop(context, "R038", `${model.origin} has no adapters`, span);
  }),
  buffers: simple(["model"], (context, { values, span }) => {
    const model = modelArg(context, values.get("model")!, span);
    return subtree(model, (_, leaf) => leaf.role === "buffer" || leaf.role === "state");
  }),
  assigned: simple(["trees", "f"], (context, { values, span }) =>
    assignedIn(context, values.get("trees")!, (scope) => apply(scope, values.get("f")!, [], span), span),
  ),
  taps: {
    params: ["f", "at?"],
    words: ["at"],
    lifts: false,
    run: (context, { values, span }) => taps(context, values.get("f")!, values.get("at"), span),
  },
  rules: simple(["model", "g", "step"], (context, { values, span }) =>
    runRules(context, modelArg(context, values.get("model")!, span), values.get("g")!, values.get("step")!, span),
  ),
  params: simple(["model"], (context, { values, span }) => {
    const model = modelOf(context, modelArg(context, values.get("model")!, span), span);
    return subtree(model, (name, leaf) => inside(model)(name) && isFloatLeaf(leaf) && leaf.role === undefined);
  }),
  trainable: simple(["model"], (context, { values, span }) => {
    const found = trainable(modelArg(context, values.get("model")!, span));
    return found.leaves.size > 0
      ? found
      : stop(
          context,
          "R040",
          `nothing in ${found.origin} trains: it has no adapters and its weights come from a checkpoint`,
          span,
          { help: "attach an adapter, or say which parameters train: params(model)" },
        );
  }),
};

/** The named values of a `log` call; what is none, or differs from place to place, is left out. */
export function logValues(context: Context, entries: readonly (readonly [string, Value])[], span: Span): Value {
  if (context.loop === null) return stop(context, "R041", "log stands inside a running loop", span);
  for (const [name, given] of entries) {
    const value = given.kind === "schedule" && given.ofStep === true ? resolve(context, given) : given;
    if (value.kind === "none" || value.kind === "schedule") continue;
    context.loop.logs.push({ name, node: nodeOf(context, value, span) });
  }
  return { kind: "none" };
}
