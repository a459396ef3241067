/**
 * Blocks: `let`, `return`, `if`, `input`, `report`, in textual order. In: a block with its scope. Out: the type it
 * returns; T006 and T007 for conditions, T009 where a path does not return, T014 for statements of recipes elsewhere, T022
 * and T023 for those of modules, and warnings (N009) for lets that nothing reads.
 */
import { type Binding, type Block, type Expr, nearest, type Statement } from "../../grammar/index.js";
import { type Context, report } from "./context.js";
import { localDimensions } from "./dimensions.js";
import { unknownName } from "./expressions.js";
import { joinAll } from "./join.js";
import { checked, expectType } from "./mismatch.js";
import { narrow } from "./narrowing.js";
import { bindPattern } from "./patterns.js";
import { binding, rigid, substituteType } from "./relate.js";
import { declare, innerScope, lookup, type Scope } from "./scope.js";
import { typeFrom } from "./signature.js";
import { needStatic } from "./stages.js";
import { atPlace, error, isBool, isQuiet, number, showType, type Type, unknown } from "./types.js";

/** Is told every returned value with its type and scope, and says what it counts as. */
export type OnReturn = (scope: Scope, e: Expr, type: Type) => Type;

export interface Returned {
  readonly types: readonly Type[];
  /** Every path ends in a `return`. */
  readonly always: boolean;
}

/** Reads a block in `scope`, which must be its own. */
export function inferBlock(
  cx: Context,
  scope: Scope,
  block: Block,
  expected: Type | null,
  onReturn: OnReturn,
): Returned {
  const types: Type[] = [];
  let always = false;
  for (const s of block.statements) {
    const result = inferStatement(cx, scope, s, expected, onReturn);
    types.push(...result.types);
    always ||= result.always;
  }
  warnUnused(cx, scope);
  return { types, always };
}

const nothing: Returned = { types: [], always: false };

/** Reads one statement; its names stay in `scope`. */
export function inferStatement(
  cx: Context,
  scope: Scope,
  s: Statement,
  expected: Type | null,
  onReturn: OnReturn,
): Returned {
  switch (s.kind) {
    case "let":
      for (const b of s.bindings) inferLet(cx, scope, b);
      return nothing;
    case "return":
      return { types: [onReturn(scope, s.value, cx.infer(cx, scope, s.value, expected))], always: true };
    case "if":
      return inferIfStatement(cx, scope, s, expected, onReturn);
    case "expression":
      cx.infer(cx, scope, s.value);
      return nothing;
    case "assign":
      inferAssignment(cx, scope, s);
      return nothing;
    case "loss":
    case "emit":
      onlyInModules(cx, s, `\`${s.kind}\``);
      cx.infer(cx, scope, s.value);
      return nothing;
    case "report":
      onlyInRecipes(cx, s, "`report`");
      cx.infer(cx, scope, s.value);
      return nothing;
    case "input": {
      onlyInRecipes(cx, s, "`input`");
      const declared = s.type ? typeFrom(cx, s.type, localDimensions(cx, scope)) : null;
      const found = s.default ? cx.infer(cx, scope, s.default, declared) : unknown;
      if (s.default && declared) {
        expectType(cx, scope, s.default, found, declared, rigid(), {
          what: `input \`${s.name.text}\``,
          declared: null,
        });
      }
      declare(scope, s.name.text, { type: staticOf(declared ?? found), span: s.name.span, kind: "input" });
      return nothing;
    }
  }
}

/** An input is given before the run. */
function staticOf(type: Type): Type {
  return type.kind === "number" ? { ...type, stage: "static" } : type;
}

function onlyInRecipes(cx: Context, s: Statement, what: string): void {
  if (cx.inRecipe) return;
  report(cx, "T014", `${what} may only stand in a recipe`, s.span, {
    label: "not in a recipe",
    help: "a definition gets its values as parameters and gives them back by `return`",
  });
}

function onlyInModules(cx: Context, s: Statement, what: string): void {
  if (cx.body?.adds) return;
  report(cx, "T023", `${what} may only stand in the body of a router or in the functions of modules`, s.span, {
    label: "not part of a forward pass",
    help: "a definition gives its values back by `return`; a function without a name, too",
  });
}

/** `m <- e`: the name is a state of the module around, and keeps its type. */
function inferAssignment(cx: Context, scope: Scope, s: Statement & { kind: "assign" }): void {
  const { text, span } = s.name;
  const found = lookup(scope, text);
  const expected = cx.body?.assignable.get(text) ?? null;
  const type = cx.infer(cx, scope, s.value, expected);
  if (cx.body === null) {
    report(cx, "T023", "`<-` may only stand in the functions of modules and optimizers", s.span, {
      label: "not in the body of such a function",
      help: "values do not change elsewhere: bind a new one, `let x = …`, or give the next state back (fold, iterate)",
    });
  } else if (found === null) {
    unknownName(cx, scope, text, span);
  } else if (found.local.kind !== "member" || !cx.body.assignable.has(text)) {
    const close = nearest(text, [...cx.body.assignable.keys()], 1);
    report(cx, "T022", `\`${text}\` cannot be assigned here`, span, {
      label: "no state of this module",
      others: found.local.span ? [{ file: cx.file, span: found.local.span, text: "declared here" }] : [],
      help:
        close.length > 0
          ? `did you mean \`${close[0]} <- …\`?`
          : "`<-` takes what is declared with `state`, `carry` or `buffer`; another value gets a new name: `let x = …`",
    });
  } else if (expected !== null) {
    const declared = found.local.span ? { file: cx.file, span: found.local.span, text: "declared here" } : null;
    expectType(cx, scope, s.value, type, expected, rigid(), { what: `\`${text}\``, declared });
  }
}

