/**
 * Which lines go on: the part of the newline rule that looks at single tokens.
 *
 * In: the last tokens of a line, or the first of the next. Out: whether the statement continues. A line goes on if it
 * ends in an operator or a comma, or if the next begins with `.` or an infix operator other than `-`, `+` or a word;
 * `then`, `else` and `where` begin no statement and continue too. Source: spec/language.md, "Surface".
 */
import { type IToken, type TokenType, tokenMatcher } from "chevrotain";
import * as T from "./tokens.js";

/** A line that ends in one of these goes on. */
const endsOpen: ReadonlySet<TokenType> = new Set([
  T.Comma,
  T.Semicolon,
  T.LCurly,
  T.FatArrow,
  T.Arrow,
  T.LeftArrow,
  T.Equals,
  T.Colon,
  T.Dot,
  T.Then,
  T.Else,
  T.Not,
  T.And,
  T.Or,
  T.DotDot,
  T.EqualEqual,
  T.NotEqual,
  T.LessEqual,
  T.GreaterEqual,
  T.Less,
  T.Greater,
  T.QuestionQuestion,
  T.PlusPlus,
  T.Plus,
  T.Minus,
  T.Star,
  T.Slash,
  T.Percent,
  T.Caret,
  T.At,
  T.Pipe,
]);

/** A line that begins with one of these continues the line before it. */
const beginsOpen: ReadonlySet<TokenType> = new Set([
  T.Comma,
  T.RCurly,
  T.Semicolon,
  T.Dot,
  T.DotDot,
  T.FatArrow,
  T.Arrow,
  T.LeftArrow,
  T.Equals,
  T.Then,
  T.Else,
  T.EqualEqual,
  T.NotEqual,
  T.LessEqual,
  T.GreaterEqual,
  T.Less,
  T.Greater,
  T.QuestionQuestion,
  T.PlusPlus,
  T.Star,
  T.Slash,
  T.Percent,
  T.Caret,
  T.At,
  T.Pipe,
]);

/** Tokens after which an operand is complete, so that a following `in` is the operator and not a name. */
const endsOperand: ReadonlySet<TokenType> = new Set([
  T.Identifier,
  T.NumberToken,
  T.StringToken,
  T.TemplateClose,
  T.RParen,
  T.RSquare,
  T.RCurly,
  T.True,
  T.False,
  T.None,
]);

const bodied: ReadonlySet<string> = new Set([
  "def",
  "merge",
  "recipe",
  "record",
  "adapter",
  "router",
  "module",
  "optimizer",
  "sampler",
]);

/** Whether these two tokens begin a definition, given that the first begins a line. */
export function beginsDefinition(token: IToken, next: IToken | undefined): boolean {
  if (token.tokenType !== T.Identifier || next === undefined) return false;
  if (token.image === "use") return next.tokenType === T.Identifier || next.tokenType === T.StringToken;
  return bodied.has(token.image) && next.tokenType === T.Identifier && next.image !== "where";
}

/** Whether a line whose last tokens are `before` and `last` goes on. */
export function goesOn(last: IToken, before: IToken | undefined): boolean {
  // A keyword after a dot is a field.
  if (before?.tokenType === T.Dot && tokenMatcher(last, T.Word)) return false;
  if (endsOpen.has(last.tokenType)) return true;
  const wordOperator = last.tokenType === T.In || last.tokenType === T.Matches;
  return wordOperator && before !== undefined && endsOperand.has(before.tokenType);
}

/** Whether a line that begins with `token` continues the one before it. */
export function continuesLine(token: IToken, next: IToken | undefined): boolean {
  if (beginsOpen.has(token.tokenType)) return true;
  if (token.tokenType !== T.Identifier || token.image !== "where" || next === undefined) return false;
  return next.tokenType !== T.Colon && next.tokenType !== T.Equals && next.tokenType !== T.FatArrow;
}
