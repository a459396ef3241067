/** The tensors inside a value: what only the run knows of a reported value, or of one that a phase computes. */
import type { Node } from "../ir/index.js";
import type { Value } from "./value.js";

/** Nodes in the order of the value: of lists, records and trees those of their parts. */
export function tensorsIn(value: Value): Node[] {
  switch (value.kind) {
    case "tensor":
      return [value.node];
    case "list":
    case "tuple":
      return value.items.flatMap(tensorsIn);
    case "record":
      return [...value.fields.values()].flatMap(tensorsIn);
    case "tree":
      return [...value.leaves.values()].flatMap((leaf) => tensorsIn(leaf.value));
    default:
      return [];
  }
}
