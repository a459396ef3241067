/**
 * Models given where they can change nothing: the base of a merge once more in its list of models. In: a call that was
 * lifted. Out: an error R045 where the call subtracts a model from itself. Lists of one model twice are no mistake (that
 * is a weight of two), nor are differences between all pairs of one list.
 */
import type { Node } from "../ir/index.js";
import { type Context, stop } from "./context.js";
import type { LiftRequest } from "./lift.js";
import { parts, type TreeValue, type Value } from "./value.js";

export function refuseIdle(context: Context, request: LiftRequest): void {
  const alone = request.values.flatMap((v) => (v.kind === "tree" ? [v] : []));
  const listed = request.values.flatMap((v) => (v.kind === "list" ? treesOf(v) : []));
  const twice = listed.find((tree) => alone.some((other) => sameFiles(tree, other)));
  if (twice === undefined) return;
  const own = new Set([...twice.leaves.values()].map(nodeOf));
  const zero = context.graph.nodes.some(({ op, args }) => op === "sub" && args[0] === args[1] && own.has(args[0]));
  if (!zero) return;
  stop(
    context,
    "R045",
    `${twice.origin} is given to ${request.name} twice, and its difference from itself changes nothing`,
    request.span,
    { help: "load another model, or leave it out of the list" },
  );
}

function treesOf(value: Value): TreeValue[] {
  return [...parts(value)].filter((v): v is TreeValue => v.kind === "tree");
}

/** Whether two trees are the same tensors of the same files. */
function sameFiles(a: TreeValue, b: TreeValue): boolean {
  if (a.leaves.size === 0 || a.leaves.size !== b.leaves.size) return false;
  return [...a.leaves].every(([name, leaf]) => {
    const node = nodeOf(leaf);
    const other = b.leaves.get(name);
    return node?.op === "input" && other !== undefined && nodeOf(other) === node;
  });
}

function nodeOf(leaf: { readonly value: Value }): Node | undefined {
  return leaf.value.kind === "tensor" ? leaf.value.node : undefined;
}
