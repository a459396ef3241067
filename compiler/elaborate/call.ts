/**
 * Calls: arguments meet parameters by position and name, defaults fill the rest, models lift. Definitions and lambdas
 * run here; builtin functions have their own table (builtins/).
 */
import type { Argument, Expr, Param, Span, TypeExpr } from "../../grammar/index.js";
import { nearest } from "../../grammar/index.js";
import { runBuiltin } from "./builtins/index.js";
import { type Context, inner, numbered, Poisoned, step, stop } from "./context.js";
import { evaluate, resolve } from "./evaluate.js";
import { callFunction, callModule, forwardParams, functionOf } from "./forward.js";
import { sidesOf } from "./hosts.js";
import { lift, type Where } from "./lift.js";
import { makeModule, modelOf } from "./model.js";
import { initState, takeStep, updateAt } from "./optimizer.js";
import { wordOr } from "./selectors.js";
import { bind, evaluateBlock, patternName } from "./statements.js";
import { type At, coerce, forgetAxes, liftsThrough } from "./types.js";
import { type ClosureValue, describe, parts, type TreeValue, type Value } from "./value.js";

export interface Given {
  readonly value: Value;
  readonly at: At;
}

type CallExpr = Extract<Expr, { kind: "call" }>;

export function call(context: Context, expr: CallExpr, where: Where | null): Value {
  const callee = evaluate(context, expr.callee);
  switch (callee.kind) {
    case "builtin":
      return runBuiltin(context, callee.name, expr, where);
    case "definition": {
      const { definition, module } = callee;
      const given = bindArguments(context, definition.name.text, definition.params, expr, (name) =>
        definitionType(definition.params, name),
      );
      return callDefinition(context, callee, given, where, { file: context.file, span: expr.span, module });
    }
    case "closure":
      if (where !== null)
        return stop(
          context,
          "R010",
          "`where` selects the places of a lifted call, and functions without types never lift",
          where.span,
        );
      return callClosure(
        context,
        callee,
        bindArguments(context, "the function", callee.params, expr, () => null),
        expr.span,
      );
    case "optimizerFunction":
      return callOptimizer(context, callee, expr);
    case "moduleDefinition":
    case "method":
    case "tree":
      if (where !== null)
        return stop(
          context,
          "R010",
          "`where` selects the places of a lifted call, and modules do not lift",
          where.span,
        );
      return callInstance(context, callee, expr);
    case "poison":
      throw new Poisoned();
    default:
      return stop(context, "T005", `${describe(callee)} cannot be called`, expr.callee.span);
  }
}

const optimizerParams = { init: "p", step: "p, g, state, step", update: "p, g, step" } as const;

/** `o.init(p)`, `o.step(p, g, state, step)`, and inside another optimizer `o.update(p, g, step)`. */
function callOptimizer(context: Context, callee: Extract<Value, { kind: "optimizerFunction" }>, expr: CallExpr): Value {
  const values = expr.args.map((arg) =>
    arg.value === null
      ? stop(context, "T004", "`..` has nothing to pass on here", arg.span)
      : evaluate(context, arg.value),
  );
  const params = optimizerParams[callee.name];
  const wanted = params.split(", ").length;
  if (values.length !== wanted)
    return stop(
      context,
      values.length < wanted ? "T003" : "T004",
      `${callee.name} takes (${params}), ${values.length} arguments are given`,
      expr.span,
    );
  switch (callee.name) {
    case "init":
      return initState(context, callee.of, values[0], expr.span);
    case "step":
      return takeStep(context, callee.of, values, expr.span);
    case "update":
      return updateAt(context, callee.of, values, callee.of.state ?? new Map(), expr.span);
  }
}

/** Makes a module, or calls one: a model, a part of it, or one of its functions. */
function callInstance(
  context: Context,
  callee: Extract<Value, { kind: "moduleDefinition" | "method" | "tree" }>,
  expr: CallExpr,
): Value {
  const { span } = expr;
  const bound = (name: string, params: readonly Param[]) =>
    bindArguments(context, name, params, expr, (p) => definitionType(params, p));
  switch (callee.kind) {
    case "moduleDefinition": {
      const { definition, module } = callee;
      return makeModule(context, definition, module, bound(definition.name.text, definition.params), span);
    }
    case "method": {
      const member = functionOf(callee.of.module!, callee.name)!;
      return callFunction(context, callee.of, callee.name, bound(callee.name, member.params), span);
    }
    case "tree": {
      const model = modelOf(context, callee, span);
      const params = forwardParams(context, model, span);
      const { text } = model.module!.definition.name;
      const type = (p: string) => definitionType(params, p);
      const given = bindArguments(context, text, params, expr, type, () => sidesOf(model));
      return callModule(context, model, spreadBatch(model, params, given), span);
    }
  }
}

