/**
 * Schedules: values that depend on the place. `by depth` interpolates between anchors over depth 0..1; `by layer`,
 * `by name`, `by kind` and `by role` take the first case that fits. Cases may hold schedules again.
 */
import type { ScheduleExpr } from "../../grammar/index.js";
import { type Context, stop } from "./context.js";
import { evaluate, resolve } from "./evaluate.js";
import { binary, nodeOf } from "./operators.js";
import { hereField, matchName, recordMatch, wordOr } from "./selectors.js";
import { describe, float, int, tensor, type Value } from "./value.js";

/** A schedule keeps the scope it was written in and waits for the place; inside a lifted call it has its value at once. */
export function evaluateSchedule(context: Context, expr: ScheduleExpr): Value {
  if (expr.by === "step") return byStep(context, expr);
  const at = (use: Context): Value => {
    if (use.here === null) {
      return stop(
        context,
        "R013",
        `\`by ${expr.by}\` has no value here: it depends on the place in a model`,
        expr.span,
        {
          help: "give it to a function that is called on models",
        },
      );
    }
    const scope = { ...context, here: use.here, loop: use.loop ?? context.loop };
    return expr.by === "depth" ? byDepth(scope, expr) : byCase(scope, expr);
  };
  return context.here === null ? { kind: "schedule", at } : at(context);
}

/**
 * `by step { warmup w, cosine a .. b }`: i is the step of the innermost loop of n steps, from 0. Before step w the value
 * is a i / w; then, with t = (i - w) / (n - w): linear a + (b - a) t, cosine b + (a - b) (1 + cos(pi t)) / 2, polynomial
 * b + (a - b) (1 - t)^power.
 */
function byStep(context: Context, expr: ScheduleExpr): Value {
  const at = (use: Context): Value => {
    if (use.loop === null) {
      return stop(context, "R013", "`by step` has no value here: it depends on the step of a running loop", expr.span, {
        help: "give it to an optimizer, or use it inside iterate",
      });
    }
    return stepValue(context, expr, tensor(use.loop.index), use.loop.count);
  };
  return { kind: "schedule", at, ofStep: true };
}

function stepValue(context: Context, expr: ScheduleExpr, i: Value, count: number): Value {
  const { span } = expr;
  const op = (sign: "+" | "-" | "*" | "/" | "^" | "<" | ">=" | "and", a: Value, b: Value) =>
    binary(context, sign, a, b, span);
  const choose = (c: Value, a: Value, b: Value): Value =>
    tensor(
      context.graph.make(
        "where",
        [c, a, b].map((v) => nodeOf(context, v, span)),
      ),
    );
  if (expr.curve === null) {
    const otherwise = expr.otherwise === null ? null : evaluate(context, expr.otherwise);
    const cases = [...expr.cases].reverse();
    let value = otherwise;
    for (const c of cases) {
      const range = evaluate(context, c.key);
      if (range.kind !== "range")
        return stop(context, "T001", `by step takes ranges of steps, found ${describe(range)}`, c.key.span);
      const inside = op("and", op(">=", i, int(range.from)), op("<", i, int(range.to)));
      const own = evaluate(context, c.value);
      value = value === null ? own : choose(inside, own, value);
    }
    return value ?? stop(context, "T001", "by step needs a course or cases", span);
  }
  const { curve } = expr;
  const from = evaluate(context, curve.from);
  const warmup = expr.warmup === null ? 0 : wholeNumber(context, expr.warmup);
  const rest = Math.max(1, count - warmup);
  const t = op("/", op("-", i, int(warmup)), int(rest));
  const to = curve.to === null ? from : evaluate(context, curve.to);
  const span1 = op("-", from, to);
  const course = (): Value => {
    switch (curve.kind) {
      case "constant":
        return from;
      case "linear":
        return op("+", from, op("*", op("-", to, from), t));
      case "cosine": {
        const half = op(
          "/",
          op("+", int(1), tensor(context.graph.make("cos", [nodeOf(context, op("*", float(Math.PI), t), span)]))),
          int(2),
        );
        return op("+", to, op("*", span1, half));
      }
      case "polynomial":
        return op(
          "+",
          to,
          op("*", span1, op("^", op("-", int(1), t), curve.power === null ? int(1) : evaluate(context, curve.power))),
        );
    }
  };
  if (warmup === 0) return course();
  return choose(op("<", i, int(warmup)), op("/", op("*", from, i), int(warmup)), course());
}

function wholeNumber(context: Context, expr: Parameters<typeof evaluate>[1]): number {
  const value = evaluate(context, expr);
  return value.kind === "number" && Number.isInteger(value.value) && value.value >= 0
    ? value.value
    : stop(context, "T001", `warmup takes a number of steps, found ${describe(value)}`, expr.span);
}

function byDepth(context: Context, expr: ScheduleExpr): Value {
  const anchors = expr.anchors.map((e) => {
    const value = resolve(context, evaluate(context, e));
    if (value.kind !== "number")
      return stop(context, "T001", `an anchor of by depth must be a number, found ${describe(value)}`, e.span);
    return value.value;
  });
  if (anchors.length === 0)
    return stop(context, "T001", "by depth needs anchors", expr.span, { help: "write by depth { 0.2 .. 0.8 }" });
  context.here!.lift.looked = true;
  const at = context.here!.place.depth * (anchors.length - 1);
  const below = Math.min(Math.floor(at), anchors.length - 1);
  const above = Math.min(below + 1, anchors.length - 1);
  const t = at - below;
  return float((1 - t) * anchors[below] + t * anchors[above]);
}

function byCase(context: Context, expr: ScheduleExpr): Value {
  const own = hereField(context, expr.by, expr.span);
  for (const c of expr.cases) {
    if (fits(context, expr, c.key, own)) return resolve(context, evaluate(context, c.value));
  }
  if (expr.otherwise !== null) return resolve(context, evaluate(context, expr.otherwise));
  return stop(
    context,
    "R014",
    `\`by ${expr.by}\` has no case for ${own.kind === "none" ? `a tensor without ${expr.by}` : describe(own)}`,
    expr.span,
    {
      help: "add `else value`",
    },
  );
}

function fits(context: Context, expr: ScheduleExpr, key: ScheduleExpr["cases"][number]["key"], own: Value): boolean {
  if (expr.by === "name") {
    const pattern = evaluate(context, key);
    if (pattern.kind !== "string" || own.kind !== "string")
      return stop(context, "T001", `by name takes patterns, found ${describe(pattern)}`, key.span);
    return matchName(context, own.value, pattern.value, key.span);
  }
  if (expr.by === "layer") {
    const range = evaluate(context, key);
    const layer = own.kind === "number" ? own.value : -1;
    if (range.kind !== "range" && range.kind !== "number")
      return stop(context, "T001", `by layer takes layers and ranges, found ${describe(range)}`, key.span);
    const hit = range.kind === "range" ? layer >= range.from && layer < range.to : layer === range.value;
    const written = range.kind === "range" ? `${range.from}..${range.to}` : String(range.value);
    recordMatch(context, "layer", written, key.span, own.kind === "number" ? String(own.value) : null, hit);
    return hit;
  }
  const word = wordOr(context, key);
  if (word.kind !== "string")
    return stop(context, "T001", `by ${expr.by} takes words, found ${describe(word)}`, key.span);
  const hit = own.kind === "string" && own.value === word.value;
  recordMatch(context, expr.by, word.value, key.span, own.kind === "string" ? own.value : null, hit);
  return hit;
}
