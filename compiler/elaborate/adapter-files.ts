/**
 * An adapter as PEFT's folder has it: tensors under `base_model.model.` and the names that modules have in memory, and
 * `adapter_config.json` from the definition's `config { .. }`. Source: huggingface/peft, save_and_load.
 */
import { memoryName } from "../arch/index.js";
import type { Context } from "./context.js";
import { evaluate } from "./evaluate.js";
import { moduleScope } from "./module.js";
import type { ModuleValue, TreeValue, Value } from "./value.js";

/** Whether a tree is the adapters of a model by themselves: then what its config file says, else null. */
export function adapterConfig(context: Context, tree: TreeValue): Readonly<Record<string, unknown>> | null {
  const leaves = [...tree.leaves.values()];
  if (leaves.length === 0 || !leaves.every((leaf) => leaf.adapter === true)) return null;
  const instances = [...tree.attached.values()].flat();
  const [first] = instances;
  if (first === undefined) return {};
  const member = first.definition.members.find((m) => m.kind === "config");
  const own =
    member?.kind === "config"
      ? json(evaluate(moduleScope(context, { ...tree, module: first }, member.span), member.value))
      : {};
  const header = context.session.loads.find((l) => l.id === tree.donor?.id);
  return {
    ...(own as object),
    target_modules: targets(header?.modelType ?? null, instances),
    base_model_name_or_path: null,
    bias: "none",
    inference_mode: true,
    task_type: null,
  };
}

/** The last names of the hosts, as in memory. */
function targets(modelType: string | null, instances: readonly ModuleValue[]): string[] {
  const names = instances.map(
    (i) =>
      memoryName(modelType, `${i.host?.path ?? i.path}.weight`)
        .split(".")
        .at(-2) ?? "",
  );
  return [...new Set(names)].sort();
}

/** The name of an adapter's tensor in the file. */
export function adapterName(context: Context, tree: TreeValue, name: string): string {
  const header = context.session.loads.find((l) => l.id === tree.donor?.id);
  const instance = [...tree.attached.values()].flat().find((i) => name.startsWith(`${i.path}.`));
  if (instance === undefined) return `base_model.model.${name}`;
  const host = instance.host?.path ?? instance.path;
  const memory = memoryName(header?.modelType ?? null, `${host}.weight`).replace(/\.weight$/, "");
  return `base_model.model.${memory}${name.slice(host.length)}`;
}

function json(value: Value): unknown {
  switch (value.kind) {
    case "number":
    case "bool":
    case "string":
      return value.value;
    case "list":
    case "tuple":
      return value.items.map(json);
    case "record":
      return Object.fromEntries([...value.fields].map(([k, v]) => [k, json(v)]));
    default:
      return null;
  }
}
