/**
 * Values that depend on the place or the step: `by depth { 0.6 .. 1.0 }`, `by kind { linear => 1, else 0 }`,
 * `by step { warmup 10, cosine 1e-3 .. 0 }`. In: a schedule. Out: a schedule of what its branches have in common; T001 and
 * T012 for keys and anchors that cannot be meant.
 */
import type { Expr, ScheduleExpr } from "../../grammar/index.js";
import { type Context, report } from "./context.js";
import { kindWords, roleWords } from "./here.js";
import { joinAll } from "./join.js";
import type { Scope } from "./scope.js";
import { needStatic } from "./stages.js";
import { atPlace, isQuiet, number, showType, string, type Type, words } from "./types.js";

export function inferSchedule(cx: Context, scope: Scope, e: ScheduleExpr, expected: Type | null): Type {
  const wanted = expected?.kind === "schedule" ? expected.of : expected;
  const values: Type[] = [];
  const { curve } = e;
  const ends = curve === null ? [] : [curve.from, ...(curve.to ? [curve.to] : [])];
  for (const anchor of [...e.anchors, ...ends])
    values.push(numberOf(cx, scope, anchor, wanted, `\`by ${e.by}\` goes between numbers`));
  if (e.warmup) numberOf(cx, scope, e.warmup, number("Int"), "a warm-up is a number of steps");
  if (curve?.power) numberOf(cx, scope, curve.power, null, "the power of a schedule is a number");
  for (const c of e.cases) {
    checkKey(cx, scope, e.by, c.key);
    values.push(atPlace(cx.infer(cx, scope, c.value, wanted)));
  }
  if (e.otherwise) values.push(atPlace(cx.infer(cx, scope, e.otherwise, wanted)));
  const joined = joinAll(values);
  if (isQuiet(joined)) return joined;
  const between =
    (e.anchors.length > 0 || curve !== null) && joined.kind === "number" ? number("Float", "static") : joined;
  return { kind: "schedule", of: between };
}

/** A number of a schedule, known before the run. */
function numberOf(cx: Context, scope: Scope, e: Expr, wanted: Type | null, what: string): Type {
  const type = atPlace(cx.infer(cx, scope, e, wanted));
  if (isQuiet(type) || type.kind === "optional") return type;
  if (type.kind === "number" && type.of !== "Bool") needStatic(cx, e, type, "a number of a schedule");
  else report(cx, "T001", `${what}, found ${showType(type)}`, e.span, { label: `this is ${showType(type)}` });
  return type;
}

const keyTypes: Readonly<
  Record<Exclude<ScheduleExpr["by"], "depth">, { readonly expected: Type; readonly what: string }>
> = {
  layer: { expected: number("Int"), what: "a number of a layer or a range of them" },
  step: { expected: number("Int"), what: "a number of a step or a range of them" },
  name: { expected: string, what: 'a pattern over names, such as "*.mlp.*"' },
  kind: { expected: kindWords, what: "a kind, such as linear" },
  role: { expected: roleWords, what: "a role, such as query" },
  place: { expected: words(["before", "inside", "after"]), what: "before, inside or after" },
  stack: { expected: string, what: 'the name of a stack of blocks, such as "decoder"' },
};

function checkKey(cx: Context, scope: Scope, by: ScheduleExpr["by"], key: Expr): void {
  if (by === "depth") {
    cx.infer(cx, scope, key);
    return;
  }
  const { expected, what } = keyTypes[by];
  const keys = key.kind === "list" ? key.items : [key];
  for (const k of keys) {
    const type = cx.infer(cx, scope, k, expected);
    const fits =
      isQuiet(type) ||
      (by === "layer" || by === "step"
        ? (type.kind === "number" && type.of === "Int") || type.kind === "list"
        : type.kind === "words" || type.kind === "string");
    if (!fits)
      report(cx, "T001", `the keys of \`by ${by}\` are ${what}, found ${showType(type)}`, k.span, {
        label: `this is ${showType(type)}`,
      });
  }
}
