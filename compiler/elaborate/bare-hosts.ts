/**
 * The hosts of saved adapters without their base. In: adapters' files. Out: a model that has nothing but the modules on which
 * they go, with weights of known shape and unknown numbers: enough to read factors and changes, to combine them and to save
 * the result. What needs the numbers of a weight is refused where it is saved or reported (R089).
 *
 * A host's path is what stands before the names of the adapter's tensors; its lengths are those that the definition's types
 * give to the axes of both (`weight: Weight[out, in]` and `A: Tensor[rank, in]`); what the file says of the host
 * (`fan_in_fan_out: host.in_out`) is believed. Files of different bases do not agree in these (R088).
 */
import type { ModuleDefinition, Span } from "../../grammar/index.js";
import { inputOf, type Node, reachable, showShape } from "../ir/index.js";
import { placesOf } from "../places/index.js";
import { entriesOf, entryOf, fitConfig, listsHost } from "./adapter-config.js";
import { candidatesOf, ownNames } from "./adapter-load.js";
import { type Context, stop } from "./context.js";
import { configValue } from "./model.js";
import { patternName } from "./statements.js";
import {
  type AdapterFileValue,
  int,
  type Leaf,
  type ModuleValue,
  type TreeValue,
  tensor,
  type Value,
} from "./value.js";

/** Begins the tensors of a file whose host is a module. */
const prefix = "base_model.model.";

/** The source of weights that nobody has. */
const nowhere = "\u0000bare";

interface BareHost {
  readonly path: string;
  /** What the adapter's definition calls its host. */
  readonly kind: string;
  /** The weights that the definition names, by field. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly statics: ReadonlyMap<string, Value>;
  /** Whether the file's list of targets names all modules of the base whose path ends as this one's. */
  readonly byLastName: boolean;
  readonly file: AdapterFileValue;
}

/** The model of all hosts of the files. `sameBase` false: files may name different bases if the shapes agree. */
export function bareModel(
  context: Context,
  files: readonly AdapterFileValue[],
  sameBase: boolean,
  span: Span,
): TreeValue {
  if (sameBase) checkNames(context, files, span);
  const hosts = new Map<string, BareHost>();
  for (const file of files) {
    for (const host of hostsIn(context, file, span)) {
      const known = hosts.get(host.path);
      if (known !== undefined) checkAlike(context, known, host, span);
      hosts.set(host.path, { ...host, byLastName: host.byLastName || known?.byLastName === true });
    }
  }
  const shapes = [...hosts.values()].flatMap((h) =>
    [...h.shapes].map(([field, shape]) => ({ name: `${h.path}.${field}`, dtype: "F32" as const, shape })),
  );
  const places = placesOf(shapes, null);
  const leaves = new Map<string, Leaf>();
  for (const { name, shape } of shapes) {
    const node = context.graph.input({ source: nowhere, name, dtype: "F32", shape });
    const value = tensor(node, "weight");
    leaves.set(name, {
      value,
      place: places.get(name)!,
      stored: "F32",
      scalar: false,
      reference: null,
      selected: false,
    });
  }
  const children = new Map([...hosts].map(([path, host]): [string, Value] => [path, moduleOf(host)]));
  const root = { ...plainModule("hosts", ""), children };
  return { kind: "tree", leaves, donor: null, origin: "the hosts", module: root, attached: new Map() };
}

/** Stops (R089) where a value needs the numbers of a weight that nobody has. */
export function refuseBare(context: Context, nodes: readonly Node[], span: Span): void {
  const missing = reachable(nodes).find((n) => n.op === "input" && inputOf(n).source === nowhere);
  if (missing === undefined) return;
  stop(
    context,
    "R089",
    `this needs the numbers of ${JSON.stringify(inputOf(missing).name)}, and there is no base`,
    span,
    {
      help: 'attach the adapters to their base: attach(load("base"), load_adapter(..))',
    },
  );
}

function moduleOf(host: BareHost): ModuleValue {
  const fields = new Map([...host.shapes.keys()].map((field) => [field, `${host.path}.${field}`]));
  return { ...plainModule(host.kind, host.path), fields, statics: host.statics, bare: { byLastName: host.byLastName } };
}

function plainModule(kind: string, path: string): ModuleValue {
  const span = { start: 0, end: 0 };
  const definition: ModuleDefinition = {
    kind: "module",
    name: { text: kind, span },
    params: [],
    on: null,
    result: null,
    members: [],
    doc: null,
    span,
  };
  return {
    kind: "module",
    definition,
    file: "",
    path,
    statics: new Map(),
    fields: new Map(),
    children: new Map(),
    host: null,
  };
}

