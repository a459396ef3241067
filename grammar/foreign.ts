/**
 * Signs of other languages: what each should have been.
 *
 * In: a Foreign token. Out: the message, and the token to read instead so that the rest of the line still parses.
 */
import type { IToken, TokenType } from "chevrotain";
import { type Diagnostic, diagnostic } from "./diagnostic.js";
import * as T from "./tokens.js";

interface Advice {
  readonly help: string;
  /** What the parser reads in its place; null drops it. */
  readonly readAs: TokenType | null;
}

const changes = "values do not change; bind a new one with `let x = …`";

const table: ReadonlyMap<string, Advice> = new Map([
  ["&&", { help: "write `and`", readAs: T.And }],
  ["||", { help: "write `or`", readAs: T.Or }],
  ["&", { help: "write `and`; it works elementwise on bool tensors", readAs: T.And }],
  ["!", { help: "write `not`", readAs: T.Not }],
  ["**", { help: "write `^` for a power", readAs: T.Caret }],
  ["===", { help: "write `==`", readAs: T.EqualEqual }],
  ["+=", { help: changes, readAs: T.Plus }],
  ["-=", { help: changes, readAs: T.Minus }],
  ["*=", { help: changes, readAs: T.Star }],
  ["/=", { help: changes, readAs: T.Slash }],
  [":=", { help: "write `=`", readAs: T.Equals }],
  ["~", { help: "write `not` for a Bool, `1 - x` for a mask of numbers", readAs: T.Not }],
  ["$", { help: "a `$` has a meaning only inside a string, before `{`", readAs: null }],
]);

const byFirst: ReadonlyMap<string, Advice> = new Map([
  ["#", { help: "comments begin with `//`", readAs: null }],
  ["/", { help: "comments begin with `//` and end with their line", readAs: null }],
  ["'", { help: 'strings stand in double quotes: `"…"`', readAs: T.Broken }],
  ["`", { help: 'strings stand in double quotes: `"…"`', readAs: T.Broken }],
]);

/** Says what to write instead of a foreign sign. */
export function adviseForeign(file: string, token: IToken): { diagnostic: Diagnostic; readAs: TokenType | null } {
  const advice = table.get(token.image) ?? byFirst.get(token.image[0])!;
  const sign = table.has(token.image) ? token.image : token.image.startsWith("/*") ? "/*" : token.image[0];
  const span = { start: token.startOffset, end: token.endOffset! + 1 };
  return {
    diagnostic: diagnostic("S011", `\`${sign}\` is not part of the language`, { file, span }, { help: advice.help }),
    readAs: advice.readAs,
  };
}
