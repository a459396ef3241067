/**
 * The one way in which passes change a graph. In: roots, the graph they belong to, and a rule that sees a node whose
 * arguments are already in normal form. Out: the roots in normal form: the rule is applied, to the node and to whatever
 * it puts in its place, until it returns the node it was given.
 *
 * Nodes are immutable and shared when equal, so an unchanged node stays the same object, equal results meet in one node
 * (common subexpressions), and what no root needs any more is simply not reached (dead code).
 */
import type { Graph, Node } from "../ir/index.js";
import { reachable } from "../ir/index.js";

/** Returns its argument, or a node with the same value, shape and dtype. */
export type Rule = (node: Node, graph: Graph) => Node;

/** Rewrites `roots` bottom-up. The order of arguments never changes, so positions (attribute `part` of `above`) stay valid. */
export function rewrite(graph: Graph, roots: readonly Node[], rule: Rule): Node[] {
  const done = new Map<Node, Node>();

  const settle = (start: Node): Node => {
    const stack = [{ node: start, next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.node.args.length) {
        const arg = top.node.args[top.next++];
        if (!done.has(arg)) stack.push({ node: arg, next: 0 });
      } else {
        stack.pop();
        if (!done.has(top.node)) done.set(top.node, finish(top.node));
      }
    }
    return done.get(start)!;
  };

  const finish = (node: Node): Node => {
    const args = node.args.map((arg) => done.get(arg)!);
    const rebuilt = args.every((arg, i) => arg === node.args[i]) ? node : graph.make(node.op, args, node.attrs);
    const known = done.get(rebuilt);
    if (known !== undefined) return known;
    const better = rule(rebuilt, graph);
    const result = better === rebuilt ? rebuilt : settle(better);
    done.set(rebuilt, result);
    return result;
  };

  return roots.map(settle);
}

/**
 * Makes the nodes that `roots` depend on again in another graph, arguments before users. Late nodes become ordinary
 * ones: their arguments are complete now.
 */
export function copyInto(graph: Graph, roots: readonly Node[]): Node[] {
  const copies = new Map<Node, Node>();
  for (const node of reachable(roots)) {
    copies.set(
      node,
      graph.make(
        node.op,
        node.args.map((arg) => copies.get(arg)!),
        node.attrs,
      ),
    );
  }
  return roots.map((root) => copies.get(root)!);
}