function hostsIn(context: Context, file: AdapterFileValue, span: Span): BareHost[] {
  const config = file.header.config ?? {};
  const tensors = new Map(file.header.tensors.map((t) => [t.name, t.shape]));
  const candidates = candidatesOf(context, entryOf(config, "peft_type"), file, span);
  const found = new Map<string, BareHost>();
  let unknown: string | null = null;
  for (const { definition, file: from } of candidates) {
    const names = ownNames(definition);
    const [first] = names;
    if (first === undefined || definition.on!.kind!.text === "model") continue;
    for (const name of tensors.keys()) {
      if (!name.startsWith(prefix) || !name.endsWith(`.${first}`)) continue;
      const path = name.slice(prefix.length, -first.length - 1);
      const shapeOf = (own: string) => tensors.get(`${prefix}${path}.${own}`);
      if (found.has(path) || !names.every((own) => shapeOf(own) !== undefined)) continue;
      if ("misfit" in fitConfig(context, definition, from, config, path)) continue;
      const lengths = lengthsOf(definition, shapeOf);
      const shapes = shapesOf(definition, lengths);
      if (shapes === null) unknown = definition.name.text;
      else
        found.set(path, {
          path,
          kind: definition.on!.kind!.text,
          shapes,
          statics: new Map(
            [...lengths].map(([n, length]): [string, Value] => [n, int(length)]).concat(believed(definition, config)),
          ),
          byLastName: namesAll(config, path),
          file,
        });
    }
  }
  if (found.size > 0) return [...found.values()];
  return stop(
    context,
    "R088",
    unknown === null
      ? `no adapter of its type is known whose tensors are in ${file.header.path}`
      : `the tensors of ${unknown} do not tell the lengths of its hosts`,
    span,
    { notes: [`found in ${file.header.path}`], help: "attach the adapter to its base model" },
  );
}

/** Lengths by the names that the types of a definition's tensors give to the axes of the file's. */
function lengthsOf(
  definition: ModuleDefinition,
  shapeOf: (name: string) => readonly number[] | undefined,
): ReadonlyMap<string, number> {
  const params = new Set(definition.params.map((p) => patternName(p.pattern)));
  const lengths = new Map<string, number>();
  for (const m of definition.members) {
    if (m.kind !== "field" || m.type?.kind !== "tensor" || m.as === null || m.as.transposed) continue;
    const shape = shapeOf(m.as.path.parts.join(""));
    m.type.dims?.forEach((dim, axis) => {
      if (dim.kind !== "size" || dim.value.kind !== "name" || shape?.[axis] === undefined) return;
      const name = dim.value.name.text;
      if (!params.has(name) && !lengths.has(name)) lengths.set(name, shape[axis]);
    });
  }
  return lengths;
}

/** Shapes of what the definition names of its host; null if a length is not known. */
function shapesOf(
  definition: ModuleDefinition,
  lengths: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly number[]> | null {
  const shapes = new Map<string, readonly number[]>();
  for (const param of definition.on?.params ?? []) {
    const dims = param.type?.kind === "tensor" ? (param.type.dims ?? []) : [];
    const shape = dims.map((d) =>
      d.kind === "size" && d.value.kind === "name" ? lengths.get(d.value.name.text) : undefined,
    );
    if (shape.length === 0 || shape.some((n) => n === undefined)) return null;
    shapes.set(patternName(param.pattern), shape as number[]);
  }
  return shapes;
}

/** What entries of the config say of the host itself; a missing key means no. */
function believed(definition: ModuleDefinition, config: Readonly<Record<string, unknown>>): [string, Value][] {
  const hosts = new Set(["host", definition.on?.alias?.text ?? "host"]);
  return (entriesOf(definition) ?? []).flatMap(({ key, value }): [string, Value][] =>
    value.kind === "field" && value.target.kind === "name" && hosts.has(value.target.name.text)
      ? [[value.name.text, configValue(entryOf(config, key) ?? false)]]
      : [],
  );
}

/** Whether a list of targets names a host by its last name, and chooses no blocks: then all that are called so are hosts. */
function namesAll(config: Readonly<Record<string, unknown>>, path: string): boolean {
  const targets = entryOf(config, "target_modules");
  const chosen = ["layers_to_transform", "exclude_modules"].some((key) => (entryOf(config, key) ?? null) !== null);
  return !chosen && Array.isArray(targets) && listsHost(targets, path.slice(path.lastIndexOf(".") + 1));
}

function checkAlike(context: Context, a: BareHost, b: BareHost, span: Span): void {
  for (const [field, shape] of a.shapes) {
    const other = b.shapes.get(field);
    if (other !== undefined && a.kind === b.kind && showShape(other) === showShape(shape)) continue;
    const told = (h: BareHost, s: readonly number[] | undefined) => `${h.kind} ${s === undefined ? "" : showShape(s)}`;
    stop(
      context,
      "R088",
      `the adapters are of different bases: ${a.path} is ${told(a, shape)} for one and ${told(b, other)} for another`,
      span,
      { notes: [`in ${a.file.header.path} and ${b.file.header.path}`], help: "combine adapters of one base model" },
    );
  }
}

/** The last parts of the names of their bases must agree: one base may have another folder on each machine. */
function checkNames(context: Context, files: readonly AdapterFileValue[], span: Span): void {
  const named = files.flatMap((file) => {
    const name = entryOf(file.header.config ?? {}, "base_model_name_or_path");
    return typeof name === "string" && name !== ""
      ? [{ name, last: name.split(/[\\/]/).filter(Boolean).at(-1), file }]
      : [];
  });
  const other = named.find((n) => n.last !== named[0].last);
  if (other === undefined) return;
  stop(
    context,
    "R088",
    `the adapters name different bases: ${JSON.stringify(named[0].name)} and ${JSON.stringify(other.name)}`,
    span,
    {
      notes: [`in ${named[0].file.header.path} and ${other.file.header.path}`],
      help: "combine adapters of one base model; if these are two names of one, say same_base = false",
    },
  );
}
