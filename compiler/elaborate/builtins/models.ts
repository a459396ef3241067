/**
 * Builtin functions of recipes: `load` opens the header of a checkpoint, `load_table` that of a file of named tensors,
 * `save` adds an output to the plan.
 */

import { isFloat, type StorageDtype } from "../../ir/index.js";
import { layersProblem, placesOf } from "../../places/index.js";
import { jsonOf } from "../adapter-config.js";
import { adapterConfig, adapterName } from "../adapter-files.js";
import { refuseBare } from "../bare-hosts.js";
import { type Context, stop } from "../context.js";
import { keepLayers } from "../layers.js";
import { recordOfTensors, treeOfValue } from "../record-tree.js";
import { storedLeaves } from "../stored-form.js";
import { type Donor, describe, type Leaf, plainTree, type TreeValue, tensor, type Value } from "../value.js";
import type { Arguments, Builtin } from "./builtin.js";

function inRecipe(context: Context, name: string, span: Arguments["span"]): void {
  if (!context.recipe)
    stop(context, "T014", `${name} stands only in the body of a recipe`, span, {
      help: "give the model to the function as a parameter",
    });
}

function load(context: Context, { values, span }: Arguments): Value {
  inRecipe(context, "load", span);
  const path = values.get("path")!;
  if (path.kind !== "string") return stop(context, "T001", `load takes a path, found ${describe(path)}`, span);
  const layers = values.get("layers");
  const { session } = context;
  const header = session.host.open(path.value, { file: context.file, span });
  if (!session.loads.some((l) => l.id === header.id)) session.loads.push(header);
  if (header.tensors.length === 0) return stop(context, "R002", `${path.value} holds no tensors`, span);
  const options = layers?.kind === "string" ? { layers: layers.value } : {};
  if (options.layers !== undefined) {
    const problem = layersProblem(header.tensors, options.layers);
    if (problem !== null) return stop(context, "R006", problem, span);
  }
  const places = placesOf(header.tensors, header.config, options);
  const leaves = new Map<string, Leaf>();
  for (const t of header.tensors) {
    const scalar = t.shape.length === 0;
    const node = context.graph.input({
      source: header.id,
      name: t.name,
      dtype: t.dtype,
      shape: scalar ? [1] : t.shape,
    });
    leaves.set(t.name, {
      value: tensor(node, "weight"),
      place: places.get(t.name)!,
      stored: t.dtype,
      scalar,
      reference: null,
      selected: false,
    });
  }
  return plainTree(leaves, { id: header.id, path: header.path }, JSON.stringify(path.value));
}

/** The tensors of a file as a record. */
function loadTable(context: Context, { values, span }: Arguments): Value {
  inRecipe(context, "load_table", span);
  const path = values.get("path")!;
  if (path.kind !== "string") return stop(context, "T001", `load_table takes a path, found ${describe(path)}`, span);
  const { session } = context;
  const header = session.host.open(path.value, { file: context.file, span });
  if (!session.loads.some((l) => l.id === header.id)) session.loads.push(header);
  if (header.tensors.length === 0) return stop(context, "R002", `${path.value} holds no tensors`, span);
  return recordOfTensors(context, header, path.value, span);
}

