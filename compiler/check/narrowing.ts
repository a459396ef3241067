/**
 * What a condition tells about the names in it. In: a condition and whether it holds. Out: narrowed types in the scope of
 * the branch: `x == none` settles an optional, `mode == "sum"` a union; a test of lengths makes them incomparable as symbols.
 */
import type { Expr } from "../../grammar/index.js";
import type { Context } from "./context.js";
import { lookup, type Scope } from "./scope.js";
import { none, type Type, words } from "./types.js";

/** Narrows in `scope` by `condition` being `holds`. */
export function narrow(cx: Context, scope: Scope, condition: Expr, holds: boolean): void {
  if (condition.kind === "unary" && condition.op === "not") narrow(cx, scope, condition.value, !holds);
  if (condition.kind !== "binary") return;
  if ((condition.op === "and" && holds) || (condition.op === "or" && !holds)) {
    narrow(cx, scope, condition.left, holds);
    narrow(cx, scope, condition.right, holds);
    return;
  }
  if (mentionsLengths(cx, condition)) scope.assumesLengths = true;
  if (condition.op !== "==" && condition.op !== "!=") return;
  const equal = (condition.op === "==") === holds;
  narrowName(scope, condition.left, condition.right, equal);
  narrowName(scope, condition.right, condition.left, equal);
}

function narrowName(scope: Scope, name: Expr, value: Expr, equal: boolean): void {
  if (name.kind !== "name") return;
  const type = lookup(scope, name.name.text)?.type;
  if (type === undefined) return;
  const narrowed = narrowedBy(type, value, equal);
  if (narrowed !== null) scope.narrowed.set(name.name.text, narrowed);
}

function narrowedBy(type: Type, value: Expr, equal: boolean): Type | null {
  if (value.kind === "none") {
    if (type.kind !== "optional") return null;
    return equal ? none : type.of;
  }
  if (type.kind === "optional") return equal ? type.of : null;
  const word = value.kind === "string" && value.parts.length === 1 ? value.parts[0] : null;
  if (type.kind !== "words" || typeof word !== "string") return null;
  return words(
    type.words.filter((w) => (w === word) === equal),
    type.declared,
  );
}

/** True if the condition compares Ints: inside, two names of lengths may be equal. */
function mentionsLengths(cx: Context, condition: Expr): boolean {
  const length = (e: Expr): boolean => {
    const type = cx.program.types.get(e);
    return type?.kind === "list" ? true : type?.kind === "number" && type.value !== null;
  };
  return (
    condition.kind === "binary" &&
    (condition.op === "==" || condition.op === "!=") &&
    length(condition.left) &&
    length(condition.right)
  );
}
