/**
 * Reports of values that do not fit where they stand. In: the type found, the type expected, where and why it is
 * expected. Out: T001, T012 or H002 with both sides and the declaration; the binding of dimension names otherwise.
 */
import type { Expr, Label, Span } from "../../grammar/index.js";
import { namesIn } from "./broadcasting.js";
import { type Context, originLabels, report } from "./context.js";
import { type Binding, type Misfit, misfit, substituteType } from "./relate.js";
import { isTrusted, type Scope } from "./scope.js";
import { showShape } from "./shape.js";
import { error, showType, type Type } from "./types.js";
import { wrongWord } from "./words.js";

/** Why a type is expected: a phrase for the message and the place that says so. */
export interface Expectation {
  /** `parameter x of f`, `the result`. */
  readonly what: string;
  readonly declared: Label | null;
}

/** True if the value fits; else reports. A field that may be none is trusted, a name is not. */
export function expectType(
  cx: Context,
  scope: Scope,
  e: Expr,
  found: Type,
  expected: Type,
  b: Binding,
  why: Expectation,
): boolean {
  const trusted = found.kind === "optional" && expected.kind !== "optional" && isTrusted(scope, e) ? found.of : found;
  const bad = misfit(trusted, expected, b);
  if (bad === null) return true;
  if (bad.kind === "shape" && scope.assumesLengths) return true;
  reportMisfit(cx, e.span, found, expected, bad, b, why);
  return false;
}

function reportMisfit(
  cx: Context,
  span: Span,
  found: Type,
  expected: Type,
  bad: Misfit,
  b: Binding,
  why: Expectation,
): void {
  const others = why.declared ? [why.declared] : [];
  if (bad.kind === "word") {
    wrongWord(cx, bad.word, span, bad.words);
    return;
  }
  if (bad.kind === "shape") {
    report(cx, "H002", `${why.what} has shape ${showShape(bad.expected)}, found ${showShape(bad.found)}`, span, {
      label: `this is ${showType(found)}`,
      others: [...others, ...originLabels(cx, namesIn(bad.found))],
      help: "equal names mean equal lengths; transpose with `.T`, reshape, or declare the shape that is meant",
    });
    return;
  }
  report(cx, "T001", `${why.what} is ${showType(substituteType(expected, b))}, found ${showType(found)}`, span, {
    label: `this is ${showType(found)}`,
    others,
    help: helpFor(found, expected),
  });
}

function helpFor(found: Type, expected: Type): string | null {
  if (found.kind === "optional" && expected.kind !== "optional")
    return "it may be none: give another value with `x ?? y`, or match on it";
  if (found.kind === "list" && expected.kind !== "list")
    return "take one element, xs[0], or work on each: [f(x) for x in xs]";
  if (expected.kind === "list" && found.kind !== "list") return "write a list, also of one element: [x]";
  if (found.kind === "number" && expected.kind === "number") {
    if (expected.of === "Int") return "floor(x), round(x) or int(x) makes an Int of it";
    if (expected.of === "Bool") return "compare it: `x != 0`";
    if (found.of === "Bool") return "turn the truth value into a number: `if c then 1 else 0`";
  }
  if (found.kind === "tensor" && expected.kind === "number")
    return "reduce it to one number, such as norm(x) or sum(x)";
  if (found.kind === "words" && expected.kind === "scope") return "write row, column, tensor or model without quotes";
  return null;
}

/** The type after a check: what it is if it fits, `error` if it was reported. */
export function checked(fits: boolean, type: Type): Type {
  return fits ? type : error;
}