function save(context: Context, { values, span }: Arguments): Value {
  inRecipe(context, "save", span);
  const given = values.get("model")!;
  const to = values.get("to")!;
  const dtype = values.get("dtype");
  const shard = values.get("shard");
  const config = values.get("config");
  const model = given.kind === "tree" ? given : treeOfValue(context, given, span);
  if (to.kind !== "string" || to.value === "")
    return stop(context, "T001", `save needs a path, found ${describe(to)}`, span);
  if (shard !== undefined && (shard.kind !== "number" || shard.value < 1))
    return stop(context, "T001", `shard must be a size, found ${describe(shard)}`, span, { help: "write shard = 5GB" });
  if (dtype !== undefined && (dtype.kind !== "dtype" || !isFloat(dtype.dtype)))
    return stop(
      context,
      "T001",
      `dtype must be one of f32, bf16, f16, f64, f8_e4m3, f8_e5m2, found ${describe(dtype)}`,
      span,
    );
  if (config !== undefined && config.kind !== "tree")
    return stop(context, "T001", `config must be a model, found ${describe(config)}`, span);
  const asked: StorageDtype | null = dtype?.kind === "dtype" ? dtype.dtype : null;
  const { session } = context;
  if (session.saves.some((s) => s.to === to.value))
    return stop(context, "R008", `two outputs are saved to ${JSON.stringify(to.value)}`, span);
  const nodes = [...model.leaves.values()].flatMap(({ value }) => (value.kind === "tensor" ? [value.node] : []));
  refuseBare(context, nodes, span);
  const adapter = adapterConfig(context, model);
  const donor = config === undefined ? model.donor : donorWith((config as TreeValue).donor, model.donor);
  session.saves.push({
    to: to.value,
    tensors: [...storedLeaves(context, model, span)].map(([name, leaf]) =>
      savedTensor(context, adapter === null ? name : adapterName(context, model, name), leaf, asked, span),
    ),
    donor,
    adapter,
    shardBytes: shard?.kind === "number" ? shard.value : null,
    dtype: asked,
    at: { file: context.file, span },
  });
  return { kind: "none" };
}

/** Another donor, with the entries of the config and the tokenizer that the model needs as it is. */
function donorWith(donor: Donor | null, own: Donor | null): Donor | null {
  if (donor === null || own === null) return donor;
  const config = own.config === undefined ? {} : { config: new Map([...(donor.config ?? []), ...own.config]) };
  return { ...donor, ...config, ...(own.tokenizer === undefined ? {} : { tokenizer: own.tokenizer }) };
}

function savedTensor(context: Context, name: string, leaf: Leaf, asked: StorageDtype | null, span: Arguments["span"]) {
  const { value } = leaf;
  if (value.kind !== "tensor")
    return stop(
      context,
      "R007",
      `the leaf ${JSON.stringify(name)} is ${describe(value)}, and only tensors can be saved`,
      span,
    );
  const untouched = value.node.op === "input" || value.node.dtype === "i32";
  if (!untouched && !isFloat(leaf.stored))
    return stop(
      context,
      "R009",
      `${JSON.stringify(name)} is stored as ${leaf.stored}, and a computed tensor cannot be stored so`,
      span,
      { help: "say dtype = f32" },
    );
  const integer = untouched && !isFloat(leaf.stored);
  const shape = leaf.scalar && value.node.shape.length === 1 ? [] : value.node.shape;
  return {
    name,
    node: value.node,
    shape,
    stored: integer || asked === null ? leaf.stored : asked,
    reference: leaf.reference,
    selected: leaf.selected,
  };
}

function layers(context: Context, { values, span }: Arguments): Value {
  const model = values.get("model")!;
  const range = values.get("range")!;
  const stack = values.get("stack");
  if (model.kind !== "tree") return stop(context, "T001", `layers takes a model, found ${describe(model)}`, span);
  if (range.kind !== "range")
    return stop(context, "T001", `layers takes a range of blocks, found ${describe(range)}`, span, {
      help: "write layers(model, 0..8)",
    });
  return keepLayers(context, model, range, stack?.kind === "string" ? stack.value : null, span);
}

/** Sets entries of the config; the tensors stay. */
function configured(context: Context, { values, span }: Arguments): Value {
  const model = values.get("model")!;
  const config = values.get("config")!;
  if (model.kind !== "tree" || model.donor === null || config.kind !== "record")
    return stop(
      context,
      "T001",
      `configured takes a model with a config and a record, found ${describe(model)} and ${describe(config)}`,
      span,
      { help: "write configured(model, { vocab_size: 32000 })" },
    );
  const entries = [...config.fields].map(([key, value]) => [key, jsonOf(value)] as const);
  return { ...model, donor: { ...model.donor, config: new Map([...(model.donor.config ?? []), ...entries]) } };
}

export const models: Readonly<Record<string, Builtin>> = {
  load: { params: ["path", "layers?"], lifts: false, run: load },
  load_table: { params: ["path"], lifts: false, run: loadTable },
  configured: { params: ["model", "config"], lifts: false, run: configured },
  layers: { params: ["model", "range", "stack?"], lifts: false, run: layers },
  save: { params: ["model", "to", "dtype?", "shard?", "config?"], lifts: false, run: save },
};
