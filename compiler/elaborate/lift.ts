/**
 * Lifting: a function on tensors, called on models, runs for every tensor, matched by name. In: values with trees inside
 * and what to do at one place. Out: a tree (or a record of trees, or one number that all places share). Statistics over
 * the model are rank-0 nodes to which every place adds its part. Spec: spec/language.md, "Lifting and places".
 */
import type { Expr, Span } from "../../grammar/index.js";
import { type Node, sizeOf } from "../ir/index.js";
import { type Context, inner, type Lift, stop } from "./context.js";
import { evaluate, resolve, truth } from "./evaluate.js";
import { refuseIdle } from "./idle.js";
import { checkMatches } from "./selectors.js";
import { type Leaf, mapParts, none, parts, type TreeValue, type Value } from "./value.js";

export interface Where {
  readonly condition: Expr;
  readonly otherwise: Expr | null;
  readonly span: Span;
}

export interface LiftRequest {
  readonly name: string;
  readonly span: Span;
  readonly values: readonly Value[];
  /** The tree that names, places, dtypes and everything not selected come from. */
  readonly main: TreeValue;
  readonly where: Where | null;
  /** Every place keeps a value of its own, also where all are one number. */
  readonly apart?: true;
  /** The body at one place; `values` have their leaves in place of the trees. */
  readonly body: (context: Context, values: readonly Value[]) => Value;
}

export function lift(context: Context, request: LiftRequest): Value {
  const { main, where } = request;
  const trees = request.values.flatMap((v) => [...parts(v)]).filter((v): v is TreeValue => v.kind === "tree");
  if (where === null) for (const tree of trees) sameNames(context, main, tree, request);
  const otherwise = where === null || where.otherwise === null ? null : evaluate(context, where.otherwise);
  const shared: Lift = { late: new Map(), places: main.leaves.size, looked: false };
  const { late } = shared;
  const known = new Map<string, Value>();
  let skipped = 0;
  const results = new Map<string, Value>();
  const carried = new Map<string, Leaf>();
  let selected = 0;
  let elements = 0;
  context.session.matches.clear();
  for (const name of [...main.leaves.keys()].sort(byteOrder)) {
    const leaf = main.leaves.get(name)!;
    const shape = leaf.value.kind === "tensor" ? leaf.value.node.shape : [];
    const here = { place: leaf.place, shape, stored: leaf.stored, lift: shared };
    const at: Context = { ...inner(context), here };
    const chosen =
      where === null || truth(context, evaluate({ ...at, selector: true }, where.condition), where.condition.span);
    if (!chosen && otherwise !== null) {
      results.set(
        name,
        mapParts(resolve(at, otherwise), (v) => leafOf(context, v, name, request)),
      );
      continue;
    }
    if (!chosen || trees.every((tree) => isInteger(tree.leaves.get(name)))) {
      carried.set(name, { ...leaf, selected: false });
      continue;
    }
    selected++;
    elements += sizeOf(shape);
    // Each place starts the count of calls and draws afresh: keys must not depend on how many places come before.
    const own: Context = {
      ...context,
      here,
      frame: { path: context.frame.path, counts: new Map(context.frame.counts) },
    };
    const values = request.values.map((v) =>
      mapParts(v, (p) => (p.kind === "tree" ? leafOf(context, p, name, request) : p)),
    );
    const alike = context.session.quick ? likeness(values) : null;
    const same = alike === null ? undefined : known.get(alike);
    if (same !== undefined) {
      skipped++;
      results.set(name, same);
      continue;
    }
    shared.looked = false;
    const result = request.body(
      own,
      values.map((v) => resolve(own, v)),
    );
    if (alike !== null && !shared.looked) known.set(alike, result);
    results.set(name, result);
  }
  if (where !== null && selected === 0) {
    context.session.matches.size > 0 && checkMatches(context);
    stop(
      context,
      "R011",
      `the \`where\` clause selects none of the ${main.leaves.size} tensors of ${main.origin}`,
      where.condition.span,
      { help: "`peftc inspect` lists the names; layers are counted from 0" },
    );
  }
  if (where === null && selected === 0 && main.leaves.size > 0) {
    stop(
      context,
      "R011",
      `${main.origin} holds no tensor that ${request.name} can compute with: all are integers or bool`,
      request.span,
      { help: "load a model with floating-point weights" },
    );
  }
  checkMatches(context);
  refuseIdle(context, request);
  for (const entry of late.values()) {
    if (entry.parts === selected - skipped) continue;
    stop(
      { ...context, file: entry.at.file },
      "T018",
      `\`over = model\` is computed at ${entry.parts} of the ${selected} selected places only`,
      entry.at.span,
      {
        help: "take it out of the branch, so that every place adds its part",
      },
    );
  }
  context.session.lifts.push({
    name: request.name,
    places: main.leaves.size,
    selected,
    carried: carried.size,
    elements,
  });
  return gather(main, results, carried, request.name, request.apart === true);
}

/** Operators and builtins on trees: the first tree is the main one. */
export function liftOperator(
  context: Context,
  values: readonly Value[],
  span: Span,
  apply: (c: Context, v: readonly Value[]) => Value,
  name: string,
): Value {
  const main = values.flatMap((v) => [...parts(v)]).find((v): v is TreeValue => v.kind === "tree")!;
  return lift(context, { name, span, values, main, where: null, body: apply });
}

