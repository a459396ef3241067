/**
 * Optimizers as values: `o.init(p)` gives the state for a tree of parameters, `o.step(p, g, state, step)` the new
 * parameters and state. The update of the definition is lifted over the parameters that have a gradient; hyperparameters
 * may be schedules of step or of place, and `over = model` ranges over all of them.
 */
import type { Member, Span } from "../../grammar/index.js";
import { bindParams, type Given } from "./call.js";
import { type Context, step as stepInto, stop } from "./context.js";
import { evaluate, resolve } from "./evaluate.js";
import { functionOf } from "./forward.js";
import { lift } from "./lift.js";
import { evaluateBlock, evaluateStatement } from "./statements.js";
import {
  describe,
  int,
  list,
  none,
  plainTree,
  type RecordValue,
  type TemplateValue,
  type TreeValue,
  tensor,
  type Value,
} from "./value.js";

type Field = Extract<Member, { kind: "field" }>;

function states(template: TemplateValue): Field[] {
  return template.definition.members.filter((m): m is Field => m.kind === "field" && m.role === "state");
}

/** A scope with the optimizer's arguments, its lets and its parameter p at this place and step. */
/** The value at this place and step. Before the first step a schedule has none and stays what it is. */
function settled(context: Context, value: Value): Value {
  return context.loop === null && value.kind === "schedule" ? value : resolve(context, value);
}

function scopeOf(context: Context, template: TemplateValue, p: Value, span: Span): Context {
  const scope: Context = {
    ...context,
    file: template.file,
    names: { own: new Map(), outer: null },
    recipe: false,
    build: null,
  };
  const at = { file: context.file, span };
  const given = new Map(
    [...template.given].map(([name, value]): [string, Given] => [name, { value: settled(context, value), at }]),
  );
  bindParams(scope, template.definition.name.text, template.definition.params, given, at);
  scope.names.own.set("p", p);
  for (const member of template.definition.members)
    if (member.kind === "statement") evaluateStatement(scope, member.statement);
  return scope;
}

/** The argument `name` of an optimizer, a schedule as it is; none where it has no such parameter, since optimizers differ. */
export function hyperparameter(context: Context, template: TemplateValue, name: string, span: Span): Value {
  const { params } = template.definition;
  if (!params.some(({ pattern }) => pattern.kind === "name" && pattern.name.text === name)) return none;
  const scope: Context = { ...context, file: template.file, names: { own: new Map(), outer: null }, recipe: false };
  const at = { file: context.file, span };
  const given = new Map([...template.given].map(([key, value]): [string, Given] => [key, { value, at }]));
  bindParams(scope, template.definition.name.text, params, given, at);
  return scope.names.own.get(name) ?? none;
}

/** Parameters that hold an optimizer: `inner` in `optimizer clipped(inner: Optimizer, ..)`. */
function innerOptimizers(scope: Context, template: TemplateValue): (readonly [string, TemplateValue])[] {
  return template.definition.params.flatMap(({ pattern }) => {
    const value = pattern.kind === "name" ? scope.names.own.get(pattern.name.text) : undefined;
    if (pattern.kind !== "name" || value?.kind !== "template" || value.definition.kind !== "optimizer") return [];
    return [[pattern.name.text, value] as const];
  });
}

/** The first state at one place. What is of an inner optimizer stands behind the parameter's name and a dot. */
function firstState(context: Context, template: TemplateValue, p: Value, span: Span): Map<string, Value> {
  const scope = scopeOf(context, template, p, span);
  const made = new Map<string, Value>();
  for (const field of states(template)) {
    const value = field.value === null ? int(0) : evaluate(scope, field.value);
    scope.names.own.set(field.name.text, value);
    made.set(field.name.text, running(scope, value));
  }
  for (const [name, optimizer] of innerOptimizers(scope, template)) {
    for (const [key, value] of firstState(stepInto(context, name), optimizer, p, span))
      made.set(`${name}.${key}`, value);
  }
  return made;
}

/** Runs `update` on (p, g, step) at one place: gives the new p and replaces what is in `state`. */
export function updateAt(
  context: Context,
  template: TemplateValue,
  values: readonly Value[],
  state: Map<string, Value>,
  span: Span,
): Value {
  const { name } = template.definition;
  const update = functionOf({ definition: template.definition } as never, "update");
  if (update === null) return stop(context, "T009", `${name.text} has no update`, name.span);
  const scope = scopeOf(context, template, values[0], span);
  const fields = states(template).map((field) => field.name.text);
  for (const field of fields) scope.names.own.set(field, state.get(field)!);
  const inside = innerOptimizers(scope, template).map(([param, optimizer]) => {
    const prefix = `${param}.`;
    const own = [...state].filter(([key]) => key.startsWith(prefix));
    const cell = new Map(own.map(([key, value]) => [key.slice(prefix.length), value]));
    scope.names.own.set(param, { ...optimizer, state: cell });
    return { prefix, cell };
  });
  const at = { file: context.file, span };
  const given = values.flatMap((value, i): [string, Given][] => {
    const pattern = update.params.at(i)?.pattern;
    return pattern === undefined ? [] : [[pattern.kind === "name" ? pattern.name.text : String(i), { value, at }]];
  });
  bindParams(scope, `${name.text}.update`, update.params, new Map(given), at);
  const next = evaluateBlock(scope, update.body);
  if (next === undefined) return stop(scope, "T009", "update ends without returning the new parameter", update.span);
  for (const field of fields) state.set(field, running(scope, scope.names.own.get(field)!));
  for (const { prefix, cell } of inside) for (const [key, value] of cell) state.set(prefix + key, value);
  return next;
}

