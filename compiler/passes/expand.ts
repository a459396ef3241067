/**
 * Writes composite operations (`mean`, `sign`, `softmax`, ...) with simpler ones, until none is left. How is said in
 * the operation's own row of the registry.
 */
import type { Graph, Node } from "../ir/index.js";
import { opRow } from "../ir/index.js";
import { rewrite } from "./rewrite.js";

/** The same values without composite operations. */
export function expand(graph: Graph, roots: readonly Node[]): Node[] {
  return rewrite(graph, roots, (node) => opRow(node.op).expand?.(graph, node.args, node.attrs, node) ?? node);
}
