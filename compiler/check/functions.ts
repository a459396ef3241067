/**
 * Functions as values: lambdas, and calls of whatever is a function. In: a lambda with the types its parameters get, or
 * a function's type with arguments. Out: the type of the result.
 */
import type { Expr } from "../../grammar/index.js";
import { type Context, report } from "./context.js";
import { localDimensions } from "./dimensions.js";
import { bindPattern } from "./patterns.js";
import { binding, misfit, substituteType } from "./relate.js";
import { innerScope, type Scope } from "./scope.js";
import { typeFrom } from "./signature.js";
import { inferBody } from "./statements.js";
import { type FunctionType, isQuiet, type Type, unknown } from "./types.js";

type Lambda = Expr & { kind: "lambda" };

/** The result of a lambda whose parameters have these types; missing ones are unknown. */
function applyLambda(cx: Context, scope: Scope, e: Lambda, args: readonly Type[], expected: Type | null = null): Type {
  const inner = innerScope(scope);
  e.params.forEach((p, i) => {
    const declared = p.type ? typeFrom(cx, p.type, localDimensions(cx, inner)) : null;
    if (p.default) cx.infer(cx, inner, p.default, declared);
    bindPattern(cx, inner, p.pattern, declared ?? args[i] ?? unknown, "variable");
  });
  return inferBody({ ...cx, body: null }, inner, e.body, expected);
}

export function inferLambda(cx: Context, scope: Scope, e: Lambda, expected: Type | null): Type {
  const wanted = expected?.kind === "function" ? expected : null;
  const params = e.params.map((_, i) => wanted?.params[i] ?? unknown);
  const result = applyLambda(cx, scope, e, params, wanted?.result ?? null);
  return { kind: "function", params, required: e.params.filter((p) => p.default === null).length, result };
}

/** Applies an expression that has to be a function: a lambda is read with these types, anything else by its own type. */
export function callFunction(cx: Context, scope: Scope, e: Expr, args: readonly Type[]): Type {
  if (e.kind === "lambda") {
    checkCount(cx, e, e.params.filter((p) => p.default === null).length, e.params.length, args.length);
    return applyLambda(cx, scope, e, args);
  }
  const type = cx.infer(cx, scope, e);
  if (type.kind === "function") {
    checkCount(cx, e, type.required, type.params.length, args.length);
    return resultOfCall(type, args);
  }
  if (!isQuiet(type)) report(cx, "T005", "expected a function here", e.span, { help: "write a lambda: x => …" });
  return unknown;
}

function checkCount(cx: Context, e: Expr, required: number, most: number, given: number): void {
  if (given >= required && given <= most) return;
  const some = (n: number) => `${n} argument${n === 1 ? "" : "s"}`;
  report(cx, "T001", `this function is called with ${some(given)}, but takes ${most}`, e.span, {
    help: given === 2 && most === 1 ? "write (a, b) => …; a pair is taken apart by ((a, b)) => …" : null,
  });
}

/** The result of a function value for arguments that fit; names of dimensions in its type are bound by them. */
export function resultOfCall(type: FunctionType, args: readonly Type[]): Type {
  const b = binding(() => true);
  args.forEach((a, i) => {
    if (type.params[i]) misfit(a, type.params[i], b);
  });
  return substituteType(type.result, b);
}
