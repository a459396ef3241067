/**
 * Values as a tree of tensors, for files. In: a record, list or tensor. Out: a plain tree whose names are the fields on
 * the way, joined by dots. Numbers become vectors of one element, and whole numbers and Bools floats: files of results
 * are read by people who want numbers.
 */
import type { Span } from "../../grammar/index.js";
import type { Node } from "../ir/index.js";
import { placesOf } from "../places/index.js";
import { type Context, stop } from "./context.js";
import { makeNode, nodeOf } from "./operators.js";
import { describe, type Leaf, plainTree, type TreeValue, tensor, type Value } from "./value.js";

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
