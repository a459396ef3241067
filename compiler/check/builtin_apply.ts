/**
 * A call of a builtin: arguments to parameters, what each may be, then the row's own rule, place by place where it lifts.
 * In: a call and a row of the table. Out: the type of the result; T001, T006, T007, T014 where the call cannot be meant.
 */
import type { Expr } from "../../grammar/index.js";
import { roles } from "../places/index.js";
import { matchArguments, type Slot } from "./arguments.js";
import { present } from "./broadcasting.js";
import { anything, type BuiltinCall, type Given, readOver } from "./builtin_call.js";
import type { Builtin, BuiltinParam, Takes } from "./builtins.js";
import { inferArguments, reportProblems } from "./calls.js";
import { type Context, report } from "./context.js";
import { leafwise, lifting } from "./join.js";
import { lookup, type Scope } from "./scope.js";
import type { Over } from "./shape.js";
import { isTruth } from "./spaces.js";
import { needStatic } from "./stages.js";
import { error, isNumeric, isQuiet, list, none, number, showType, string, type Type, unknown, words } from "./types.js";
import { isScopeWord, isWordHere } from "./words.js";

type Call = Expr & { kind: "call" };

export function callBuiltin(cx: Context, scope: Scope, e: Call, builtin: Builtin): Type {
  if (builtin.recipesOnly && !cx.inRecipe) {
    report(cx, "T014", `\`${builtin.name}\` may only be called in a recipe`, e.span, {
      label: "not in a recipe",
      help: "a definition gets its models as parameters; the recipe loads and saves them",
    });
  }
  if (builtin.name === "log" && isRecord(e)) {
    inferArguments(cx, scope, e.args);
    return none;
  }
  const slots = builtin.params.map((p): Slot => ({ name: p.name, optional: p.default !== null, many: p.many }));
  const overSlot = builtin.params.findIndex((p) => p.takes === "over");
  const bound = matchArguments(e.args, slots, (value, position) => {
    return position > 0 && builtin.params[0].many && isScope(cx, scope, value) ? overSlot : -1;
  });
  const matched = builtin.open ? { ...bound, problems: bound.problems.filter((p) => p.kind !== "unknown") } : bound;
  reportProblems(cx, e, matched, slots, `\`${builtin.name}\``, null);
  const used = new Set(matched.given.flat());
  inferArguments(
    cx,
    scope,
    e.args.filter((a) => !used.has(a)),
  );
  let sound = matched.problems.length === 0;
  let over: Over = overSlot >= 0 ? defaultOver(builtin.params[overSlot]) : anything;
  const given = builtin.params.map((p, i) =>
    matched.given[i].flatMap((a): Given[] => {
      if (a.value === null) return [];
      if (p.takes === "over") over = readOver(cx, scope, a.value);
      if (p.takes === "over" || p.takes === "axis" || p.takes === "function")
        return [{ expr: a.value, type: unknown, span: a.value.span }];
      const type = readArgument(cx, scope, builtin, p, a.value);
      if (type.kind === "error") sound = false;
      return [{ expr: a.value, type, span: a.value.span }];
    }),
  );
  const flat = given.flat();
  const once = over.kind === "scope" && over.word === "model";
  const rule = (types: readonly Type[]): Type => {
    const typed = flat.map((g, i) => ({ ...g, type: types[i] }));
    const at = (param: string): readonly Given[] => {
      const i = builtin.params.findIndex((p) => p.name === param);
      const before = given.slice(0, i).flat().length;
      return typed.slice(before, before + given[i].length);
    };
    const call: BuiltinCall = {
      cx,
      scope,
      name: builtin.name,
      span: e.span,
      over,
      all: at,
      one: (param) => at(param)[0] ?? null,
    };
    return builtin.type(call);
  };
  const types = flat.map((g) => g.type);
  const result = builtin.lifts ? lifting(types, rule, once) : rule(types);
  return sound || result.kind === "list" ? result : error;
}

/** `log(loss = l)` records values of a loop by name; `log(x)` is the logarithm. */
function isRecord(e: Call): boolean {
  return e.args.length > 0 && e.args.every((a) => a.name !== null && a.name.text !== "x");
}

function defaultOver(p: BuiltinParam): Over {
  return p.default !== null && isScopeWord(p.default) ? { kind: "scope", word: p.default } : anything;
}

/** A positional argument that can only be a scope: `sum(x, row)`, `mean(x, over)`. */
function isScope(cx: Context, scope: Scope, e: Expr): boolean {
  if (e.kind !== "name") return false;
  const found = lookup(scope, e.name.text);
  if (found !== null) return found.type.kind === "scope";
  return isScopeWord(e.name.text) && isWordHere(cx, scope, e.name.text);
}

