/**
 * Optimizers as values: `o.init(p)` gives the state for a tree of parameters, `o.step(p, g, state, step)` the new
 * parameters and state. The update of the definition is lifted over the parameters that have a gradient; hyperparameters
 * may be schedules of step or of place, and `over = model` ranges over all of them.
 */
import type { Member, Span } from "../../grammar/index.js";
import { bindParams, type Given } from "./call.js";
import { type Context, step as stepInto, stop } from "./context.js";
import { evaluate, evaluateBlock, resolve } from "./evaluate.js";
import { functionOf } from "./forward.js";
import { lift } from "./lift.js";
import {
  describe,
  int,
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

/** A scope with the optimizer's arguments at this place and step. */
function scopeOf(context: Context, template: TemplateValue, span: Span): Context {
  const scope: Context = {
    ...context,
    file: template.file,
    names: { own: new Map(), outer: null },
    recipe: false,
    build: null,
  };
  const at = { file: context.file, span };
  const given = new Map(
    [...template.given].map(([name, value]): [string, Given] => [name, { value: resolve(context, value), at }]),
  );
  bindParams(scope, template.definition.name.text, template.definition.params, given, at);
  return scope;
}

function treeArg(context: Context, value: Value, what: string, span: Span): TreeValue {
  return value.kind === "tree"
    ? value
    : stop(context, "T001", `${what} must be a tree of tensors, found ${describe(value)}`, span);
}

/** State for every parameter: a record of trees. */
export function initState(context: Context, template: TemplateValue, params: Value, span: Span): Value {
  const p = treeArg(context, params, "the parameters", span);
  const fields = states(template);
  if (fields.length === 0) return { kind: "record", fields: new Map() };
  const request = { name: template.definition.name.text, span, values: [p], main: p, where: null };
  return lift(stepInto(context, "init"), {
    ...request,
    body(at, [own]) {
      const scope = scopeOf(at, template, span);
      scope.names.own.set("p", own);
      const made = fields.map((field): [string, Value] => {
        const value = field.value === null ? int(0) : evaluate(scope, field.value);
        scope.names.own.set(field.name.text, value);
        return [field.name.text, running(scope, value)];
      });
      return { kind: "record", fields: new Map(made) };
    },
  });
}

/** Static numbers in a state run: they are rank-0 tensors from the start. */
function running(context: Context, value: Value): Value {
  return value.kind === "number" ? tensor(context.graph.constant(value.value, !value.integer)) : value;
}

/** One step: (parameters, state) after `update`; parameters without a gradient stay as they are. */
export function takeStep(context: Context, template: TemplateValue, args: readonly Value[], span: Span): Value {
  const [params, gradients, state, step] = args;
  const p = treeArg(context, params, "the parameters", span);
  const g = treeArg(context, gradients, "the gradients", span);
  if (state.kind !== "record")
    return stop(context, "T001", `the state must come from init, found ${describe(state)}`, span);
  const update = functionOf({ definition: template.definition } as never, "update");
  if (update === null)
    return stop(context, "T009", `${template.definition.name.text} has no update`, template.definition.name.span);
  const fields = states(template).map((f) => f.name.text);
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
    body(at, [own, gradient, number, ...old]) {
      const scope = scopeOf(at, template, span);
      fields.forEach((name, i) => {
        scope.names.own.set(name, old[i]);
      });
      const given = new Map(
        [own, gradient, number].flatMap((value, i): [string, Given][] => {
          const param = update.params[i];
          return param === undefined
            ? []
            : [
                [
                  param.pattern.kind === "name" ? param.pattern.name.text : String(i),
                  { value, at: { file: context.file, span } },
                ],
              ];
        }),
      );
      bindParams(scope, `${template.definition.name.text}.update`, update.params, given, { file: context.file, span });
      const next = evaluateBlock(scope, update.body);
      if (next === undefined)
        return stop(scope, "T009", "update ends without returning the new parameter", update.span);
      return {
        kind: "record",
        fields: new Map([
          ["", next],
          ...fields.map((name): [string, Value] => [name, running(scope, scope.names.own.get(name)!)]),
        ]),
      };
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
