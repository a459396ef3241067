/**
 * Attaching an adapter from its file. In: a model and the header of a saved adapter. Out: which modules of the model are its
 * hosts, the definition and the arguments for each, and the tensors of the file under the names that the definition looks
 * for; then the model with the tensors of its own that were trained too.
 *
 * No kind of adapter is known here: the definitions in scope and those of the library say in their `config { .. }` which files
 * are theirs (adapter-config.ts), and by `as ".."` what their tensors are called. A tensor belongs to the innermost module
 * whose path its name begins with. Source of the layout: huggingface/peft, save_and_load.
 */
import { type ModuleDefinition, nearest, PeftError, type Span } from "../../grammar/index.js";
import { fileName } from "../arch/index.js";
import { showShape } from "../ir/index.js";
import { checkTargets, stopForeign, warnUnknown } from "./adapter-checks.js";
import { contradicted, entriesOf, entryOf, type Fit, fitConfig, type Misfit } from "./adapter-config.js";
import { configScope, hostName } from "./adapter-files.js";
import { type Context, stop } from "./context.js";
import { modulesOf } from "./hosts.js";
import { placeless } from "./leaves.js";
import { patternName } from "./statements.js";
import {
  type AdapterFileValue,
  int,
  type Leaf,
  type ModuleValue,
  type TemplateValue,
  type TreeValue,
  tensor,
  type Value,
} from "./value.js";

type FileTensor = AdapterFileValue["header"]["tensors"][number];

/** One host of a saved adapter. */
export interface FileHost {
  readonly host: ModuleValue;
  readonly template: TemplateValue;
  /** The tensors of the file, under the names that they have in the tree when `path` is where the adapter's stand. */
  source(path: string): ReadonlyMap<string, Leaf>;
}

/** The tensors of a file by where they belong. */
interface Sorted {
  /** By the path of a module and the rest of the name. */
  readonly owned: ReadonlyMap<string, ReadonlyMap<string, FileTensor>>;
  /** Those of the model's own, by leaf. */
  readonly tuned: ReadonlyMap<string, FileTensor>;
  /** Those that stand for the adapter as a whole, by their names. */
  readonly rooted: ReadonlyMap<string, FileTensor>;
}

interface Candidate {
  readonly definition: ModuleDefinition;
  readonly file: string;
}

/** The hosts of a saved adapter in a model. */
export function hostsOfFile(context: Context, model: TreeValue, file: AdapterFileValue, span: Span): FileHost[] {
  const config = file.header.config ?? {};
  const modules = modulesOf(model.module!);
  const sorted = sortTensors(context, model, modules, file);
  const type = entryOf(config, "peft_type");
  const candidates = candidatesOf(context, type, file, span);
  const found: FileHost[] = [];
  const misfits: Misfit[] = [];
  for (const host of modules) {
    const own = sorted.owned.get(host.path) ?? new Map<string, FileTensor>();
    const whole = host.path === "";
    if (own.size === 0 && !whole) continue;
    const fitting = candidates.filter(({ definition }) =>
      whole ? definition.on!.kind!.text === "model" : definition.on!.kind!.text === host.definition.name.text,
    );
    for (const { definition, file: from } of fitting) {
      if (!ownNames(definition).every((name) => own.has(name))) continue;
      const fit = fitConfig(context, definition, from, config, hostName(context, model, host.path));
      if ("misfit" in fit) {
        misfits.push(fit.misfit);
        continue;
      }
      const given = lengthsGiven(definition, fit, own);
      found.push({
        host,
        template: { kind: "template", definition, file: from, given },
        source: (path) => sourceOf(context, file, path, own, sorted.rooted),
      });
      break;
    }
  }
  if (found.length === 0 && misfits.length > 0) {
    const [{ key, expected, found: was }] = misfits;
    return stop(
      context,
      "R081",
      `no adapter ${String(type)} is known with ${key} = ${was}; known is ${expected}`,
      span,
      {
        notes: [`found in ${file.header.path}`],
        help: `define an adapter whose config has ${key}: ${was === "nothing" ? "none" : was}, or convert the file`,
      },
    );
  }
  if (found.length === 0) return stopForeign(context, model, file, [...sorted.owned.keys()], span);
  checkTargets(context, model, file, new Set(candidates.map((c) => c.definition.on!.kind!.text)), found, span);
  warnUnknown(context, file, found, span);
  return found;
}

