/**
 * Evaluates expressions and blocks. In: tree and context. Out: values; tensors become nodes of the graph. Everything
 * static happens here: lists unroll, `if` and `match` choose, functions are called.
 */

import type { Clause, Expr, Span } from "../../grammar/index.js";
import { nearest } from "../../grammar/index.js";
import { builtinNames, isBuiltin } from "./builtins/index.js";
import { call } from "./call.js";
import { type Context, inner, lookup, namesIn, Poisoned, step, stop } from "./context.js";
import { evaluateField, evaluateIndex, fieldOrNone } from "./fields.js";
import { joinLayers } from "./layers.js";
import { liftOperator } from "./lift.js";
import { evaluateMatch } from "./match.js";
import { binary, makeNode } from "./operators.js";
import { replaceLeaves } from "./replace.js";
import { evaluateSchedule } from "./schedule.js";
import { constantWord, hereField, isPlaceWord, selectorIn } from "./selectors.js";
import { bind } from "./statements.js";
import {
  bool,
  describe,
  float,
  int,
  list,
  none,
  parts,
  type ScheduleValue,
  tensor,
  text,
  type Value,
} from "./value.js";

export function evaluate(context: Context, expr: Expr): Value {
  switch (expr.kind) {
    case "number":
      return expr.unit === "percent" || !expr.integer ? float(expr.value) : int(expr.value);
    case "string":
      return text(
        expr.parts.map((p) => (typeof p === "string" ? p : show(context, evaluate(context, p), p.span))).join(""),
      );
    case "bool":
      return bool(expr.value);
    case "none":
      return none;
    case "name":
      return evaluateName(context, expr.name.text, expr.span);
    case "list":
      // Modules in a list are numbered: `layer = [attention(d), ffn(d)]` is layer.0 and layer.1.
      return list(
        expr.items.map((item, i) => evaluate(context.build === null ? context : step(context, String(i)), item)),
      );
    case "tuple":
      return { kind: "tuple", items: expr.items.map((item) => evaluate(context, item)) };
    case "record":
      return {
        kind: "record",
        fields: new Map(
          expr.fields.map((f) => [
            f.name.text,
            evaluate(context.build === null ? context : step(context, f.name.text), f.value),
          ]),
        ),
      };
    case "comprehension": {
      const items: Value[] = [];
      comprehend(context, expr.clauses, 0, (c) => items.push(evaluate(c, expr.value)));
      return list(items);
    }
    case "call":
      return call(context, expr, null);
    case "where":
      return evaluateWhere(context, expr);
    case "index":
      return evaluateIndex(context, expr);
    case "field":
      return evaluateField(context, expr);
    case "unary":
      return unary(context, expr.op, evaluate(context, expr.value), expr.span);
    case "binary":
      return evaluateBinary(context, expr);
    case "range": {
      const from = expr.from === null ? 0 : staticInt(context, evaluate(context, expr.from), expr.from.span);
      if (expr.to === null)
        return stop(context, "T011", "a range needs an end here", expr.span, { help: "write a..b" });
      return { kind: "range", from, to: staticInt(context, evaluate(context, expr.to), expr.to.span) };
    }
    case "if":
      return truth(context, evaluate(context, expr.condition), expr.condition.span)
        ? evaluate(context, expr.then)
        : evaluate(context, expr.else);
    case "match":
      return evaluateMatch(context, expr);
    case "with":
      return replaceLeaves(context, evaluate(context, expr.target), evaluate(context, expr.value), expr.span);
    case "lambda":
      return { kind: "closure", params: expr.params, body: expr.body, context };
    case "schedule":
      return evaluateSchedule(context, expr);
    case "error":
      throw new Poisoned();
  }
}

