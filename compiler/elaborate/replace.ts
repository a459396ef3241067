/** `m with tree`: a new tree that shares what is not replaced. A record's fields are replaced likewise. */
import type { Span } from "../../grammar/index.js";
import { nearest } from "../../grammar/index.js";
import { showShape } from "../ir/index.js";
import { type Context, stop } from "./context.js";
import {
  describe,
  type Leaf,
  type RecordValue,
  type TemplateValue,
  type TreeValue,
  tensor,
  type Value,
} from "./value.js";

export function replaceLeaves(context: Context, target: Value, changes: Value, span: Span): Value {
  if (target.kind === "record" && changes.kind === "record")
    return { ...target, fields: new Map([...target.fields, ...changes.fields]) };
  if (target.kind === "tree" && (changes.kind === "record" || changes.kind === "tree"))
    return replaceInTree(context, target, changes, span);
  if (target.kind === "template" && target.definition.kind === "adapter" && changes.kind === "record")
    return withFirstValues(context, target, changes, span);
  return stop(
    context,
    "T008",
    `with replaces parts of a model or a record, found ${describe(target)} with ${describe(changes)}`,
    span,
  );
}

/** `lora(rank = 2) with { A: a, B: b }`: an adapter whose tensors begin with these values. */
function withFirstValues(context: Context, target: TemplateValue, changes: RecordValue, span: Span): TemplateValue {
  const own = target.definition.members.flatMap((m) =>
    m.kind === "field" && (m.role === "param" || m.role === "buffer") ? [m.name.text] : [],
  );
  for (const name of changes.fields.keys()) {
    if (own.includes(name)) continue;
    const near = nearest(name, own);
    return stop(context, "N003", `${target.definition.name.text} has no tensor ${name}`, span, {
      help: near.length > 0 ? `did you mean ${near.join(" or ")}?` : `it has ${own.join(", ")}`,
    });
  }
  return { ...target, first: new Map([...(target.first ?? []), ...changes.fields]) };
}

function replaceInTree(context: Context, target: TreeValue, changes: RecordValue | TreeValue, span: Span): TreeValue {
  const leaves = new Map(target.leaves);
  const given: Iterable<[string, Value]> =
    changes.kind === "record"
      ? changes.fields
      : [...changes.leaves].map(([name, leaf]): [string, Value] => [name, leaf.value]);
  for (const [name, value] of given) {
    const old = leaves.get(name);
    if (old === undefined) {
      const near = nearest(name, [...leaves.keys()]);
      return stop(context, "R004", `${target.origin} has no tensor ${JSON.stringify(name)}`, span, {
        help: near.length > 0 ? `did you mean ${near.join(" or ")}?` : null,
      });
    }
    leaves.set(name, replaced(context, name, old, value, span));
  }
  return { ...target, leaves };
}

function replaced(context: Context, name: string, old: Leaf, value: Value, span: Span): Leaf {
  if (value.kind !== "tensor" || old.value.kind !== "tensor") {
    return old.value.kind === value.kind
      ? { ...old, value }
      : stop(
          context,
          "T001",
          `${JSON.stringify(name)} is ${describe(old.value)}, and cannot become ${describe(value)}`,
          span,
        );
  }
  if (showShape(value.node.shape) !== showShape(old.value.node.shape)) {
    return stop(
      context,
      "H002",
      `${JSON.stringify(name)} is ${describe(old.value)}, and cannot become ${describe(value)}`,
      span,
    );
  }
  return {
    ...old,
    value: tensor(value.node, old.value.space),
    reference: old.reference ?? old.value.node,
    selected: true,
  };
}
