/**
 * Reverse-mode differentiation of tensor graphs. In: a rank-0 node and the nodes to differentiate at; these may lie
 * anywhere below it, leaves or not. Out: one gradient each, nodes of the same graph, which can be differentiated again.
 *
 * The nodes between are gone through from the result down; each hands what has arrived at it to its arguments by the
 * rule in its row of the registry (spec/ir.md, "Gradients"). Only nodes on a path from `at` to the result are visited,
 * and only floats carry gradients: a mask made by a comparison or a rank is a constant. An operation without a rule of
 * its own is differentiated through its expansion.
 */
import type { Graph, Node } from "../ir/index.js";
import { opRow, reachable } from "../ir/index.js";

/** A gradient was asked for through an operation that has none. `help` says what to do. */
export class GradientError extends Error {
  constructor(
    readonly node: Node,
    reason: string,
    readonly help: string,
  ) {
    super(`${node.op}: ${reason}`);
    this.name = "GradientError";
  }
}

/**
 * The gradients of `of` (f64, rank 0) at the nodes `at`, each in the shape and dtype of its node, or null where no
 * differentiable path leads from the node to `of`. Where one of `at` is computed from another, the gradient at the
 * latter counts that path too. Throws GradientError when `of` is no rank-0 float or when a path goes through an order
 * statistic, a decomposition or another operation that has no gradient.
 */
export function gradient(graph: Graph, of: Node, at: readonly Node[]): (Node | null)[] {
  if (of.shape.length > 0 || of.dtype !== "f64") {
    throw new GradientError(
      of,
      `a gradient is that of a rank-0 float, found ${of.dtype} of shape [${of.shape.join(", ")}]`,
      "reduce it first: sum(x) or mean(x)",
    );
  }
  return pullBack(graph, of, graph.constant(1, true), at, "through");
}

/**
 * What arrives at the nodes `at` when `upstream` starts at `of`. `through`: nodes below one of `at` are visited if they
 * are among `at` too; `stop`: each of `at` is a leaf.
 */
function pullBack(
  graph: Graph,
  of: Node,
  upstream: Node,
  at: readonly Node[],
  below: "through" | "stop",
): (Node | null)[] {
  const wanted = new Set(at);
  const order = below === "through" ? reachable([of]) : between(of, wanted);
  const onPath = new Set<Node>();
  for (const node of order) {
    const continues = node.args.some((arg) => onPath.has(arg)) || loopUses(graph, node, wanted);
    if ((isFloat(node) && wanted.has(node)) || (continues && carries(node))) onPath.add(node);
  }
  const arrived = new Map<Node, Node>();
  if (onPath.has(of)) arrived.set(of, upstream);
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i];
    const up = arrived.get(node);
    if (up === undefined || !node.args.some((arg) => onPath.has(arg))) continue;
    if (below === "stop" && wanted.has(node)) continue;
    step(graph, node, up).forEach((part, k) => {
      const arg = node.args[k];
      if (part === null || !onPath.has(arg)) return;
      const before = arrived.get(arg);
      arrived.set(arg, before === undefined ? part : graph.make("add", [before, part]));
    });
  }
  return at.map((node) => arrived.get(node) ?? null);
}

/** What one node hands to each of its arguments. */
function step(graph: Graph, node: Node, upstream: Node): readonly (Node | null)[] {
  const row = opRow(node.op);
  if (row.gradient !== undefined) return row.gradient(graph, node, upstream);
  if (row.noGradient === undefined && row.expand !== undefined) {
    const expanded = row.expand(graph, node.args, node.attrs, node);
    if (expanded !== node) {
      const parts = pullBack(graph, expanded, upstream, node.args, "stop");
      // A node that is an argument twice has all of its gradient in both parts.
      return parts.map((part, i) => (node.args.indexOf(node.args[i]) === i ? part : null));
    }
  }
  throw new GradientError(
    node,
    row.noGradient ?? "this operation has no gradient",
    "wrap what comes from it in stop_gradient(...) to treat it as a constant",
  );
}

/** Nodes from `of` down to `leaves` and no further, arguments before users. */
function between(of: Node, leaves: ReadonlySet<Node>): Node[] {
  const order: Node[] = [];
  const entered = new Set<Node>();
  const visit = (node: Node): void => {
    if (entered.has(node)) return;
    entered.add(node);
    if (!leaves.has(node)) for (const arg of node.args) visit(arg);
    order.push(node);
  };
  visit(of);
  return order;
}

/** True for a loop at run time whose body, which is no argument, is computed from one of the wanted nodes. */
function loopUses(graph: Graph, node: Node, wanted: ReadonlySet<Node>): boolean {
  if (node.op !== "loop") return false;
  const body = graph.loops[node.attrs.body as number];
  return reachable([...body.results, ...(body.until === null ? [] : [body.until])]).some(
    (inner) => wanted.has(inner) || loopUses(graph, inner, wanted),
  );
}

/** Floats, and values in which floats are hidden: states of order statistics and of loops. Masks and indices are constants. */
function carries(node: Node): boolean {
  return isFloat(node) || node.dtype === "threshold" || opRow(node.op).fusion === "loop";
}

function isFloat(node: Node): boolean {
  return node.dtype === "f32" || node.dtype === "f64";
}
