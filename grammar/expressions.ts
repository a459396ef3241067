/**
 * Rules for expressions: operators by precedence, `where`, and calls, indices and fields after an operand.
 *
 * In: laid-out tokens. Out: Expr. One rule climbs the table of operators; what an operand can begin with is in
 * control.ts (`if`, `match`, lambdas, schedules) and literals.ts.
 */
import type { IToken } from "chevrotain";
import { LiteralRules } from "./literals.js";
import { beginsExpression, type Operator, operatorOf, power } from "./operators.js";
import { chainLimit, type Rule } from "./recovery.js";
import * as T from "./tokens.js";
import type { Argument, Expr, IndexItem, Name } from "./tree.js";

type Range = Extract<Expr, { kind: "range" }>;

export abstract class ExpressionRules extends LiteralRules {
  /** An operand up to its calls: a literal, a name, a bracket, a form that begins with a keyword. */
  protected abstract readonly operand: Rule<Expr, [boolean]>;

  /** Ranges without an end that no index has taken yet. */
  protected openRanges = new Set<Expr>();

  /** A whole expression with its `where`: the value of a let, an argument, a result. */
  protected readonly value: Rule<Expr> = this.rule("value", () => {
    const start = this.mark();
    const call = this.SUBRULE(this.operators, { ARGS: [power.loosest, false] });
    if (!this.isWord(1, "where")) return call;
    this.CONSUME(T.Identifier);
    const condition = this.SUBRULE(this.operators, { ARGS: [power.loosest, false] });
    const otherwise = this.skip(T.Else) ? this.SUBRULE(this.operators, { ARGS: [power.loosest, false] }) : null;
    return { kind: "where", call, condition, otherwise, span: this.since(start) };
  });

  protected readonly operators: Rule<Expr, [number, boolean]> = this.rule("operators", (min, key) =>
    this.nested(() => {
      const start = this.mark();
      let left = this.prefixed(min, key);
      let chain = 0;
      let last = 0;
      for (;;) {
        const sign = this.LA(1);
        const operator = operatorOf(sign);
        if (operator === undefined || operator.power <= min) return left;
        this.CONSUME(T.Infix);
        if (++chain > chainLimit) this.raiseChain(sign);
        if (sign.tokenType === T.Pipe || sign.tokenType === T.LeftArrow) this.reportMisplaced(sign);
        const alone = operator.power === power.comparison || operator.power === power.range;
        if (alone && last === operator.power) this.reportRepeated(sign, operator);
        last = operator.power;
        if (operator.op === ".." && !beginsExpression(this.LA(1))) {
          left = { kind: "range", from: left, to: null, span: this.since(start) };
          this.openRanges.add(left);
          continue;
        }
        const right = this.SUBRULE(this.operators, {
          ARGS: [operator.right ? operator.power - 1 : operator.power, key],
        });
        const span = this.since(start);
        left =
          operator.op === ".."
            ? { kind: "range", from: left, to: right, span }
            : { kind: "binary", op: operator.op, opSpan: this.spanOf(sign), left, right, span };
      }
    }),
  );

  private prefixed(min: number, key: boolean): Expr {
    if (this.is(1, T.Minus)) return this.SUBRULE(this.negative, { ARGS: [key] });
    if (!this.is(1, T.Not)) return this.SUBRULE(this.postfix, { ARGS: [key] });
    if (min > power.not) this.unexpected("an expression", "put `(not …)` in parentheses");
    return this.SUBRULE(this.not, { ARGS: [key] });
  }

  private raiseChain(token: IToken): never {
    return this.raise("S008", `more than ${chainLimit} operators or calls follow each other`, token, {
      help: "name the parts with `let`, or use `sum` of a list",
    });
  }

  private reportMisplaced(sign: IToken): void {
    if (sign.tokenType === T.Pipe) {
      this.report("S011", "`|` stands only between types", this.spanOf(sign), {
        help: "write `or`; it works elementwise on bool tensors",
      });
    } else {
      this.report("S011", "`<-` stands only after the name of a state", this.spanOf(sign), {
        help: "a state is assigned as a whole, `m <- e`; for `less than minus` put a space: `< -`",
      });
    }
  }

  private reportRepeated(sign: IToken, operator: Operator): void {
    const message =
      operator.op === ".." ? "`..` cannot follow another `..`" : `\`${sign.image}\` cannot follow another comparison`;
    const help =
      operator.op === ".." ? "a range has two ends: `a..b`" : "compare twice and join with `and`: `a < b and b < c`";
    this.report("S009", message, this.spanOf(sign), { help });
  }

  protected readonly not: Rule<Expr, [boolean]> = this.rule("not", (key) => {
    const start = this.mark();
    this.CONSUME(T.Not);
    const value = this.SUBRULE(this.operators, { ARGS: [power.not - 1, key] });
    return { kind: "unary", op: "not", value, span: this.since(start) };
  });

