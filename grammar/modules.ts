/**
 * Rules for definitions that have members: modules, adapters, routers, optimizers.
 *
 * In: laid-out tokens. Out: ModuleDefinition. Which member a line is shows in its first words: `param A: …` is a field,
 * `bank = …` a child, `forward(x) …` a function; any other line is a statement. All these words are names wherever
 * something else follows them. Source: spec/language.md.
 */
import type { TokenType } from "chevrotain";
import { power } from "./operators.js";
import type { Rule } from "./recovery.js";
import { StatementRules } from "./statements.js";
import * as T from "./tokens.js";
import type {
  Block,
  Definition,
  Expr,
  FieldRole,
  HostClause,
  Member,
  ModuleDefinition,
  Name,
  Param,
  Sharing,
  Statement,
  StoredName,
  StringExpr,
  TypeExpr,
} from "./tree.js";

type Kind = ModuleDefinition["kind"];

export const moduleKinds: ReadonlySet<string> = new Set<Kind>(["module", "adapter", "router", "optimizer"]);
const roles: ReadonlySet<string> = new Set<FieldRole>([
  "param",
  "buffer",
  "seeded",
  "state",
  "carry",
  "side",
  "stored",
]);
const sharings: ReadonlySet<string> = new Set<Sharing>(["shared", "global"]);
/** Members that later versions have, by their first words. */
const later: ReadonlySet<string> = new Set(["export", "base"]);

export abstract class ModuleRules extends StatementRules {
  /** `adapter lora(rank: Int = 8) on linear(weight: Weight[out, in]) { … }` and its kin. */
  protected readonly moduleDefinition: Rule<Definition> = this.rule("moduleDefinition", () => {
    const start = this.mark();
    const params: Param[] = [];
    const kind = this.CONSUME(T.Identifier).image as Kind;
    const name = this.SUBRULE(this.name);
    if (this.is(1, T.LParen)) this.brackets(T.LParen, T.RParen, () => params.push(this.SUBRULE(this.param)));
    const hosted = kind === "adapter" || kind === "router";
    const on = hosted && this.isWord(1, "on") ? this.SUBRULE(this.host) : null;
    if (kind === "adapter" && on === null)
      this.unexpected("`on` and what the adapter wraps", "as in `adapter lora(rank: Int) on linear { … }`");
    const result = kind === "router" && this.skip(T.Arrow) ? this.resultType(0) : null;
    if (!this.is(1, T.LCurly)) this.unexpected("`{`", this.insteadOfMembers());
    const members: Member[] = [];
    this.CONSUME(T.LCurly);
    this.sequence([T.Newline, T.Semicolon], "the end of the line", () => {
      members.push(this.SUBRULE(this.member, { ARGS: [kind] }));
    });
    this.CONSUME(T.RCurly);
    return { kind, name, params, on, result, members, doc: this.docBefore(start), span: this.since(start) };
  });

  private insteadOfMembers(): string | null {
    if (this.isWord(1, "on")) return "only an adapter or a router stands `on` something";
    if (this.is(1, T.Arrow)) return "a module says what it gives in its members: `forward(x) -> T = …`";
    return this.is(1, T.Equals) ? "its members stand in braces: `{ forward(x) = … }`" : null;
  }

  /** `on linear(weight: Weight[out, in]) as host group by host.role`, `on (x: Tensor[*b, d])`. */
  protected readonly host: Rule<HostClause> = this.rule("host", () => {
    const start = this.mark();
    const params: Param[] = [];
    this.CONSUME(T.Identifier);
    const kind = this.is(1, T.LParen) ? null : this.SUBRULE(this.name);
    if (this.is(1, T.LParen)) this.brackets(T.LParen, T.RParen, () => params.push(this.SUBRULE(this.param)));
    const alias = this.skipWord("as") ? this.SUBRULE(this.name) : null;
    let groupBy: Expr | null = null;
    if (this.isWord(1, "group") && this.isWord(2, "by")) {
      this.CONSUME(T.Identifier);
      this.CONSUME(T.Identifier);
      groupBy = this.SUBRULE(this.operators, { ARGS: [power.loosest, false] });
    }
    return { kind, params, alias, groupBy, span: this.since(start) };
  });

  private skipWord(word: string): boolean {
    if (!this.isWord(1, word)) return false;
    this.CONSUME(T.Identifier);
    return true;
  }

