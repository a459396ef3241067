/**
 * Selecting places: the words `kind`, `role`, `name` .. of a `where` clause, the operators `in` and `matches`, and the
 * bookkeeping that makes a pattern or word that matches nothing an error with the nearest names.
 */
import type { Expr, Span } from "../../grammar/index.js";
import { nearest } from "../../grammar/index.js";
import { isStorageDtype } from "../ir/index.js";
import { compilePattern, hereFields, kinds, roles } from "../places/index.js";
import { type Context, lookup, stop } from "./context.js";
import { evaluate } from "./evaluate.js";
import { equalStatic } from "./operators.js";
import { bool, describe, float, int, list, none, text, type Value } from "./value.js";

const PLACE_FIELDS: readonly string[] = hereFields.map((f) => f.name);
const PLACE_VALUES = new Set<string>([...kinds, ...roles, "before", "inside", "after"]);

export function isPlaceWord(context: Context, name: string): boolean {
  return context.selector && context.here !== null && PLACE_FIELDS.includes(name);
}

/** Words that kinds, roles and places are made of. */
export function isPlaceValue(name: string): boolean {
  return PLACE_VALUES.has(name);
}

/** A field of `here`. */
export function hereField(context: Context, name: string, span: Span): Value {
  const { here } = context;
  if (here === null) return stop(context, "R012", "`here` stands only in a function that is called on models", span);
  const { place } = here;
  here.lift.looked = true;
  switch (name) {
    case "name":
      return text(place.name);
    case "kind":
      return text(place.kind);
    case "role":
      return place.role === null ? none : text(place.role);
    case "layer":
      return place.layer === null ? none : int(place.layer);
    case "layers":
      return int(place.layers);
    case "stack":
      return place.stack === null ? none : text(place.stack);
    case "depth":
      return float(place.depth);
    case "place":
      return text(place.place);
    case "shape":
      return list(here.shape.map(int));
    case "dtype":
      return { kind: "dtype", dtype: here.stored };
    default:
      return stop(context, "N003", `here has no field ${name}`, span, { help: `it has ${PLACE_FIELDS.join(", ")}` });
  }
}

/** Words of the language that are values when no name hides them: scopes and dtypes. */
export function constantWord(name: string): Value | null {
  if (name === "row" || name === "column" || name === "tensor" || name === "model")
    return { kind: "scope", scope: name };
  const stored = name.toUpperCase();
  if (name === name.toLowerCase() && isStorageDtype(stored)) return { kind: "dtype", dtype: stored };
  return null;
}

/** A bare word where a string is expected, or the value of the expression. */
export function wordOr(context: Context, expr: Expr): Value {
  if (expr.kind === "list") return list(expr.items.map((item) => wordOr(context, item)));
  if (
    expr.kind !== "name" ||
    lookup(context.names, expr.name.text) !== undefined ||
    isPlaceWord(context, expr.name.text)
  )
    return evaluate(context, expr);
  if (context.session.definitions.find(context.file, expr.name.text) !== undefined && !isPlaceValue(expr.name.text))
    return evaluate(context, expr);
  return text(expr.name.text);
}

/** `x in [a, b]`, `x in a..b`, `here in tree`, `name matches "pattern"`. */
export function selectorIn(context: Context, expr: Extract<Expr, { kind: "binary" }>): Value {
  const left = evaluate(context, expr.left);
  if (expr.op === "matches") {
    const pattern = evaluate(context, expr.right);
    if (left.kind !== "string" || pattern.kind !== "string")
      return stop(
        context,
        "T008",
        `matches compares a name with a pattern, found ${describe(left)} and ${describe(pattern)}`,
        expr.span,
      );
    return bool(matchName(context, left.value, pattern.value, expr.right.span));
  }
  if (expr.right.kind === "list") {
    const what =
      expr.left.kind === "name" ? expr.left.name.text : expr.left.kind === "field" ? expr.left.name.text : null;
    let found = false;
    for (const item of expr.right.items) {
      const value = wordOr(context, item);
      const hit = equalStatic(left, value) === true;
      if (what !== null && value.kind === "string" && context.here !== null)
        recordMatch(context, what, value.value, item.span, left.kind === "string" ? left.value : null, hit);
      found ||= hit;
    }
    return bool(found);
  }
  const right = evaluate(context, expr.right);
  if (right.kind === "range") return bool(left.kind === "number" && left.value >= right.from && left.value < right.to);
  if (right.kind === "tree" && context.here !== null) return bool(right.leaves.has(context.here.place.name));
  if (right.kind === "list" || right.kind === "tuple")
    return bool(right.items.some((v) => equalStatic(left, v) === true));
  return stop(context, "T008", `in needs a list, a range or a model on its right, found ${describe(right)}`, expr.span);
}