/** The model with its own tensors from the file, and every tensor of the file in its place: else the file is refused. */
export function finishFile(
  context: Context,
  before: TreeValue,
  model: TreeValue,
  file: AdapterFileValue,
  span: Span,
): TreeValue {
  const instances = [...model.attached.values()].flat().filter((i) => i.origin === file.header.id);
  const sorted = sortTensors(context, before, modulesOf(before.module!), file);
  const leaves = new Map(model.leaves);
  const used = new Set<string>();
  const missing: string[] = [];
  for (const [name, leaf] of model.leaves) {
    if (leaf.adapter !== true || before.leaves.has(name)) continue;
    if (leaf.file !== undefined) used.add(leaf.file);
    else if (leaf.role !== "seeded" && leaf.role !== "state") missing.push(name);
  }
  for (const [name, t] of sorted.tuned) {
    const old = model.leaves.get(name)!;
    const leaf = leafOf(context, file, t);
    const shape = old.value.kind === "tensor" ? old.value.node.shape : [];
    if (showShape(shape) !== showShape(t.shape))
      stop(
        context,
        "R084",
        `the adapter's ${JSON.stringify(t.name)} is ${showShape(t.shape)}, the model's ${showShape(shape)}`,
        span,
        {
          help: "attach it to the model that it was trained on",
        },
      );
    used.add(t.name);
    const reference = old.reference ?? (old.value.kind === "tensor" ? old.value.node : null);
    leaves.set(name, {
      ...old,
      value: leaf.value,
      stored: leaf.stored,
      file: t.name,
      tuned: true,
      reference,
      selected: true,
    });
  }
  const left = file.header.tensors.filter((t) => !used.has(t.name)).map((t) => t.name);
  if (missing.length + left.length > 0) {
    const shown = (names: readonly string[]) =>
      names
        .slice(0, 4)
        .map((n) => JSON.stringify(n))
        .join(", ");
    const what = [
      ...(left.length > 0 ? [`has ${left.length} that nothing takes`] : []),
      ...(missing.length > 0 ? [`lacks ${missing.length} that the adapter needs`] : []),
    ];
    stop(
      context,
      "R083",
      `the adapter's file fits only in part: of its ${file.header.tensors.length} tensors it ${what.join(" and ")}`,
      span,
      {
        notes: [
          ...(left.length > 0 ? [`nothing takes ${shown(left)}`] : []),
          ...(missing.length > 0 ? [`missing: ${shown(missing)}`] : []),
        ],
        help: "attach it to the model that it was trained on; the file may be damaged",
      },
    );
  }
  const result = { ...model, leaves };
  for (const instance of instances) {
    const wrong = contradicted(configScope(context, result, instance), instance, file.header.config ?? {});
    if (wrong !== null)
      stop(
        context,
        "R084",
        `the adapter's config says ${wrong.key} = ${wrong.found}, here it is ${wrong.expected}`,
        span,
        {
          help: "attach it to the model that it was trained on",
        },
      );
  }
  return result;
}

/** Tells a shape that does not fit as a mistake of the file, at the place that attaches it. */
export function toldOfFile<T>(context: Context, file: AdapterFileValue, span: Span, f: () => T): T {
  try {
    return f();
  } catch (error) {
    const [first] = error instanceof PeftError ? error.diagnostics : [];
    if (first === undefined || !/^H0/.test(first.code)) throw error;
    return stop(context, "R084", first.message, span, {
      notes: [`found in ${file.header.path}`],
      help: "the adapter is of another base model, or its config is not that of its tensors",
    });
  }
}

function sortTensors(
  context: Context,
  model: TreeValue,
  modules: readonly ModuleValue[],
  file: AdapterFileValue,
): Sorted {
  const owned = new Map<string, Map<string, FileTensor>>();
  const tuned = new Map<string, FileTensor>();
  const rooted = new Map<string, FileTensor>();
  const paths = new Set(modules.map((m) => m.path));
  const type = context.session.loads.find((l) => l.id === model.donor?.id)?.modelType ?? null;
  for (const t of file.header.tensors) {
    const own = /^base_model\.(?:model\.)?/.exec(t.name)?.[0] ?? "";
    const name = fileName(type, t.name.slice(own.length));
    const owner = ownerOf(paths, name);
    const rest = owner === "" ? name : name.slice(owner.length + 1);
    const below = rest.startsWith("base_layer.") ? `${owner}.${rest.slice("base_layer.".length)}` : name;
    if (own !== "" && model.leaves.has(below) && model.leaves.get(below)!.adapter !== true) tuned.set(below, t);
    else if (own === "base_model.model.") owned.set(owner, new Map([...(owned.get(owner) ?? []), [rest, t]]));
    else rooted.set(t.name, t);
  }
  return { owned, tuned, rooted };
}

