/** Builtin functions of saved adapters: `load_adapter`, what is read from them without their base, and the words that only a `config { .. }` has. */
import { bareModel } from "../bare-hosts.js";
import { type Context, stop } from "../context.js";
import { truth } from "../evaluate.js";
import { modulesOf } from "../hosts.js";
import { modelOf } from "../model.js";
import { describe, list, type Value } from "../value.js";
import type { Arguments, Builtin } from "./builtin.js";

function loadAdapter(context: Context, { values, span }: Arguments): Value {
  if (!context.recipe)
    stop(context, "T014", "load_adapter stands only in the body of a recipe", span, {
      help: "give the model with its adapter to the function as a parameter",
    });
  const path = values.get("path")!;
  if (path.kind !== "string") return stop(context, "T001", `load_adapter takes a path, found ${describe(path)}`, span);
  const { session } = context;
  const header = session.host.openAdapter?.(path.value, { file: context.file, span });
  if (header === undefined) return stop(context, "R043", "there are no files of adapters here", span);
  if (header.tensors.length === 0) return stop(context, "R002", `${path.value} holds no tensors`, span);
  if (!session.loads.some((l) => l.id === header.id)) session.loads.push(header);
  return { kind: "adapterFile", header };
}

const onlyInConfig = (name: string): Builtin => ({
  params: ["x"],
  lifts: false,
  run: (context, { span }) =>
    stop(context, "R086", `${name} stands only as an entry of an adapter's config`, span, {
      help: `write config { key: ${name}(parameter) }`,
    }),
});

/** The hosts of saved adapters, as a model without numbers. */
function hostsOfFiles(context: Context, { values, span }: Arguments): Value {
  const given = values.get("adapters")!;
  const items = given.kind === "list" || given.kind === "tuple" ? given.items : [given];
  const files = items.map((item) =>
    item.kind === "adapterFile"
      ? item
      : stop(context, "T001", `hosts_of takes saved adapters, found ${describe(item)}`, span, {
          help: "write hosts_of([load_adapter(..), ..])",
        }),
  );
  if (files.length === 0) return stop(context, "T001", "hosts_of takes at least one adapter", span);
  const same = values.get("same_base");
  return bareModel(context, files, same === undefined || truth(context, same, span), span);
}

/** The adapters around one module of a model, the innermost first. */
function attachedTo(context: Context, { values, span }: Arguments): Value {
  const model = values.get("model")!;
  const host = values.get("host")!;
  if (model.kind !== "tree" || host.kind !== "tree" || host.module === null)
    return stop(
      context,
      "T001",
      `attached takes a model and a host, found ${describe(model)} and ${describe(host)}`,
      span,
      {
        help: "write attached(model, host), where a function of attach has its host",
      },
    );
  const { path } = host.module;
  return list((model.attached.get(path) ?? []).map((module) => ({ ...model, module, origin: module.path })));
}

/** The module of another model that stands where a host stands in its own. */
function counterpart(context: Context, { values, span }: Arguments): Value {
  const given = values.get("model")!;
  const host = values.get("host")!;
  if (given.kind !== "tree" || host.kind !== "tree" || host.module === null)
    return stop(
      context,
      "T001",
      `counterpart takes a model and a host, found ${describe(given)} and ${describe(host)}`,
      span,
      { help: "write counterpart(model, host), where a function of attach has its host" },
    );
  const model = modelOf(context, given, span);
  const { path } = host.module;
  const module = modulesOf(model.module!).find((m) => m.path === path);
  if (module !== undefined) return { ...model, module, origin: path };
  return stop(context, "R036", `${model.origin} has no module ${JSON.stringify(path)}`, span, {
    help: "give a model of the same architecture",
  });
}

export const adapterFiles: Readonly<Record<string, Builtin>> = {
  load_adapter: { params: ["path"], lifts: false, run: loadAdapter },
  hosts_of: { params: ["adapters", "same_base?"], lifts: false, run: hostsOfFiles },
  attached: { params: ["model", "host"], lifts: false, run: attachedTo },
  counterpart: { params: ["model", "host"], lifts: false, run: counterpart },
  overrides: onlyInConfig("overrides"),
  hosts_where: onlyInConfig("hosts_where"),
};
