/** The tensor of a module's field as its definition sees it: one that files have the other way round (`as "x".T`) is turned. */
import type { Span } from "../../grammar/index.js";
import { withChanges } from "./adapted.js";
import type { Context } from "./context.js";
import { makeNode } from "./operators.js";
import { type ModuleValue, none, type TensorValue, type TreeValue, tensor, type Value } from "./value.js";

/** The value of a field in a tree; none where the field is absent. */
export function fieldValue(context: Context, tree: TreeValue, module: ModuleValue, name: string, span: Span): Value {
  const leaf = module.fields.get(name);
  const stored = leaf === undefined ? none : (tree.leaves.get(leaf)?.value ?? none);
  const value = leaf !== undefined && tree.attached.has(leaf) ? adapted(context, tree, leaf, span) : stored;
  return value.kind === "tensor" && module.transposed?.has(name) ? transposed(context, value, span) : value;
}

/** A tensor that is a host itself, as its adapters would have it. */
function adapted(context: Context, tree: TreeValue, leaf: string, span: Span): Value {
  const others = new Map([...tree.attached].filter(([path]) => path !== leaf));
  const bare: TreeValue = { ...tree, attached: others };
  const changed = tree.attached.get(leaf)!.reduce((t, adapter) => withChanges(context, t, adapter, span), bare);
  return changed.leaves.get(leaf)!.value;
}

/** A matrix the other way round. */
export function transposed(context: Context, value: TensorValue, span: Span): TensorValue {
  return tensor(makeNode(context, "transpose", [value.node], { perm: [1, 0] }, span), value.space);
}
