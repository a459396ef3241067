/** Builtin functions of saved adapters: `load_adapter`, and the words that only a `config { .. }` has. */
import { type Context, stop } from "../context.js";
import { describe, type Value } from "../value.js";
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

export const adapterFiles: Readonly<Record<string, Builtin>> = {
  load_adapter: { params: ["path"], lifts: false, run: loadAdapter },
  overrides: onlyInConfig("overrides"),
  hosts_where: onlyInConfig("hosts_where"),
};
