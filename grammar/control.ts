/**
 * Rules for operands that begin with a keyword or hold a body: `if`, `match`, lambdas, schedules, names.
 *
 * In: laid-out tokens. Out: Expr. After `=>` a `{` is a block; everywhere else in an expression it is a record.
 * A body that is one expression becomes a block with one `return`.
 */
import type { IToken } from "chevrotain";
import { ExpressionRules } from "./expressions.js";
import { nearest } from "./nearest.js";
import { beginsExpression, power } from "./operators.js";
import type { Rule } from "./recovery.js";
import * as T from "./tokens.js";
import type { Block, Curve, Expr, MatchArm, MatchPattern, Name, Param, ScheduleExpr } from "./tree.js";

type Basis = ScheduleExpr["by"];
type ScheduleCase = ScheduleExpr["cases"][number];

const bases: ReadonlySet<string> = new Set<Basis>(["depth", "layer", "name", "kind", "role", "place", "stack", "step"]);
const curves: ReadonlySet<string> = new Set<Curve["kind"]>(["constant", "linear", "cosine", "polynomial"]);

const courseHelp =
  "over the steps a value goes `{ warmup 10, cosine 1e-3 .. 0 }` (or constant, linear, polynomial), or by `range => value`";

/** The parts of a schedule while it is read. */
interface ScheduleParts {
  readonly by: string;
  readonly anchors: Expr[];
  readonly cases: ScheduleCase[];
  readonly otherwise: Expr[];
  readonly warmup: Expr[];
  readonly curve: Curve[];
}

export abstract class ControlRules extends ExpressionRules {
  /** `{ … }` of statements; true directly in a recipe. */
  protected abstract readonly block: Rule<Block, [boolean]>;

  protected readonly operand: Rule<Expr, [boolean]> = this.rule("operand", (key) => {
    const token = this.LA(1);
    switch (token.tokenType) {
      case T.Identifier:
      case T.In:
      case T.Matches:
        if (this.isWord(1, "by") && this.is(2, T.Word) && this.is(3, T.LCurly)) return this.SUBRULE(this.schedule);
        if (!key && this.is(2, T.FatArrow)) return this.SUBRULE(this.lambda);
        return { kind: "name", name: this.SUBRULE(this.name), span: this.spanOf(token) };
      case T.NumberToken:
        return this.SUBRULE(this.number);
      case T.StringToken:
        return this.SUBRULE(this.plainString);
      case T.TemplateOpen:
        return this.SUBRULE(this.template);
      case T.LambdaParen:
        return key ? this.SUBRULE(this.parenthesised) : this.SUBRULE(this.lambda);
      case T.LParen:
        return this.SUBRULE(this.parenthesised);
      case T.LSquare:
        return this.SUBRULE(this.list);
      case T.LCurly:
        return this.SUBRULE(this.record);
      case T.If:
        return this.SUBRULE(this.choice);
      case T.Match:
        return this.SUBRULE(this.match);
      case T.True:
      case T.False:
        this.CONSUME(T.Word);
        return { kind: "bool", value: token.tokenType === T.True, span: this.spanOf(token) };
      case T.None:
        this.CONSUME(T.None);
        return { kind: "none", span: this.spanOf(token) };
      case T.Broken:
        this.CONSUME(T.Broken);
        return { kind: "error", span: this.spanOf(token) };
      default:
        return this.unexpected("an expression", this.insteadOfOperand(token));
    }
  });

  private insteadOfOperand(token: IToken): string | null {
    if (token.tokenType === T.Let || token.tokenType === T.Return)
      return "a `let` or `return` begins a line of its own";
    if (token.tokenType === T.Dot && this.is(2, T.NumberToken)) return "a number begins with a digit: `0.5`";
    return null;
  }

  /** `if c then a else b`. */
  protected readonly choice: Rule<Expr> = this.rule("choice", () => {
    const start = this.mark();
    this.CONSUME(T.If);
    const condition = this.SUBRULE(this.operators, { ARGS: [power.loosest, false] });
    if (this.is(1, T.LCurly)) this.unexpected("`then`", "inside an expression write `if c then a else b`");
    return this.SUBRULE(this.branches, { ARGS: [start, condition] });
  });

  /** The rest of an `if` expression after its condition. */
  protected readonly branches: Rule<Expr, [number, Expr]> = this.rule("branches", (start, condition) => {
    this.CONSUME(T.Then);
    const yes = this.SUBRULE(this.operators, { ARGS: [power.loosest, false] });
    if (!this.is(1, T.Else)) this.unexpected("`else`", "an `if … then` always has a value: say what it is otherwise");
    this.CONSUME(T.Else);
    const no = this.SUBRULE(this.operators, { ARGS: [power.loosest, false] });
    // biome-ignore lint/suspicious/noThenProperty: the branch of an `if`; trees are never awaited
    return { kind: "if", condition, then: yes, else: no, span: this.since(start) };
  });

