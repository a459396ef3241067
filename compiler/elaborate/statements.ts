/** Statements and bindings: blocks, `let`, `if`, assignments to state, losses; names of patterns. */
import type { Block, Pattern, Span, Statement } from "../../grammar/index.js";
import { type Context, inner, numbered, step, stop } from "./context.js";
import { evaluate, truth } from "./evaluate.js";
import { fieldOfValue } from "./fields.js";
import { nodeOf } from "./operators.js";
import { coerce, forgetAxes } from "./types.js";
import { describe, type Value } from "./value.js";

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
      const add = () => {
        const value = evaluate(step(context, numbered(context, "loss")), statement.value);
        context.losses.push(nodeOf(context, value, statement.value.span));
      };
      if (statement.shared) atEnd(context, statement.value.span, add);
      else add();
      return undefined;
    }
    case "emit":
      if (context.emitted !== undefined) {
        const value = evaluate(step(context, numbered(context, "emit")), statement.value);
        context.emitted.set(statement.name.text, forgetAxes(value));
      }
      return undefined;
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

/** `shared loss e`: of all hosts of a group the last one says it, when the call of the model ends. */
function atEnd(context: Context, span: Span, add: () => void): void {
  if (context.flow === undefined || context.group === undefined)
    return stop(context, "T023", "a shared loss stands in an adapter, whose hosts share it", span, {
      help: "write `loss e`: each call then adds its own",
    });
  context.flow.ends.set(`${context.group.id} ${span.start}`, add);
}

/** `m <- e`: the name is bound anew where it was declared. */
function assign(context: Context, name: string, value: Value, span: Span): void {
  for (let n: Context["names"] | null = context.names; n !== null; n = n.outer) {
    const cell = n.cells?.get(name);
    if (cell !== undefined) return cell.write(value, span);
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
    case "record":
      return `{${pattern.fields.map((field) => patternName(field.pattern)).join(",")}}`;
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
    case "record":
      for (const { name, pattern: own } of pattern.fields) {
        bind(context, own, value.kind === "poison" ? value : fieldOfValue(context, value, name, pattern.span));
      }
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
