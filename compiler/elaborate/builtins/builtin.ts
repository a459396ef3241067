/**
 * The shape of a builtin function and how its arguments are bound. An `axis` parameter is not evaluated before the
 * tensor is known, since it may name one of the tensor's axes.
 */
import type { Expr, Span } from "../../../grammar/index.js";
import { nearest } from "../../../grammar/index.js";
import { type Context, stop } from "../context.js";
import { evaluate } from "../evaluate.js";
import { nodeOf } from "../operators.js";
import { wordOr } from "../selectors.js";
import { describe, type Scope, type TensorValue, tensor, type Value } from "../value.js";

export interface Builtin {
  /** Names in order; a trailing `?` marks an optional one, `...` takes all remaining positional arguments. */
  readonly params: readonly string[];
  /** Parameters that name axes or scopes: bound as expressions. */
  readonly axes?: readonly string[];
  /** Parameters that take bare words. */
  readonly words?: readonly string[];
  /** True where models lift; false where a model is a value like any other. */
  readonly lifts: boolean;
  readonly run: (context: Context, args: Arguments) => Value;
}

export interface Arguments {
  readonly span: Span;
  /** Values in the order of `params`; undefined where an optional one is absent. */
  readonly values: ReadonlyMap<string, Value>;
  readonly rest: readonly Value[];
  readonly expressions: ReadonlyMap<string, Expr>;
}

export interface BoundArguments {
  readonly values: Map<string, Value>;
  readonly rest: Value[];
  readonly expressions: Map<string, Expr>;
}

export function bindBuiltin(
  context: Context,
  name: string,
  builtin: Builtin,
  expr: Extract<Expr, { kind: "call" }>,
): BoundArguments {
  const names = builtin.params.map((p) => p.replace("?", ""));
  const bound: BoundArguments = { values: new Map(), rest: [], expressions: new Map() };
  let position = 0;
  for (const arg of expr.args) {
    if (arg.rest || arg.value === null)
      return stop(context, "T004", "`..` cannot be given to a builtin function", arg.span);
    let key = arg.name?.text;
    if (key === undefined) {
      if (names[0] === "...") {
        variadic(context, bound, arg.value);
        continue;
      }
      while (bound.values.has(names[position]) || bound.expressions.has(names[position])) position++;
      key = names[Math.min(position++, names.length - 1)];
      if (bound.values.has(key) || bound.expressions.has(key) || position > names.length) {
        return stop(
          context,
          "T004",
          `${name} takes ${names.length} argument${names.length === 1 ? "" : "s"}, found one more`,
          arg.span,
          { help: `its parameters are ${names.join(", ")}` },
        );
      }
    }
    if (!names.includes(key) || key === "...") {
      const near = nearest(key, names);
      return stop(context, "N004", `${name} has no parameter ${key}`, arg.name?.span ?? arg.span, {
        help: near.length > 0 ? `did you mean ${near[0]}?` : `its parameters are ${names.join(", ")}`,
      });
    }
    if (bound.values.has(key) || bound.expressions.has(key))
      return stop(context, "N005", `${key} is given twice`, arg.span);
    if (builtin.axes?.includes(key)) bound.expressions.set(key, arg.value);
    else
      bound.values.set(key, builtin.words?.includes(key) ? wordOr(context, arg.value) : evaluate(context, arg.value));
  }
  for (const param of builtin.params) {
    if (param.endsWith("?") || param === "..." || bound.values.has(param) || bound.expressions.has(param)) continue;
    return stop(context, "T003", `${name} needs the argument ${param}`, expr.span);
  }
  return bound;
}

/** One more value to work on per position, or what to reduce over: a scope or an axis of the first. */
function variadic(context: Context, bound: BoundArguments, expr: Expr): void {
  const [first] = bound.rest;
  const axis = expr.kind === "name" && first?.kind === "tensor" && first.axes?.includes(expr.name.text) === true;
  const value = axis ? null : evaluate(context, expr);
  if (value === null || (value.kind === "scope" && bound.rest.length === 1)) bound.expressions.set("over", expr);
  else bound.rest.push(value);
}

/** What a reduction ranges over. `row` marks the scope row of a vector, which is the whole tensor. */
export type Over =
  | { readonly kind: "scope"; readonly scope: "tensor" | "model"; readonly row?: boolean }
  | { readonly kind: "axes"; readonly axes: readonly number[]; readonly keep: boolean };

/** Reads an `over` argument for a tensor of this shape: a scope, an axis by name or number, or several axes. */
export function overOf(context: Context, expr: Expr | undefined, of: TensorValue, absent: Scope = "tensor"): Over {
  const rank = of.node.shape.length;
  if (expr === undefined) return scopeOver(absent, rank);
  if (expr.kind === "tuple") {
    return { kind: "axes", axes: expr.items.map((e) => axisOf(context, e, of)).sort((a, b) => a - b), keep: false };
  }
  if (expr.kind === "name" && of.axes?.includes(expr.name.text))
    return { kind: "axes", axes: [axisOf(context, expr, of)], keep: false };
  const value = evaluate(context, expr);
  if (value.kind === "scope") return scopeOver(value.scope, rank);
  return { kind: "axes", axes: [axisNumber(context, value, of, expr.span)], keep: false };
}

function scopeOver(scope: Scope, rank: number): Over {
  if (scope === "model") return { kind: "scope", scope };
  if (scope === "tensor" || rank <= 1) return { kind: "scope", scope: "tensor", row: scope === "row" };
  return { kind: "axes", axes: [scope === "row" ? rank - 1 : 0], keep: true };
}

/** One axis by its declared name or its number (negative from the end). */
export function axisOf(context: Context, expr: Expr, of: TensorValue): number {
  if (expr.kind === "name" && of.axes !== null) {
    const found = of.axes.flatMap((name, i) => (name === expr.name.text ? [i] : []));
    if (found.length === 1) return found[0];
    if (found.length > 1)
      return stop(
        context,
        "H004",
        `the axis ${expr.name.text} occurs ${found.length} times in ${describe(of)}`,
        expr.span,
        { help: "give the axis by its number" },
      );
  }
  return axisNumber(context, evaluate(context, expr), of, expr.span);
}

function axisNumber(context: Context, value: Value, of: TensorValue, span: Span): number {
  const rank = of.node.shape.length;
  if (value.kind === "number" && Number.isInteger(value.value)) {
    const axis = value.value < 0 ? value.value + rank : value.value;
    if (axis >= 0 && axis < rank) return axis;
  }
  return stop(
    context,
    "H004",
    `${describe(of)} has no axis ${value.kind === "number" ? value.value : describe(value)}`,
    span,
    {
      help: "name an axis of a declared shape, give its number, or a scope: row, column, tensor, model",
    },
  );
}

/** A tensor (static numbers become rank-0 nodes). */
export function tensorArg(context: Context, value: Value, span: Span): TensorValue {
  if (value.kind === "tensor") return value;
  return tensor(nodeOf(context, value, span));
}