  protected readonly member: Rule<Member, [Kind]> = this.rule("member", (kind) => {
    const start = this.mark();
    if (this.is(1, T.NewTensor)) {
      const { image } = this.CONSUME(T.NewTensor);
      const span = this.since(start);
      const name = { text: image.slice(0, -1), span };
      this.CONSUME(T.Equals);
      const value = this.SUBRULE(this.value);
      return { kind: "weight", name, value, span: this.since(start) };
    }
    const prefix = this.is(1, T.Identifier) && sharings.has(this.LA(1).image) && this.is(2, T.Identifier) ? 1 : 0;
    if (this.beginsField(prefix + 1)) return this.SUBRULE(this.field);
    if (this.is(prefix + 1, T.Identifier) && this.is(prefix + 2, T.Equals)) {
      if (kind === "adapter" && prefix === 0 && this.isWord(1, "delta")) return this.SUBRULE(this.delta);
      return this.SUBRULE(this.child);
    }
    if (this.isWord(1, "frozen") && this.is(2, T.Identifier) && this.is(3, T.Equals)) return this.SUBRULE(this.child);
    if (this.isWord(1, "part") && this.is(2, T.Identifier) && this.is(3, T.LParen))
      return this.SUBRULE(this.memberFunction);
    if (this.is(1, T.Identifier) && this.beginsFunction()) return this.SUBRULE(this.memberFunction);
    if (this.isWord(1, "config") && this.is(2, T.LCurly)) {
      this.CONSUME(T.Identifier);
      const value = this.SUBRULE(this.record);
      return { kind: "config", value, span: this.since(start) };
    }
    if (this.isWord(1, "on") && this.isWord(2, "load") && this.is(3, T.LCurly)) return this.SUBRULE(this.onLoad);
    if (kind === "adapter" && this.isWord(1, "tune") && this.is(2, T.Identifier) && !this.is(2, T.Infix)) {
      this.CONSUME(T.Identifier);
      const value = this.SUBRULE(this.value);
      return { kind: "tune", value, span: this.since(start) };
    }
    this.refuseLater();
    const statement = this.SUBRULE(this.statement, { ARGS: [false] });
    return { kind: "statement", statement, span: statement.span };
  });

  /** A role and the name of a field; an operator between them makes a comparison of them. */
  private beginsField(k: number): boolean {
    if (!this.is(k, T.Identifier) || !roles.has(this.LA(k).image) || !this.is(k + 1, T.Identifier)) return false;
    return !this.is(k + 1, T.Infix) || this.is(k + 2, T.Colon) || this.is(k + 2, T.Equals);
  }

  /** A name, its parameters, and a body or a result: a call has neither. */
  private beginsFunction(): boolean {
    if (!this.is(2, T.LParen)) return false;
    const depth = this.at(2).depth;
    let close = 3;
    while (this.at(close).depth > depth) close++;
    return [T.LCurly, T.Equals, T.Arrow, T.FatArrow].some((type) => this.is(close + 1, type));
  }

  private refuseLater(): void {
    const token = this.LA(1);
    if (token.tokenType !== T.Identifier || !later.has(token.image) || !this.is(2, T.Identifier)) return;
    if (this.is(2, T.Infix) || (token.image === "base" && !this.isWord(2, "weight"))) return;
    this.raise("S015", `\`${token.image}\` members are not part of this version`, token, {
      help: "a body holds fields, children, functions, `delta`, `tune`, `config`, `on load` and statements",
    });
  }

  /** `shared param A: Tensor[r, in] = zeros() if biased as "lora_A.weight" if c`. */
  protected readonly field: Rule<Member> = this.rule("field", () => {
    const start = this.mark();
    const sharing = this.sharing();
    const role = this.CONSUME(T.Identifier).image as FieldRole;
    const name = this.SUBRULE(this.name);
    if (!this.is(1, T.Colon) && !this.is(1, T.Equals) && !this.isWord(1, "as")) this.unexpected("`:` or `=`");
    const type = this.skip(T.Colon) ? this.SUBRULE(this.type) : null;
    const value = this.skip(T.Equals) ? this.SUBRULE(this.value) : null;
    const condition = this.postfixCondition();
    const as = this.isWord(1, "as") ? this.SUBRULE(this.storedName) : null;
    const doc = this.docBefore(start);
    return { kind: "field", role, sharing, name, type, value, condition, as, doc, span: this.since(start) };
  });

  private sharing(): Sharing {
    const word = this.LA(1).image;
    if (!sharings.has(word)) return "own";
    this.CONSUME(T.Identifier);
    return word as Sharing;
  }

  private postfixCondition(): Expr | null {
    return this.skip(T.If) ? this.SUBRULE(this.operators, { ARGS: [power.loosest, false] }) : null;
  }

