/** The numbers of a reported value that only the run knows. */
import type { StaticValue } from "../../compiler/elaborate/index.js";
import type { Node } from "../../compiler/ir/index.js";

/** Rank-0 nodes inside a reported value. */
export function reportNodes(value: StaticValue): Node[] {
  switch (value.kind) {
    case "tensor":
      return [value.node];
    case "list":
    case "tuple":
      return value.items.flatMap(reportNodes);
    case "record":
      return [...value.fields.values()].flatMap(reportNodes);
    case "tree":
      return [...value.leaves.values()].flatMap((l) => reportNodes(l.value));
    default:
      return [];
  }
}
