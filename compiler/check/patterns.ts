/**
 * Names bound by patterns of `let`, parameters, lambdas and comprehensions. In: a pattern and the type of its value. Out:
 * locals in scope; N002 for names that hide a definition of the same file or stand twice, T001 for values that cannot be
 * taken apart so.
 */
import type { Name, Pattern } from "../../grammar/index.js";
import { type Context, report } from "./context.js";
import { noField } from "./fields.js";
import { declare, type Local, type Scope } from "./scope.js";
import { atPlace, type Field, isQuiet, showType, type Type, unknown } from "./types.js";

/** Brings a name into scope. A definition of the same file must not be hidden; std, imports and recipes may be. */
export function declareName(cx: Context, scope: Scope, name: Name, type: Type, kind: Local["kind"]): void {
  const known = cx.program.table.get(cx.file)?.get(name.text);
  if (known !== undefined && known.use === null && known.definition.kind !== "recipe") {
    report(cx, "N002", `\`${name.text}\` would hide the ${known.definition.kind} of the same name`, name.span, {
      label: "needs another name",
      others: [{ file: cx.file, span: known.definition.name.span, text: "defined here" }],
      help: "rename one of the two; only names of the standard library may be hidden",
    });
  }
  declare(scope, name.text, { type, span: name.span, kind });
}

/** Binds every name of the pattern. */
export function bindPattern(cx: Context, scope: Scope, pattern: Pattern, type: Type, kind: Local["kind"]): void {
  const seen = new Map<string, Name>();
  const bind = (p: Pattern, t: Type, inTuple: boolean): void => {
    if (p.kind === "wildcard") return;
    if (p.kind === "name") {
      const first = seen.get(p.name.text);
      if (first !== undefined) {
        report(cx, "N002", `\`${p.name.text}\` stands twice in one pattern`, p.name.span, {
          others: [{ file: cx.file, span: first.span, text: "first here" }],
          help: "give each part its own name, or `_` to what is not needed",
        });
      }
      seen.set(p.name.text, p.name);
      declareName(cx, scope, p.name, t, inTuple && kind === "let" ? "variable" : kind);
      return;
    }
    if (p.kind === "record") {
      for (const field of p.fields) bind(field.pattern, typeOfField(cx, field.name, t), true);
      return;
    }
    const parts = partsOf(cx, p, t);
    for (const [i, item] of p.items.entries()) bind(item, parts[i] ?? unknown, true);
  };
  bind(pattern, type, false);
}

/** The type of a field that a pattern takes. */
function typeOfField(cx: Context, name: Name, type: Type): Type {
  const value = type.kind === "schedule" || type.kind === "tree" ? atPlace(type) : type;
  if (isQuiet(value) || value.kind === "optional" || value.kind === "instance") return unknown;
  const fields = value.kind === "record" ? value.fields : new Map<string, Field>();
  const found = fields.get(name.text)?.type ?? noField(cx, value, name.text, name.span, [...fields.keys()]);
  return type.kind === "tree" ? { kind: "tree", of: found } : found;
}

function partsOf(cx: Context, p: Pattern & { kind: "tuple" }, type: Type): readonly Type[] {
  const value = type.kind === "schedule" || type.kind === "tree" ? atPlace(type) : type;
  if (isQuiet(value) || value.kind === "list" || value.kind === "optional")
    return p.items.map(() => (value.kind === "list" ? value.of : unknown));
  if (value.kind === "tuple" && value.items.length === p.items.length) return value.items;
  report(cx, "T001", `the pattern has ${p.items.length} parts, the value is ${showType(type)}`, p.span, {
    label: `${p.items.length} names`,
    help:
      value.kind === "tuple"
        ? `write ${value.items.length} names, \`_\` for those not needed`
        : "only a tuple is taken apart by (a, b)",
  });
  return p.items.map(() => ({ kind: "error" }));
}
