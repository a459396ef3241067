/**
 * The operators between two operands, loosest first. Between them stand, in rules of their own: `where` (looser than
 * all), `if` / lambda / `match` (they reach as far to the right as they can), `not` and the unary minus.
 */
import type { IToken, TokenType } from "chevrotain";
import * as T from "./tokens.js";
import type { BinaryOp } from "./tree.js";

export interface Operator {
  readonly op: BinaryOp | "..";
  readonly power: number;
  readonly right: boolean;
}

export const power = {
  loosest: 0,
  coalesce: 1,
  or: 2,
  and: 3,
  not: 4,
  comparison: 5,
  range: 6,
  sum: 7,
  product: 8,
  minus: 9,
  power: 10,
} as const;

const left = (op: Operator["op"], power: number): Operator => ({ op, power, right: false });
const right = (op: Operator["op"], power: number): Operator => ({ op, power, right: true });

const table: ReadonlyMap<TokenType, Operator> = new Map([
  [T.QuestionQuestion, right("??", power.coalesce)],
  [T.Or, left("or", power.or)],
  [T.Pipe, left("or", power.or)],
  [T.And, left("and", power.and)],
  [T.EqualEqual, left("==", power.comparison)],
  [T.NotEqual, left("!=", power.comparison)],
  [T.Less, left("<", power.comparison)],
  [T.LeftArrow, left("<", power.comparison)],
  [T.LessEqual, left("<=", power.comparison)],
  [T.Greater, left(">", power.comparison)],
  [T.GreaterEqual, left(">=", power.comparison)],
  [T.In, left("in", power.comparison)],
  [T.Matches, left("matches", power.comparison)],
  [T.DotDot, left("..", power.range)],
  [T.Plus, left("+", power.sum)],
  [T.Minus, left("-", power.sum)],
  [T.PlusPlus, left("++", power.sum)],
  [T.Star, left("*", power.product)],
  [T.Slash, left("/", power.product)],
  [T.Percent, left("%", power.product)],
  [T.At, left("@", power.product)],
  [T.Caret, right("^", power.power)],
]);

/** The operator that a token is between two operands. */
export function operatorOf(token: IToken): Operator | undefined {
  return table.get(token.tokenType);
}

const starts: ReadonlySet<TokenType> = new Set([
  T.Identifier,
  T.In,
  T.Matches,
  T.NumberToken,
  T.StringToken,
  T.TemplateOpen,
  T.True,
  T.False,
  T.None,
  T.LParen,
  T.LambdaParen,
  T.LSquare,
  T.LCurly,
  T.If,
  T.Match,
  T.Not,
  T.Minus,
  T.Broken,
]);

/** Whether an expression can begin with this token. */
export function beginsExpression(token: IToken): boolean {
  return starts.has(token.tokenType);
}