/** A batch given alone is its columns by name: those that the model takes, or a module or adapter inside it. */
function spreadBatch(model: TreeValue, params: readonly Param[], given: Map<string, Given>): Map<string, Given> {
  const [only] = given.values();
  if (given.size !== 1 || only.value.kind !== "record") return given;
  const { fields } = only.value;
  const own = params.map((p) => patternName(p.pattern));
  if (!own.some((name) => fields.has(name))) return given;
  const named = [...own, ...sidesOf(model)].filter((name) => fields.has(name));
  return named.length === 0 ? given : new Map(named.map((name) => [name, { value: fields.get(name)!, at: only.at }]));
}

/** Applies a function value to values, as `fold` and `map` do. */
export function apply(context: Context, callee: Value, values: readonly Value[], span: Span): Value {
  const at = { file: context.file, span };
  if (callee.kind === "closure") {
    if (callee.params.length !== values.length)
      return stop(
        context,
        "T003",
        `this function takes ${callee.params.length} arguments, ${values.length} are given`,
        span,
      );
    return callClosure(
      context,
      callee,
      new Map(callee.params.map((p, i) => [patternName(p.pattern), { value: values[i], at }])),
      span,
    );
  }
  if (callee.kind === "definition") {
    const { params } = callee.definition;
    if (params.length < values.length)
      return stop(
        context,
        "T004",
        `${callee.definition.name.text} takes ${params.length} arguments, ${values.length} are given`,
        span,
      );
    return callDefinition(
      context,
      callee,
      new Map(values.map((value, i) => [patternName(params[i].pattern), { value, at }])),
      null,
      at,
    );
  }
  if (callee.kind === "tree" || callee.kind === "method") {
    const model = callee.kind === "tree" ? modelOf(context, callee, span) : callee.of;
    const params =
      callee.kind === "tree" ? forwardParams(context, model, span) : functionOf(model.module!, callee.name)!.params;
    const given = new Map(values.map((value, i) => [patternName(params[i].pattern), { value, at }]));
    return callee.kind === "tree"
      ? callModule(context, model, spreadBatch(model, params, given), span)
      : callFunction(context, model, callee.name, given, span);
  }
  return stop(context, "T005", `${describe(callee)} cannot be called`, span);
}

function definitionType(params: readonly Param[], name: string): TypeExpr | null {
  return params.find((p) => patternName(p.pattern) === name)?.type ?? null;
}

/** Matches arguments to parameters; bare words are allowed where the type expects a string. */
export function bindArguments(
  context: Context,
  name: string,
  params: readonly Param[],
  expr: CallExpr,
  typeOf: (param: string) => TypeExpr | null,
  sides: () => ReadonlySet<string> = () => new Set(),
): Map<string, Given> {
  const names = params.map((p) => patternName(p.pattern));
  const given = new Map<string, Given>();
  const passed = new Map<string, Given>();
  let position = 0;
  for (const arg of expr.args) {
    if (arg.rest || arg.value === null) {
      if (context.passed === undefined)
        return stop(context, "T004", "`..` passes parameters on, and there is nothing to pass on here", arg.span);
      for (const [key, value] of context.passed) if (names.includes(key) && !given.has(key)) passed.set(key, value);
      continue;
    }
    // A positional argument takes the next parameter that has none.
    while (arg.name === null && given.has(names[position])) position++;
    const key = arg.name === null ? names[position++] : arg.name.text;
    if (key === undefined) {
      return stop(
        context,
        "T004",
        `${name} takes ${names.length} argument${names.length === 1 ? "" : "s"}, found one more`,
        arg.span,
        { help: `its parameters are ${names.join(", ")}` },
      );
    }
    if (!names.includes(key) && !sides().has(key)) {
      const near = nearest(key, [...names, ...sides()]);
      return stop(context, "N004", `${name} has no parameter ${key}`, arg.name?.span ?? arg.span, {
        help: near.length > 0 ? `did you mean ${near[0]}?` : `its parameters are ${names.join(", ")}`,
      });
    }
    if (given.has(key)) return stop(context, "N005", `${key} is given twice`, arg.span);
    given.set(key, {
      value: evaluateArgument(context, arg, typeOf(key)),
      at: { file: context.file, span: arg.value.span },
    });
  }
  return new Map([...passed, ...given]);
}

function evaluateArgument(context: Context, arg: Argument, type: TypeExpr | null): Value {
  return type !== null && expectsWord(type) ? wordOr(context, arg.value!) : evaluate(context, arg.value!);
}

function expectsWord(type: TypeExpr): boolean {
  return type.kind === "union" || (type.kind === "optional" && expectsWord(type.of));
}

function callDefinition(
  context: Context,
  callee: Extract<Value, { kind: "definition" }>,
  given: Map<string, Given>,
  where: Where | null,
  at: At & { module?: string },
): Value {
  const { definition } = callee;
  const name = definition.name.text;
  const typeContext = { ...context, file: callee.module };
  for (const g of given.values()) if ([...parts(g.value)].some((v) => v.kind === "poison")) throw new Poisoned();
  const lifted = definition.params.some((p) => {
    const value = given.get(patternName(p.pattern))?.value;
    return value !== undefined && liftsThrough(typeContext, value, p.type);
  });
  if (!lifted) {
    if (where !== null) {
      return stop(
        context,
        "R010",
        "`where` selects the places of a lifted call, and no model is given where this function takes tensors",
        where.span,
      );
    }
    return invoke(context, callee, given, at);
  }
  const keys = [...given.keys()];
  const values = keys.map((k) => given.get(k)!.value);
  const outer = step(context, numbered(context, name));
  return lift(outer, {
    name,
    span: at.span,
    values,
    main: mainTree(definition.params, given),
    where,
    body: (c, resolved) =>
      invoke(c, callee, new Map(keys.map((k, i) => [k, { value: resolved[i], at: given.get(k)!.at }])), at),
  });
}