/** The innermost module whose path a name begins with; the root, if none. */
function ownerOf(paths: ReadonlySet<string>, name: string): string {
  for (let at = name.lastIndexOf("."); at > 0; at = name.lastIndexOf(".", at - 1)) {
    if (paths.has(name.slice(0, at))) return name.slice(0, at);
  }
  return "";
}

/** The definitions in scope whose config names the type of a file; stops (R080) if there is none. */
export function candidatesOf(context: Context, type: unknown, file: AdapterFileValue, span: Span): Candidate[] {
  const all = (context.session.definitions.adapters?.(context.file) ?? []).filter(
    (c) => c.definition.on?.kind !== null,
  );
  const typeOf = (c: Candidate) => {
    const value = entriesOf(c.definition)?.find((e) => e.key === "peft_type")?.value;
    return value?.kind === "string" ? value.parts.join("") : null;
  };
  const fitting = all.filter((c) => typeOf(c) !== null && typeOf(c) === type);
  if (fitting.length > 0) return fitting;
  const known = [...new Set(all.map(typeOf).filter((t) => t !== null))];
  const near = typeof type === "string" ? nearest(type, known) : [];
  return stop(
    context,
    "R080",
    type === undefined
      ? "the adapter's config has no peft_type"
      : `there is no adapter of the type ${JSON.stringify(type)}`,
    span,
    {
      notes: [`found in ${file.header.path}`, `known are ${known.sort().join(", ")}`],
      help:
        near.length > 0
          ? `did you mean ${near[0]}?`
          : "write an adapter with that type in its config { peft_type: .. } and `use` it",
    },
  );
}

/** The names of a definition's tensors that every file has. */
export function ownNames(definition: ModuleDefinition): string[] {
  return definition.members.flatMap((m) => {
    if (m.kind !== "field" || (m.role !== "param" && m.role !== "buffer") || m.condition !== null) return [];
    const name = m.as === null ? m.name.text : m.as.condition !== null ? null : literal(m.as.path.parts);
    return name === null || name.startsWith("/") ? [] : [name];
  });
}

function literal(parts: readonly unknown[]): string | null {
  return parts.every((p) => typeof p === "string") ? parts.join("") : null;
}

/** Parameters that the config does not give and that are the length of a tensor: the file's. */
function lengthsGiven(
  definition: ModuleDefinition,
  fit: Extract<Fit, { given: unknown }>,
  own: ReadonlyMap<string, FileTensor>,
): ReadonlyMap<string, Value> {
  const given = new Map(fit.given);
  const params = new Set(definition.params.map((p) => patternName(p.pattern)));
  for (const member of definition.members) {
    if (member.kind !== "field" || member.type?.kind !== "tensor" || member.as === null) continue;
    const name = literal(member.as.path.parts);
    const shape = name === null ? undefined : own.get(name)?.shape;
    member.type.dims?.forEach((dim, axis) => {
      const length = shape?.[axis];
      if (dim.kind !== "size" || dim.value.kind !== "name" || length === undefined) return;
      const param = dim.value.name.text;
      if (params.has(param) && !given.has(param)) given.set(param, int(length));
    });
  }
  return given;
}

function sourceOf(
  context: Context,
  file: AdapterFileValue,
  path: string,
  own: ReadonlyMap<string, FileTensor>,
  rooted: ReadonlyMap<string, FileTensor>,
): ReadonlyMap<string, Leaf> {
  const placed = (rest: string) => (path === "" ? rest : `${path}.${rest}`);
  return new Map([
    ...[...own].map(([rest, t]): [string, Leaf] => [placed(rest), leafOf(context, file, t)]),
    ...[...rooted].map(([name, t]): [string, Leaf] => [name, leafOf(context, file, t)]),
  ]);
}

function leafOf(context: Context, file: AdapterFileValue, t: FileTensor): Leaf {
  const scalar = t.shape.length === 0;
  const shape = scalar ? [1] : t.shape;
  const node = context.graph.input({ source: file.header.id, name: t.name, dtype: t.dtype, shape });
  return {
    value: tensor(node),
    place: placeless(t.name),
    stored: t.dtype,
    scalar,
    reference: null,
    selected: false,
    file: t.name,
  };
}
