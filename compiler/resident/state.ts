/**
 * Where the new state of a loop is made. In: a loop. Out: for every state tensor the stored node that a step writes
 * straight into the next state, or null where it is unchanged, empty, or copied at the end of the step.
 */
import { type Node, sizeOf } from "../ir/index.js";
import { sameElements } from "../schedule/index.js";
import type { Blocks } from "./blocks.js";
import { bodyOf, type Prepared } from "./prepare.js";
import type { Leaves, Stored } from "./stored.js";

export interface NextState {
  readonly kind: "unchanged" | "made" | "copied";
  /** The node whose elements the next state has. */
  readonly node: Node;
}

/** One entry a tensor of the state, null for rank-0 values. */
export function nextStates(
  loop: Node,
  prepared: Prepared,
  blocks: Blocks,
  leaves: Leaves,
  stored: Stored,
): (NextState | null)[] {
  const { variables, results } = bodyOf(prepared.bodies, loop);
  const isStored = (node: Node) => stored.has(node) || leaves.has(node);
  const made = new Set<Node>();
  return variables.map((variable, i) => {
    if (variable.shape.length === 0) return null;
    const result = results[i];
    if (result === variable || sizeOf(variable.shape) === 0) return { kind: "unchanged", node: variable };
    const base = sameElements(result, isStored);
    const own = stored.has(base) && !leaves.has(base) && blocks.of(base) === loop && !made.has(base);
    if (!own) return { kind: "copied", node: result };
    made.add(base);
    return { kind: "made", node: base };
  });
}