function inferIfStatement(
  cx: Context,
  scope: Scope,
  s: Statement & { kind: "if" },
  expected: Type | null,
  onReturn: OnReturn,
): Returned {
  checkCondition(cx, scope, s.condition, "the condition of an `if`");
  const thenScope = innerScope(scope);
  narrow(cx, thenScope, s.condition, true);
  const then = inferBlock(cx, thenScope, s.then, expected, onReturn);
  const elseScope = innerScope(scope);
  narrow(cx, elseScope, s.condition, false);
  const otherwise = s.else ? inferBlock(cx, elseScope, s.else, expected, onReturn) : nothing;
  if (then.always && !otherwise.always) narrow(cx, scope, s.condition, false);
  if (otherwise.always && !then.always) narrow(cx, scope, s.condition, true);
  return { types: [...then.types, ...otherwise.types], always: then.always && otherwise.always };
}

/** A condition has to be a Bool that is known before the run. */
export function checkCondition(cx: Context, scope: Scope, e: Expr, what: string): void {
  const type = cx.infer(cx, scope, e, number("Bool"));
  const value = type.kind === "schedule" ? atPlace(type) : type;
  if (isQuiet(value) || value.kind === "optional") return;
  const tensorOfBools = value.kind === "tensor" && (value.dtype === "bool" || value.dtype === null);
  if (isBool(value) || tensorOfBools) {
    needStatic(cx, e, value, what);
    return;
  }
  report(cx, "T006", `${what} has to be a Bool, found ${showType(type)}`, e.span, {
    label: `this is ${showType(type)}`,
    help:
      value.kind === "number"
        ? "compare it: `x != 0`"
        : value.kind === "list"
          ? "compare its length: `len(xs) > 0`"
          : "write a comparison",
  });
}

function inferLet(cx: Context, scope: Scope, b: Binding): void {
  if (b.type === null) {
    const found = cx.infer(cx, scope, b.value);
    warnReplaced(cx, scope, b);
    bindPattern(cx, scope, b.pattern, found, "let");
    if (b.pattern.kind === "name" && found.kind === "optional" && (b.value.kind === "if" || b.value.kind === "match"))
      declare(scope, b.pattern.name.text, { type: found, span: b.pattern.span, kind: "let", conditional: true });
    return;
  }
  const fresh = new Set<string>();
  const declared = typeFrom(cx, b.type, localDimensions(cx, scope, fresh));
  const found = cx.infer(cx, scope, b.value, declared);
  const names = binding((name) => fresh.has(name));
  const where = { file: cx.file, span: b.type.span, text: "declared here" };
  const fits = expectType(cx, scope, b.value, found, declared, names, { what: "this `let`", declared: where });
  for (const [name, length] of names.lengths) {
    if (length !== null)
      declare(scope, name, { type: number("Int", "static", length), span: b.type.span, kind: "dimension" });
    else names.lengths.set(name, new Map([[name, 1]]));
  }
  warnReplaced(cx, scope, b);
  bindPattern(cx, scope, b.pattern, checked(fits, declaredAs(found, substituteType(declared, names))), "let");
}

/** The declared type, with the stage the value has; models and trees stay what they are. */
function declaredAs(found: Type, declared: Type): Type {
  if (found.kind === "model" || found.kind === "tree" || found.kind === "schedule")
    return declared.kind === found.kind ? declared : found;
  if (found.kind === "number" && declared.kind === "number")
    return { ...declared, stage: found.stage, value: declared.of === "Int" ? found.value : null };
  return declared;
}

/** Reads a block that gives a value: of a lambda, an arm. T009 if a path gives none. */
export function inferBody(cx: Context, scope: Scope, block: Block, expected: Type | null): Type {
  const returned = inferBlock(cx, scope, block, expected, (_, __, type) => type);
  if (returned.always) return joinAll(returned.types);
  report(cx, "T009", "this block does not give a value on every path", block.span, {
    label: "no `return` at its end",
    help: "end it with `return …`",
  });
  return error;
}

function warn(cx: Context, name: string, span: { start: number; end: number }): void {
  report(cx, "N009", `\`${name}\` is never used`, span, {
    severity: "warning",
    label: "nothing reads it",
    help: `take it out, or call it \`_${name}\` to keep it`,
  });
}

function warnUnused(cx: Context, scope: Scope): void {
  for (const [name, local] of scope.locals) {
    if (local.kind === "let" && !local.used && local.span && !name.startsWith("_")) warn(cx, name, local.span);
  }
}

/** `let x = …` twice in one block: the first must have been read before it is replaced. */
function warnReplaced(cx: Context, scope: Scope, b: Binding): void {
  if (b.pattern.kind !== "name") return;
  const before = scope.locals.get(b.pattern.name.text);
  if (before?.kind === "let" && !before.used && before.span && !b.pattern.name.text.startsWith("_"))
    warn(cx, b.pattern.name.text, before.span);
}
