/**
 * The passes over the tensor graph in their order, read from top to bottom. In: the roots that the elaborator made.
 * Out: roots with the same values that the fuser takes. Between passes the graph is verified. Common subexpressions
 * and dead code need no pass: equal nodes are one node, and only what the roots reach is seen.
 */
import type { Graph, Node } from "../ir/index.js";
import { createGraph, type Verified, verify } from "../ir/index.js";
import { expand } from "./expand.js";
import { fold } from "./fold.js";
import { copyInto } from "./rewrite.js";
import { simplify } from "./simplify.js";

export interface Pass {
  readonly name: string;
  /** Roots of `graph` → roots of `graph` with the same values, in the same order. */
  readonly run: (graph: Graph, roots: readonly Node[]) => Node[];
}

export const pipeline: readonly Pass[] = [
  { name: "expand", run: expand },
  { name: "fold", run: fold },
  { name: "simplify", run: simplify },
];

/**
 * Runs the pipeline, or the part of it up to and with the pass `after`. The given nodes stay as they are; the results
 * belong to a graph of their own. Throws when no pass is called `after`, or when a pass breaks the graph.
 */
export function runPasses(roots: readonly Node[], options: { readonly after?: string } = {}): Node[] {
  const last =
    options.after === undefined ? pipeline.length - 1 : pipeline.findIndex((pass) => pass.name === options.after);
  if (last < 0) {
    throw new RangeError(
      `no pass is called ${options.after}; the passes are ${pipeline.map((pass) => pass.name).join(", ")}`,
    );
  }
  const verified: Verified = new Map();
  const graph = createGraph();
  let current = copyInto(graph, roots);
  for (const pass of pipeline.slice(0, last + 1)) {
    current = pass.run(graph, current);
    verify(current, verified);
  }
  return current;
}
