/**
 * Operands that meet element by element. In: operands with their types and places. Out: the shape of the result, or a
 * report (H001) that shows both shapes and where their names come from. Also what must not meet other operands: ranks
 * over a tensor or model (T015) and values that may be none (T001).
 */
import type { Expr, Span } from "../../grammar/index.js";
import { type Context, originLabels, report } from "./context.js";
import { isTrusted, lookup, type Scope } from "./scope.js";
import { type Axis, broadcast, type Shape, showAxis, showShape } from "./shape.js";
import { error, type Type } from "./types.js";

export interface Operand {
  readonly type: Type;
  readonly span: Span;
}

export function namesIn(...shapes: readonly Shape[]): readonly string[] {
  const keys = (a: Axis) =>
    a.kind === "rest" ? [`*${a.name}`] : [...(a.length?.keys() ?? [])].flatMap((k) => k.split("*"));
  return shapes.flatMap((s) => (s ?? []).flatMap(keys));
}

function shapeOf(type: Type): Shape | undefined {
  if (type.kind === "tensor") return type.shape;
  return type.kind === "number" ? [] : undefined;
}

/** The common shape; "conflict" after a report. Operands of other kinds are unknown shapes. */
export function commonShape(cx: Context, scope: Scope, operands: readonly Operand[]): Shape | "conflict" {
  let shape: Shape = [];
  let from: Operand | null = null;
  for (const operand of operands) {
    const other = shapeOf(operand.type);
    if (other === undefined) {
      shape = null;
      continue;
    }
    const result = broadcast(shape, other);
    if ("conflict" in result) {
      if (scope.assumesLengths) return null;
      const [left, right] = result.conflict;
      report(
        cx,
        "H001",
        `shapes ${showShape(shape)} and ${showShape(other)} do not broadcast: ${showAxis(left)} meets ${showAxis(right)}`,
        operand.span,
        {
          label: `this is ${showShape(other)}`,
          others: [
            ...(from ? [{ file: cx.file, span: from.span, text: `this is ${showShape(shape)}` }] : []),
            ...originLabels(cx, namesIn([left, right])),
          ],
          help: "axes are aligned from the last; a missing axis is added by an index: x[:, none]",
        },
      );
      return "conflict";
    }
    shape = result.shape;
    if (other === null || other.length > 0) from = operand;
  }
  return shape;
}

/** The type without its `?`; a name that may be none is reported. Fields are trusted: their tests are not followed. */
export function present(cx: Context, scope: Scope, e: Expr, type: Type): Type {
  if (type.kind === "none") {
    report(cx, "T001", "expected a value, found `none`", e.span, {
      help: "test for it first: `x ?? y`, or match on the value",
    });
    return error;
  }
  if (type.kind !== "optional") return type;
  if (e.kind === "name" && !isTrusted(scope, e)) {
    const local = lookup(scope, e.name.text)?.local;
    report(cx, "T001", `\`${e.name.text}\` may be none here`, e.span, {
      label: "used as if it were always there",
      others: local?.span ? [{ file: cx.file, span: local.span, text: "declared optional here" }] : [],
      help: `give another value with \`${e.name.text} ?? …\`, or test it: \`if ${e.name.text} == none then … else …\``,
    });
    return error;
  }
  return type.of;
}

/** Reports a rank over a tensor or model that would have to be stored. */
export function stored(cx: Context, type: Type, span: Span): Type {
  if (type.kind !== "tensor" || !type.order) return type;
  report(
    cx,
    "T015",
    "ranks over a whole tensor or model are never stored: they can only be compared with a number",
    span,
    {
      label: "used as a value",
      help: "compare it directly, `rank(x, over) < k`; per row, `rank(x, row)` is an ordinary tensor",
    },
  );
  return error;
}
