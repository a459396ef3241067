/**
 * The type of every expression. In: an expression, its scope, and the type expected there if one is. Out: its type, kept
 * for `typeOf`; findings go to the context. Each kind of expression has its rule here or in the file named after it.
 */
import { type Expr, nearest } from "../../grammar/index.js";
import { present } from "./broadcasting.js";
import { builtins, laterNames } from "./builtins.js";
import { inferCall } from "./calls.js";
import { type Context, report } from "./context.js";
import { fieldOf, inferRecord, inferWith } from "./fields.js";
import { inferLambda } from "./functions.js";
import { here, whereWords } from "./here.js";
import { inferIndex } from "./indexing.js";
import { initialisers } from "./initialisers.js";
import { join, joinAll } from "./join.js";
import { inferMatch } from "./matching.js";
import { checked, expectType } from "./mismatch.js";
import { narrow } from "./narrowing.js";
import { inferBinary, inferUnary } from "./operators.js";
import { bindPattern } from "./patterns.js";
import { constant } from "./polynomial.js";
import { rigid } from "./relate.js";
import { inferSchedule } from "./schedules.js";
import { declare, innerScope, localNames, lookup, type Scope } from "./scope.js";
import { type Axis, axis } from "./shape.js";
import { needStatic } from "./stages.js";
import { checkCondition } from "./statements.js";
import { atPlace, error, isQuiet, list, none, number, showType, string, type Type, unknown, words } from "./types.js";
import { isPlaceWord, wordType } from "./words.js";

/** Expressions nested deeper than this are left to the elaborator. */
const MAX_DEPTH = 400;

/** Infers and remembers the type of `e`. */
export function infer(cx: Context, scope: Scope, e: Expr, expected: Type | null = null): Type {
  if (cx.depth.now >= MAX_DEPTH) return unknown;
  cx.depth.now++;
  const type = inferExpr(cx, scope, e, expected);
  cx.depth.now--;
  cx.program.types.set(e, type);
  return type;
}

function inferExpr(cx: Context, scope: Scope, e: Expr, expected: Type | null): Type {
  switch (e.kind) {
    case "number":
      if (e.unit === "percent") return number("Fraction");
      if (e.unit === "size") return number("Size");
      return e.integer ? number("Int", "static", constant(e.value)) : number("Float");
    case "string":
      return inferString(cx, scope, e);
    case "bool":
      return number("Bool");
    case "none":
      return none;
    case "error":
      return error;
    case "name":
      return inferName(cx, scope, e, expected);
    case "list":
      return inferList(cx, scope, e, expected);
    case "comprehension":
      return inferComprehension(cx, scope, e, expected);
    case "tuple": {
      const wanted = expected?.kind === "tuple" ? expected.items : [];
      return { kind: "tuple", items: e.items.map((item, i) => infer(cx, scope, item, wanted[i] ?? null)) };
    }
    case "record":
      return inferRecord(cx, scope, e, expected);
    case "with":
      return inferWith(cx, scope, e);
    case "call":
      return inferCall(cx, scope, e);
    case "index":
      return inferIndex(cx, scope, e);
    case "field":
      return fieldOf(cx, scope, e, infer(cx, scope, e.target));
    case "unary":
      return inferUnary(cx, scope, e);
    case "binary":
      return inferBinary(cx, scope, e, expected);
    case "range":
      return inferRange(cx, scope, e);
    case "if":
      return inferIf(cx, scope, e, expected);
    case "match":
      return inferMatch(cx, scope, e, expected);
    case "lambda":
      return inferLambda(cx, scope, e, expected);
    case "schedule":
      return inferSchedule(cx, scope, e, expected);
    case "where":
      return inferWhere(cx, scope, e);
  }
}

function inferString(cx: Context, scope: Scope, e: Expr & { kind: "string" }): Type {
  for (const part of e.parts) if (typeof part !== "string") infer(cx, scope, part);
  if (e.parts.some((part) => typeof part !== "string")) return string;
  return words([e.parts.join("")]);
}

function inferName(cx: Context, scope: Scope, e: Expr & { kind: "name" }, expected: Type | null): Type {
  const { text, span } = e.name;
  const found = lookup(scope, text);
  if (found !== null) return found.type;
  const known = isPlaceWord(text, expected) ? undefined : cx.program.table.get(cx.file)?.get(text);
  if (known !== undefined) {
    const signature = cx.program.signatureOf(known);
    if (signature === null) return unknown;
    return {
      kind: "function",
      params: signature.params.map((p) => p.type),
      required: signature.params.filter((p) => !p.optional).length,
      result: cx.program.resultOf(known),
    };
  }
  const word = wordType(cx, e.name, expected);
  if (word !== null) return word;
  if (text === "here") return here;
  if (builtins.has(text)) return unknown;
  return unknownName(cx, scope, text, span);
}