  /** `as "lora_A.weight"`, `as "codes" if b < 32`, `as "weight".T`. */
  protected readonly storedName: Rule<StoredName> = this.rule("storedName", () => {
    this.CONSUME(T.Identifier);
    let path: StringExpr;
    if (this.is(1, T.TemplateOpen)) path = this.SUBRULE(this.template);
    else path = this.SUBRULE(this.plainString);
    const transposed = this.is(1, T.Dot) && this.is(2, T.Identifier) && this.at(2).image === "T";
    if (transposed) {
      this.CONSUME(T.Dot);
      this.CONSUME(T.Identifier);
    }
    return { path, transposed, condition: this.postfixCondition() };
  });

  /** `embed = embedding(v, d)`, `frozen base = m`, `shared net = mlp(d)`. */
  protected readonly child: Rule<Member> = this.rule("child", () => {
    const start = this.mark();
    const marked = this.is(2, T.Identifier);
    const sharing = marked ? this.sharing() : "own";
    const frozen = marked && sharing === "own";
    if (frozen) this.CONSUME(T.Identifier);
    const name = this.SUBRULE(this.name);
    this.CONSUME(T.Equals);
    const value = this.SUBRULE(this.value);
    return { kind: "child", sharing, frozen, name, value, span: this.since(start) };
  });

  protected readonly delta: Rule<Member> = this.rule("delta", () => {
    const start = this.mark();
    this.CONSUME(T.Identifier);
    this.CONSUME(T.Equals);
    const value = this.SUBRULE(this.value);
    return { kind: "delta", value, span: this.since(start) };
  });

  /** `forward(x: T, ..) -> R { … }`, `update(x) = e`, `part ffn(x) = e`. */
  protected readonly memberFunction: Rule<Member> = this.rule("memberFunction", () => {
    const start = this.mark();
    const params: Param[] = [];
    const rests: Name["span"][] = [];
    const part = this.isWord(1, "part") && this.is(2, T.Identifier);
    if (part) this.CONSUME(T.Identifier);
    const inside = this.at(1).depth;
    const name = this.SUBRULE(this.name);
    this.brackets(T.LParen, T.RParen, () => {
      const from = this.mark();
      const last = rests.at(0);
      if (last !== undefined) {
        this.report("S013", "`..` is not the last parameter", last, {
          help: "move it to the end: it takes the arguments that remain",
        });
      }
      if (this.skip(T.DotDot)) rests.push(this.since(from));
      else params.push(this.SUBRULE(this.param));
    });
    const result = this.skip(T.Arrow) ? this.resultType(inside) : null;
    const body = this.functionBody();
    const rest = rests.length > 0;
    return { kind: "function", part, name, params, rest, result, body, span: this.since(start) };
  });

  /** `on load { latent = unpack(codes) }`. */
  protected readonly onLoad: Rule<Member> = this.rule("onLoad", () => {
    const start = this.mark();
    const statements: Statement[] = [];
    this.CONSUME(T.Identifier);
    this.CONSUME(T.Identifier);
    const from = this.mark();
    this.CONSUME(T.LCurly);
    this.sequence([T.Newline, T.Semicolon], "the end of the statement", () => {
      if (this.is(1, T.Identifier) && this.is(2, T.Equals)) statements.push(this.SUBRULE(this.restore));
      else statements.push(this.SUBRULE(this.statement, { ARGS: [false] }));
    });
    this.CONSUME(T.RCurly);
    return { kind: "load", body: { statements, span: this.since(from) }, span: this.since(start) };
  });

  protected readonly restore: Rule<Statement> = this.rule("restore", () => {
    const start = this.mark();
    const name = this.SUBRULE(this.name);
    this.CONSUME(T.Equals);
    const value = this.SUBRULE(this.value);
    return { kind: "assign", name, value, span: this.since(start) };
  });

  /** The type after `->` of a function whose body stands between brackets of this depth. */
  protected resultType(depth: number): TypeExpr | null {
    const bodyAhead: ReadonlySet<TokenType> = new Set([T.LCurly, T.Equals, T.Newline]);
    return this.attempt<TypeExpr | null>(
      () => this.SUBRULE(this.type),
      (token) => token.depth < depth || (token.depth === depth && bodyAhead.has(token.tokenType)),
      () => null,
    );
  }

  protected functionBody(): Block {
    if (this.is(1, T.LCurly)) return this.SUBRULE(this.block, { ARGS: [false] });
    if (!this.skip(T.Equals)) {
      this.unexpected("`->`, `{` or `=`", this.is(1, T.FatArrow) ? "a function with a name is `f(x) = e`" : null);
    }
    return this.SUBRULE(this.result);
  }
}
