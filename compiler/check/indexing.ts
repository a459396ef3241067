/**
 * Typing rules of `x[…]`: elements and parts of lists, axes of tensors, tensors of models. In: an index expression. Out:
 * its type; T011 where the value or the index is of the wrong kind, T007 for a running index of a list, H005 for too many.
 */
import type { Expr, IndexItem } from "../../grammar/index.js";
import { present, stored } from "./broadcasting.js";
import { type Context, report } from "./context.js";
import { add, constantOf, type Polynomial, subtract } from "./polynomial.js";
import type { Scope } from "./scope.js";
import { type Axis, axis, rankOf, showShape, unitAxis } from "./shape.js";
import { needStatic } from "./stages.js";
import {
  atPlace,
  error,
  isQuiet,
  leafOfModel,
  list,
  numberOrTensor,
  showType,
  type TensorType,
  type Type,
  unknown,
} from "./types.js";

type Index = Expr & { kind: "index" };

export function inferIndex(cx: Context, scope: Scope, e: Index): Type {
  const target = stored(cx, present(cx, scope, e.target, cx.infer(cx, scope, e.target)), e.target.span);
  const items = e.items.map((item) => typesOfItem(cx, scope, item));
  switch (target.kind) {
    case "error":
    case "unknown":
      return target;
    case "list":
      return ofList(cx, e, target, items);
    case "tuple":
      return ofTuple(cx, e, target, items);
    case "tensor":
      return numberOrTensor(ofTensor(cx, e, target, items));
    case "model":
      return text(items) ? leafOfModel : unknown;
    case "tree":
      return text(items) ? target.of : unknown;
    case "schedule":
      return unknown;
    default:
      report(cx, "T011", `${showType(target)} has no elements to index`, e.span, {
        label: `this is ${showType(target)}`,
        help:
          target.kind === "record"
            ? "a field is read by its name: x.field"
            : "only lists, tuples, tensors and models are indexed",
      });
      return error;
  }
}

interface ItemTypes {
  readonly item: IndexItem;
  readonly at: Type | null;
  readonly from: Type | null;
  readonly to: Type | null;
}

function typesOfItem(cx: Context, scope: Scope, item: IndexItem): ItemTypes {
  const infer = (e: Expr | null) => (e === null ? null : cx.infer(cx, scope, e));
  if (item.kind === "at") return { item, at: infer(item.value), from: null, to: null };
  if (item.kind === "slice") return { item, at: null, from: infer(item.from), to: infer(item.to) };
  return { item, at: null, from: null, to: null };
}

function text(items: readonly ItemTypes[]): boolean {
  const at = items.length === 1 ? items[0].at : null;
  return at !== null && (at.kind === "string" || at.kind === "words" || isQuiet(at));
}

function isInteger(type: Type): boolean {
  const t = atPlace(type);
  return (
    isQuiet(t) ||
    (t.kind === "number" && (t.of === "Int" || t.of === "Size")) ||
    (t.kind === "tensor" && (t.dtype === "i32" || t.dtype === null))
  );
}

function checkBounds(cx: Context, i: ItemTypes, what: string): void {
  if (i.item.kind !== "slice") return;
  for (const [e, type] of [
    [i.item.from, i.from],
    [i.item.to, i.to],
  ] as const) {
    if (e === null || type === null) continue;
    if (!isInteger(type)) wrongIndex(cx, e, type, what);
    else needStatic(cx, e, type, "the length of a part");
  }
}

function wrongIndex(cx: Context, e: Expr, type: Type, what: string): Type {
  report(cx, "T011", `${what} is indexed by an Int, found ${showType(type)}`, e.span, {
    label: `this is ${showType(type)}`,
    help: "floor(x), round(x) or int(x) makes an Int of a number",
  });
  return error;
}