function evaluateName(context: Context, name: string, span: Span): Value {
  const value = lookup(context.names, name);
  if (value !== undefined) return value.kind === "poison" ? throwPoisoned() : value;
  const found = context.session.definitions.find(context.file, name);
  if (found !== undefined) {
    const { definition, file: module } = found;
    switch (definition.kind) {
      case "recipe":
        return stop(context, "T005", `${name} is a recipe: recipes are run, not called`, span);
      case "record":
        return stop(context, "T001", `${name} is a record type, not a value`, span);
      case "def":
      case "merge":
        return { kind: "definition", definition, module };
      default:
        return { kind: "moduleDefinition", definition, module };
    }
  }
  if (name === "here" && context.here !== null) return hereRecord(context);
  if (isPlaceWord(context, name)) return hereField(context, name, span);
  if (isBuiltin(name)) return { kind: "builtin", name };
  const word = constantWord(name);
  if (word !== null) return word;
  if (name === "here")
    return stop(context, "R012", "`here` has no place: no call on models is running", span, {
      help: "use it in a method, or in the `where` clause or a lambda of a call on models",
    });
  return stop(context, "N001", `unknown name \`${name}\``, span, {
    help: suggestion(
      nearest(name, [...namesIn(context.names), ...context.session.definitions.names(context.file), ...builtinNames()]),
    ),
  });
}

export function suggestion(names: readonly string[]): string | null {
  return names.length === 0 ? null : `did you mean ${names.join(" or ")}?`;
}

function throwPoisoned(): never {
  throw new Poisoned();
}

function hereRecord(context: Context): Value {
  const fields = ["name", "kind", "role", "layer", "layers", "stack", "depth", "place", "shape", "dtype"];
  return { kind: "record", fields: new Map(fields.map((f) => [f, hereField(context, f, { start: 0, end: 0 })])) };
}

function comprehend(context: Context, clauses: readonly Clause[], at: number, emit: (c: Context) => void): void {
  if (at === clauses.length) return emit(context);
  const clause = clauses[at];
  if (clause.kind === "if") {
    if (truth(context, evaluate(context, clause.condition), clause.condition.span))
      comprehend(context, clauses, at + 1, emit);
    return;
  }
  itemsOf(context, evaluate(context, clause.source), clause.source.span).forEach((item, i) => {
    const scope = step(inner(context), String(i));
    bind(scope, clause.pattern, item);
    comprehend(scope, clauses, at + 1, emit);
  });
}

/** The elements of a list, a tuple or a range. */
export function itemsOf(context: Context, value: Value, span: Span): readonly Value[] {
  switch (value.kind) {
    case "list":
    case "tuple":
      return value.items;
    case "range":
      if (value.to - value.from > 1_000_000)
        stop(context, "T011", `the range ${value.from}..${value.to} is too long to unroll`, span);
      return Array.from({ length: Math.max(0, value.to - value.from) }, (_, i) => int(value.from + i));
    case "poison":
      throw new Poisoned();
    default:
      return stop(context, "T001", `expected a list or a range, found ${describe(value)}`, span);
  }
}

export function truth(context: Context, value: Value, span: Span): boolean {
  if (value.kind === "bool") return value.value;
  if (value.kind === "poison") throw new Poisoned();
  if (value.kind === "tensor") {
    return stop(context, "T007", "this is known only while the program runs, but the structure depends on it", span, {
      help: "choose with where(condition, a, b), or compute it in a phase of its own: static(e)",
    });
  }
  if (value.kind === "schedule")
    return stop(context, "R013", "a condition has one value here, found a schedule", span, {
      help: "a schedule has its values inside a call on models: decide there, or give it as an argument",
    });
  return stop(context, "T006", `a condition must be a Bool, found ${describe(value)}`, span);
}

export function staticInt(context: Context, value: Value, span: Span): number {
  if (value.kind === "number" && Number.isInteger(value.value)) return value.value;
  if (value.kind === "poison") throw new Poisoned();
  if (value.kind === "tensor" && value.node.shape.length === 0) {
    return stop(
      context,
      "T007",
      "this number is known only while the program runs, but the structure depends on it",
      span,
      {
        help: "use a mask instead, or compute it in a phase of its own: static(e)",
      },
    );
  }
  return stop(context, "T001", `expected an Int, found ${describe(value)}`, span);
}

/** How a value reads inside a string. */
export function show(context: Context, value: Value, span: Span): string {
  switch (value.kind) {
    case "string":
      return value.value;
    case "number":
    case "bool":
      return String(value.value);
    case "none":
      return "none";
    case "list":
      return `[${value.items.map((v) => show(context, v, span)).join(", ")}]`;
    case "poison":
      throw new Poisoned();
    case "tensor":
      return value.node.shape.length === 0 && value.node.op === "const"
        ? String(value.node.attrs.value)
        : describe(value);
    default:
      return describe(value);
  }
}

