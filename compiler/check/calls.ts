/**
 * Calls of definitions, records, builtins and function values. In: a call. Out: the type of its result in the caller's
 * names; T003, T004, N004, N005 for arguments, T001 and H002 for values that do not fit, T005 for what is no function.
 * Models where a tensor is declared lift the call, and its result with it.
 */
import { type Argument, type Expr, nearest, type Span } from "../../grammar/index.js";
import { type MatchedArguments, matchArguments, type Slot } from "./arguments.js";
import { callBuiltin } from "./builtin_apply.js";
import { builtins } from "./builtins.js";
import { type Context, report } from "./context.js";
import { unknownName } from "./expressions.js";
import { fieldOf } from "./fields.js";
import { resultOfCall } from "./functions.js";
import { callInitialiser, isInitialiser } from "./initialisers.js";
import { callInstance, callMember, memberOf } from "./instances.js";
import { expectType } from "./mismatch.js";
import type { Known } from "./modules.js";
import { constant, differ, showPolynomial } from "./polynomial.js";
import { type Binding, binding, liftResult, substituteType } from "./relate.js";
import { lookup, type Scope } from "./scope.js";
import type { Parameter, Signature } from "./signature.js";
import { error, type FunctionType, isQuiet, showType, type Type, unknown } from "./types.js";

type Call = Expr & { kind: "call" };

export function inferCall(cx: Context, scope: Scope, e: Call): Type {
  if (e.callee.kind === "field") {
    const target = cx.infer(cx, scope, e.callee.target);
    const member = target.kind === "instance" ? memberOf(cx, target, e.callee.name.text) : null;
    const type = fieldOf(cx, scope, e.callee, target);
    cx.program.types.set(e.callee, type);
    return member !== null ? callMember(cx, scope, e, member) : callValue(cx, scope, e, type, null);
  }
  if (e.callee.kind !== "name") {
    const type = cx.infer(cx, scope, e.callee);
    return callValue(cx, scope, e, type, null);
  }
  const { text, span } = e.callee.name;
  const found = lookup(scope, text);
  if (found !== null) {
    cx.program.types.set(e.callee, found.type);
    if (found.local.member) return callMember(cx, scope, e, { function: found.local.member, lengths: null });
    return callValue(cx, scope, e, found.type, found.local.span);
  }
  const known = cx.program.table.get(cx.file)?.get(text);
  if (known !== undefined) return callKnown(cx, scope, e, known);
  if (isInitialiser(cx, scope, e, text)) return callInitialiser(cx, scope, e, text);
  const builtin = builtins.get(text);
  if (builtin !== undefined) return callBuiltin(cx, scope, e, builtin);
  inferArguments(cx, scope, e.args);
  return unknownName(cx, scope, text, span);
}

/** Reads arguments of a call that cannot be judged, so that mistakes inside them are found. */
export function inferArguments(cx: Context, scope: Scope, args: readonly Argument[]): readonly Type[] {
  return args.flatMap((a) => (a.value ? [cx.infer(cx, scope, a.value)] : []));
}

function callValue(cx: Context, scope: Scope, e: Call, type: Type, declared: Span | null): Type {
  if (type.kind === "function") return callFunctionValue(cx, scope, e, type);
  if (type.kind === "instance") return callInstance(cx, scope, e, type);
  inferArguments(cx, scope, e.args);
  if (type.kind === "model") return unknown;
  if (isQuiet(type) || type.kind === "optional") return type.kind === "error" ? error : unknown;
  const name = e.callee.kind === "name" ? e.callee.name.text : null;
  const hides = name !== null && (builtins.has(name) || cx.program.table.get(cx.file)?.has(name));
  report(cx, "T005", `expected a function, found ${showType(type)}`, e.callee.span, {
    label: `this is ${showType(type)}`,
    others: declared
      ? [{ file: cx.file, span: declared, text: hides ? `this hides the function \`${name}\`` : "declared here" }]
      : [],
    help: hides ? "rename it to call the function" : null,
  });
  return error;
}

function callFunctionValue(cx: Context, scope: Scope, e: Call, f: FunctionType): Type {
  const slots = f.params.map((_, i): Slot => ({ name: null, optional: i >= f.required, many: false }));
  const matched = matchArguments(e.args, slots);
  const types = f.params.map((p, i): Type => {
    const value = matched.given[i][0]?.value;
    if (!value) return unknown;
    const found = cx.infer(cx, scope, value, p);
    const b = binding(() => true);
    expectType(cx, scope, value, found, p, b, { what: `argument ${i + 1} of this function`, declared: null });
    return found;
  });
  inferUnmatched(cx, scope, e, matched);
  reportProblems(cx, e, matched, slots, "this function", null);
  return resultOfCall(f, types);
}

/** Reads the arguments that went to no parameter. */
export function inferUnmatched(cx: Context, scope: Scope, e: Call, matched: MatchedArguments): void {
  const used = new Set(matched.given.flat());
  inferArguments(
    cx,
    scope,
    e.args.filter((a) => !used.has(a)),
  );
}

