/**
 * Records, fields and updates of trees. In: `{ a: x }`, `x.a`, `x with { a: y }` with their scope. Out: types; N003 for
 * fields that a value does not have, N005 for fields given twice, T001 for values that cannot be updated so.
 */
import { type Expr, nearest } from "../../grammar/index.js";
import { present } from "./broadcasting.js";
import { builtins, showBuiltin } from "./builtins.js";
import { type Context, report } from "./context.js";
import { fieldOfInstance, updateInstance } from "./instances.js";
import { expectType } from "./mismatch.js";
import { rigid } from "./relate.js";
import type { Scope } from "./scope.js";
import { rankOf, showShape } from "./shape.js";
import { error, type Field, isModelLike, isQuiet, showType, type Type, unknown } from "./types.js";

/** `{ a: x, b }`. */
export function inferRecord(cx: Context, scope: Scope, e: Expr & { kind: "record" }, expected: Type | null): Type {
  const wanted = expected?.kind === "record" ? expected : null;
  const fields = new Map<string, Field>();
  for (const f of e.fields) {
    const declared = wanted?.fields.get(f.name.text);
    const type = cx.infer(cx, scope, f.value, declared?.type ?? null);
    if (fields.has(f.name.text)) {
      report(cx, "N005", `the field \`${f.name.text}\` is given twice`, f.name.span, { help: "keep one of the two" });
    } else if (wanted !== null && declared === undefined) {
      const close = nearest(f.name.text, [...wanted.fields.keys()]);
      report(cx, "N003", `${showType(wanted)} has no field \`${f.name.text}\``, f.name.span, {
        label: "no such field",
        help: close.length > 0 ? `did you mean \`${close[0]}\`?` : null,
      });
    }
    fields.set(f.name.text, { type, optional: false });
  }
  return { kind: "record", name: null, fields };
}

/** `x.name`, where x has the type `whole`. */
export function fieldOf(cx: Context, scope: Scope, e: Expr & { kind: "field" }, whole: Type): Type {
  const target = present(cx, scope, e.target, whole);
  const { text, span } = e.name;
  switch (target.kind) {
    case "error":
    case "unknown":
    case "model":
      return target.kind === "error" ? error : unknown;
    case "tree":
      return target.of.kind === "record" && target.of.fields.has(text)
        ? { kind: "tree", of: target.of.fields.get(text)!.type }
        : unknown;
    case "instance":
      return fieldOfInstance(cx, target, e.name);
    case "record": {
      const field = target.fields.get(text);
      return field ? field.type : noField(cx, target, text, span, [...target.fields.keys()]);
    }
    case "tensor": {
      if (text !== "T" && text !== "mT") return noField(cx, target, text, span, ["T", "mT"]);
      const rank = rankOf(target.shape);
      if (rank !== null && (text === "T" ? rank !== 2 : rank < 2)) {
        report(
          cx,
          "H005",
          `\`.${text}\` needs ${text === "T" ? "exactly" : "at least"} two axes, found ${showShape(target.shape)}`,
          span,
          {
            label: `of ${showType(target)}`,
            help: text === "T" && rank > 2 ? "`.mT` swaps the last two axes" : "add an axis by an index: x[:, none]",
          },
        );
        return error;
      }
      if (target.shape === null || rank === null) return { ...target, space: "Tensor", shape: null };
      const [a, b] = target.shape.slice(-2);
      return { ...target, space: "Tensor", shape: [...target.shape.slice(0, -2), b, a] };
    }
    default:
      return noField(cx, target, text, span, []);
  }
}

/** Reports N003. */
export function noField(cx: Context, target: Type, text: string, span: Expr["span"], fields: readonly string[]): Type {
  const close = nearest(text, fields);
  const called = builtins.get(text);
  report(cx, "N003", `${showType(target)} has no field \`${text}\``, span, {
    label: "no such field",
    help:
      close.length > 0
        ? `did you mean \`${close[0]}\`?`
        : called
          ? `\`${text}\` is a function: ${showBuiltin(called)}`
          : fields.length > 0
            ? `it has ${fields.map((f) => `\`${f}\``).join(", ")}`
            : null,
  });
  return error;
}

/** `m with { "lm_head.weight": w }`, `m with tree`, `cfg with { layers: 2 }`: the same value with other parts. */
export function inferWith(cx: Context, scope: Scope, e: Expr & { kind: "with" }): Type {
  const target = present(cx, scope, e.target, cx.infer(cx, scope, e.target));
  if (e.value.kind === "record" && target.kind === "record") return updateRecord(cx, scope, e.value, target);
  if (e.value.kind === "record" && target.kind === "instance") return updateInstance(cx, scope, e.value, target);
  const value = cx.infer(cx, scope, e.value);
  if (target.kind === "error" || value.kind === "error") return error;
  if (isQuiet(target)) return unknown;
  const updates = value.kind === "record" || value.kind === "tree" || isModelLike(value) || isQuiet(value);
  if ((isModelLike(target) || target.kind === "tree") && updates) return target;
  if (target.kind === "record" && (value.kind === "record" || isQuiet(value))) return target;
  const wrong = isModelLike(target) || target.kind === "tree" || target.kind === "record" ? e.value : e.target;
  const found = showType(wrong === e.value ? value : target);
  const what = wrong === e.value ? "after `with` stands a record or a tree" : "`with` changes a model, tree or record";
  report(cx, "T001", `${what}, found ${found}`, wrong.span, {
    label: `this is ${found}`,
    help: 'write the parts that change: m with { "lm_head.weight": w }',
  });
  return error;
}

function updateRecord(
  cx: Context,
  scope: Scope,
  e: Expr & { kind: "record" },
  target: Type & { kind: "record" },
): Type {
  inferRecord(cx, scope, e, target);
  for (const f of e.fields) {
    const declared = target.fields.get(f.name.text)?.type;
    const found = cx.program.types.get(f.value);
    if (declared === undefined || found === undefined) continue;
    const what = `the field \`${f.name.text}\``;
    expectType(cx, scope, f.value, found, declared, rigid(), { what, declared: null });
  }
  return target;
}
