/**
 * Rules for statements and blocks.
 *
 * In: laid-out tokens. Out: Statement, Block. `input`, `report`, `loss` and `emit` are words only where a statement
 * begins and what follows fits; elsewhere they are names.
 */
import { ControlRules } from "./control.js";
import { beginsExpression, power } from "./operators.js";
import type { Rule } from "./recovery.js";
import * as T from "./tokens.js";
import type { Binding, Block, Statement } from "./tree.js";

export abstract class StatementRules extends ControlRules {
  /** The `///` comment that stands before an offset. */
  protected abstract docBefore(offset: number): string | null;

  protected readonly block: Rule<Block, [boolean]> = this.rule("block", (recipe) => {
    const start = this.mark();
    const statements: Statement[] = [];
    this.CONSUME(T.LCurly);
    this.sequence([T.Newline, T.Semicolon], "the end of the statement", () => {
      statements.push(this.SUBRULE(this.statement, { ARGS: [recipe] }));
    });
    this.CONSUME(T.RCurly);
    return { statements, span: this.since(start) };
  });

  protected readonly statement: Rule<Statement, [boolean]> = this.rule("statement", (recipe) => {
    const start = this.mark();
    if (this.is(1, T.Let)) return this.SUBRULE(this.letStatement);
    if (this.is(1, T.If)) return this.SUBRULE(this.conditional);
    if (this.beginsInput()) return this.SUBRULE(this.inputStatement, { ARGS: [recipe] });
    if (this.skip(T.Return)) {
      if (!beginsExpression(this.LA(1))) {
        this.unexpected("a value after `return`", "a block gives its value by `return e`, on one line");
      }
      const value = this.SUBRULE(this.value);
      return { kind: "return", value, span: this.since(start) };
    }
    if (this.beginsReport()) {
      this.CONSUME(T.Identifier);
      const value = this.SUBRULE(this.value);
      return { kind: "report", value, span: this.since(start) };
    }
    if (this.beginsLoss()) return this.SUBRULE(this.lossStatement);
    if (this.is(1, T.Identifier) && this.is(2, T.LeftArrow)) {
      const name = this.SUBRULE(this.name);
      this.CONSUME(T.LeftArrow);
      const value = this.SUBRULE(this.value);
      return { kind: "assign", name, value, span: this.since(start) };
    }
    if (this.isWord(1, "emit") && this.is(2, T.Identifier) && this.is(3, T.Equals)) {
      this.CONSUME(T.Identifier);
      const name = this.SUBRULE(this.name);
      this.CONSUME(T.Equals);
      const value = this.SUBRULE(this.value);
      return { kind: "emit", name, value, span: this.since(start) };
    }
    if (!beginsExpression(this.LA(1))) this.unexpected("a statement", this.insteadOfStatement());
    const value = this.SUBRULE(this.value);
    return { kind: "expression", value, span: this.since(start) };
  });

  private insteadOfStatement(): string | null {
    if (this.is(1, T.For)) return "there is no `for` statement; write a list `[e for x in xs]`";
    if (this.is(1, T.Else)) return "an `else` follows the `}` of its `if`";
    return null;
  }

  /** `let a = 1, (b, c) = f(x)`. */
  protected readonly letStatement: Rule<Statement> = this.rule("letStatement", () => {
    const start = this.mark();
    this.CONSUME(T.Let);
    const bindings = [this.SUBRULE(this.binding)];
    while (this.skip(T.Comma)) bindings.push(this.SUBRULE(this.binding));
    return { kind: "let", bindings, span: this.since(start) };
  });

  /** `x = e`, `x: T = e`, `(a, b) = e`. */
  protected readonly binding: Rule<Binding> = this.rule("binding", () => {
    const start = this.mark();
    const pattern = this.SUBRULE(this.pattern);
    const type = this.skip(T.Colon) ? this.SUBRULE(this.type) : null;
    this.CONSUME(T.Equals);
    const value = this.SUBRULE(this.value);
    return { pattern, type, value, span: this.since(start) };
  });

