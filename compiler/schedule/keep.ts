/**
 * Results that are kept: what costs much more to compute than to read, such as a decomposition, is computed once, in a
 * task of its own, and later tasks read it like a tensor of a file. In: the roots of a graph. Out: the roots over inputs
 * that stand for such results, and what each stands for.
 */
import { createGraph, type Node, opRow, reachable, sizeOf } from "../ir/index.js";
import { PlaceNames } from "./levels.js";
import { storageOf } from "./loop.js";

/** The source of inputs that stand for kept results. */
export const KEPT = "peftc kept";

export interface KeptResults {
  readonly roots: readonly Node[];
  /** Input → the value that it stands for, in an order in which they can be computed. */
  readonly values: ReadonlyMap<Node, Node>;
}

const isKept = (node: Node) => opRow(node.op).working !== undefined && sizeOf(node.shape) > 0;

export function keepResults(roots: readonly Node[]): KeptResults {
  const nodes = reachable(roots);
  const values = new Map<Node, Node>();
  if (!nodes.some(isKept)) return { roots, values };
  const graph = createGraph();
  const names = new PlaceNames();
  const copies = new Map<Node, Node>();
  for (const node of nodes) {
    const copy = graph.make(
      node.op,
      node.args.map((arg) => copies.get(arg)!),
      node.attrs,
    );
    copies.set(node, copy);
    if (!isKept(node)) continue;
    const name = `${names.of(node)} ${node.op} ${node.id}`;
    const stand = graph.input({ source: KEPT, name, dtype: storageOf(copy), shape: copy.shape });
    values.set(stand, copy);
    copies.set(node, stand);
  }
  return { roots: roots.map((root) => copies.get(root)!), values };
}
