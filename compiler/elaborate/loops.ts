/**
 * Running loops: functions of functions. `iterate` evaluates its step once, on variables in place of the state, and
 * leaves one `loop` node; `scan` also stacks what each step gives beside the state; `when` runs one of two functions, each
 * the body of a loop that takes one step or none.
 */
import type { Span } from "../../grammar/index.js";
import type { LoopBody, Node } from "../ir/index.js";
import { filled } from "./builtins/index.js";
import { apply } from "./call.js";
import { type Context, type LoopContext, numbered, step, stop } from "./context.js";
import { nodeOf } from "./operators.js";
import { type Flat, flatten, sameKind } from "./running-state.js";
import { tensor, type Value } from "./value.js";

/** A loop in the making: its place in the plan is taken before its body is evaluated, since loops inside come after. */
class Loop {
  readonly scope: Context;
  readonly index: Node;
  private readonly number: number;
  private readonly logs: LoopContext["logs"] = [];
  private readonly variables: Node[] = [];
  private readonly names: string[] = [];
  private readonly initial: Node[] = [];

  constructor(
    private readonly context: Context,
    what: string,
    private readonly count: number | Node,
    /** What `by step`, draws and `log` inside see: this loop, or the one around it. */
    sees: LoopContext | "itself" | null,
  ) {
    const { graph } = context;
    this.number = graph.loops.length;
    this.index = graph.make("variable", [], { id: this.id("step"), shape: [], dtype: "i64" });
    const inner = step(context, numbered(context, what));
    const seen = sees === "itself" ? { index: this.index, count: Number(count), draw: this.stepAmongAll() } : sees;
    this.scope = { ...inner, loop: seen === null ? null : { ...seen, logs: this.logs }, losses: [] };
    graph.loops.push(this.body([], null));
  }

  /** Steps of an inner loop count on where those of the outer loop's last step ended. */
  private stepAmongAll(): Node {
    const { graph, loop } = this.context;
    if (loop === null) return this.index;
    return graph.make("add", [graph.make("mul", [loop.draw, graph.constant(Number(this.count))]), this.index]);
  }

  /** A value of the state, from its first value on. */
  variable(first: Node, name: string): Node {
    const attrs = { id: this.id(this.variables.length), shape: [...first.shape], dtype: first.dtype };
    const variable = this.context.graph.make("variable", [], attrs);
    this.variables.push(variable);
    this.names.push(name);
    this.initial.push(first);
    return variable;
  }

  /** The `loop` node's results, given what the variables become in a step. */
  finish(results: readonly Node[], until: Node | null): Node[] {
    const { graph } = this.context;
    graph.loops[this.number] = this.body(results, until);
    const [args, attrs] =
      typeof this.count === "number"
        ? [this.initial, { body: this.number, count: this.count }]
        : [[...this.initial, this.count], { body: this.number }];
    const node = graph.make("loop", args, attrs);
    return results.map((_, index) => graph.make("loop_result", [node], { index }));
  }

  get logged(): boolean {
    return this.logs.length > 0;
  }

  private id(what: string | number): string {
    return `loop${this.number}.${what}.${this.context.graph.nodes.length}`;
  }

  private body(results: readonly Node[], until: Node | null): LoopBody {
    const { variables, index, logs, names } = this;
    return { variables, index, results, until, logs, name: this.scope.frame.path, names };
  }
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
  const loop = new Loop(context, "iterate", count, "itself");
  const first = flatten(context, init, span);
  const variables = first.nodes.map((node, i) => loop.variable(node, first.names[i]));
  const next = apply(loop.scope, body, [first.rebuild(variables), tensor(loop.index)], span);
  const { results, rebuild } = nextState(loop, first, variables, next, span);
  return first.rebuild(loop.finish(results, endOf(loop, until, rebuild(results), span)));
}

/**
 * `scan(n, init, (state, i) => (state, output))`: the last state and the outputs of all steps, stacked along a new first
 * axis. `until` looks at the state after each step; rows of steps that were not run are NaN, 0 among integers.
 */
