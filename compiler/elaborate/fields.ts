/** Fields and indices: of records, tensors, lists, and of models, whose parts and tensors have names. */

import type { Expr, IndexItem, Name, Span } from "../../grammar/index.js";
import { nearest } from "../../grammar/index.js";
import { tableField } from "./builtins/index.js";
import { type Context, stop } from "./context.js";
import { evaluate, operate, staticInt, suggestion } from "./evaluate.js";
import { indexTensor } from "./indexing.js";
import { modelOf } from "./model.js";
import { memberOf } from "./module.js";
import { makeNode } from "./operators.js";
import { hyperparameter } from "./optimizer.js";
import { describe, list, none, type RecordValue, tensor, type Value } from "./value.js";

export function evaluateField(context: Context, expr: Extract<Expr, { kind: "field" }>): Value {
  const target = evaluate(context, expr.target);
  const name = expr.name.text;
  if (target.kind === "template" && target.definition.kind === "optimizer") {
    if (name === "init" || name === "step") return { kind: "optimizerFunction", of: target, name };
    if (name === "update" && target.state !== undefined) return { kind: "optimizerFunction", of: target, name };
    return hyperparameter(context, target, name, expr.name.span);
  }
  return fieldOfValue(context, target, expr.name, expr.span);
}

/** The field, or none where a record does not have it: `batch.labels ?? batch.input_ids`. */
export function fieldOrNone(context: Context, expr: Extract<Expr, { kind: "field" }>): Value {
  const target = evaluate(context, expr.target);
  if (target.kind === "record" && !target.fields.has(expr.name.text)) return none;
  return fieldOfValue(context, target, expr.name, expr.span);
}

/** A field of any value that has fields. */
export function fieldOfValue(context: Context, target: Value, { text: name, span: at }: Name, span: Span): Value {
  if (target.kind === "table") return tableField(context, target, name, at);
  if (target.kind === "tree") return fieldOfTree(context, target, name, at, span);
  if (target.kind === "record") return fieldOf(context, target, name, at, span);
  return operate(context, [target], span, (c, [value]) => fieldOf(c, value, name, at, span), `.${name}`);
}

function fieldOf(context: Context, value: Value, name: string, at: Span, span: Span): Value {
  if (value.kind === "record") {
    const field = value.fields.get(name);
    if (field !== undefined) return field;
    if (value.open === true) return none;
    return stop(context, "N003", `the record has no field ${name}`, at, {
      help: suggestion(nearest(name, [...value.fields.keys()])) ?? `it has ${[...value.fields.keys()].join(", ")}`,
    });
  }
  if (value.kind === "tensor" && (name === "T" || name === "mT")) {
    const rank = value.node.shape.length;
    if (rank < 2 || (name === "T" && rank !== 2)) {
      return stop(
        context,
        "H005",
        `.${name} needs ${name === "T" ? "a matrix" : "at least two axes"}, found ${describe(value)}`,
        at,
      );
    }
    const perm = Array.from({ length: rank }, (_, i) => i);
    [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
    return tensor(
      makeNode(context, "transpose", [value.node], { perm }, span),
      value.space,
      value.axes === null ? null : perm.map((p) => value.axes![p]),
    );
  }
  return stop(context, "N003", `${describe(value)} has no field ${name}`, at);
}

/** A tensor, part or function of a model; of a plain tree, a field of its leaves. */
function fieldOfTree(
  context: Context,
  tree: Extract<Value, { kind: "tree" }>,
  name: string,
  at: Span,
  span: Span,
): Value {
  const model = tree.module === null && tree.donor === null ? tree : modelOf(context, tree, span);
  const member = memberOf(context, model, name, at);
  if (member !== undefined) return member;
  if (model.module?.bare !== undefined)
    return stop(context, "R089", `the ${name} of ${tree.origin} is not known without the base`, at, {
      help: 'attach the adapters to their base: attach(load("base"), load_adapter(..))',
    });
  const names =
    model.module === null
      ? []
      : [...model.module.fields.keys(), ...model.module.children.keys(), ...model.module.statics.keys()];
  return stop(context, "N003", `${tree.origin} has no part or tensor ${name}`, at, {
    help: suggestion(nearest(name, names)),
  });
}

export function evaluateIndex(context: Context, expr: Extract<Expr, { kind: "index" }>): Value {
  const target = evaluate(context, expr.target);
  if (target.kind === "record") return fieldByName(context, target, expr.items, expr.span);
  if (target.kind === "tree") return leafByName(context, target, expr.items, expr.span);
  if (target.kind === "list" || target.kind === "tuple") return indexList(context, target, expr.items, expr.span);
  return operate(
    context,
    [target],
    expr.span,
    (c, [value]) => {
      if (value.kind !== "tensor") return stop(c, "T011", `${describe(value)} cannot be indexed`, expr.span);
      return indexTensor(c, value, expr.items, expr.span, (e) => staticInt(c, evaluate(c, e), e.span));
    },
    "index",
  );
}

/** A field whose name is no word of the language: `taps(..)["layers.0"]`. */
function fieldByName(context: Context, record: RecordValue, items: readonly IndexItem[], span: Span): Value {
  const [item] = items;
  const key = items.length === 1 && item.kind === "at" ? evaluate(context, item.value) : none;
  if (key.kind !== "string")
    return stop(context, "T011", "a record is indexed with the name of a field", span, { help: 'write r["name"]' });
  return fieldOf(context, record, key.value, span, span);
}

function leafByName(
  context: Context,
  tree: Extract<Value, { kind: "tree" }>,
  items: readonly IndexItem[],
  span: Span,
): Value {
  const [item] = items;
  const key = items.length === 1 && item.kind === "at" ? evaluate(context, item.value) : none;
  if (key.kind !== "string")
    return stop(context, "T011", "a model is indexed with the name of a tensor", span, {
      help: 'write model["a.b.weight"]',
    });
  const leaf = tree.leaves.get(key.value);
  if (leaf !== undefined) return leaf.value;
  return stop(context, "R004", `${tree.origin} has no tensor ${JSON.stringify(key.value)}`, span, {
    help: suggestion(nearest(key.value, [...tree.leaves.keys()])),
  });
}

function indexList(
  context: Context,
  value: Extract<Value, { kind: "list" | "tuple" }>,
  items: readonly IndexItem[],
  span: Span,
): Value {
  const [item] = items;
  if (items.length !== 1 || (item.kind !== "at" && item.kind !== "slice"))
    return stop(context, "T011", "a list has one index", span);
  const n = value.items.length;
  if (item.kind === "at" && item.value.kind !== "range") {
    const at = staticInt(context, evaluate(context, item.value), item.span);
    const i = at < 0 ? at + n : at;
    if (i < 0 || i >= n) return stop(context, "T011", `the index ${at} lies outside a list of ${n}`, item.span);
    return value.items[i];
  }
  const bounds = item.kind === "slice" ? item : (item.value as Extract<Expr, { kind: "range" }>);
  const bound = (e: Expr | null, absent: number) => {
    if (e === null) return absent;
    const at = staticInt(context, evaluate(context, e), e.span);
    return Math.min(n, Math.max(0, at < 0 ? at + n : at));
  };
  return list(value.items.slice(bound(bounds.from, 0), bound(bounds.to, n)));
}