  /** `if c { … } else …`; also an `if c then a else b` that stands as a statement. */
  protected readonly conditional: Rule<Statement> = this.rule("conditional", () =>
    this.nested(() => {
      const start = this.mark();
      this.CONSUME(T.If);
      const condition = this.SUBRULE(this.operators, { ARGS: [power.loosest, false] });
      if (this.is(1, T.Then)) {
        const value = this.SUBRULE(this.branches, { ARGS: [start, condition] });
        return { kind: "expression", value, span: this.since(start) };
      }
      if (!this.is(1, T.LCurly))
        this.unexpected("`{` or `then`", this.is(1, T.Equals) ? "to compare write `==`" : null);
      const yes = this.SUBRULE(this.block, { ARGS: [false] });
      const no = this.skip(T.Else) ? this.SUBRULE(this.alternative) : null;
      // biome-ignore lint/suspicious/noThenProperty: the branch of an `if`; trees are never awaited
      return { kind: "if", condition, then: yes, else: no, span: this.since(start) };
    }),
  );

  /** After `else`: a block, or another `if` as a block of one statement. */
  protected readonly alternative: Rule<Block> = this.rule("alternative", () => {
    const start = this.mark();
    if (this.is(1, T.LCurly)) return this.SUBRULE(this.block, { ARGS: [false] });
    if (!this.is(1, T.If)) this.unexpected("`{` or `if` after `else`");
    const statement = this.SUBRULE(this.conditional);
    return { statements: [statement], span: this.since(start) };
  });

  /** `input density: Fraction = 20%`. */
  protected readonly inputStatement: Rule<Statement, [boolean]> = this.rule("inputStatement", (recipe) => {
    const start = this.mark();
    const word = this.CONSUME(T.Identifier);
    const name = this.SUBRULE(this.name);
    const type = this.skip(T.Colon) ? this.SUBRULE(this.type) : null;
    const value = this.skip(T.Equals) ? this.SUBRULE(this.value) : null;
    if (!recipe) {
      this.report("S014", "`input` stands outside of a recipe's own statements", this.spanOf(word), {
        help: "move it to the top of the recipe; a `def` or `merge` takes parameters instead",
      });
    }
    return { kind: "input", name, type, default: value, doc: this.docBefore(start), span: this.since(start) };
  });

  /** `loss e`, `shared loss e`. */
  protected readonly lossStatement: Rule<Statement> = this.rule("lossStatement", () => {
    const start = this.mark();
    const shared = this.isWord(1, "shared");
    if (shared) this.CONSUME(T.Identifier);
    this.CONSUME(T.Identifier);
    const value = this.SUBRULE(this.value);
    return { kind: "loss", shared, value, span: this.since(start) };
  });

  /** A difference that nobody uses means nothing, so that after `loss` a minus is a sign. */
  private beginsLoss(): boolean {
    const k = this.isWord(1, "shared") ? 2 : 1;
    if (!this.isWord(k, "loss") || !beginsExpression(this.LA(k + 1)) || this.isWord(k + 1, "where")) return false;
    return this.is(k + 1, T.Minus) || !this.is(k + 1, T.Infix);
  }

  private beginsInput(): boolean {
    if (!this.isWord(1, "input") || !this.is(2, T.Identifier)) return false;
    if (this.is(3, T.Colon) || this.is(3, T.Equals)) return true;
    const alone = this.is(3, T.Newline) || this.is(3, T.RCurly) || this.is(3, T.Semicolon);
    return alone && !this.is(2, T.Infix) && !this.isWord(2, "where");
  }

  /** Whether the word `report` stands before its value and is no name itself. */
  private beginsReport(): boolean {
    if (!this.isWord(1, "report") || !beginsExpression(this.LA(2))) return false;
    return !this.is(2, T.Infix) && !this.isWord(2, "where");
  }
}
