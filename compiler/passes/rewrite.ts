/**
 * The one way in which passes change a graph. In: roots, the graph they belong to, and a rule that sees a node whose
 * arguments are already in normal form. Out: the roots in normal form: the rule is applied, to the node and to whatever
 * it puts in its place, until it returns the node it was given.
 *
 * Nodes are immutable and shared when equal, so an unchanged node stays the same object, equal results meet in one node
 * (common subexpressions), and what no root needs any more is simply not reached (dead code).
 */
import type { Graph, Node } from "../ir/index.js";
import { reachable, VerifyError } from "../ir/index.js";

/** Returns its argument, or a node with the same value, shape and dtype. */
export type Rule = (node: Node, graph: Graph) => Node;

/** Rewrites `roots` bottom-up. The order of arguments never changes, so positions (attribute `part` of `above`) stay valid. */
export function rewrite(graph: Graph, roots: readonly Node[], rule: Rule): Node[] {
  /** Normal forms by the number of the node. */
  const done: (Node | undefined)[] = [];

  const settle = (start: Node): Node => {
    const stack = [{ node: start, next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.node.args.length) {
        const arg = top.node.args[top.next++];
        if (done[arg.id] === undefined) stack.push({ node: arg, next: 0 });
      } else {
        stack.pop();
        done[top.node.id] ??= finish(top.node);
      }
    }
    return done[start.id]!;
  };

  const finish = (node: Node): Node => {
    const args = node.args.some((arg) => done[arg.id] !== arg) ? node.args.map((arg) => done[arg.id]!) : node.args;
    const rebuilt = args === node.args ? node : graph.make(node.op, args, node.attrs);
    const known = done[rebuilt.id];
    if (known !== undefined) return known;
    const better = rule(rebuilt, graph);
    const result = better === rebuilt ? rebuilt : settle(better);
    done[rebuilt.id] = result;
    return result;
  };

  return roots.map(settle);
}

/**
 * Makes the nodes that `roots` depend on again in another graph, arguments before users. Late nodes become ordinary
 * ones: their arguments are complete now. Throws VerifyError when a node depends on itself or has another type than its
 * row infers.
 */
export function copyInto(graph: Graph, roots: readonly Node[]): Node[] {
  const copies = new Map<Node, Node>();
  for (const node of reachable(roots)) {
    const args = node.args.map((arg) => {
      const copied = copies.get(arg);
      if (copied === undefined) throw new VerifyError("the node depends on itself", node);
      return copied;
    });
    const copy = graph.make(node.op, args, node.attrs);
    if (copy.dtype !== node.dtype) throw new VerifyError(`the row of ${node.op} infers ${copy.dtype}`, node);
    copies.set(node, copy);
  }
  return roots.map((root) => copies.get(root)!);
}