/** What a body that does not look at its place can tell two places apart by: shapes and dtypes. Null: by more. */
function likeness(values: readonly Value[]): string | null {
  const words: string[] = [];
  for (const value of values) {
    for (const part of parts(value)) {
      if (part.kind === "schedule") return null;
      if (part.kind === "tensor") words.push(`${part.node.dtype}[${part.node.shape}]${part.space}`);
    }
  }
  return words.join(" ");
}

/** Order of names by their UTF-8 bytes, which for most names is that of their code units. */
export function byteOrder(a: string, b: string): number {
  if (!/[\ud800-\uffff]/.test(a) && !/[\ud800-\uffff]/.test(b)) return a < b ? -1 : a > b ? 1 : 0;
  const x = new TextEncoder().encode(a);
  const y = new TextEncoder().encode(b);
  const n = Math.min(x.length, y.length);
  for (let i = 0; i < n; i++) if (x[i] !== y[i]) return x[i] - y[i];
  return x.length - y.length;
}

/** Integer and bool tensors of checkpoints (positions, masks): with nothing else at their place they are carried along. */
function isInteger(leaf: Leaf | undefined): boolean {
  if (leaf?.value.kind !== "tensor") return leaf === undefined;
  const { node } = leaf.value;
  return node.op === "input" && node.shape.length > 0 && node.dtype !== "f32";
}

function leafOf(context: Context, value: Value, name: string, request: LiftRequest): Value {
  if (value.kind !== "tree") return value;
  const leaf = value.leaves.get(name);
  if (leaf !== undefined) return leaf.value;
  return stop(
    context,
    "R004",
    `${value.origin} has no tensor ${JSON.stringify(name)}, which ${request.name} selects in ${request.main.origin}`,
    request.span,
    {
      help: "leave it out with `where`",
    },
  );
}

function sameNames(context: Context, main: TreeValue, tree: TreeValue, request: LiftRequest): void {
  const missing = [...main.leaves.keys()].filter((n) => !tree.leaves.has(n));
  const extra = [...tree.leaves.keys()].filter((n) => !main.leaves.has(n));
  if (missing.length === 0 && extra.length === 0) return;
  const show = (names: readonly string[]) =>
    `${names
      .slice(0, 4)
      .map((n) => JSON.stringify(n))
      .join(", ")}${names.length > 4 ? ` and ${names.length - 4} more` : ""}`;
  stop(context, "R003", `the models given to ${request.name} do not have the same tensors`, request.span, {
    notes: [
      ...(missing.length > 0 ? [`${tree.origin} lacks ${show(missing)}, which ${main.origin} has`] : []),
      ...(extra.length > 0 ? [`${tree.origin} has ${show(extra)}, which ${main.origin} lacks`] : []),
    ],
    help: "select common tensors with `where`; the others are then copied from the first model",
  });
}

/** Puts the results of the places together, leaf by leaf. */
function gather(
  main: TreeValue,
  results: ReadonlyMap<string, Value>,
  carried: ReadonlyMap<string, Leaf>,
  origin: string,
  apart: boolean,
): Value {
  const [first] = results.values();
  if (first === undefined) return { ...main, leaves: carried, origin };
  if (first.kind === "record") {
    const fields = [...first.fields.keys()].map((key): [string, Value] => {
      const inside = new Map(
        [...results].map(([n, v]) => [n, v.kind === "record" ? (v.fields.get(key) ?? none) : none]),
      );
      return [key, gather(main, inside, new Map(), `${origin}.${key}`, apart)];
    });
    return { kind: "record", fields: new Map(fields) };
  }
  if (first.kind === "tuple" || first.kind === "list") {
    const items = first.items.map((_, i) => {
      const inside = new Map([...results].map(([n, v]) => [n, v.kind === first.kind ? (v.items[i] ?? none) : none]));
      return gather(main, inside, new Map(), `${origin}[${i}]`, apart);
    });
    return { kind: first.kind, items };
  }
  if (
    first.kind === "tensor" &&
    first.node.shape.length === 0 &&
    !apart &&
    [...results.values()].every((v) => v.kind === "tensor" && v.node === first.node) &&
    onlyThroughModel(first.node)
  )
    return first;
  const leaves = new Map<string, Leaf>();
  for (const [name, leaf] of main.leaves) {
    const value = results.get(name);
    const kept = carried.get(name);
    if (value !== undefined)
      leaves.set(name, {
        value,
        place: leaf.place,
        stored: leaf.stored,
        scalar: leaf.scalar,
        reference: leaf.reference ?? (leaf.value.kind === "tensor" ? leaf.value.node : null),
        selected: true,
      });
    else if (kept !== undefined && first.kind === "tensor" && first.node.shape.length > 0) leaves.set(name, kept);
  }
  return { ...main, leaves, origin };
}

/** Whether a value depends on tensors only through statistics over the model. */
function onlyThroughModel(node: Node): boolean {
  if (node.attrs.over === "model") return true;
  if (node.op === "input" || node.op === "variable" || node.attrs.key !== undefined) return false;
  return node.args.every(onlyThroughModel);
}
