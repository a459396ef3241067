/**
 * Calls of module instances. A module with adapters is called through them, the latest outermost: `update(x)` adds to
 * its output, `forward` takes its place, `delta` and `weight'` change its weight before it runs.
 */
import type { Member, Param, Span } from "../../grammar/index.js";
import { withChanges } from "./adapted.js";
import { bindParams, type Given } from "./call.js";
import { inFlow } from "./cells.js";
import { type Context, numbered, step, stop } from "./context.js";
import { evaluate, truth } from "./evaluate.js";
import { modulesOf } from "./hosts.js";
import { modelOf } from "./model.js";
import { moduleScope } from "./module.js";
import { binary } from "./operators.js";
import { evaluateBlock, evaluateStatement, patternName } from "./statements.js";
import { heard } from "./taps.js";
import { coerce, forgetAxes } from "./types.js";
import { describe, type ModuleValue, none, type TreeValue, type Value } from "./value.js";

type FunctionMember = Extract<Member, { kind: "function" }>;

/** The parameters of calling an instance or a part of one. */
export function forwardParams(context: Context, tree: TreeValue, span: Span): readonly Param[] {
  const { definition, part } = tree.module!;
  if (part !== undefined) return functionOf(tree.module!, part)?.params ?? [];
  if (definition.kind === "router") return definition.on?.params ?? [];
  const forward = functionOf(tree.module!, "forward");
  if (forward !== null) return forward.params;
  const update = functionOf(tree.module!, "update");
  if (update !== null) return update.params;
  return stop(context, "T005", `${definition.name.text} has no forward and cannot be called`, span);
}

export function functionOf(module: ModuleValue, name: string): FunctionMember | null {
  return (
    module.definition.members.find((m): m is FunctionMember => m.kind === "function" && m.name.text === name) ?? null
  );
}

/** A part of a module as a host: `ffn` of a block, under the path `block.ffn`. */
export function partOf(module: ModuleValue, name: string): ModuleValue {
  return { ...module, path: module.path === "" ? name : `${module.path}.${name}`, part: name };
}

/**
 * Calls a function of an instance. A part goes through the adapters that are attached to it; an adapter of the whole that has a
 * part of this name runs in its place, and reaches it as `host.name(..)`.
 */
export function callFunction(
  context: Context,
  tree: TreeValue,
  name: string,
  given: ReadonlyMap<string, Given>,
  span: Span,
): Value {
  const over = overriding(tree, name);
  if (over !== null) {
    const { module, member } = over;
    const hosts = functionOf(tree.module!, name)?.params ?? [];
    const view: TreeValue = { ...tree, module, origin: module.path };
    return runFunction(step(context, numbered(context, name)), view, name, asNamed(member, hosts, given), span);
  }
  const part = partOf(tree.module!, name);
  const isPart = functionOf(tree.module!, name)?.part === true;
  if (tree.attached.has(part.path) || (isPart && context.taps?.wants({ ...tree, module: part })))
    return callModule(context, { ...tree, module: part }, given, span);
  const run = (scope: Context) => runFunction(step(scope, numbered(scope, name)), tree, name, given, span);
  return context.flow === undefined ? inFlow(context, run) : run(context);
}

/** The last adapter of this module that has a part of its own for one of the module's parts. Adapters themselves are no hosts here. */
function overriding(tree: TreeValue, name: string): { module: ModuleValue; member: FunctionMember } | null {
  const module = tree.module!;
  if (module.host !== null || module.part !== undefined || functionOf(module, name)?.part !== true) return null;
  for (const adapter of (tree.attached.get(module.path) ?? []).toReversed()) {
    const member = functionOf(adapter, name);
    if (member?.part === true) return { module: adapter, member };
  }
  return null;
}

/** Runs an instance on arguments, through the adapters that are attached to it. */
export function callModule(context: Context, tree: TreeValue, given: ReadonlyMap<string, Given>, span: Span): Value {
  const module = tree.module!;
  const scope = step(context, numbered(context, module.path === "" ? module.definition.name.text : module.path));
  const adapters = tree.attached.get(module.path) ?? [];
  const sides = new Map([...(context.sides ?? []), ...given]);
  const run = (at: Context) =>
    heard({ ...at, sides }, tree, given, (inside) => throughAdapters(inside, tree, adapters.length, given, span));
  return context.flow === undefined ? inFlow(scope, run) : run(scope);
}

/** Whether this module is what adapters were attached to: their carries begin anew with each call of it. */
function isRoot(tree: TreeValue): boolean {
  const { path, part } = tree.module!;
  if (part !== undefined) return false;
  return [...tree.attached.values()].some((adapters) => adapters.some((a) => a.group?.root === path));
}

/** The host's arguments under the names that an adapter's function gives them: its own names count, then the order. */
function asNamed(
  member: FunctionMember,
  hosts: readonly Param[],
  given: ReadonlyMap<string, Given>,
): ReadonlyMap<string, Given> {
  const named = new Map(given);
  member.params.forEach((param, i) => {
    const name = patternName(param.pattern);
    const other = i < hosts.length ? patternName(hosts[i].pattern) : name;
    const value = given.get(name) ?? given.get(other);
    if (value !== undefined) named.set(name, value);
  });
  return named;
}

