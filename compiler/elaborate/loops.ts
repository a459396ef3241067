/**
 * Running loops and gradients: functions of functions. `iterate` evaluates its step once, on variables in place of the
 * state, and leaves one `loop` node; `value_and_grad` evaluates a function and adds the nodes of its gradient. A state
 * is any value made of tensors, trees and numbers; its structure stays the same from step to step.
 */
import type { Span } from "../../grammar/index.js";
import { GradientError, gradient } from "../gradient/index.js";
import { type Node, sizeOf } from "../ir/index.js";
import { filled } from "./builtins/index.js";
import { apply } from "./call.js";
import { type Context, type LoopContext, numbered, step, stop } from "./context.js";
import { nodeOf } from "./operators.js";
import { describe, list, type TensorValue, tensor, type Value } from "./value.js";

/** The tensors and numbers of a value, in a fixed order, and the value with others in their place. */
interface Flat {
  readonly nodes: readonly Node[];
  /** Where each stands in the value: `p["a.weight"]`, `s.m[0]`. */
  readonly names: readonly string[];
  rebuild(nodes: readonly Node[]): Value;
}

function flatten(context: Context, value: Value, span: Span): Flat {
  const nodes: Node[] = [];
  const names: string[] = [];
  const place = (node: Node, name: string) => {
    names.push(name);
    return nodes.push(node) - 1;
  };
  const visit = (v: Value, name: string): ((n: readonly Node[]) => Value) => {
    switch (v.kind) {
      case "number":
      case "bool": {
        const at = place(nodeOf(context, v, span), name);
        return (n) => tensor(n[at]);
      }
      case "tensor": {
        const at = place(v.node, name);
        return (n) => tensor(n[at], v.space, v.axes);
      }
      case "list":
      case "tuple": {
        const items = v.items.map((item, i) => visit(item, `${name}[${i}]`));
        return (n) => ({ kind: v.kind, items: items.map((f) => f(n)) });
      }
      case "record": {
        const fields = [...v.fields].map(([k, f]) => [k, visit(f, name === "" ? k : `${name}.${k}`)] as const);
        return (n) => ({ ...v, fields: new Map(fields.map(([k, f]) => [k, f(n)])) });
      }
      case "tree": {
        const leaves = [...v.leaves].map(
          ([key, leaf]) => [key, leaf, visit(leaf.value, `${name}[${JSON.stringify(key)}]`)] as const,
        );
        return (n) => ({ ...v, leaves: new Map(leaves.map(([key, leaf, f]) => [key, { ...leaf, value: f(n) }])) });
      }
      case "none":
      case "string":
        return () => v;
      default:
        return stop(
          context,
          "T001",
          `a running state is made of tensors, trees and numbers, found ${describe(v)}`,
          span,
        );
    }
  };
  const rebuild = visit(value, "");
  return { nodes, names, rebuild };
}

/** `iterate(n, init, (state, i) => state)`, with `until` tested after each step. */
export function iterate(
  context: Context,
  count: number,
  init: Value,
  body: Value,
  until: Value | null,
  span: Span,
): Value {
  const { graph } = context;
  const first = flatten(context, init, span);
  const path = numbered(context, "iterate");
  const number = graph.loops.length;
  const id = (what: string | number) => `loop${number}.${what}.${graph.nodes.length}`;
  const variables = first.nodes.map((node, i) =>
    graph.make("variable", [], { id: id(i), shape: [...node.shape], dtype: node.dtype }),
  );
  const index = graph.make("variable", [], { id: id("step"), shape: [], dtype: "i64" });
  const loop: LoopContext = { index, count, logs: [] };
  const scope: Context = { ...step(context, path), loop, losses: [] };
  // The body's number is taken before the body is evaluated: loops inside it come after.
  const placeholder = {
    variables,
    index,
    results: variables,
    until: null,
    logs: [] as readonly { name: string; node: Node }[],
    name: scope.frame.path,
    names: first.names,
  };
  graph.loops.push(placeholder);
  const state = first.rebuild(variables);
  const next = apply(scope, body, [state, tensor(index)], span);
  const last = flatten(scope, next, span);
  if (last.nodes.length !== first.nodes.length) {
    return stop(
      context,
      "T001",
      `the state has ${first.nodes.length} tensors before a step and ${last.nodes.length} after it`,
      span,
      { help: "return a state with the same fields" },
    );
  }
  const results = last.nodes.map((node, i) => sameKind(context, node, variables[i], span));
  const end = until === null ? null : nodeOf(scope, apply(scope, until, [last.rebuild(results)], span), span);
  graph.loops[number] = { ...placeholder, results, until: end, logs: loop.logs };
  const node = graph.make("loop", first.nodes, { body: number, count });
  return first.rebuild(first.nodes.map((_, i) => graph.make("loop_result", [node], { index: i })));
}

/** A state keeps its dtype and shape; an integer may become a float only if it began as one. */
function sameKind(context: Context, node: Node, variable: Node, span: Span): Node {
  if (node.shape.length !== variable.shape.length || node.shape.some((d, i) => d !== variable.shape[i])) {
    return stop(
      context,
      "H002",
      `a state of shape [${variable.shape.join(", ")}] becomes [${node.shape.join(", ")}] after a step`,
      span,
    );
  }
  if (node.dtype === variable.dtype) return node;
  const to =
    variable.dtype === "bool" ? "bool" : variable.dtype === "i32" || variable.dtype === "i64" ? "int" : "float";
  if (to === "float") return context.graph.make("cast", [node], { to });
  return stop(context, "T001", `a state of ${variable.dtype} becomes ${node.dtype} after a step`, span, {
    help: "begin with a number of that kind, such as 0.0",
  });
}

/** (value, gradient): the gradient has the structure of `at`. Losses of the modules that were called are added. */
export function valueAndGrad(context: Context, f: Value, at: Value, span: Span): Value {
  const flat = flatten(context, at, span);
  const losses: Node[] = [];
  const scope: Context = { ...step(context, numbered(context, "grad")), losses, training: true };
  const result = apply(scope, f, [at], span);
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
    const gradients = gradient(context.graph, value, flat.nodes);
    const filledIn = gradients.map((g, i) => g ?? zerosLike(context, flat.nodes[i], span).node);
    const tree = asTensors(flat.rebuild(filledIn));
    const rest = result.kind === "tuple" ? result.items.slice(1) : [];
    return { kind: "tuple", items: [tensor(value), tree, ...rest] };
  } catch (error) {
    if (!(error instanceof GradientError)) throw error;
    return stop(context, "T028", error.message, span, { help: error.help });
  }
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