/** Whether a tensor's name matches a glob pattern; counts the match. */
export function matchName(context: Context, name: string, pattern: string, span: Span): boolean {
  const compiled = compilePattern(pattern);
  if (!compiled.ok)
    return stop(context, "R006", `the pattern ${JSON.stringify(pattern)} cannot be read: ${compiled.message}`, span);
  const hit = compiled.matches(name);
  recordMatch(context, "name", pattern, span, name, hit);
  return hit;
}

/** Notes that a word or pattern was tried at a place. */
export function recordMatch(
  context: Context,
  what: string,
  pattern: string,
  span: Span,
  candidate: string | null,
  hit: boolean,
): void {
  const key = `${context.file}:${span.start}:${pattern}`;
  let use = context.session.matches.get(key);
  if (use === undefined) {
    use = { what, pattern, at: { file: context.file, span }, candidates: new Set(), hits: 0 };
    context.session.matches.set(key, use);
  }
  if (hit) use.hits++;
  else if (candidate !== null) use.candidates.add(candidate);
}

/** Stops at the first pattern or word that matched no place since the last call. */
export function checkMatches(context: Context): void {
  for (const use of context.session.matches.values()) {
    if (use.hits > 0) continue;
    context.session.matches.clear();
    const near =
      use.what === "name" ? nearestNames(use.pattern, [...use.candidates]) : [...use.candidates].sort().slice(0, 12);
    const what =
      use.what === "name"
        ? `no tensor matches ${JSON.stringify(use.pattern)}`
        : `no tensor has the ${use.what} ${use.pattern}`;
    stop({ ...context, file: use.at.file, here: null }, "R005", what, use.at.span, {
      help: near.length > 0 ? `the model has ${near.join(", ")}` : null,
    });
  }
  context.session.matches.clear();
}

/**
 * The nearest names to a pattern; names that differ only in their layer are counted together. A word of the pattern that
 * no name has is read as the word nearest to it: `*.atention.*` finds the names with `attention`.
 */
function nearestNames(pattern: string, names: readonly string[]): string[] {
  const groups = new Map<string, number>();
  for (const name of names) {
    const shape = name.replace(/\d+/g, "*");
    groups.set(shape, (groups.get(shape) ?? 0) + 1);
  }
  const shapes = [...groups.keys()];
  const words = new Set(shapes.flatMap((shape) => shape.split(".")));
  const asked = pattern.split(".").filter((word) => /^\w+$/.test(word));
  const meant = asked.flatMap((word) => {
    if (words.has(word)) return [word];
    const begun = [...words].filter((other) => other.startsWith(word));
    return begun.length > 0 ? begun : nearest(word, words, 1);
  });
  const score = (shape: string) => meant.filter((word) => shape.split(".").includes(word)).length;
  const best = Math.max(...shapes.map(score), 0);
  const holding = best === 0 ? [] : shapes.filter((shape) => score(shape) === best);
  const close = holding.length > 0 ? holding : nearest(pattern, shapes);
  const chosen = close.length > 0 ? close : shapes;
  return chosen.slice(0, 4).map((shape) => `${shape} (${groups.get(shape)})`);
}
