/**
 * Rules for literals and brackets: numbers, strings, lists, comprehensions, tuples, records.
 *
 * In: laid-out tokens. Out: Expr. A string with `${…}` is a string node whose parts alternate texts and expressions; a
 * string without has exactly one text part.
 */
import type { IToken } from "chevrotain";
import { readNumber } from "./numbers.js";
import type { Rule } from "./recovery.js";
import { readEscapes } from "./strings.js";
import * as T from "./tokens.js";
import type { Clause, Expr, Name, NumberExpr, StringExpr } from "./tree.js";
import { TypeRules } from "./types.js";

export abstract class LiteralRules extends TypeRules {
  protected readonly number: Rule<NumberExpr> = this.rule("number", () => {
    const token = this.CONSUME(T.NumberToken);
    const read = readNumber(token.image);
    const span = this.spanOf(token);
    if (read.problem !== null) this.report("S007", read.problem.message, span, { help: read.problem.help });
    return { kind: "number", value: read.value, integer: read.integer, unit: read.unit, text: token.image, span };
  });

  /** A string without interpolation. */
  protected readonly plainString: Rule<StringExpr> = this.rule("plainString", () => {
    const token = this.CONSUME(T.StringToken);
    const text = this.decode(token.image.slice(1, -1), token.startOffset + 1);
    return { kind: "string", parts: [text], span: this.spanOf(token) };
  });

  /** A string with at least one `${…}`. */
  protected readonly template: Rule<StringExpr> = this.rule("template", () => {
    const start = this.mark();
    const parts: (string | Expr)[] = [];
    this.CONSUME(T.TemplateOpen);
    for (;;) {
      if (this.is(1, T.TemplateText)) parts.push(this.decodeToken(this.CONSUME(T.TemplateText)));
      else if (this.is(1, T.HoleOpen)) parts.push(this.SUBRULE(this.interpolation));
      else break;
    }
    this.CONSUME(T.TemplateClose);
    return { kind: "string", parts, span: this.since(start) };
  });

  protected readonly interpolation: Rule<Expr> = this.rule("interpolation", () => {
    this.CONSUME(T.HoleOpen);
    const inside = this.at(0).depth + 1;
    const value = this.attempt<Expr>(
      () => {
        const read = this.SUBRULE(this.value);
        if (!this.is(1, T.HoleClose)) this.unexpected("`}`");
        return read;
      },
      (token) => token.depth < inside,
      (span) => ({ kind: "error", span }),
    );
    this.CONSUME(T.HoleClose);
    return value;
  });

  private decodeToken(token: IToken): string {
    return this.decode(token.image, token.startOffset);
  }

  private decode(raw: string, offset: number): string {
    const { value, mistakes } = readEscapes(raw, offset);
    for (const span of mistakes) {
      this.report("S006", `unknown escape \`${this.text.slice(span.start, span.end)}\``, span, {
        help: 'the escapes are `\\n`, `\\t`, `\\"`, `\\\\`, `\\$` and `\\u{1F600}`',
      });
    }
    return value;
  }

  /** `[a, b]` and `[e for p in xs if c]`. */
  protected readonly list: Rule<Expr> = this.rule("list", () => {
    const start = this.mark();
    const items: Expr[] = [];
    const clauses: Clause[] = [];
    const item = () => {
      if (clauses.length > 0) this.unexpected("`]` after a comprehension", "join two lists with `++`");
      items.push(this.SUBRULE(this.value));
      while (items.length === 1 && (this.is(1, T.For) || this.is(1, T.If))) clauses.push(this.SUBRULE(this.clause));
    };
    this.brackets(T.LSquare, T.RSquare, item, "`,`, `for` or `]`");
    const span = this.since(start);
    if (clauses.length === 0) return { kind: "list", items, span };
    if (clauses[0].kind === "if") {
      this.report("S001", "expected `for x in xs` before the `if`", clauses[0].span, {
        help: "an `if` in a list leaves out elements of a comprehension; a choice is `if c then a else b`",
      });
    }
    return { kind: "comprehension", value: items[0], clauses, span };
  });

  protected readonly clause: Rule<Clause> = this.rule("clause", () => {
    const start = this.mark();
    if (this.skip(T.If)) {
      const condition = this.SUBRULE(this.operators, { ARGS: [0, false] });
      return { kind: "if", condition, span: this.since(start) };
    }
    this.CONSUME(T.For);
    const pattern = this.SUBRULE(this.pattern);
    this.CONSUME(T.In);
    const source = this.SUBRULE(this.operators, { ARGS: [0, false] });
    return { kind: "for", pattern, source, span: this.since(start) };
  });

  /** `(e)` for e itself, `(a, b)`, `(a,)`. */
  protected readonly parenthesised: Rule<Expr> = this.rule("parenthesised", () => {
    const start = this.mark();
    const items: Expr[] = [];
    let comma = false;
    if (this.is(2, T.RParen) && !this.at(2).synthetic) {
      const span = { start, end: this.LA(2).endOffset! + 1 };
      this.report("S001", "expected an expression between `(` and `)`", span, {
        help: "an empty tuple means nothing; a function without parameters is `() => e`",
      });
    }
    this.CONSUME(T.LParen);
    this.sequence([T.Comma], "`,` or `)`", () => {
      items.push(this.SUBRULE(this.value));
      comma = this.is(1, T.Comma);
    });
    this.CONSUME(T.RParen);
    const span = this.since(start);
    if (items.length === 0) return { kind: "error", span };
    return items.length === 1 && !comma ? items[0] : { kind: "tuple", items, span };
  });

  /** `{ a: x, b, "lm_head.weight": w }`; `b` alone is `b: b`. */
  protected readonly record: Rule<Expr> = this.rule("record", () => {
    const start = this.mark();
    const fields: { name: Name; value: Expr }[] = [];
    this.brackets(T.LCurly, T.RCurly, () => {
      const quoted = this.is(1, T.StringToken);
      const name = quoted ? this.SUBRULE(this.key) : this.SUBRULE(this.name);
      if (quoted && !this.is(1, T.Colon)) this.unexpected("`:` after a key");
      const value: Expr = this.skip(T.Colon) ? this.SUBRULE(this.value) : { kind: "name", name, span: name.span };
      fields.push({ name, value });
    });
    return { kind: "record", fields, span: this.since(start) };
  });

  /** The name of a field that is no word of the language: `"lm_head.weight"`. */
  protected readonly key: Rule<Name> = this.rule("key", () => {
    const token = this.CONSUME(T.StringToken);
    return { text: this.decode(token.image.slice(1, -1), token.startOffset + 1), span: this.spanOf(token) };
  });
}