export function scan(
  context: Context,
  count: number,
  init: Value,
  body: Value,
  until: Value | null,
  span: Span,
): Value {
  const { graph } = context;
  const loop = new Loop(context, "scan", count, "itself");
  const first = flatten(context, init, span);
  const variables = first.nodes.map((node, i) => loop.variable(node, first.names[i]));
  const both = apply(loop.scope, body, [first.rebuild(variables), tensor(loop.index)], span);
  if (both.kind !== "tuple" || both.items.length !== 2)
    return stop(context, "T001", "a step of scan gives a state and an output", span, {
      help: "return (state, output)",
    });
  const { results, rebuild } = nextState(loop, first, variables, both.items[0], span);
  const end = endOf(loop, until, rebuild(results), span);
  const output = flatten(loop.scope, both.items[1], span);
  const stacked = output.nodes.map((node, i) => {
    const empty = emptyRows(context, node, count, end !== null, span);
    const rows = loop.variable(empty, output.names[i] === "" ? "output" : `output.${output.names[i]}`);
    const here = graph.make("eq", [
      graph.make("iota", [], { shape: [count, ...node.shape.map(() => 1)], axis: 0 }),
      loop.index,
    ]);
    return sameKind(context, graph.make("where", [here, node, rows]), rows, span);
  });
  const ends = loop.finish([...results, ...stacked], end);
  return {
    kind: "tuple",
    items: [first.rebuild(ends.slice(0, results.length)), output.rebuild(ends.slice(results.length))],
  };
}

/** What ends a loop early; null where nothing does, also where the test is false before it runs. */
function endOf(loop: Loop, until: Value | null, state: Value, span: Span): Node | null {
  if (until === null) return null;
  const end = apply(loop.scope, until, [state], span);
  return end.kind === "bool" && !end.value ? null : nodeOf(loop.scope, end, span);
}

/** Rows that no step has written yet. */
function emptyRows(context: Context, node: Node, count: number, mayEnd: boolean, span: Span): Node {
  const float = node.dtype === "f32" || node.dtype === "f64";
  const { node: empty } = filled(context, float && mayEnd ? Number.NaN : 0, [count, ...node.shape], span);
  return float ? empty : context.graph.make("cast", [empty], { to: node.dtype === "bool" ? "bool" : "int" });
}

/** `when(c, () => a, () => b)`: the value of the one that c asks for; the other is not run. */
export function when(context: Context, condition: Value, yes: Value, no: Value, span: Span): Value {
  if (condition.kind === "bool") return apply(context, condition.value ? yes : no, [], span);
  const { graph } = context;
  const test = nodeOf(context, condition, span);
  if (test.shape.length > 0 || test.dtype !== "bool")
    return stop(context, "T006", "the condition of when is one Bool", span, {
      help: "where(c, a, b) chooses position by position",
    });
  const once = (c: Node) => graph.make("cast", [c], { to: "int" });
  const first = new Loop(context, "when", once(test), context.loop);
  const one = flatten(first.scope, apply(first.scope, yes, [], span), span);
  // Its first value is never seen: one of the two loops runs.
  one.nodes.forEach((node, i) => {
    first.variable(blank(context, node, span), one.names[i]);
  });
  const ofFirst = first.finish(one.nodes, null);
  const second = new Loop(context, "otherwise", once(graph.make("not", [test])), context.loop);
  const variables = ofFirst.map((node, i) => second.variable(node, one.names[i]));
  const { results } = nextState(second, one, variables, apply(second.scope, no, [], span), span);
  if (first.logged || second.logged)
    return stop(context, "R041", "log stands in a loop, not in a function that when may leave out", span, {
      help: "return the value from both, and log it behind when",
    });
  return one.rebuild(second.finish(results, null));
}

function blank(context: Context, node: Node, span: Span): Node {
  const { node: zeros } = filled(context, 0, node.shape, span);
  if (node.dtype === "f32" || node.dtype === "f64") return zeros;
  return context.graph.make("cast", [zeros], { to: node.dtype === "bool" ? "bool" : "int" });
}

/** The nodes of the state after a step, each of the kind of its variable. */
function nextState(
  loop: Loop,
  first: Flat,
  variables: readonly Node[],
  next: Value,
  span: Span,
): { readonly results: readonly Node[]; readonly rebuild: Flat["rebuild"] } {
  const last = flatten(loop.scope, next, span);
  if (last.nodes.length !== first.nodes.length)
    return stop(
      loop.scope,
      "T001",
      `the state has ${first.nodes.length} tensors before a step and ${last.nodes.length} after it`,
      span,
      { help: "return a state with the same fields" },
    );
  const results = last.nodes.map((node, i) => sameKind(loop.scope, node, variables[i], span));
  return { results, rebuild: last.rebuild };
}
