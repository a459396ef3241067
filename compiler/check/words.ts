/**
 * Bare words. Where a union of words, a role, a scope or a dtype is expected, a name that is not in scope stands for the
 * word. In: a name and the type expected. Out: the word's type, or null if the name is no word there.
 */
import type { Name } from "../../grammar/index.js";
import { nearest } from "../../grammar/index.js";
import { kinds, roles } from "../places/index.js";
import { builtins } from "./builtins.js";
import { type Context, report } from "./context.js";
import { hasLocal, type Scope } from "./scope.js";
import { error, type ScopeWord, type Type, words } from "./types.js";

export const scopeWords: readonly ScopeWord[] = ["row", "column", "tensor", "model"];
export const dtypeWords: readonly string[] = ["f32", "bf16", "f16", "f64", "f8_e4m3", "f8_e5m2", "i32", "bool"];

const placeWords: ReadonlySet<string> = new Set([...kinds, ...roles, "before", "inside", "after"]);

export function isScopeWord(name: string): name is ScopeWord {
  return (scopeWords as readonly string[]).includes(name);
}

/** True if no local and no definition of the file has this name, so that it may be a word. */
export function isWordHere(cx: Context, scope: Scope, name: string): boolean {
  return !hasLocal(scope, name) && !cx.program.table.get(cx.file)?.has(name);
}

/** The words a type is made of; null for other types. */
function expectedWords(type: Type | null): (Type & { kind: "words" | "scope" | "dtype" }) | null {
  if (type === null) return null;
  if (type.kind === "words" || type.kind === "scope" || type.kind === "dtype") return type;
  return type.kind === "optional" || type.kind === "schedule" || type.kind === "tree" ? expectedWords(type.of) : null;
}

/** True where a kind, a role or a part of the network is expected and this is one: it stands for the word even where a
 * definition has its name, as in `kind in [linear]` beside `use std.merge.{linear}`. */
export function isPlaceWord(name: string, expected: Type | null): boolean {
  const wanted = expectedWords(expected);
  return wanted?.kind === "words" && wanted.declared.includes(name) && placeWords.has(name);
}

/** The type of a bare word where `expected` is expected; null if it is not one. The name must not be in scope. */
export function wordType(cx: Context, name: Name, expected: Type | null): Type | null {
  const wanted = expectedWords(expected);
  if (wanted === null) return isScopeWord(name.text) ? { kind: "scope", word: name.text } : null;
  if (wanted.kind === "scope") {
    if (isScopeWord(name.text)) return { kind: "scope", word: name.text };
    if (builtins.has(name.text)) return null;
    const close = nearest(name.text, scopeWords);
    return close.length > 0 ? wrongWord(cx, name.text, name.span, scopeWords) : { kind: "scope", word: null };
  }
  if (wanted.kind === "dtype")
    return dtypeWords.includes(name.text) ? wanted : wrongWord(cx, name.text, name.span, dtypeWords);
  if (wanted.declared.includes(name.text)) return words([name.text]);
  if (isScopeWord(name.text) || builtins.has(name.text)) return null;
  return wrongWord(cx, name.text, name.span, wanted.declared);
}

/** Reports T012. */
export function wrongWord(cx: Context, word: string, span: Name["span"], allowed: readonly string[]): Type {
  const close = nearest(word, allowed, 1);
  report(cx, "T012", `"${word}" is not one of ${allowed.map((w) => `"${w}"`).join(", ")}`, span, {
    label: "not one of the words",
    help: close.length > 0 ? `did you mean "${close[0]}"?` : `write one of ${allowed.map((w) => `"${w}"`).join(", ")}`,
  });
  return error;
}
