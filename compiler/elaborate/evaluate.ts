/**
 * Evaluates expressions and blocks. In: tree and context. Out: values; tensors become nodes of the graph. Everything
 * static happens here: lists unroll, `if` and `match` choose, functions are called.
 */
import type { Block, Clause, Expr, IndexItem, MatchPattern, Pattern, Span, Statement } from "../../grammar/index.js";
import { nearest } from "../../grammar/index.js";
import { builtinNames, isBuiltin } from "./builtins/index.js";
import { call } from "./call.js";
import { type Context, inner, lookup, namesIn, numbered, Poisoned, step, stop } from "./context.js";
import { indexTensor } from "./indexing.js";
import { liftOperator } from "./lift.js";
import { modelOf } from "./model.js";
import { memberOf } from "./module.js";
import { binary, equalStatic, makeNode, nodeOf } from "./operators.js";
import { replaceLeaves } from "./replace.js";
import { evaluateSchedule } from "./schedule.js";
import { constantWord, hereField, isPlaceValue, isPlaceWord, selectorIn } from "./selectors.js";
import { coerce } from "./types.js";
import {
  bool,
  describe,
  float,
  int,
  list,
  none,
  parts,
  type ScheduleValue,
  tensor,
  text,
  type Value,
} from "./value.js";