function readArgument(cx: Context, scope: Scope, builtin: Builtin, p: BuiltinParam, e: Expr): Type {
  const expected = hint(p.takes);
  const several = p.takes === "places" && e.kind === "list" && expected !== null;
  const raw = cx.infer(cx, scope, e, several ? list(expected) : expected);
  if (p.takes === "any" || p.takes === "places") return raw;
  if (raw.kind === "none" && p.default === "none") return raw;
  const type = present(cx, scope, e, raw);
  if (isQuiet(type)) return type;
  const value = leafwise(type);
  if (p.takes === "lengths") return readLengths(cx, builtin, p, e, value);
  if (isQuiet(value) || accepts(p.takes, value)) return type;
  const code = p.takes === "truth" && isNumeric(value) ? "T006" : "T001";
  report(cx, code, `\`${p.name}\` of \`${builtin.name}\` is ${named.get(p.takes)}, found ${showType(type)}`, e.span, {
    label: `this is ${showType(type)}`,
    help: helpFor(builtin, p, value),
  });
  return error;
}

/** Parts that every architecture has under the same names. */
const parts = ["embed", "encode", "head", "attention", "ffn", "heads", "logits"];

function hint(takes: Takes): Type | null {
  if (takes === "dtype") return { kind: "dtype" };
  if (takes === "text") return string;
  if (takes === "lengths") return list(number("Int"));
  if (takes === "places") return words([...roles, ...parts]);
  return null;
}

const named: ReadonlyMap<Takes, string> = new Map([
  ["numeric", "a tensor or number"],
  ["values", "a tensor, a number, or a list of them"],
  ["truth", "a Bool or a bool tensor"],
  ["list", "a list"],
  ["int", "an Int"],
  ["number", "a number"],
  ["text", "a text"],
  ["lengths", "a list of Ints"],
  ["dtype", "a dtype, such as bf16"],
]);

function accepts(takes: Takes, type: Type): boolean {
  switch (takes) {
    case "numeric":
      return isNumeric(type);
    case "values":
      return isNumeric(type) || type.kind === "list" || type.kind === "tuple";
    case "truth":
      return isTruth(type);
    case "list":
      return type.kind === "list" || type.kind === "tuple";
    case "int":
      return type.kind === "tensor"
        ? type.shape === null || type.shape.length === 0
        : type.kind === "number" && (type.of === "Int" || type.of === "Size");
    case "number":
      return type.kind === "tensor"
        ? type.shape === null || type.shape.every((a) => a.kind === "rest")
        : type.kind === "number" && type.of !== "Bool";
    case "text":
      return type.kind === "string" || type.kind === "words";
    case "dtype":
      return type.kind === "dtype";
    default:
      return true;
  }
}

function helpFor(builtin: Builtin, p: BuiltinParam, type: Type): string | null {
  if (type.kind === "list" && (p.takes === "numeric" || p.takes === "number"))
    return `work on each: [${builtin.name}(x) for x in xs]`;
  if (p.takes === "list" && isNumeric(type)) return "write a list, also of one element: [x]";
  if (p.takes === "truth") return "compare first: `x != 0`";
  if (p.takes === "int" && type.kind === "number") return "floor(x), round(x) or int(x) makes an Int of it";
  if (p.takes === "dtype") return "write f32, bf16, f16, f64, f8_e4m3 or f8_e5m2 without quotes";
  return null;
}

/** A shape: a list of Ints that are known before the run. */
function readLengths(cx: Context, builtin: Builtin, p: BuiltinParam, e: Expr, type: Type): Type {
  if (isQuiet(type)) return type;
  const draws = builtin.params.some((other) => other.name === "purpose");
  if (type.kind === "tuple" || (type.kind === "tensor" && draws)) return unknown;
  const element = type.kind === "list" ? type.of : type.kind === "number" ? type : null;
  const whole =
    element !== null &&
    (isQuiet(element) ||
      element.kind === "tensor" ||
      (element.kind === "number" && (element.of === "Int" || element.of === "Size")));
  if (element === null || !whole) {
    report(cx, "T001", `\`${p.name}\` of \`${builtin.name}\` is a list of Ints, found ${showType(type)}`, e.span, {
      label: `this is ${showType(type)}`,
      help:
        element === null ? "write the lengths in brackets: [out, in]" : "floor(x) or int(x) makes an Int of a number",
    });
    return error;
  }
  const items =
    e.kind === "list" ? e.items.map((item) => [item, cx.program.types.get(item)] as const) : [[e, element] as const];
  const running = items.every(([item, t]) => t === undefined || needStatic(cx, item, t, "a length"));
  return running ? type : error;
}