  /** `x => e`, `(a, (b, c)) => { … }`. */
  protected readonly lambda: Rule<Expr> = this.rule("lambda", () => {
    const start = this.mark();
    const params: Param[] = [];
    if (this.is(1, T.LambdaParen)) {
      this.brackets(T.LambdaParen, T.RParen, () => params.push(this.SUBRULE(this.param)));
    } else {
      const pattern = this.SUBRULE(this.pattern);
      params.push({ pattern, type: null, default: null, span: this.since(start) });
    }
    this.CONSUME(T.FatArrow);
    const body = this.SUBRULE(this.body);
    return { kind: "lambda", params, body, span: this.since(start) };
  });

  /** What may follow `=>`: a block, or an expression. */
  protected readonly body: Rule<Block> = this.rule("body", () => {
    return this.is(1, T.LCurly) ? this.SUBRULE(this.block, { ARGS: [false] }) : this.SUBRULE(this.result);
  });

  /** An expression as a body: a block that returns it. */
  protected readonly result: Rule<Block> = this.rule("result", () => {
    const value = this.SUBRULE(this.value);
    return { statements: [{ kind: "return", value, span: value.span }], span: value.span };
  });

  /** `match x { pattern => e, … }`. */
  protected readonly match: Rule<Expr> = this.rule("match", () => {
    const start = this.mark();
    const arms: MatchArm[] = [];
    this.CONSUME(T.Match);
    const subject = this.SUBRULE(this.operators, { ARGS: [power.loosest, false] });
    const arm = () => {
      const from = this.mark();
      const pattern = this.SUBRULE(this.matchPattern);
      if (!this.is(1, T.FatArrow)) this.unexpected("`=>` after a pattern");
      this.CONSUME(T.FatArrow);
      const body = this.SUBRULE(this.body);
      arms.push({ pattern, body, span: this.since(from) });
    };
    this.brackets(T.LCurly, T.RCurly, arm, "`,`, a new line or `}`");
    return { kind: "match", subject, arms, span: this.since(start) };
  });

  protected readonly matchPattern: Rule<MatchPattern> = this.rule("matchPattern", () => {
    const start = this.mark();
    if (this.is(1, T.Identifier)) {
      const name = this.SUBRULE(this.name);
      return name.text === "_" ? { kind: "wildcard", span: name.span } : { kind: "name", name, span: name.span };
    }
    if (this.skip(T.None)) return { kind: "none", span: this.since(start) };
    if (this.is(1, T.LSquare)) return this.SUBRULE(this.listPattern);
    if (this.is(1, T.LParen)) {
      const items: MatchPattern[] = [];
      this.brackets(T.LParen, T.RParen, () => items.push(this.SUBRULE(this.matchPattern)));
      return items.length === 1 ? items[0] : { kind: "tuple", items, span: this.since(start) };
    }
    const value = this.SUBRULE(this.literal);
    return { kind: "literal", value, span: this.since(start) };
  });

  /** `[out, in]`, `[n, *rest]`. */
  protected readonly listPattern: Rule<MatchPattern> = this.rule("listPattern", () => {
    const start = this.mark();
    const items: MatchPattern[] = [];
    const rests: Name[] = [];
    this.brackets(T.LSquare, T.RSquare, () => {
      const rest = rests.at(0);
      if (rest !== undefined) {
        this.report("S013", `\`*${rest.text}\` is not the last item`, rest.span, {
          help: "move it to the end: it takes all that remain",
        });
      }
      if (this.skip(T.Star)) rests.push(this.SUBRULE(this.name));
      else items.push(this.SUBRULE(this.matchPattern));
    });
    return { kind: "list", items, rest: rests.at(0) ?? null, span: this.since(start) };
  });

  /** A literal of a pattern: a number with its sign, a string, `true`, `false`. */
  protected readonly literal: Rule<Expr> = this.rule("literal", () => {
    const token = this.LA(1);
    switch (token.tokenType) {
      case T.NumberToken:
        return this.SUBRULE(this.number);
      case T.StringToken:
        return this.SUBRULE(this.plainString);
      case T.Minus: {
        this.CONSUME(T.Minus);
        const value = this.SUBRULE(this.number);
        return { kind: "unary", op: "-", value, span: this.since(token.startOffset) };
      }
      case T.True:
      case T.False:
        this.CONSUME(T.Word);
        return { kind: "bool", value: token.tokenType === T.True, span: this.spanOf(token) };
      default:
        return this.unexpected("a pattern", "a pattern is a name, a literal, `none`, `_`, `[n, *rest]` or `(a, b)`");
    }
  });

