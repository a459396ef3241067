/** The tensor of a module's field as its definition sees it: one that files have the other way round (`as "x".T`) is turned. */
import type { Span } from "../../grammar/index.js";
import type { Context } from "./context.js";
import { makeNode } from "./operators.js";
import { type ModuleValue, none, type TensorValue, type TreeValue, tensor, type Value } from "./value.js";

/** The value of a field in a tree; none where the field is absent. */
export function fieldValue(context: Context, tree: TreeValue, module: ModuleValue, name: string, span: Span): Value {
  const leaf = module.fields.get(name);
  const value = leaf === undefined ? none : (tree.leaves.get(leaf)?.value ?? none);
  return value.kind === "tensor" && module.transposed?.has(name) ? transposed(context, value, span) : value;
}

/** A matrix the other way round. */
export function transposed(context: Context, value: TensorValue, span: Span): TensorValue {
  return tensor(makeNode(context, "transpose", [value.node], { perm: [1, 0] }, span), value.space);
}
