/** `match`: the first arm whose pattern fits the subject. A known word or constant beats a new name. */
import type { Expr, MatchPattern } from "../../grammar/index.js";
import { type Context, inner, lookup, stop } from "./context.js";
import { evaluate, operate, truth } from "./evaluate.js";
import { equalStatic } from "./operators.js";
import { constantWord, isPlaceValue } from "./selectors.js";
import { evaluateBlock } from "./statements.js";
import { describe, list, type Value } from "./value.js";

export function evaluateMatch(context: Context, expr: Extract<Expr, { kind: "match" }>): Value {
  const subject = evaluate(context, expr.subject);
  return operate(
    context,
    subject.kind === "tree" ? [] : [subject],
    expr.span,
    (c, [resolved]) => {
      const value = resolved ?? subject;
      for (const arm of expr.arms) {
        const scope = inner(c);
        if (!matches(scope, arm.pattern, value)) continue;
        const result = evaluateBlock(scope, arm.body);
        if (result === undefined) return stop(scope, "T009", "this arm gives no value", arm.span);
        return result;
      }
      return stop(c, "T010", `no arm matches ${describe(value)}`, expr.span, { help: "add an arm `_ => ..`" });
    },
    "match",
  );
}

function matches(context: Context, pattern: MatchPattern, value: Value): boolean {
  switch (pattern.kind) {
    case "wildcard":
      return true;
    case "none":
      return value.kind === "none";
    case "literal": {
      const equal = equalStatic(value, evaluate(context, pattern.value));
      if (equal === null) return truth(context, value, pattern.span);
      return equal;
    }
    case "name": {
      const word = pattern.name.text;
      const hidden = lookup(context.names, word) !== undefined;
      if (
        value.kind === "string" &&
        !hidden &&
        (value.words ?? []).concat(isPlaceValue(word) ? [word] : []).includes(word)
      )
        return value.value === word;
      if (value.kind === "scope" && !hidden && constantWord(word)?.kind === "scope") return value.scope === word;
      if (value.kind === "none") return false;
      context.names.own.set(word, value);
      return true;
    }
    case "tuple":
      return (
        (value.kind === "tuple" || value.kind === "list") &&
        value.items.length === pattern.items.length &&
        pattern.items.every((p, i) => matches(context, p, value.items[i]))
      );
    case "list": {
      if (value.kind !== "list") return false;
      const n = pattern.items.length;
      if (pattern.rest === null ? value.items.length !== n : value.items.length < n) return false;
      if (!pattern.items.every((p, i) => matches(context, p, value.items[i]))) return false;
      if (pattern.rest !== null) context.names.own.set(pattern.rest.text, list(value.items.slice(n)));
      return true;
    }
  }
}
