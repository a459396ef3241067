/**
 * What of a model is written to files. In: a model. Out: its leaves without what is drawn anew (`seeded`) or lives only
 * while training (`state`); where a module has a stored form, its `stored` fields in place of the tensors that its
 * `on load` gives back.
 */
import type { Span } from "../../grammar/index.js";
import { isFloat } from "../ir/index.js";
import type { Context } from "./context.js";
import { evaluate } from "./evaluate.js";
import { modulesOf } from "./hosts.js";
import { tensorName } from "./leaves.js";
import { moduleScope } from "./module.js";
import { nodeOf } from "./operators.js";
import { type Leaf, type ModuleValue, type TreeValue, tensor } from "./value.js";

/** The leaves of a model as its files have them. */
export function storedLeaves(context: Context, model: TreeValue, span: Span): ReadonlyMap<string, Leaf> {
  const leaves = new Map([...model.leaves].filter(([, leaf]) => leaf.role === undefined || leaf.role === "buffer"));
  const roots = [...(model.module === null ? [] : [model.module]), ...[...model.attached.values()].flat()];
  for (const module of new Set(roots.flatMap(modulesOf))) storeModule(context, model, module, leaves, span);
  return leaves;
}

function storeModule(
  context: Context,
  model: TreeValue,
  module: ModuleValue,
  leaves: Map<string, Leaf>,
  span: Span,
): void {
  const { members } = module.definition;
  const load = members.find((m) => m.kind === "load");
  if (load?.kind !== "load") return;
  const given = load.body.statements.flatMap((s) => {
    const leaf = s.kind === "assign" ? module.fields.get(s.name.text) : undefined;
    return leaf !== undefined && leaves.has(leaf) ? [leaf] : [];
  });
  if (given.length === 0) return;
  const like = leaves.get(given[0])!;
  const scope = moduleScope(context, { ...model, module }, span);
  for (const member of members) {
    if (member.kind !== "field" || member.role !== "stored") continue;
    const value = member.value === null ? scope.names.own.get(member.name.text) : evaluate(scope, member.value);
    const name = tensorName(scope, member, module.path);
    scope.names.own.set(member.name.text, value ?? { kind: "none" });
    if (value === undefined || value.kind === "none") continue;
    const node = nodeOf(scope, value, member.span);
    const stored = node.dtype === "bool" ? "BOOL" : node.dtype === "i32" || node.dtype === "i64" ? "I32" : "F32";
    leaves.set(name, { ...like, value: tensor(node), stored, selected: isFloat(stored), reference: null });
  }
  for (const name of given) leaves.delete(name);
}