/** The first model that stands where a Weight is declared, else the first model. */
function mainTree(params: readonly Param[], given: ReadonlyMap<string, Given>): TreeValue {
  const first = (weights: boolean): TreeValue | undefined => {
    for (const param of params) {
      const value = given.get(patternName(param.pattern))?.value;
      if (value === undefined || (weights && !isWeight(param.type))) continue;
      const tree = [...parts(value)].find((v): v is TreeValue => v.kind === "tree");
      if (tree !== undefined) return tree;
    }
    return undefined;
  };
  return first(true) ?? first(false)!;
}

function isWeight(type: TypeExpr | null): boolean {
  switch (type?.kind) {
    case "tensor":
      return type.space === "Weight";
    case "optional":
      return isWeight(type.of);
    case "named":
      return type.args.some(isWeight);
    default:
      return false;
  }
}

/** Runs a definition at one place, or outside any. */
function invoke(
  context: Context,
  callee: Extract<Value, { kind: "definition" }>,
  given: ReadonlyMap<string, Given>,
  at: At,
): Value {
  const { definition, module } = callee;
  const name = definition.name.text;
  if (context.calls.length > 100)
    return stop(context, "N008", `${name} calls itself`, at.span, { help: "use fold: static code always ends" });
  const scope: Context = {
    ...step(context, numbered(context, name)),
    file: module,
    names: { own: new Map(), outer: null },
    selector: false,
    recipe: false,
    calls: [...context.calls, { file: at.file, span: at.span, text: `in this call of ${name}` }],
  };
  bindParams(scope, name, definition.params, given, at);
  const result = evaluateBlock(scope, definition.body);
  if (result === undefined)
    return stop(scope, "T009", `${name} ends without returning a value`, definition.name.span, {
      help: "add `return value`",
    });
  const declared = definition.result;
  return forgetAxes(
    declared === null
      ? result
      : coerce(scope, result, declared, { file: module, span: declared.span }, `the result of ${name}`),
  );
}

/** Binds arguments and defaults in the scope's own names, each as its declared type wants it. */
export function bindParams(
  scope: Context,
  name: string,
  params: readonly Param[],
  given: ReadonlyMap<string, Given>,
  at: At,
): void {
  for (const param of params) {
    const key = patternName(param.pattern);
    const arg = given.get(key);
    if (arg === undefined && param.default === null) {
      stop({ ...scope, file: at.file }, "T003", `${name} needs the argument ${key}`, at.span, {
        others: [{ file: scope.file, span: param.span, text: "declared here" }],
      });
    }
    const value = arg?.value ?? resolve(scope, defaultValue(scope, param));
    const blame = arg?.at ?? { file: scope.file, span: param.span };
    bind(
      scope,
      param.pattern,
      param.type === null ? value : coerce(scope, value, param.type, blame, `the argument ${key} of ${name}`),
    );
  }
}

function defaultValue(scope: Context, param: Param): Value {
  return param.type !== null && expectsWord(param.type)
    ? wordOr(scope, param.default!)
    : evaluate(scope, param.default!);
}

/** A lambda keeps the names of where it was written; place and path are those of the call. */
function callClosure(context: Context, callee: ClosureValue, given: ReadonlyMap<string, Given>, span: Span): Value {
  const scope: Context = {
    ...inner(callee.context),
    here: context.here ?? callee.context.here,
    loop: context.loop ?? callee.context.loop,
    losses: context.losses,
    training: context.training ?? callee.context.training,
    flow: context.flow ?? callee.context.flow,
    sides: context.sides ?? callee.context.sides,
    taps: context.taps ?? callee.context.taps,
    emitted: context.emitted,
    assigned: context.assigned ?? callee.context.assigned,
    frame: step(context, numbered(context, "fn")).frame,
    calls: context.calls,
  };
  for (const param of callee.params) {
    const key = patternName(param.pattern);
    const arg = given.get(key);
    if (arg === undefined && param.default === null)
      return stop(context, "T003", `the function needs the argument ${key}`, span);
    const value = arg?.value ?? evaluate(scope, param.default!);
    bind(
      scope,
      param.pattern,
      param.type === null
        ? value
        : coerce(scope, value, param.type, arg?.at ?? { file: scope.file, span: param.span }, `the argument ${key}`),
    );
  }
  const result = evaluateBlock(scope, callee.body);
  if (result === undefined)
    return stop(scope, "T009", "the function ends without returning a value", callee.body.span, {
      help: "add `return value`",
    });
  return result;
}