  protected readonly negative: Rule<Expr, [boolean]> = this.rule("negative", (key) => {
    const start = this.mark();
    this.CONSUME(T.Minus);
    const value = this.SUBRULE(this.operators, { ARGS: [power.minus, key] });
    return { kind: "unary", op: "-", value, span: this.since(start) };
  });

  /** `m`, `m with { "lm_head.weight": w }`, `m with mask with other`. */
  protected readonly postfix: Rule<Expr, [boolean]> = this.rule("postfix", (key) => {
    const start = this.mark();
    let target = this.SUBRULE(this.access, { ARGS: [key] });
    for (let chain = 0; this.isWord(1, "with") && beginsExpression(this.LA(2)); chain++) {
      if (chain > chainLimit) this.raiseChain(this.LA(1));
      this.CONSUME(T.Identifier);
      const value = this.SUBRULE(this.access, { ARGS: [key] });
      target = { kind: "with", target, value, span: this.since(start) };
    }
    return target;
  });

  /** An operand with its calls, indices and fields. */
  protected readonly access: Rule<Expr, [boolean]> = this.rule("access", (key) => {
    const start = this.mark();
    let target = this.SUBRULE(this.operand, { ARGS: [key] });
    for (let chain = 0; ; chain++) {
      if (chain > chainLimit) this.raiseChain(this.LA(1));
      // On a line of its own a bracket belongs to nothing before it.
      const glued = !this.at(1).lineStart;
      if (this.skip(T.Dot)) {
        if (this.is(1, T.NumberToken)) this.unexpected("a name after `.`", "a number begins with a digit: `0.5`");
        const name = this.nameOf(this.CONSUME(T.Word));
        target = { kind: "field", target, name, span: this.since(start) };
      } else if (glued && this.is(1, T.LParen)) {
        const args = this.SUBRULE(this.args);
        target = { kind: "call", callee: target, args, span: this.since(start) };
      } else if (glued && this.is(1, T.LSquare)) {
        const items = this.SUBRULE(this.indices);
        target = { kind: "index", target, items, span: this.since(start) };
      } else {
        return target;
      }
    }
  });

  /** `(a, over = row, ..)`, `(x, .., gates = g)`. */
  protected readonly args: Rule<readonly Argument[]> = this.rule("args", () => {
    const args: Argument[] = [];
    this.brackets(T.LParen, T.RParen, () => {
      const rest = args.find((a) => a.rest);
      const argument = this.SUBRULE(this.argument);
      if (rest !== undefined && argument.name === null) {
        this.report("S013", "`..` is not the last argument", rest.span, {
          help: "move it to the end: it passes the parameters that remain; only named arguments may follow it",
        });
      }
      args.push(argument);
    });
    return args;
  });

  protected readonly argument: Rule<Argument> = this.rule("argument", () => {
    const start = this.mark();
    if (this.skip(T.DotDot)) return { name: null, value: null, rest: true, span: this.since(start) };
    let name: Name | null = null;
    if (this.is(1, T.Identifier) && this.is(2, T.Equals)) {
      name = this.SUBRULE(this.name);
      this.CONSUME(T.Equals);
    }
    const value = this.SUBRULE(this.value);
    return { name, value, rest: false, span: this.since(start) };
  });

  /** `[i, a..b, :, none, ...]`. */
  protected readonly indices: Rule<readonly IndexItem[]> = this.rule("indices", () => {
    const items: IndexItem[] = [];
    this.brackets(T.LSquare, T.RSquare, () => items.push(this.SUBRULE(this.indexItem)));
    return items;
  });

  protected readonly indexItem: Rule<IndexItem> = this.rule("indexItem", () => {
    const start = this.mark();
    if (this.skip(T.Ellipsis)) return { kind: "ellipsis", span: this.since(start) };
    if (this.skip(T.Colon)) return { kind: "all", span: this.since(start) };
    if (this.skip(T.DotDot)) {
      const bound = beginsExpression(this.LA(1));
      const to = bound ? this.SUBRULE(this.operators, { ARGS: [power.range, false] }) : null;
      return { kind: "slice", from: null, to, span: this.since(start) };
    }
    const alone = this.is(2, T.Comma) || this.is(2, T.RSquare);
    if (alone && (this.is(1, T.None) || this.isWord(1, "None"))) {
      this.CONSUME(T.Word);
      return { kind: "new", span: this.since(start) };
    }
    const value = this.SUBRULE(this.operators, { ARGS: [power.loosest, false] });
    return value.kind === "range" ? this.slice(value) : { kind: "at", value, span: this.since(start) };
  });

  private slice(range: Range): IndexItem {
    this.openRanges.delete(range);
    return { kind: "slice", from: range.from, to: range.to, span: range.span };
  }

  /** Reports the open ranges that stand outside of an index. */
  protected reportOpenRanges(): void {
    for (const range of this.openRanges) {
      this.report("S010", "this range has no end", range.span, {
        help: "only an index may leave an end open, as in `xs[1..]`",
      });
    }
    this.openRanges = new Set();
  }
}