/** The value of a block: what it returns, or nothing if it falls through. */
export function evaluateBlock(context: Context, block: Block): Value | undefined {
  const scope = inner(context);
  for (const statement of block.statements) {
    const value = evaluateStatement(scope, statement);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Runs one statement; a value means that the block returned. Bindings go into the context's own scope. */
export function evaluateStatement(context: Context, statement: Statement): Value | undefined {
  switch (statement.kind) {
    case "let":
      for (const binding of statement.bindings) {
        const name = patternName(binding.pattern);
        const value = evaluate(step(context, numbered(context, name)), binding.value);
        bind(context, binding.pattern, nameAxes(context, value, binding.type));
      }
      return undefined;
    case "return":
      return evaluate(context, statement.value);
    case "if": {
      const branch = truth(context, evaluate(context, statement.condition), statement.condition.span)
        ? statement.then
        : statement.else;
      return branch === null ? undefined : evaluateBlock(context, branch);
    }
    case "expression":
      evaluate(context, statement.value);
      return undefined;
    case "assign":
      assign(
        context,
        statement.name.text,
        evaluate(step(context, numbered(context, statement.name.text)), statement.value),
        statement.name.span,
      );
      return undefined;
    case "loss": {
      const value = evaluate(step(context, numbered(context, "loss")), statement.value);
      context.losses.push(nodeOf(context, value, statement.value.span));
      return undefined;
    }
    case "emit":
      return stop(
        context,
        "R039",
        "taps are not part of this version, so nothing can be published with emit",
        statement.span,
        { help: "take the line out" },
      );
    case "input":
    case "report":
      return stop(context, "T014", `${statement.kind} stands only in the body of a recipe`, statement.span);
  }
}

/** `let x: Tensor[n, h] = ..` names axes and binds lengths. */
function nameAxes(
  context: Context,
  value: Value,
  type: Extract<Statement, { kind: "let" }>["bindings"][number]["type"],
): Value {
  return type === null ? value : coerce(context, value, type, { file: context.file, span: type.span });
}

/** `m <- e`: the name is bound anew where it was declared. */
function assign(context: Context, name: string, value: Value, span: Span): void {
  for (let n: Context["names"] | null = context.names; n !== null; n = n.outer) {
    if (!n.own.has(name)) continue;
    n.own.set(name, value);
    return;
  }
  stop(context, "N001", `there is no state ${name} to assign to`, span, {
    help: `declare it: \`state ${name} = zeros_like(p)\``,
  });
}

export function patternName(pattern: Pattern): string {
  switch (pattern.kind) {
    case "name":
      return pattern.name.text;
    case "wildcard":
      return "_";
    case "tuple":
      return `(${pattern.items.map(patternName).join(",")})`;
  }
}

/** Binds the names of a pattern in the context's own scope. */
export function bind(context: Context, pattern: Pattern, value: Value): void {
  switch (pattern.kind) {
    case "wildcard":
      return;
    case "name":
      context.names.own.set(pattern.name.text, value);
      return;
    case "tuple": {
      if (value.kind === "poison") {
        for (const item of pattern.items) bind(context, item, value);
        return;
      }
      if ((value.kind !== "tuple" && value.kind !== "list") || value.items.length !== pattern.items.length) {
        stop(context, "T001", `expected ${pattern.items.length} values, found ${describe(value)}`, pattern.span);
      }
      const items = (value as Extract<Value, { kind: "tuple" }>).items;
      pattern.items.forEach((item, i) => {
        bind(context, item, items[i]);
      });
    }
  }
}

export function evaluate(context: Context, expr: Expr): Value {
  switch (expr.kind) {
    case "number":
      return expr.unit === "percent" || !expr.integer ? float(expr.value) : int(expr.value);
    case "string":
      return text(
        expr.parts.map((p) => (typeof p === "string" ? p : show(context, evaluate(context, p), p.span))).join(""),
      );
    case "bool":
      return bool(expr.value);
    case "none":
      return none;
    case "name":
      return evaluateName(context, expr.name.text, expr.span);
    case "list":
      // Modules in a list are numbered: `layer = [attention(d), ffn(d)]` is layer.0 and layer.1.
      return list(
        expr.items.map((item, i) => evaluate(context.build === null ? context : step(context, String(i)), item)),
      );
    case "tuple":
      return { kind: "tuple", items: expr.items.map((item) => evaluate(context, item)) };
    case "record":
      return { kind: "record", fields: new Map(expr.fields.map((f) => [f.name.text, evaluate(context, f.value)])) };
    case "comprehension": {
      const items: Value[] = [];
      comprehend(context, expr.clauses, 0, (c) => items.push(evaluate(c, expr.value)));
      return list(items);
    }
    case "call":
      return call(context, expr, null);
    case "where":
      return evaluateWhere(context, expr);
    case "index":
      return evaluateIndex(context, expr);
    case "field":
      return evaluateField(context, expr);
    case "unary":
      return unary(context, expr.op, evaluate(context, expr.value), expr.span);
    case "binary":
      return evaluateBinary(context, expr);
    case "range": {
      const from = expr.from === null ? 0 : staticInt(context, evaluate(context, expr.from), expr.from.span);
      if (expr.to === null)
        return stop(context, "T011", "a range needs an end here", expr.span, { help: "write a..b" });
      return { kind: "range", from, to: staticInt(context, evaluate(context, expr.to), expr.to.span) };
    }
    case "if":
      return truth(context, evaluate(context, expr.condition), expr.condition.span)
        ? evaluate(context, expr.then)
        : evaluate(context, expr.else);
    case "match":
      return evaluateMatch(context, expr);
    case "with":
      return replaceLeaves(context, evaluate(context, expr.target), evaluate(context, expr.value), expr.span);
    case "lambda":
      return { kind: "closure", params: expr.params, body: expr.body, context };
    case "schedule":
      return evaluateSchedule(context, expr);
    case "error":
      throw new Poisoned();
  }
}

function evaluateName(context: Context, name: string, span: Span): Value {
  const value = lookup(context.names, name);
  if (value !== undefined) return value.kind === "poison" ? throwPoisoned() : value;
  const found = context.session.definitions.find(context.file, name);
  if (found !== undefined) {
    const { definition, file: module } = found;
    switch (definition.kind) {
      case "recipe":
        return stop(context, "T005", `${name} is a recipe: recipes are run, not called`, span);
      case "record":
        return stop(context, "T001", `${name} is a record type, not a value`, span);
      case "def":
      case "merge":
        return { kind: "definition", definition, module };
      default:
        return { kind: "moduleDefinition", definition, module };
    }
  }
  if (name === "here" && context.here !== null) return hereRecord(context);
  if (isPlaceWord(context, name)) return hereField(context, name, span);
  if (isBuiltin(name)) return { kind: "builtin", name };
  const word = constantWord(name);
  if (word !== null) return word;
  return stop(context, "N001", `there is no ${name} here`, span, {
    help: suggestion(
      nearest(name, [...namesIn(context.names), ...context.session.definitions.names(context.file), ...builtinNames()]),
    ),
  });
}

function suggestion(names: readonly string[]): string | null {
  return names.length === 0 ? null : `did you mean ${names.join(" or ")}?`;
}

function throwPoisoned(): never {
  throw new Poisoned();
}

function hereRecord(context: Context): Value {
  const fields = ["name", "kind", "role", "layer", "layers", "stack", "depth", "place", "shape", "dtype"];
  return { kind: "record", fields: new Map(fields.map((f) => [f, hereField(context, f, { start: 0, end: 0 })])) };
}

function comprehend(context: Context, clauses: readonly Clause[], at: number, emit: (c: Context) => void): void {
  if (at === clauses.length) return emit(context);
  const clause = clauses[at];
  if (clause.kind === "if") {
    if (truth(context, evaluate(context, clause.condition), clause.condition.span))
      comprehend(context, clauses, at + 1, emit);
    return;
  }
  itemsOf(context, evaluate(context, clause.source), clause.source.span).forEach((item, i) => {
    const scope = step(inner(context), String(i));
    bind(scope, clause.pattern, item);
    comprehend(scope, clauses, at + 1, emit);
  });
}

/** The elements of a list, a tuple or a range. */
export function itemsOf(context: Context, value: Value, span: Span): readonly Value[] {
  switch (value.kind) {
    case "list":
    case "tuple":
      return value.items;
    case "range":
      if (value.to - value.from > 1_000_000)
        stop(context, "T011", `the range ${value.from}..${value.to} is too long to unroll`, span);
      return Array.from({ length: Math.max(0, value.to - value.from) }, (_, i) => int(value.from + i));
    case "poison":
      throw new Poisoned();
    default:
      return stop(context, "T001", `expected a list or a range, found ${describe(value)}`, span);
  }
}

export function truth(context: Context, value: Value, span: Span): boolean {
  if (value.kind === "bool") return value.value;
  if (value.kind === "poison") throw new Poisoned();
  if (value.kind === "tensor") {
    return stop(context, "T007", "this is known only while the program runs, but the structure depends on it", span, {
      help: "choose with where(condition, a, b); static(e) is not part of this version",
    });
  }
  return stop(context, "T006", `a condition must be a Bool, found ${describe(value)}`, span);
}

export function staticInt(context: Context, value: Value, span: Span): number {
  if (value.kind === "number" && Number.isInteger(value.value)) return value.value;
  if (value.kind === "poison") throw new Poisoned();
  if (value.kind === "tensor" && value.node.shape.length === 0) {
    return stop(
      context,
      "T007",
      "this number is known only while the program runs, but the structure depends on it",
      span,
      {
        help: "use a mask instead; static(e) is not part of this version",
      },
    );
  }
  return stop(context, "T001", `expected an Int, found ${describe(value)}`, span);
}

/** How a value reads inside a string. */
export function show(context: Context, value: Value, span: Span): string {
  switch (value.kind) {
    case "string":
      return value.value;
    case "number":
    case "bool":
      return String(value.value);
    case "none":
      return "none";
    case "list":
      return `[${value.items.map((v) => show(context, v, span)).join(", ")}]`;
    case "poison":
      throw new Poisoned();
    case "tensor":
      return value.node.shape.length === 0 && value.node.op === "const"
        ? String(value.node.attrs.value)
        : describe(value);
    default:
      return describe(value);
  }
}

function evaluateBinary(context: Context, expr: Extract<Expr, { kind: "binary" }>): Value {
  const { op } = expr;
  if (op === "in" || op === "matches") return selectorIn(context, expr);
  const left = evaluate(context, expr.left);
  if (op === "??") return left.kind === "none" ? evaluate(context, expr.right) : left;
  if (left.kind === "bool" && op === "and" && !left.value) return left;
  if (left.kind === "bool" && op === "or" && left.value) return left;
  const right = evaluateOperand(context, left, expr.right);
  return operate(context, [left, right], expr.span, (c, [a, b]) => binary(c, op, a, b, expr.span), op);
}

/** The right side of a comparison with a string may be a bare word: `here.kind == linear`. */
function evaluateOperand(context: Context, left: Value, right: Expr): Value {
  const word =
    right.kind === "name" &&
    (left.kind === "string" || left.kind === "none") &&
    lookup(context.names, right.name.text) === undefined;
  return word ? text(right.name.text) : evaluate(context, right);
}

/** Applies an operation to values that may be trees (lifted by place) or schedules (put off until the place is known). */
export function operate(
  context: Context,
  values: readonly Value[],
  span: Span,
  apply: (c: Context, v: readonly Value[]) => Value,
  name: string,
): Value {
  const all = values.flatMap((v) => [...parts(v)]);
  if (all.some((v) => v.kind === "poison")) throw new Poisoned();
  if (all.some((v) => v.kind === "tree")) return liftOperator(context, values, span, apply, name);
  if (all.some((v) => v.kind === "schedule")) {
    const schedule: ScheduleValue = {
      kind: "schedule",
      at: (c) =>
        apply(
          c,
          values.map((v) => resolve(c, v)),
        ),
    };
    return context.here === null ? schedule : schedule.at(context);
  }
  return apply(context, values);
}

/** Schedules become their value at the place of the context. */
export function resolve(context: Context, value: Value): Value {
  switch (value.kind) {
    case "schedule":
      return resolve(context, value.at(context));
    case "list":
    case "tuple":
      return { ...value, items: value.items.map((v) => resolve(context, v)) };
    case "record":
      return { ...value, fields: new Map([...value.fields].map(([k, v]) => [k, resolve(context, v)])) };
    default:
      return value;
  }
}

function unary(context: Context, op: "-" | "not", value: Value, span: Span): Value {
  return operate(context, [value], span, (c, [v]) => negate(c, op, v, span), op);
}

function negate(context: Context, op: "-" | "not", value: Value, span: Span): Value {
  if (op === "-" && value.kind === "number") return { ...value, value: -value.value };
  if (op === "not" && value.kind === "bool") return bool(!value.value);
  if (value.kind === "tensor")
    return tensor(makeNode(context, op === "-" ? "neg" : "not", [value.node], undefined, span), "tensor", value.axes);
  return stop(context, "T008", `${op} is not defined for ${describe(value)}`, span);
}

function evaluateWhere(context: Context, expr: Extract<Expr, { kind: "where" }>): Value {
  if (expr.call.kind !== "call") {
    return stop(
      context,
      "R010",
      "`where` selects the places of a lifted call, and this is not a call",
      expr.call.span,
      {
        help: "write f(model, ..) where kind in [linear]",
      },
    );
  }
  return call(context, expr.call, { condition: expr.condition, otherwise: expr.otherwise, span: expr.span });
}

function evaluateField(context: Context, expr: Extract<Expr, { kind: "field" }>): Value {
  const target = evaluate(context, expr.target);
  const name = expr.name.text;
  if (target.kind === "template" && target.definition.kind === "optimizer") {
    if (name === "init" || name === "step") return { kind: "optimizerFunction", of: target, name };
    if (name === "update" && target.state !== undefined) return { kind: "optimizerFunction", of: target, name };
  }
  if (target.kind === "tree") return fieldOfTree(context, target, name, expr.name.span, expr.span);
  if (target.kind === "record") return fieldOf(context, target, name, expr.name.span, expr.span);
  return operate(
    context,
    [target],
    expr.span,
    (c, [value]) => fieldOf(c, value, name, expr.name.span, expr.span),
    `.${name}`,
  );
}

function fieldOf(context: Context, value: Value, name: string, at: Span, span: Span): Value {
  if (value.kind === "record") {
    const field = value.fields.get(name);
    if (field !== undefined) return field;
    if (value.open === true) return none;
    return stop(context, "N003", `the record has no field ${name}`, at, {
      help: suggestion(nearest(name, [...value.fields.keys()])) ?? `it has ${[...value.fields.keys()].join(", ")}`,
    });
  }
  if (value.kind === "tensor" && (name === "T" || name === "mT")) {
    const rank = value.node.shape.length;
    if (rank < 2 || (name === "T" && rank !== 2)) {
      return stop(
        context,
        "H005",
        `.${name} needs ${name === "T" ? "a matrix" : "at least two axes"}, found ${describe(value)}`,
        at,
      );
    }
    const perm = Array.from({ length: rank }, (_, i) => i);
    [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
    return tensor(
      makeNode(context, "transpose", [value.node], { perm }, span),
      value.space,
      value.axes === null ? null : perm.map((p) => value.axes![p]),
    );
  }
  return stop(context, "N003", `${describe(value)} has no field ${name}`, at);
}

/** A tensor, part or function of a model; of a plain tree, a field of its leaves. */
function fieldOfTree(
  context: Context,
  tree: Extract<Value, { kind: "tree" }>,
  name: string,
  at: Span,
  span: Span,
): Value {
  const model = tree.module === null && tree.donor === null ? tree : modelOf(context, tree, span);
  const member = memberOf(model, name);
  if (member !== undefined) return member;
  const names =
    model.module === null
      ? []
      : [...model.module.fields.keys(), ...model.module.children.keys(), ...model.module.statics.keys()];
  return stop(context, "N003", `${tree.origin} has no part or tensor ${name}`, at, {
    help: suggestion(nearest(name, names)),
  });
}

function evaluateIndex(context: Context, expr: Extract<Expr, { kind: "index" }>): Value {
  const target = evaluate(context, expr.target);
  if (target.kind === "tree") return leafByName(context, target, expr.items, expr.span);
  if (target.kind === "list" || target.kind === "tuple") return indexList(context, target, expr.items, expr.span);
  return operate(
    context,
    [target],
    expr.span,
    (c, [value]) => {
      if (value.kind !== "tensor") return stop(c, "T011", `${describe(value)} cannot be indexed`, expr.span);
      return indexTensor(c, value, expr.items, expr.span, (e) => staticInt(c, evaluate(c, e), e.span));
    },
    "index",
  );
}

function leafByName(
  context: Context,
  tree: Extract<Value, { kind: "tree" }>,
  items: readonly IndexItem[],
  span: Span,
): Value {
  const [item] = items;
  const key = items.length === 1 && item.kind === "at" ? evaluate(context, item.value) : none;
  if (key.kind !== "string")
    return stop(context, "T011", "a model is indexed with the name of a tensor", span, {
      help: 'write model["a.b.weight"]',
    });
  const leaf = tree.leaves.get(key.value);
  if (leaf !== undefined) return leaf.value;
  return stop(context, "R004", `${tree.origin} has no tensor ${JSON.stringify(key.value)}`, span, {
    help: suggestion(nearest(key.value, [...tree.leaves.keys()])),
  });
}

function indexList(
  context: Context,
  value: Extract<Value, { kind: "list" | "tuple" }>,
  items: readonly IndexItem[],
  span: Span,
): Value {
  const [item] = items;
  if (items.length !== 1 || (item.kind !== "at" && item.kind !== "slice"))
    return stop(context, "T011", "a list has one index", span);
  const n = value.items.length;
  if (item.kind === "at" && item.value.kind !== "range") {
    const at = staticInt(context, evaluate(context, item.value), item.span);
    const i = at < 0 ? at + n : at;
    if (i < 0 || i >= n) return stop(context, "T011", `the index ${at} lies outside a list of ${n}`, item.span);
    return value.items[i];
  }
  const bounds = item.kind === "slice" ? item : (item.value as Extract<Expr, { kind: "range" }>);
  const bound = (e: Expr | null, absent: number) => {
    if (e === null) return absent;
    const at = staticInt(context, evaluate(context, e), e.span);
    return Math.min(n, Math.max(0, at < 0 ? at + n : at));
  };
  return list(value.items.slice(bound(bounds.from, 0), bound(bounds.to, n)));
}

function evaluateMatch(context: Context, expr: Extract<Expr, { kind: "match" }>): Value {
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
