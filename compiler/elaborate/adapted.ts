/**
 * What adapters make of the tensors of their hosts. In: an adapter in a tree. Out: the tree with the host's tensors as the
 * adapter would have them: `delta` is added to the weight, `weight' = e` and `bias' = e` take the place of what they name.
 */
import type { Span } from "../../grammar/index.js";
import { type Context, stop } from "./context.js";
import { evaluate } from "./evaluate.js";
import { fieldValue, transposed } from "./field-value.js";
import { moduleScope } from "./module.js";
import { binary } from "./operators.js";
import { forgetAxes } from "./types.js";
import { describe, type ModuleValue, type TreeValue } from "./value.js";

/** The tree with the host's tensors changed by the adapter. */
export function withChanges(context: Context, tree: TreeValue, adapter: ModuleValue, span: Span): TreeValue {
  const host = adapter.host!;
  const { definition } = adapter;
  const scope = moduleScope(context, { ...tree, module: adapter, origin: adapter.path }, span);
  const leaves = new Map(tree.leaves);
  let changes = 0;
  for (const member of definition.members) {
    if (member.kind !== "delta" && member.kind !== "weight") continue;
    changes++;
    const name = member.kind === "delta" ? "weight" : member.name.text;
    const value = evaluate(scope, member.value);
    const leafName = host.fields.get(name);
    if (leafName === undefined && value.kind === "none") continue;
    if (leafName === undefined)
      return stop(scope, "R033", `${definition.name.text} changes the ${name} of ${host.path}, which has none`, span, {
        help: "keep it attached: it cannot be worked into this map",
      });
    const leaf = tree.leaves.get(leafName)!;
    const changed =
      member.kind === "delta"
        ? forgetAxes(binary(scope, "+", fieldValue(scope, tree, host, name, span), value, span))
        : value;
    if (changed.kind !== "tensor")
      return stop(scope, "T001", `${name} becomes ${describe(changed)}, not a tensor`, member.span);
    const stored = host.transposed?.has(name) ? transposed(scope, changed, span) : changed;
    leaves.set(leafName, {
      ...leaf,
      value: { ...stored, space: "weight", axes: null },
      reference: leaf.reference ?? (leaf.value.kind === "tensor" ? leaf.value.node : null),
      selected: true,
    });
  }
  if (changes > 0) return { ...tree, leaves };
  return stop(
    context,
    "R033",
    `${definition.name.text} has neither delta nor weight' and cannot be worked into a weight`,
    span,
    { help: "keep it attached: not every adapter is a change of the weight" },
  );
}