/** Reports what is wrong with the arguments; `declared` is where the parameters stand. */
export function reportProblems(
  cx: Context,
  e: Call,
  matched: MatchedArguments,
  slots: readonly Slot[],
  what: string,
  declared: { readonly file: string; readonly span: Span } | null,
): void {
  const others = declared ? [{ ...declared, text: "defined here" }] : [];
  const names = slots.flatMap((s) => (s.name === null ? [] : [s.name]));
  const written = e.callee.kind === "name" ? e.callee.name.text : "f";
  for (const p of matched.problems) {
    if (p.kind === "unknown") {
      const name = p.argument.name!;
      const close = nearest(name.text, names);
      report(cx, "N004", `${what} has no parameter \`${name.text}\``, name.span, {
        label: "no such parameter",
        others,
        help:
          close.length > 0
            ? `did you mean \`${close[0]}\`?`
            : names.length > 0
              ? `its parameters are ${names.map((n) => `\`${n}\``).join(", ")}`
              : "its arguments have no names",
      });
    } else if (p.kind === "twice") {
      report(cx, "N005", `\`${p.argument.name!.text}\` is given twice`, p.argument.span, {
        label: "given again",
        others: p.first ? [{ file: cx.file, span: p.first.span, text: "given first here" }] : [],
        help: "keep one of the two",
      });
    } else if (p.kind === "too many") {
      report(
        cx,
        "T004",
        `${what} takes ${slots.length === 1 ? "one argument" : `${slots.length} arguments`}, found more`,
        p.argument.span,
        {
          label: "one too many",
          others,
          help: "remove it; several values for one parameter are a list: [a, b]",
        },
      );
    } else {
      report(cx, "T003", `${what} needs ${p.slot.name === null ? "more arguments" : `\`${p.slot.name}\``}`, e.span, {
        label: p.slot.name === null ? "too few arguments" : `\`${p.slot.name}\` is missing`,
        others,
        help: p.slot.name === null ? null : `write ${written}(…, ${p.slot.name} = …)`,
      });
    }
  }
}

function callKnown(cx: Context, scope: Scope, e: Call, known: Known): Type {
  const { definition } = known;
  if (definition.kind === "record") return recordCalled(cx, scope, e, known);
  const signature = cx.program.signatureOf(known);
  if (signature === null) {
    inferArguments(cx, scope, e.args);
    report(cx, "T005", `\`${definition.name.text}\` is a recipe: it is run, not called`, e.callee.span, {
      others: [{ file: known.file, span: definition.name.span, text: "defined here" }],
      help: "put what both recipes need into a `def`",
    });
    return error;
  }
  const slots = signature.params.map((p): Slot => ({ name: p.name, optional: p.optional, many: false }));
  const matched = matchArguments(e.args, slots);
  const b = binding((name) => signature.dimensions.has(name));
  const fits = checkArguments(cx, scope, signature, matched, b);
  inferUnmatched(cx, scope, e, matched);
  reportProblems(cx, e, matched, slots, `\`${signature.name}\``, { file: signature.file, span: signature.span });
  const result = substituteType(cx.program.resultOf(known), b);
  if (!fits && (result.kind === "tensor" || result.kind === "number")) return error;
  return b.lifted ? liftResult(result) : result;
}

/** Plain values first, because they bind the names that the types of functions use. False if one does not fit. */
export function checkArguments(
  cx: Context,
  scope: Scope,
  signature: Signature,
  matched: MatchedArguments,
  b: Binding,
): boolean {
  let fits = true;
  const later: (() => void)[] = [];
  signature.params.forEach((p, i) => {
    const value = matched.given[i][0]?.value;
    if (!value) {
      bindDefault(signature, p, b);
      return;
    }
    const check = () => {
      fits = checkArgument(cx, scope, signature, p, value, b) && fits;
    };
    if (value.kind === "lambda") later.push(check);
    else check();
  });
  for (const check of later) check();
  return fits;
}

function checkArgument(
  cx: Context,
  scope: Scope,
  signature: Signature,
  p: Parameter,
  value: Expr,
  b: Binding,
): boolean {
  const found = cx.infer(cx, scope, value, value.kind === "lambda" ? substituteType(p.type, b) : p.type);
  const declared = { file: signature.file, span: p.span, text: "declared here" };
  const what = p.name === null ? `a parameter of \`${signature.name}\`` : `\`${p.name}\` of \`${signature.name}\``;
  if (!expectType(cx, scope, value, found, p.type, b, { what, declared })) return false;
  if (found.kind === "error") return true;
  return bindLength(cx, scope, p, found, value, b);
}

/** An Int argument is the length that its parameter's name stands for. */
function bindLength(cx: Context, scope: Scope, p: Parameter, found: Type, value: Expr, b: Binding): boolean {
  if (p.name === null || p.type.kind !== "number" || p.type.value === null) return true;
  const length = found.kind === "number" ? found.value : null;
  const before = b.lengths.get(p.name) ?? null;
  if (before === null) {
    b.lengths.set(p.name, length);
    return true;
  }
  if (!differ(before, length) || scope.assumesLengths) return true;
  report(
    cx,
    "H002",
    `\`${p.name}\` is ${showPolynomial(before)} by the shapes of other arguments, found ${showPolynomial(length!)}`,
    value.span,
    {
      help: "equal names mean equal lengths",
    },
  );
  return false;
}

function bindDefault(signature: Signature, p: Parameter, b: Binding): void {
  if (p.name === null || p.type.kind !== "number" || p.type.value === null || b.lengths.has(p.name)) return;
  b.lengths.set(
    p.name,
    signature.defaults.get(p.name) === undefined ? null : constant(signature.defaults.get(p.name)!),
  );
}

function recordCalled(cx: Context, scope: Scope, e: Call, known: Known): Type {
  inferArguments(cx, scope, e.args);
  const type = cx.program.recordOf(known);
  const fields = type.kind === "record" ? [...type.fields.keys()] : [];
  report(cx, "T005", `\`${known.definition.name.text}\` is a record type, not a function`, e.callee.span, {
    others: [{ file: known.file, span: known.definition.name.span, text: "defined here" }],
    help: `write its fields in braces: { ${fields.map((f) => `${f}: …`).join(", ")} }`,
  });
  return error;
}
