/**
 * Whether a saved adapter and a model belong together. In: the file, the model and the hosts that were found. Out: nothing, or
 * what does not fit: a file of another model, targets without tensors, keys that nothing reads.
 */
import { diagnostic, type Span } from "../../grammar/index.js";
import { entriesOf, entryOf, listsHost } from "./adapter-config.js";
import { hostName } from "./adapter-files.js";
import type { FileHost } from "./adapter-load.js";
import { type Context, stop, warn } from "./context.js";
import { modulesOf } from "./hosts.js";
import type { AdapterFileValue, TreeValue } from "./value.js";

/** Entries that every kind of adapter has: who made it, for what, and where it goes. */
const bookkeeping: ReadonlySet<string> = new Set([
  "peft_type",
  "peft_version",
  "auto_mapping",
  "base_model_name_or_path",
  "revision",
  "inference_mode",
  "task_type",
  "target_modules",
  "exclude_modules",
  "layers_to_transform",
  "layers_pattern",
  "modules_to_save",
  "bias",
  "ensure_weight_tying",
]);

/** Stops where no module of the model is a host: `owners` are the modules that the file names. */
export function stopForeign(
  context: Context,
  model: TreeValue,
  file: AdapterFileValue,
  owners: readonly string[],
  span: Span,
): never {
  const names = file.header.tensors.slice(0, 3).map((t) => JSON.stringify(t.name));
  const inside = owners.filter((path) => path !== "");
  return stop(context, "R082", `the adapter ${file.header.path} fits no module of ${model.origin}`, span, {
    notes: [
      `its tensors are ${names.join(", ")}${file.header.tensors.length > 3 ? ", …" : ""}`,
      ...(inside.length > 0
        ? [`they name ${inside.slice(0, 3).join(", ")}, on which no adapter of this type goes`]
        : []),
    ],
    help: "attach it to the model that it was trained on: base_model_name_or_path in its config says which",
  });
}

/** What the config names as targets must be what the file has tensors for. */
export function checkTargets(
  context: Context,
  model: TreeValue,
  file: AdapterFileValue,
  kinds: ReadonlySet<string>,
  found: readonly FileHost[],
  span: Span,
): void {
  const config = file.header.config ?? {};
  const targets = entryOf(config, "target_modules");
  if (targets === undefined || targets === null || targets === "all-linear") return;
  const has = new Set(found.map((f) => f.host.path));
  for (const module of modulesOf(model.module!)) {
    if (module.path === "" || !kinds.has(module.definition.name.text)) continue;
    const name = hostName(context, model, module.path);
    const named =
      listsHost(targets, name) && !listsHost(entryOf(config, "exclude_modules"), name) && inLayers(config, name);
    if (named && !has.has(module.path))
      stop(
        context,
        "R084",
        `the adapter's config names ${name} as a target, and the file has no tensors for it`,
        span,
        {
          notes: [`found in ${file.header.path}`],
          help: "the config and the tensors are of different adapters, or the file is damaged",
        },
      );
  }
}

/** Whether a path lies in the blocks that the config chooses; all, if it chooses none. */
function inLayers(config: Readonly<Record<string, unknown>>, name: string): boolean {
  const chosen = entryOf(config, "layers_to_transform");
  if (chosen === undefined || chosen === null) return true;
  const layer = /(?:^|\.)(\d+)(?:\.|$)/.exec(name);
  return layer !== null && (Array.isArray(chosen) ? chosen : [chosen]).includes(Number(layer[1]));
}

/** Keys that neither the definition nor the format knows, unless they say no or nothing. */
export function warnUnknown(context: Context, file: AdapterFileValue, found: readonly FileHost[], span: Span): void {
  const known = new Set(found.flatMap((f) => entriesOf(f.template.definition)?.map((e) => e.key) ?? []));
  const silent = (v: unknown) => v === null || v === false || (typeof v === "object" && Object.keys(v).length === 0);
  const unknown = Object.entries(file.header.config ?? {}).filter(
    ([key, value]) => !known.has(key) && !bookkeeping.has(key) && !silent(value),
  );
  if (unknown.length === 0) return;
  const keys = unknown.map(([key]) => JSON.stringify(key));
  warn(
    context,
    diagnostic(
      "R085",
      `the adapter's config has ${keys.length === 1 ? "a key that is" : "keys that are"} not known and not used: ${keys.slice(0, 6).join(", ")}`,
      { file: context.file, span },
      {
        severity: "warning",
        notes: [`found in ${file.header.path}`],
        help: "if it changes what the adapter computes, write an adapter that reads it",
      },
    ),
  );
}