/** The module with its first `count` adapters. */
function throughAdapters(
  context: Context,
  tree: TreeValue,
  count: number,
  given: ReadonlyMap<string, Given>,
  span: Span,
): Value {
  const module = tree.module!;
  if (count === 0 && module.part !== undefined) {
    const owner = { ...module, path: module.path.slice(0, -module.part.length - 1), part: undefined };
    return runFunction(context, { ...tree, module: owner }, module.part, given, span);
  }
  if (count === 0) {
    const name = module.definition.kind === "router" ? null : "forward";
    const run = (at: Context) => runFunction(at, tree, name, given, span);
    return isRoot(tree) ? inFlow(context, run) : run(context);
  }
  const adapter = (tree.attached.get(module.path) ?? [])[count - 1];
  const view: TreeValue = { ...tree, module: adapter, origin: adapter.path };
  const hosts = forwardParams(context, tree, span);
  const forward = functionOf(adapter, "forward");
  if (forward !== null) return runFunction(context, view, "forward", asNamed(forward, hosts, given), span);
  const update = functionOf(adapter, "update");
  if (update !== null) {
    const inner = throughAdapters(context, tree, count - 1, given, span);
    const added = runFunction(context, view, "update", asNamed(update, hosts, given), span);
    return binary(context, "+", inner, added, span);
  }
  if (!adapter.definition.members.some((m) => m.kind === "delta" || m.kind === "weight"))
    return throughAdapters(context, tree, count - 1, given, span);
  const changed = withChanges(context, tree, adapter, span);
  return throughAdapters(context, changed, count - 1, given, span);
}

/** Runs one function of an instance; null runs the body of a router. */
export function runFunction(
  context: Context,
  tree: TreeValue,
  name: string | null,
  given: ReadonlyMap<string, Given>,
  span: Span,
): Value {
  const module = tree.module!;
  const scope: Context = { ...moduleScope(context, tree, span), passed: given };
  const at = { file: context.file, span };
  if (name === null) return runRouter(scope, tree, given, span);
  const member = functionOf(module, name);
  if (member === null) return stop(context, "N003", `${module.definition.name.text} has no function ${name}`, span);
  bindParams(scope, `${module.definition.name.text}.${name}`, member.params, given, at);
  const result = evaluateBlock(scope, member.body);
  if (result === undefined)
    return stop(scope, "T009", `${name} ends without returning a value`, member.span, { help: "add `return value`" });
  return forgetAxes(
    member.result === null
      ? result
      : coerce(scope, result, member.result, { file: module.file, span: member.result.span }, `the result of ${name}`),
  );
}

/** A router's members are its body: they run in order with the input bound. */
function runRouter(scope: Context, tree: TreeValue, given: ReadonlyMap<string, Given>, span: Span): Value {
  const { definition } = tree.module!;
  bindParams(scope, definition.name.text, definition.on?.params ?? [], given, { file: scope.file, span });
  for (const member of definition.members) {
    if (member.kind !== "statement") continue;
    const { statement } = member;
    if (
      statement.kind === "if" &&
      !truth(scope, evaluate(scope, statement.condition), statement.condition.span) &&
      statement.else === null
    )
      continue;
    const value = evaluateStatement(scope, statement);
    if (value !== undefined) return forgetAxes(value);
  }
  return stop(scope, "T009", `the router ${definition.name.text} returns nothing`, definition.name.span);
}

/** Runs the `rule` of every module and adapter that has one, in the order of their making, for what they assign. */
export function runRules(context: Context, model: TreeValue, gradients: Value, number: Value, span: Span): Value {
  if (gradients.kind !== "tree")
    return stop(context, "T001", `rules takes the gradients of a step, found ${describe(gradients)}`, span);
  const at = { file: context.file, span };
  const module = modelOf(context, model, span).module!;
  const instances = [module, ...[...model.attached.values()].flat()].flatMap(modulesOf);
  for (const instance of instances) {
    const rule = functionOf(instance, "rule");
    if (rule === null) continue;
    const own = [...instance.fields].flatMap(([field, leaf]): [string, Value][] => {
      const g = gradients.leaves.get(leaf);
      return g === undefined ? [] : [[field, g.value]];
    });
    const values: Value[] = [number, { kind: "record", open: true, fields: new Map(own) }];
    const view: TreeValue = { ...model, module: instance, origin: instance.path };
    const scope = { ...moduleScope(step(context, instance.path), view, span, true), recipe: false };
    const given = rule.params
      .slice(0, 2)
      .map((p, i): [string, Given] => [patternName(p.pattern), { value: values[i], at }]);
    bindParams(scope, `${instance.definition.name.text}.rule`, rule.params, new Map(given), at);
    evaluateBlock(scope, rule.body);
  }
  return none;
}