/** Reports N001 with what the reader may have meant. */
export function unknownName(cx: Context, scope: Scope, text: string, span: Expr["span"]): Type {
  const modules = cx.program.elsewhere.get(text) ?? [];
  const candidates = [
    ...localNames(scope),
    ...(cx.program.table.get(cx.file)?.keys() ?? []),
    ...builtins.keys(),
    "here",
  ];
  const close = nearest(text, candidates);
  const help = laterNames.has(text)
    ? `\`${text}\` is not part of this version of the language`
    : initialisers.has(text)
      ? "an initialiser stands only in the first value of a field: `param A: Tensor[r, in] = kaiming_uniform()`"
      : modules.length > 0
        ? `add ${modules.map((m) => `\`use ${m}.{${text}}\``).join(" or ")} at the top of the file`
        : close.length > 0
          ? `did you mean ${close.map((c) => `\`${c}\``).join(" or ")}?`
          : "names come from parameters, `let`, definitions of this file and `use`";
  report(cx, "N001", `unknown name \`${text}\``, span, { label: "not defined here", help });
  return error;
}

function inferList(cx: Context, scope: Scope, e: Expr & { kind: "list" }, expected: Type | null): Type {
  const wanted = expected?.kind === "list" ? expected.of : null;
  const items = e.items.map((item) => infer(cx, scope, item, wanted));
  if (items.some((t) => t.kind === "error")) return list(error);
  const lengths = items.map(
    (t): Axis => axis(t.kind === "number" && (t.of === "Int" || t.of === "Size") ? t.value : null, null),
  );
  return list(joinAll(items), lengths);
}

function inferComprehension(
  cx: Context,
  scope: Scope,
  e: Expr & { kind: "comprehension" },
  expected: Type | null,
): Type {
  let inner = scope;
  for (const clause of e.clauses) {
    const outer = inner;
    inner = innerScope(outer);
    if (clause.kind === "if") {
      checkCondition(cx, outer, clause.condition, "the condition of a comprehension");
      narrow(cx, inner, clause.condition, true);
      continue;
    }
    const source = present(cx, outer, clause.source, infer(cx, outer, clause.source));
    bindPattern(cx, inner, clause.pattern, elementOf(cx, clause.source, source), "variable");
  }
  return list(infer(cx, inner, e.value, expected?.kind === "list" ? expected.of : null));
}

function elementOf(cx: Context, e: Expr, source: Type): Type {
  if (source.kind === "list") return source.of.kind === "number" ? { ...source.of, value: null } : source.of;
  if (isQuiet(source)) return source;
  if (source.kind === "schedule") return elementOf(cx, e, source.of);
  if (source.kind === "tuple") return joinAll(source.items);
  report(cx, "T001", `a comprehension goes through a list, found ${showType(source)}`, e.span, {
    label: `this is ${showType(source)}`,
    help:
      source.kind === "number"
        ? "count with a range: for i in 0..n"
        : source.kind === "tensor"
          ? "operations on tensors work on all entries at once; a list of slices is [x[i] for i in 0..n]"
          : null,
  });
  return error;
}

function inferRange(cx: Context, scope: Scope, e: Expr & { kind: "range" }): Type {
  for (const bound of [e.from, e.to]) {
    if (bound === null) continue;
    const type = atPlace(infer(cx, scope, bound));
    if (isQuiet(type) || type.kind === "optional") continue;
    const whole = type.kind === "tensor" || (type.kind === "number" && (type.of === "Int" || type.of === "Size"));
    if (whole) needStatic(cx, bound, type, "the length of a list");
    else {
      report(cx, "T001", `the bounds of a range are Ints, found ${showType(type)}`, bound.span, {
        label: `this is ${showType(type)}`,
        help: "floor(x), round(x) or int(x) makes an Int of a number",
      });
    }
  }
  return list(number("Int"));
}

function inferIf(cx: Context, scope: Scope, e: Expr & { kind: "if" }, expected: Type | null): Type {
  checkCondition(cx, scope, e.condition, "the condition of an `if`");
  const then = innerScope(scope);
  narrow(cx, then, e.condition, true);
  const otherwise = innerScope(scope);
  narrow(cx, otherwise, e.condition, false);
  return join(infer(cx, then, e.then, expected), infer(cx, otherwise, e.else, expected));
}

function inferWhere(cx: Context, scope: Scope, e: Expr & { kind: "where" }): Type {
  const type = infer(cx, scope, e.call);
  const inner = innerScope(scope);
  for (const [name, of] of whereWords) declare(inner, name, { type: of, span: null, kind: "variable" });
  checkCondition(cx, inner, e.condition, "the condition of a `where`");
  if (e.call.kind !== "call") {
    report(cx, "T001", "`where` selects the places of a call, found no call before it", e.call.span, {
      help: "write f(…) where kind in [linear]; per position of a tensor, where(condition, a, b)",
    });
  }
  if (e.otherwise === null) return type;
  const other = infer(cx, scope, e.otherwise);
  return checked(
    expectType(cx, scope, e.otherwise, other, type, rigid(), {
      what: "the other side of this `where`",
      declared: null,
    }),
    type,
  );
}
