/**
 * Values as a tree of tensors, for files, and back. In: a record, list or tensor. Out: a plain tree whose names are the
 * fields on the way, joined by dots. Numbers become vectors of one element, and whole numbers and Bools floats: files of
 * results are read by people who want numbers. Back, names that are all the numbers from 0 on are those of a list.
 */
import type { Span } from "../../grammar/index.js";
import type { Node } from "../ir/index.js";
import { placesOf } from "../places/index.js";
import { type Context, stop } from "./context.js";
import { makeNode, nodeOf } from "./operators.js";
import type { ModelHeader } from "./session.js";
import { describe, type Leaf, list, plainTree, type TreeValue, tensor, type Value } from "./value.js";

/** Stops (R007) at values that are no numbers. */
export function treeOfValue(context: Context, value: Value, span: Span): TreeValue {
  const nodes = new Map<string, Node>();
  const add = (name: string, node: Node): void => {
    const shaped = node.shape.length === 0 ? makeNode(context, "reshape", [node], { shape: [1] }, span) : node;
    nodes.set(name, shaped.dtype === "f32" ? shaped : makeNode(context, "cast", [shaped], { to: "float" }, span));
  };
  const visit = (v: Value, name: string): void => {
    const inside = (key: string) => (name === "" ? key : `${name}.${key}`);
    switch (v.kind) {
      case "record":
        for (const [key, field] of v.fields) visit(field, inside(key));
        return;
      case "list":
      case "tuple":
        v.items.forEach((item, i) => {
          visit(item, inside(String(i)));
        });
        return;
      case "tree":
        for (const [key, leaf] of v.leaves) visit(leaf.value, inside(key));
        return;
      case "tensor":
      case "number":
      case "bool":
        add(name === "" ? "value" : name, nodeOf(context, v, span));
        return;
      case "none":
        return;
      default:
        stop(context, "R007", `save takes a model, or a record of tensors and numbers, found ${describe(v)}`, span);
    }
  };
  visit(value, "");
  const places = placesOf(
    [...nodes].map(([name, { shape }]) => ({ name, shape, dtype: "F32" as const })),
    null,
  );
  const leaves = [...nodes].map(([name, node]): [string, Leaf] => [
    name,
    {
      value: tensor(node),
      place: places.get(name)!,
      stored: "F32",
      scalar: false,
      reference: null,
      selected: false,
    },
  ]);
  return plainTree(new Map(leaves), null, "a record");
}

type Branch = Map<string, Branch | Value>;

/** The tensors of a file as records within records, by the parts of their names. Rank 0 becomes a vector of one element. */
export function recordOfTensors(context: Context, header: ModelHeader, path: string, span: Span): Value {
  const root: Branch = new Map();
  for (const { name, dtype, shape } of header.tensors) {
    const parts = name.split(".");
    const last = parts.pop()!;
    const into = parts.reduce<Branch | Value | undefined>((at, part) => {
      if (!(at instanceof Map)) return at;
      if (!at.has(part)) at.set(part, new Map());
      return at.get(part);
    }, root);
    if (!(into instanceof Map) || into.has(last))
      return stop(context, "R048", `${JSON.stringify(name)} would be both a tensor and a record of tensors`, span, {
        help: `read the file as a model, load(${JSON.stringify(path)})[${JSON.stringify(name)}]`,
      });
    const at = { source: header.id, name, dtype, shape: shape.length === 0 ? [1] : shape };
    into.set(last, tensor(context.graph.input(at)));
  }
  return recordOf(root);
}

function recordOf(branch: Branch): Value {
  const fields = [...branch].map(([name, at]): [string, Value] => [name, at instanceof Map ? recordOf(at) : at]);
  const inOrder = fields.map((_, i) => branch.get(String(i)));
  if (fields.length === 0 || inOrder.includes(undefined)) return { kind: "record", fields: new Map(fields) };
  return list(inOrder.map((at) => (at instanceof Map ? recordOf(at) : at!)));
}
