/** The table of builtin functions, and how one is called: arguments are bound, models lift, schedules find their place. */
import type { Expr } from "../../../grammar/index.js";
import { type Context, Poisoned, stop } from "../context.js";
import { evaluate, operate } from "../evaluate.js";
import { lift, type Where } from "../lift.js";
import { parts, type TreeValue, type Value } from "../value.js";
import { adapterFiles } from "./adapter-files.js";
import { type Builtin, bindBuiltin } from "./builtin.js";
import { datasets } from "./datasets.js";
import { elementwise } from "./elementwise.js";
import { images } from "./images.js";
import { lists } from "./lists.js";
import { matrices } from "./matrices.js";
import { models } from "./models.js";
import { networks } from "./networks.js";
import { positions } from "./positions.js";
import { random } from "./random.js";
import { reductions } from "./reductions.js";
import { running } from "./running.js";
import { shapes } from "./shapes.js";
import { logValues, training } from "./training.js";
import { vocabularies } from "./vocabulary.js";

export { tableField } from "./datasets.js";
export { keyOf } from "./random.js";
export { filled } from "./shapes.js";

const table = new Map<string, Builtin>(
  Object.entries({
    ...elementwise,
    ...reductions,
    ...running,
    ...shapes,
    ...lists,
    ...matrices,
    ...random,
    ...models,
    ...adapterFiles,
    ...positions,
    ...networks,
    ...images,
    ...training,
    ...datasets,
    ...vocabularies,
  }),
);

export function isBuiltin(name: string): boolean {
  return table.has(name);
}

export function builtinNames(): string[] {
  return [...table.keys()];
}

/** Names of the parameters of a builtin, `?` marking optional ones. */
export function builtinParams(name: string): readonly string[] {
  return table.get(name)?.params ?? [];
}

export function runBuiltin(
  context: Context,
  name: string,
  expr: Extract<Expr, { kind: "call" }>,
  where: Where | null,
): Value {
  const builtin = table.get(name)!;
  if (name === "log" && expr.args.length > 0 && expr.args.every((a) => a.name !== null)) {
    return logValues(
      context,
      expr.args.map((a) => [a.name!.text, evaluate(context, a.value!)] as const),
      expr.span,
    );
  }
  const bound = bindBuiltin(context, name, builtin, expr);
  const keys = [...bound.values.keys()];
  const values = [...bound.values.values(), ...bound.rest];
  const all = values.flatMap((v) => [...parts(v)]);
  if (all.some((v) => v.kind === "poison")) throw new Poisoned();
  const run = (c: Context, given: readonly Value[]): Value =>
    builtin.run(c, {
      span: expr.span,
      values: new Map(keys.map((k, i) => [k, given[i]])),
      rest: given.slice(keys.length),
      expressions: bound.expressions,
    });
  if (!builtin.lifts) {
    if (where !== null)
      return stop(
        context,
        "R010",
        `\`where\` selects the places of a lifted call, and ${name} does not lift`,
        where.span,
      );
    return run(context, values);
  }
  if (where === null) return operate(context, values, expr.span, run, name);
  const main = all.find((v): v is TreeValue => v.kind === "tree");
  if (main === undefined)
    return stop(
      context,
      "R010",
      `\`where\` selects the places of a lifted call, and no model is given to ${name}`,
      where.span,
    );
  return lift(context, { name, span: expr.span, values, main, where, body: run });
}
