/**
 * Checks one definition: its parameters and defaults, its body, what it returns. In: a definition and the program around
 * it. Out: the type of its result in its own names; findings go to the program.
 */
import type { Definition, FunctionDefinition, Param, RecipeDefinition, Span, TypeExpr } from "../../grammar/index.js";
import { type Context, report } from "./context.js";
import { joinAll } from "./join.js";
import { expectType } from "./mismatch.js";
import { bindPattern, declareName } from "./patterns.js";
import { symbol } from "./polynomial.js";
import { binding, rigid } from "./relate.js";
import { innerScope, type Scope } from "./scope.js";
import { type Signature, symbolicNames, typeFrom } from "./signature.js";
import { inferBlock, type OnReturn, type Returned } from "./statements.js";
import { error, type Field, list, number, type Type, unknown } from "./types.js";

/** Checks a `def` or `merge`; `cx.origins` must hold the names of its signature. Returns the type of its body. */
export function checkFunction(cx: Context, definition: FunctionDefinition, signature: Signature): Type {
  if (definition.kind === "merge") mustDeclare(cx, definition);
  const outer = innerScope(null);
  declareDimensions(cx, outer);
  const scope = innerScope(outer);
  declareParams(cx, scope, definition.params, signature);
  const onReturn = returnsTo(cx, signature, definition.result);
  const returned = inferBlock(cx, innerScope(scope), definition.body, signature.result, onReturn);
  return resultFrom(cx, signature, returned);
}

/** Compares what a body returns with the declared result. */
export function returnsTo(cx: Context, signature: Signature, declared: TypeExpr | null): OnReturn {
  const own = namesOfResult(cx, declared);
  const where = declared ? { file: cx.file, span: declared.span, text: "declared here" } : null;
  return (at, e, type) => {
    if (signature.result === null) return type;
    const b = binding((name) => own.has(name));
    const why = { what: `the result of \`${signature.name}\``, declared: where };
    expectType(cx, at, e, type, signature.result, b, why);
    return type;
  };
}

/** The type of a body; T009 if some path ends without a value. */
export function resultFrom(cx: Context, signature: Signature, returned: Returned): Type {
  if (returned.always) return joinAll(returned.types);
  report(cx, "T009", `\`${signature.name}\` does not return on every path`, signature.span, {
    label: returned.types.length === 0 ? "no `return` in its body" : "some path ends without `return`",
    help: "end the body with `return …`",
  });
  return error;
}

/** Names that only the declared result uses: any length will do there. */
function namesOfResult(cx: Context, result: TypeExpr | null): ReadonlySet<string> {
  const names = new Set<string>();
  if (result === null) return names;
  const { start, end } = result.span;
  for (const [key, span] of cx.origins) if (span.start >= start && span.end <= end) names.add(key.replace("*", ""));
  return names;
}

/** The names of lengths that the context has seen. */
export function declareDimensions(cx: Context, scope: Scope): void {
  for (const [name, span] of cx.origins) {
    if (name.startsWith("*")) continue;
    declareName(cx, scope, { text: name, span }, number("Int", "static", symbol(name)), "dimension");
  }
}

export function declareParams(cx: Context, scope: Scope, params: readonly Param[], signature: Signature): void {
  const seen = new Map<string, Span>();
  params.forEach((p, i) => {
    const declared = signature.params[i].type;
    if (p.default) {
      const found = cx.infer(cx, scope, p.default, declared);
      const where = p.type ? { file: cx.file, span: p.type.span, text: "declared here" } : null;
      expectType(cx, scope, p.default, found, declared, rigid(), { what: "this default", declared: where });
    }
    const name = signature.params[i].name;
    if (name !== null) {
      const first = seen.get(name);
      if (first !== undefined) {
        report(cx, "N002", `the parameter \`${name}\` is declared twice`, p.pattern.span, {
          others: [{ file: cx.file, span: first, text: "first here" }],
          help: "rename one of the two",
        });
      } else seen.set(name, p.pattern.span);
    }
    bindPattern(cx, scope, p.pattern, declared, "param");
  });
}

function mustDeclare(cx: Context, definition: FunctionDefinition): void {
  for (const p of definition.params) {
    if (p.type !== null) continue;
    report(cx, "T013", "a merge declares the types of all its parameters", p.span, {
      label: "no type",
      help: "write its type after a colon: `base: Weight[*s]`",
    });
  }
  if (definition.result === null) {
    report(cx, "T013", "a merge declares the type of its result", definition.name.span, {
      label: "no result type",
      help: "write `-> Weight[*s]` before the body",
    });
  }
}

const recipeOptions: ReadonlySet<string> = new Set(["seed"]);

export function checkRecipe(cx: Context, definition: RecipeDefinition): void {
  const scope = innerScope(null);
  for (const option of definition.options) {
    const isKnown = option.name !== null && recipeOptions.has(option.name.text);
    if (option.value && isKnown) {
      const found = cx.infer(cx, scope, option.value);
      expectType(cx, scope, option.value, found, number("Int"), rigid(), {
        what: "the seed of a recipe",
        declared: null,
      });
    }
    if (isKnown) continue;
    report(
      cx,
      "R017",
      option.name ? `a recipe has no option \`${option.name.text}\`` : "options of a recipe have names",
      option.span,
      {
        help: "write recipe name(seed = 7)",
      },
    );
  }
  inferBlock(cx, innerScope(scope), definition.body, null, (_, __, type) => type);
}

/** The type of a record definition, with its defaults checked. */
export function recordFrom(cx: Context, definition: Definition & { kind: "record" }): Type {
  const names = symbolicNames(cx.origins);
  const fields = new Map<string, Field>();
  const scope = innerScope(null);
  for (const f of definition.fields) {
    const declared = f.type ? typeFrom(cx, f.type, names) : unknown;
    if (f.pattern.kind !== "name") continue;
    const { text, span } = f.pattern.name;
    if (fields.has(text))
      report(cx, "N002", `the field \`${text}\` is declared twice`, span, { help: "rename one of the two" });
    fields.set(text, { type: withoutLengths(declared), optional: f.default !== null });
    if (f.default === null) continue;
    const found = cx.infer(cx, scope, f.default, declared);
    expectType(
      cx,
      scope,
      f.default,
      found,
      declared,
      binding(() => true),
      { what: "this default", declared: null },
    );
  }
  return { kind: "record", name: definition.name.text, fields };
}

/** Names of dimensions in a record say nothing to those who use it elsewhere. */
function withoutLengths(type: Type): Type {
  if (type.kind === "tensor") return { ...type, shape: null };
  if (type.kind === "list") return list(withoutLengths(type.of));
  if (type.kind === "optional") return { ...type, of: withoutLengths(type.of) };
  return type;
}