function evaluateBinary(context: Context, expr: Extract<Expr, { kind: "binary" }>): Value {
  const { op } = expr;
  if (op === "in" || op === "matches") return selectorIn(context, expr);
  if (op === "??") {
    const value = expr.left.kind === "field" ? fieldOrNone(context, expr.left) : evaluate(context, expr.left);
    return value.kind === "none" ? evaluate(context, expr.right) : value;
  }
  const left = evaluate(context, expr.left);
  if (left.kind === "bool" && op === "and" && !left.value) return left;
  if (left.kind === "bool" && op === "or" && left.value) return left;
  const right = evaluateOperand(context, left, expr.right);
  // Whether there is a value at all is known at once, whatever it is made of.
  if ((op === "==" || op === "!=") && (left.kind === "none") !== (right.kind === "none")) return bool(op === "!=");
  if (op === "++" && left.kind === "tree" && right.kind === "tree") return joinLayers(context, left, right, expr.span);
  return operate(context, [left, right], expr.span, (c, [a, b]) => binary(c, op, a, b, expr.span), op);
}

/** The right side of a comparison with a string may be a bare word: `here.kind == linear`. */
function evaluateOperand(context: Context, left: Value, right: Expr): Value {
  const word =
    right.kind === "name" &&
    (left.kind === "string" || left.kind === "none") &&
    lookup(context.names, right.name.text) === undefined;
  return word ? text(right.name.text) : evaluate(context, right);
}

/** Applies an operation to values that may be trees (lifted by place) or schedules (put off until the place is known). */
export function operate(
  context: Context,
  values: readonly Value[],
  span: Span,
  apply: (c: Context, v: readonly Value[]) => Value,
  name: string,
): Value {
  const all = values.flatMap((v) => [...parts(v)]);
  if (all.some((v) => v.kind === "poison")) throw new Poisoned();
  if (all.some((v) => v.kind === "tree")) return liftOperator(context, values, span, apply, name);
  if (all.some((v) => v.kind === "schedule")) {
    const ofStep = all.every((v) => v.kind !== "schedule" || v.ofStep === true);
    const schedule: ScheduleValue = {
      kind: "schedule",
      ...(ofStep ? { ofStep } : {}),
      at: (c) =>
        apply(
          c,
          values.map((v) => resolve(c, v)),
        ),
    };
    return context.here === null ? schedule : schedule.at(context);
  }
  return apply(context, values);
}

/** Schedules become their value at the place of the context. */
export function resolve(context: Context, value: Value): Value {
  switch (value.kind) {
    case "schedule":
      return resolve(context, value.at(context));
    case "list":
    case "tuple":
      return { ...value, items: value.items.map((v) => resolve(context, v)) };
    case "record":
      return { ...value, fields: new Map([...value.fields].map(([k, v]) => [k, resolve(context, v)])) };
    default:
      return value;
  }
}

function unary(context: Context, op: "-" | "not", value: Value, span: Span): Value {
  return operate(context, [value], span, (c, [v]) => negate(c, op, v, span), op);
}

function negate(context: Context, op: "-" | "not", value: Value, span: Span): Value {
  if (op === "-" && value.kind === "number") return { ...value, value: -value.value };
  if (op === "not" && value.kind === "bool") return bool(!value.value);
  if (value.kind === "tensor")
    return tensor(makeNode(context, op === "-" ? "neg" : "not", [value.node], undefined, span), "tensor", value.axes);
  return stop(context, "T008", `${op} is not defined for ${describe(value)}`, span);
}

function evaluateWhere(context: Context, expr: Extract<Expr, { kind: "where" }>): Value {
  if (expr.call.kind !== "call") {
    return stop(
      context,
      "R010",
      "`where` selects the places of a lifted call, and this is not a call",
      expr.call.span,
      {
        help: "write f(model, ..) where kind in [linear]",
      },
    );
  }
  return call(context, expr.call, { condition: expr.condition, otherwise: expr.otherwise, span: expr.span });
}
