/** Indexing of tensors: `x[i]`, `x[a..b]`, `x[:, none]`, `x[..., 0]`, with negative and open bounds. */
import type { Expr, IndexItem, Span } from "../../grammar/index.js";
import { type Context, stop } from "./context.js";
import { makeNode, reshaped } from "./operators.js";
import { describe, type TensorValue, tensor } from "./value.js";

export function indexTensor(
  context: Context,
  value: TensorValue,
  items: readonly IndexItem[],
  span: Span,
  int: (e: Expr) => number,
): TensorValue {
  const { shape } = value.node;
  const used = items.filter((i) => i.kind !== "new" && i.kind !== "ellipsis" && !isNewAxis(i)).length;
  if (used > shape.length)
    stop(context, "T011", `${describe(value)} has ${shape.length} axes, ${used} are indexed`, span);
  if (items.filter((i) => i.kind === "ellipsis").length > 1)
    stop(context, "T011", "only one `...` can stand in an index", span);
  const start: number[] = [];
  const size: number[] = [];
  const result: number[] = [];
  const axes: (string | null)[] = [];
  const keep = (axis: number) => {
    start.push(0);
    size.push(shape[axis]);
    result.push(shape[axis]);
    axes.push(value.axes?.[axis] ?? null);
  };
  let axis = 0;
  for (const item of items) {
    if (item.kind === "new" || isNewAxis(item)) {
      result.push(1);
      axes.push(null);
    } else if (item.kind === "ellipsis") {
      for (let skipped = shape.length - used; skipped > 0; skipped--) keep(axis++);
    } else if (item.kind === "all") {
      keep(axis++);
    } else {
      const range =
        item.kind === "slice" ? item : item.kind === "at" && item.value.kind === "range" ? item.value : null;
      const length = shape[axis];
      const within = (e: Expr) => {
        const at = int(e);
        return at < 0 ? at + length : at;
      };
      if (range !== null) {
        const from = range.from === null ? 0 : within(range.from);
        const to = range.to === null ? length : within(range.to);
        if (from < 0 || to > length || from > to)
          stop(context, "T011", `the range ${from}..${to} lies outside axis ${axis} of ${describe(value)}`, item.span);
        start.push(from);
        size.push(to - from);
        result.push(to - from);
        // A part of an axis is no longer the axis of that name.
        axes.push(range.from === null && range.to === null ? (value.axes?.[axis] ?? null) : null);
      } else if (item.kind === "at") {
        const at = within(item.value);
        if (at < 0 || at >= length)
          stop(context, "T011", `the index ${at} lies outside axis ${axis} of ${describe(value)}`, item.span);
        start.push(at);
        size.push(1);
      }
      axis++;
    }
  }
  while (axis < shape.length) keep(axis++);
  const box = makeNode(context, "slice", [value.node], { start, size }, span);
  return tensor(reshaped(context, box, result, span), value.space, axes.some((a) => a !== null) ? axes : null);
}

/** `none` between the brackets is a new axis. */
function isNewAxis(item: IndexItem): boolean {
  return item.kind === "at" && item.value.kind === "none";
}