function treeArg(context: Context, value: Value, what: string, span: Span): TreeValue {
  return value.kind === "tree"
    ? value
    : stop(context, "T001", `${what} must be a tensor, or a list or tree of them, found ${describe(value)}`, span);
}

/** State for every parameter: a record of trees; of a tensor a record, of a list of them a list. */
export function initState(context: Context, template: TemplateValue, params: Value, span: Span): Value {
  if (params.kind === "tensor")
    return { kind: "record", fields: firstState(stepInto(context, "init"), template, params, span) };
  if (params.kind === "list")
    return list(params.items.map((p, i) => initState(stepInto(context, `${i}`), template, p, span)));
  const p = treeArg(context, params, "the parameters", span);
  const request = {
    name: template.definition.name.text,
    span,
    values: [p],
    main: p,
    where: null,
    apart: true as const,
  };
  return lift(stepInto(context, "init"), {
    ...request,
    body: (at, [own]) => ({ kind: "record", fields: firstState(at, template, own, span) }),
  });
}

/** Static numbers in a state run: they are rank-0 tensors from the start. */
function running(context: Context, value: Value): Value {
  return value.kind === "number" ? tensor(context.graph.constant(value.value, !value.integer)) : value;
}

/** One step: (parameters, state) after `update`; parameters without a gradient stay as they are. */
export function takeStep(context: Context, template: TemplateValue, args: readonly Value[], span: Span): Value {
  const [params, gradients, state, step] = args;
  if (params.kind === "tensor" && gradients.kind === "tensor" && state.kind === "record") {
    const now = new Map(state.fields);
    const next = updateAt(stepInto(context, "step"), template, [params, gradients, step], now, span);
    return { kind: "tuple", items: [next, { kind: "record", fields: now }] };
  }
  if (params.kind === "list" && gradients.kind === "list" && state.kind === "list") {
    const moved = params.items.map((p, i) =>
      takeStep(stepInto(context, `${i}`), template, [p, gradients.items[i], state.items[i], step], span),
    );
    const part = (at: 0 | 1) => list(moved.map((both) => (both as Extract<Value, { kind: "tuple" }>).items[at]));
    return { kind: "tuple", items: [part(0), part(1)] };
  }
  const p = treeArg(context, params, "the parameters", span);
  const g = treeArg(context, gradients, "the gradients", span);
  if (state.kind !== "record")
    return stop(context, "T001", `the state must come from init, found ${describe(state)}`, span);
  const fields = [...state.fields.keys()];
  const moving = plainTree(new Map([...p.leaves].filter(([name]) => g.leaves.has(name))), p.donor, p.origin);
  const stateTrees = fields.map((name) =>
    treeArg(context, state.fields.get(name) ?? { kind: "none" }, `the state ${name}`, span),
  );
  const narrowed = stateTrees.map((t) =>
    plainTree(new Map([...t.leaves].filter(([name]) => g.leaves.has(name))), t.donor, t.origin),
  );
  const result = lift(stepInto(context, "step"), {
    name: template.definition.name.text,
    span,
    values: [moving, g, step, ...narrowed],
    main: moving,
    where: null,
    apart: true,
    body(at, [own, gradient, number, ...old]) {
      const now = new Map(fields.map((name, i) => [name, old[i]]));
      const next = updateAt(at, template, [own, gradient, number], now, span);
      return { kind: "record", fields: new Map([["", next], ...now]) };
    },
  }) as RecordValue;
  const moved = result.fields.get("") as TreeValue;
  const next: TreeValue = {
    ...p,
    leaves: new Map(
      [...p.leaves].map(([name, leaf]) => [
        name,
        moved.leaves.has(name) ? { ...leaf, value: moved.leaves.get(name)!.value } : leaf,
      ]),
    ),
  };
  const trees = fields.map((name, i): [string, Value] => {
    const fresh = result.fields.get(name) as TreeValue;
    return [
      name,
      {
        ...stateTrees[i],
        leaves: new Map([...stateTrees[i].leaves].map(([n, leaf]) => [n, fresh.leaves.get(n) ?? leaf])),
      },
    ];
  });
  return { kind: "tuple", items: [next, { kind: "record", fields: new Map(trees) }] };
}
