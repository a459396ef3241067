/**
 * One call of a builtin as its typing rule sees it: arguments by parameter, with their types at one place. Also what rules
 * share: what `over` ranges over, and broadcasting several arguments.
 */
import type { Expr, Span } from "../../grammar/index.js";
import { commonShape, type Operand, stored } from "./broadcasting.js";
import { type Context, report } from "./context.js";
import { constantOf } from "./polynomial.js";
import { lookup, type Scope } from "./scope.js";
import { axisPosition, type Over, reduceShape, type Shape, showShape } from "./shape.js";
import { isQuiet, type Type, unknown } from "./types.js";
import { isScopeWord } from "./words.js";

export interface Given {
  readonly expr: Expr;
  readonly type: Type;
  readonly span: Span;
}

export interface BuiltinCall {
  readonly cx: Context;
  readonly scope: Scope;
  readonly name: string;
  readonly span: Span;
  /** The arguments of a parameter, in order; empty if it was left out. */
  readonly all: (param: string) => readonly Given[];
  /** The argument of a parameter; null if it was left out. */
  readonly one: (param: string) => Given | null;
  /** What the call reduces over, if it has such a parameter. */
  readonly over: Over;
}

export const anything: Over = { kind: "scope", word: null };

/** The type of a required argument; `unknown` if it is missing (which has been reported). */
export function typeOfArg(call: BuiltinCall, param: string): Type {
  return call.one(param)?.type ?? unknown;
}

/** Reads an `over`: scope words, names of axes, indices, or a tuple of the last two. */
export function readOver(cx: Context, scope: Scope, e: Expr): Over {
  if (e.kind === "tuple") {
    const parts = e.items.map((item) => readOver(cx, scope, item));
    const axes = parts.flatMap((p) => (p.kind === "axes" ? p.axes : []));
    return parts.every((p) => p.kind === "axes") ? { kind: "axes", axes } : anything;
  }
  if (e.kind === "name") {
    const found = lookup(scope, e.name.text);
    if (found === null)
      return isScopeWord(e.name.text) ? { kind: "scope", word: e.name.text } : { kind: "axes", axes: [e.name.text] };
    if (found.local.kind === "dimension") return { kind: "axes", axes: [e.name.text] };
    cx.program.types.set(e, found.type);
    return overOfType(cx, e, found.type);
  }
  return overOfType(cx, e, cx.infer(cx, scope, e));
}

function overOfType(cx: Context, e: Expr, type: Type): Over {
  if (type.kind === "scope") return { kind: "scope", word: type.word };
  if (type.kind === "number" && type.of === "Int") {
    const index = type.value && constantOf(type.value);
    return index === null ? anything : { kind: "axes", axes: [index] };
  }
  if (!isQuiet(type) && type.kind !== "schedule" && type.kind !== "optional" && type.kind !== "tuple") {
    report(cx, "T001", "`over` takes a scope or axes, found something else", e.span, {
      label: "not a scope",
      help: "write row, column, tensor or model (without quotes), the name of an axis, or its index",
    });
  }
  return anything;
}

/** The shape after reducing over what the call says; a missing axis is reported (H004). */
export function reduced(call: BuiltinCall, shape: Shape): Shape {
  const result = reduceShape(shape, call.over);
  if ("shape" in result) return result.shape;
  reportAxis(call, shape, result.missing, call.one("over")?.span ?? call.span);
  return null;
}

function reportAxis(call: BuiltinCall, shape: Shape, axis: string | number, span: Span): void {
  report(
    call.cx,
    "H004",
    `there is no axis ${typeof axis === "string" ? `\`${axis}\`` : axis} in ${showShape(shape)}`,
    span,
    {
      label: "no such axis",
      help: "an axis is meant by its name in a declared shape, by its index from 0 (or from the back: -1), or by a scope: row, column, tensor, model",
    },
  );
}

/** Position of an axis argument; null if unknown or reported. */
export function axisOf(call: BuiltinCall, param: string, shape: Shape): number | null {
  const given = call.one(param);
  if (given === null) return 0;
  const over = readOver(call.cx, call.scope, given.expr);
  if (over.kind !== "axes" || over.axes.length !== 1 || shape === null) return null;
  const at = axisPosition(shape, over.axes[0]);
  if (at === null) reportAxis(call, shape, over.axes[0], given.span);
  return typeof at === "number" ? at : null;
}

/** The common shape of several arguments; null after a report, too. */
export function together(call: BuiltinCall, given: readonly Operand[]): Shape {
  const shape = commonShape(call.cx, call.scope, given);
  return shape === "conflict" ? null : shape;
}

/** An argument that must not be a rank over a tensor or model. */
export function plain(call: BuiltinCall, given: Given): Given {
  return { ...given, type: stored(call.cx, given.type, given.span) };
}