  /** `by depth { 0.6 .. 1.0 }`, `by layer { 0..8 => 2, else 4 }`, `by step { warmup 10, cosine 1e-3 .. 0 }`. */
  protected readonly schedule: Rule<Expr> = this.rule("schedule", () => {
    const start = this.mark();
    this.CONSUME(T.Identifier);
    const by = this.CONSUME(T.Word);
    if (!bases.has(by.image)) this.raiseBasis(by);
    const parts: ScheduleParts = { by: by.image, anchors: [], cases: [], otherwise: [], warmup: [], curve: [] };
    const entry = () => {
      if (parts.otherwise.length > 0) this.unexpected("`}` after the `else` of a schedule");
      if (by.image === "step" && this.is(1, T.Identifier) && this.beginsBound(2)) this.course(parts);
      else if (!this.is(1, T.Else)) this.scheduleEntry(parts);
      // `else` needs no separator before it.
      if (this.skip(T.Else)) parts.otherwise.push(this.SUBRULE(this.operators, { ARGS: [power.loosest, false] }));
    };
    this.brackets(T.LCurly, T.RCurly, entry, "`,`, a new line, `else` or `}`");
    return {
      kind: "schedule",
      by: by.image as Basis,
      anchors: parts.anchors,
      cases: parts.cases,
      otherwise: parts.otherwise.at(0) ?? null,
      warmup: parts.warmup.at(0) ?? null,
      curve: parts.curve.at(0) ?? null,
      span: this.since(start),
    };
  });

  /** One `key => value`, or all the anchors. */
  private scheduleEntry(parts: ScheduleParts): void {
    const from = this.mark();
    const ends: Expr[] = [];
    do ends.push(this.SUBRULE(this.operators, { ARGS: [power.range, true] }));
    while (this.skip(T.DotDot));
    const span = this.since(from);
    if (this.skip(T.FatArrow)) {
      if (ends.length > 2) {
        this.report("S009", "`..` cannot follow another `..`", span, { help: "a range has two ends: `a..b`" });
      }
      if (parts.warmup.length + parts.curve.length > 0) this.unexpected("no cases beside a course", courseHelp);
      const key: Expr = ends.length === 1 ? ends[0] : { kind: "range", from: ends[0], to: ends[1], span };
      const value = this.SUBRULE(this.operators, { ARGS: [power.loosest, false] });
      parts.cases.push({ key, value, span: this.since(from) });
    } else if (parts.by === "step") {
      this.unexpected("`=>`", courseHelp);
    } else if (ends.length < 2 || parts.cases.length > 0 || parts.anchors.length > 0) {
      this.unexpected("`=>`", "a schedule is `{ a .. b }` or a list of `key => value`");
    } else {
      parts.anchors.push(...ends);
    }
  }

  /** Whether an operand begins at the k-th token, so that the name before it is a word. */
  private beginsBound(k: number): boolean {
    return beginsExpression(this.LA(k)) && !this.is(k, T.Infix);
  }

  /** `warmup 10`, `cosine 1e-3 .. 0`, `polynomial 1e-3 .. 0 power 2`. */
  private course(parts: ScheduleParts): void {
    const start = this.mark();
    const word = this.LA(1);
    if (parts.cases.length > 0) this.unexpected("`key => value`", courseHelp);
    if (word.image === "warmup" && parts.warmup.length === 0) {
      this.CONSUME(T.Identifier);
      parts.warmup.push(this.SUBRULE(this.operators, { ARGS: [power.range, true] }));
      return;
    }
    if (!curves.has(word.image) || parts.curve.length > 0) {
      const free = [...(parts.warmup.length === 0 ? ["warmup"] : []), ...(parts.curve.length === 0 ? curves : [])];
      const close = nearest(word.image, free, 1);
      const expected = free.length === 0 ? "`}`" : free.length === 1 ? free[0] : `one of ${free.join(", ")}`;
      this.raise("S012", `expected ${expected}, found \`${word.image}\``, word, {
        help: close.length > 0 ? `did you mean \`${close[0]}\`?` : courseHelp,
      });
    }
    this.CONSUME(T.Identifier);
    const kind = word.image as Curve["kind"];
    const from = this.SUBRULE(this.operators, { ARGS: [power.range, true] });
    let to: Expr | null = null;
    let exponent: Expr | null = null;
    if (kind !== "constant") {
      if (!this.is(1, T.DotDot)) this.unexpected("`..` and the value at the end", courseHelp);
      this.CONSUME(T.DotDot);
      to = this.SUBRULE(this.operators, { ARGS: [power.range, true] });
    }
    if (kind === "polynomial" && this.isWord(1, "power")) {
      this.CONSUME(T.Identifier);
      exponent = this.SUBRULE(this.operators, { ARGS: [power.range, true] });
    }
    parts.curve.push({ kind, from, to, power: exponent, span: this.since(start) });
  }

  private raiseBasis(by: IToken): never {
    const close = nearest(by.image, bases, 1);
    const help = close.length > 0 ? `did you mean \`by ${close[0]}\`?` : "a schedule varies by one of these";
    const message = `expected depth, layer, name, kind, role, place, stack or step after \`by\`, found \`${by.image}\``;
    return this.raise("S012", message, by, { help });
  }
}
