/**
 * What a run can say as numbers: reported values, and those that `static` takes. In: a value. Out: what in it has no text.
 */
import { inputOf, type Node, reachable } from "../ir/index.js";
import type { Session } from "./session.js";
import type { Value } from "./value.js";

/** Whether a value is computed in memory: from running loops, or from data. */
function isInMemory(node: Node, columns: Session["columns"]): boolean {
  return reachable([node]).some((n) => n.op === "loop" || (n.op === "input" && columns.has(inputOf(n).source)));
}

/** What in a value has no text: whole tensors, functions. Null if it can be reported. */
export function unreportable(value: Value, columns: Session["columns"]): string | null {
  switch (value.kind) {
    case "tensor":
      // Vectors and matrices of running loops and of data are in memory at the end, and can be shown.
      return value.node.shape.length === 0 || (value.node.shape.length <= 2 && isInMemory(value.node, columns))
        ? null
        : "a tensor";
    case "list":
    case "tuple":
      return value.items.map((v) => unreportable(v, columns)).find((p) => p !== null) ?? null;
    case "record":
      return [...value.fields.values()].map((v) => unreportable(v, columns)).find((p) => p !== null) ?? null;
    case "tree":
      return [...value.leaves.values()].map((l) => unreportable(l.value, columns)).find((p) => p !== null) ?? null;
    case "number":
    case "bool":
    case "string":
    case "none":
    case "dtype":
    case "scope":
      return null;
    default:
      return "a function or schedule";
  }
}