function ofList(cx: Context, e: Index, target: Type & { kind: "list" }, items: readonly ItemTypes[]): Type {
  if (
    items.length !== 1 ||
    items[0].item.kind === "all" ||
    items[0].item.kind === "new" ||
    items[0].item.kind === "ellipsis"
  ) {
    report(cx, "T011", "a list takes one index or one range", e.span, { help: "xs[0], xs[1..], xs[-1]" });
    return error;
  }
  const [i] = items;
  if (i.item.kind === "slice") {
    checkBounds(cx, i, "a list");
    return list(target.of);
  }
  const at = (i.item as IndexItem & { kind: "at" }).value;
  if (i.at!.kind === "list") return list(target.of);
  if (!isInteger(i.at!)) return wrongIndex(cx, at, i.at!, "a list");
  if (!needStatic(cx, at, i.at!, "the index of a list")) return error;
  const position = i.at!.kind === "number" && i.at!.value ? constantOf(i.at!.value) : null;
  const known = position !== null && target.lengths !== null ? target.lengths.at(position) : undefined;
  if (known?.kind === "size" && target.of.kind === "number" && rankOf(target.lengths) !== null)
    return { ...target.of, value: known.length };
  return target.of.kind === "number" ? { ...target.of, value: null } : target.of;
}

function ofTuple(cx: Context, e: Index, target: Type & { kind: "tuple" }, items: readonly ItemTypes[]): Type {
  const at = items.length === 1 ? items[0].at : null;
  const position = at?.kind === "number" && at.value ? constantOf(at.value) : null;
  if (position === null) return unknown;
  const found = target.items.at(position);
  if (found !== undefined) return found;
  report(cx, "T011", `the tuple has ${target.items.length} parts, there is no part ${position}`, e.span, {
    help: "parts are counted from 0",
  });
  return error;
}

/** Length of `from..to` of an axis; null if unknown. */
function partLength(length: Polynomial | null, i: ItemTypes): Polynomial | null {
  const bound = (type: Type | null, whenOpen: Polynomial | null): Polynomial | null => {
    if (type === null) return whenOpen;
    if (type.kind !== "number" || type.value === null) return null;
    const value = constantOf(type.value);
    return value !== null && value < 0 ? add(length, type.value) : type.value;
  };
  const from = bound(i.from, new Map());
  const to = bound(i.to, length);
  return subtract(to, from);
}

function ofTensor(cx: Context, e: Index, target: TensorType, items: readonly ItemTypes[]): TensorType {
  for (const i of items) {
    checkBounds(cx, i, "an axis");
    if (i.item.kind === "at" && i.at !== null && !isInteger(i.at) && i.at.kind !== "list" && i.at.kind !== "none")
      wrongIndex(cx, i.item.value, i.at, "an axis");
  }
  const shape = target.shape;
  const result = (axes: readonly Axis[] | null): TensorType => ({ ...target, shape: axes });
  if (shape === null) return result(null);
  const consumes = items.filter(
    (i) => i.item.kind !== "new" && i.item.kind !== "ellipsis" && i.at?.kind !== "none",
  ).length;
  const rank = rankOf(shape);
  if (rank !== null && consumes > rank) {
    report(cx, "H005", `${showShape(shape)} has ${rank} axes, found ${consumes} indices`, e.span, {
      label: `this is ${showType(target)}`,
      help: "an index has at most one item for each axis, besides `none`, which adds an axis",
    });
    return result(null);
  }
  const gap = items.findIndex((i) => i.item.kind === "ellipsis");
  const front = gap < 0 ? items : items.slice(0, gap);
  const back = gap < 0 ? [] : items.slice(gap + 1);
  const head = walk(front, shape);
  if (head === null) return result(null);
  const remaining = shape.slice(head.used);
  const tail = walk([...back].reverse(), [...remaining].reverse());
  if (tail === null) return result(null);
  return result([...head.axes, ...remaining.slice(0, remaining.length - tail.used), ...tail.axes.reverse()]);
}

/** The axes that indices make of a run of axes, and how many they use up; null where the rest `*s` is reached. */
function walk(
  items: readonly ItemTypes[],
  axes: readonly Axis[],
): { readonly axes: Axis[]; readonly used: number } | null {
  const made: Axis[] = [];
  let used = 0;
  for (const i of items) {
    if (i.item.kind === "new" || i.at?.kind === "none") {
      made.push(unitAxis);
      continue;
    }
    const a = axes[used];
    if (a === undefined || a.kind === "rest") return null;
    used++;
    if (i.item.kind === "all") made.push(a);
    if (i.item.kind === "slice") made.push(axis(partLength(a.length, i), a.name));
    if (i.item.kind === "at" && i.at !== null) {
      const at = atPlace(i.at);
      if (at.kind === "list") made.push(axis(null, a.name));
      else if (at.kind === "tensor" && at.shape?.length !== 0) return null;
      else if (isQuiet(at)) return null;
    }
  }
  return { axes: made, used };
}
