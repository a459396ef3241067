/**
 * Rules for names, patterns and types.
 *
 * In: laid-out tokens. Out: Name, Pattern, TypeExpr, DimExpr, Param. A trailing dtype word between the brackets of a
 * tensor type is the dtype, every other word there is a dimension.
 */
import { Recovering, type Rule } from "./recovery.js";
import * as T from "./tokens.js";
import type { DimExpr, Expr, Name, Param, Pattern, StringExpr, TypeExpr } from "./tree.js";

const dtypes: ReadonlySet<string> = new Set(["f32", "f16", "bf16", "f64", "i32", "u8", "bool"]);
const spaces: ReadonlySet<string> = new Set(["Weight", "Delta", "Tensor"]);

export abstract class TypeRules extends Recovering {
  /** An expression that binds tighter than `min`; `key`: a following `=>` belongs to a case, not to a lambda. */
  protected abstract readonly operators: Rule<Expr, [number, boolean]>;
  protected abstract readonly value: Rule<Expr>;
  protected abstract readonly plainString: Rule<StringExpr>;

  protected readonly name: Rule<Name> = this.rule("name", () => this.nameOf(this.CONSUME(T.Identifier)));

  /** `x`, `_`, `(a, (b, _))`. */
  protected readonly pattern: Rule<Pattern> = this.rule("pattern", () => {
    const start = this.mark();
    if (this.is(1, T.LParen)) {
      const items: Pattern[] = [];
      this.brackets(T.LParen, T.RParen, () => items.push(this.SUBRULE(this.pattern)));
      return { kind: "tuple", items, span: this.since(start) };
    }
    if (this.is(1, T.LCurly)) {
      const fields: { name: Name; pattern: Pattern }[] = [];
      this.brackets(T.LCurly, T.RCurly, () => {
        const name = this.SUBRULE(this.name);
        const own: Pattern = { kind: "name", name, span: name.span };
        fields.push({ name, pattern: this.skip(T.Colon) ? this.SUBRULE(this.pattern) : own });
      });
      return { kind: "record", fields, span: this.since(start) };
    }
    if (!this.is(1, T.Identifier)) this.unexpected("a name, a tuple of names or fields in braces");
    const name = this.SUBRULE(this.name);
    return name.text === "_" ? { kind: "wildcard", span: name.span } : { kind: "name", name, span: name.span };
  });

  /** `x`, `x: T`, `x: T = e`, `(a, b)`. */
  protected readonly param: Rule<Param> = this.rule("param", () => {
    const start = this.mark();
    const pattern = this.SUBRULE(this.pattern);
    const type = this.skip(T.Colon) ? this.SUBRULE(this.type) : null;
    const fallback = this.skip(T.Equals) ? this.SUBRULE(this.value) : null;
    return { pattern, type, default: fallback, span: this.since(start) };
  });

  protected readonly type: Rule<TypeExpr> = this.rule("type", () =>
    this.nested(() => {
      const start = this.mark();
      const type = this.bareType();
      return this.skip(T.Question) ? { kind: "optional", of: type, span: this.since(start) } : type;
    }),
  );

  private bareType(): TypeExpr {
    if (this.is(1, T.StringToken)) return this.SUBRULE(this.unionType);
    if (this.is(1, T.LCurly)) return this.SUBRULE(this.recordType);
    if (this.is(1, T.LParen)) return this.SUBRULE(this.tupleType);
    if (!this.is(1, T.Identifier)) this.unexpected("a type");
    return spaces.has(this.LA(1).image) ? this.SUBRULE(this.tensorType) : this.SUBRULE(this.namedType);
  }

  /** `"a" | "b"`. */
  protected readonly unionType: Rule<TypeExpr> = this.rule("unionType", () => {
    const start = this.mark();
    const options = [this.SUBRULE(this.plainString)];
    while (this.skip(T.Pipe)) options.push(this.SUBRULE(this.plainString));
    return { kind: "union", options, span: this.since(start) };
  });

  /** `{ a: T, b: T = e }`. */
  protected readonly recordType: Rule<TypeExpr> = this.rule("recordType", () => {
    const start = this.mark();
    const fields = this.SUBRULE(this.fields);
    return { kind: "record", fields, span: this.since(start) };
  });

  /** The fields of a record, in braces. */
  protected readonly fields: Rule<readonly Param[]> = this.rule("fields", () => {
    const fields: Param[] = [];
    this.brackets(T.LCurly, T.RCurly, () => fields.push(this.SUBRULE(this.param)));
    return fields;
  });

  /** `(A, B)`, `(A)` for A itself, and `(A, B) -> C`. */
  protected readonly tupleType: Rule<TypeExpr> = this.rule("tupleType", () => {
    const start = this.mark();
    const items: TypeExpr[] = [];
    this.brackets(T.LParen, T.RParen, () => items.push(this.SUBRULE(this.type)));
    if (this.skip(T.Arrow)) {
      const result = this.SUBRULE(this.type);
      return { kind: "function", params: items, result, span: this.since(start) };
    }
    return items.length === 1 ? items[0] : { kind: "tuple", items, span: this.since(start) };
  });

  /** `Weight[out, in]`, `Tensor[*b, 2 * d, i32]`, `Delta`. */
  protected readonly tensorType: Rule<TypeExpr> = this.rule("tensorType", () => {
    const start = this.mark();
    const space = this.CONSUME(T.Identifier).image as "Weight" | "Delta" | "Tensor";
    if (!this.is(1, T.LSquare)) return { kind: "tensor", space, dims: null, dtype: null, span: this.since(start) };
    const dims: DimExpr[] = [];
    this.brackets(T.LSquare, T.RSquare, () => dims.push(this.SUBRULE(this.dimension)));
    const last = dims.at(-1);
    const word = last?.kind === "size" && last.value.kind === "name" ? last.value.name.text : "";
    const dtype = dtypes.has(word) ? word : null;
    return { kind: "tensor", space, dims: dtype === null ? dims : dims.slice(0, -1), dtype, span: this.since(start) };
  });

  /** `*s`, `_`, or an expression over names and integers. */
  protected readonly dimension: Rule<DimExpr> = this.rule("dimension", () => {
    const start = this.mark();
    if (this.skip(T.Star)) {
      const name = this.SUBRULE(this.name);
      return { kind: "rest", name, span: this.since(start) };
    }
    if (this.isWord(1, "_")) {
      this.CONSUME(T.Identifier);
      return { kind: "fresh", span: this.since(start) };
    }
    const value = this.SUBRULE(this.operators, { ARGS: [0, false] });
    return { kind: "size", value, span: this.since(start) };
  });

  /** `Int`, `List[T]`, `linear[out, in]`: types have great first letters, what has a weight has small ones. */
  protected readonly namedType: Rule<TypeExpr> = this.rule("namedType", () => {
    const start = this.mark();
    const name = this.SUBRULE(this.name);
    const args: TypeExpr[] = [];
    const dims: DimExpr[] = [];
    if (!this.is(1, T.LSquare)) return { kind: "named", name, args, dims: null, span: this.since(start) };
    const small = /^[a-z_]/.test(name.text);
    this.brackets(T.LSquare, T.RSquare, () => {
      if (small) dims.push(this.SUBRULE(this.dimension));
      else args.push(this.SUBRULE(this.type));
    });
    return { kind: "named", name, args, dims: small ? dims : null, span: this.since(start) };
  });
}
