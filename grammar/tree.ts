/**
 * The syntax tree: what a `.peft` file says, with exact spans and nothing inferred.
 *
 * In: nothing; the parser builds these values. Out: plain immutable objects that every later stage reads.
 * Statements and expressions are the same in every kind of definition. Spec: spec/language.md.
 */

/** Half-open range of UTF-16 offsets into the text of one file. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A name as written, with the place where it stands. */
export interface Name {
  readonly text: string;
  readonly span: Span;
}

/** One parsed file. `comments` holds every comment in order, documentation included. */
export interface File {
  readonly path: string;
  readonly text: string;
  readonly uses: readonly Use[];
  readonly definitions: readonly Definition[];
  readonly comments: readonly Comment[];
}

export interface Comment {
  readonly text: string;
  readonly doc: boolean;
  readonly span: Span;
}

/** `use std.merge.{ties, slerp}` (path ["std","merge"]) or `use "./mine.peft".{name}`. */
export interface Use {
  readonly from:
    | { readonly kind: "module"; readonly path: readonly Name[] }
    | { readonly kind: "file"; readonly path: StringExpr };
  readonly names: readonly { readonly name: Name; readonly as: Name | null }[];
  readonly span: Span;
}

export type Definition = FunctionDefinition | RecipeDefinition | RecordDefinition | ModuleDefinition;

/** `def f(...) -> T { ... }`, `def f(...) = e` and `merge m(...) -> T { ... }`. */
export interface FunctionDefinition {
  readonly kind: "def" | "merge";
  readonly name: Name;
  readonly params: readonly Param[];
  readonly result: TypeExpr | null;
  readonly body: Block;
  readonly doc: string | null;
  readonly span: Span;
}

/** `recipe name(seed = 7) { ... }`. */
export interface RecipeDefinition {
  readonly kind: "recipe";
  readonly name: Name;
  readonly options: readonly Argument[];
  readonly body: Block;
  readonly doc: string | null;
  readonly span: Span;
}

/** `record point { x: Float, y: Float = 0 }`. */
export interface RecordDefinition {
  readonly kind: "record";
  readonly name: Name;
  readonly fields: readonly Param[];
  readonly doc: string | null;
  readonly span: Span;
}

/**
 * `module linear(in: Int, out: Int) { ... }`, `adapter lora(...) on linear(weight: Weight[out, in]) { ... }`,
 * `router gate(...) on (x: Tensor[*b, d]) -> Tensor[*b, n] { ... }`, `optimizer sgd(lr: Float) { ... }`.
 */
export interface ModuleDefinition {
  readonly kind: "module" | "adapter" | "router" | "optimizer";
  readonly name: Name;
  readonly params: readonly Param[];
  readonly on: HostClause | null;
  /** Of routers: what stands after `->`. */
  readonly result: TypeExpr | null;
  readonly members: readonly Member[];
  readonly doc: string | null;
  readonly span: Span;
}

/** `on linear(weight: Weight[out, in]) as host group by host.role`; `kind` is null for `on (x: Tensor[*b, d])`. */
export interface HostClause {
  readonly kind: Name | null;
  readonly params: readonly Param[];
  readonly alias: Name | null;
  readonly groupBy: Expr | null;
  readonly span: Span;
}

/** How many hosts of one attach have the same one: none share it, those of a group, or all. */
export type Sharing = "own" | "shared" | "global";

export type FieldRole = "param" | "buffer" | "seeded" | "state" | "carry" | "side" | "stored";

/** `as "lora_A.weight"`, `as "codes" if b < 32`, `as "weight".T`: the name of a field in a file. */
export interface StoredName {
  readonly path: StringExpr;
  /** The file has the matrix the other way round. */
  readonly transposed: boolean;
  readonly condition: Expr | null;
}

/** What stands between the braces of a module, adapter, router or optimizer. */
export type Member =
  | {
      readonly kind: "field";
      readonly role: FieldRole;
      readonly sharing: Sharing;
      readonly name: Name;
      readonly type: TypeExpr | null;
      readonly value: Expr | null;
      /** The postfix `if` after the value. */
      readonly condition: Expr | null;
      readonly as: StoredName | null;
      readonly doc: string | null;
      readonly span: Span;
    }
  /** `embed = embedding(v, d)`, `frozen base = model`, `shared net = mlp(d)`. */
  | {
      readonly kind: "child";
      readonly sharing: Sharing;
      readonly frozen: boolean;
      readonly name: Name;
      readonly value: Expr;
      readonly span: Span;
    }
  /** `forward(x) = e`, `update(x, ..) { ... }`, `part ffn(x) = e`, `rule(step, g) { ... }`. */
  | {
      readonly kind: "function";
      readonly part: boolean;
      readonly name: Name;
      readonly params: readonly Param[];
      /** The parameters end in `..`. */
      readonly rest: boolean;
      readonly result: TypeExpr | null;
      readonly body: Block;
      readonly span: Span;
    }
  | { readonly kind: "delta"; readonly value: Expr; readonly span: Span }
  /** `weight' = e`, `bias' = e`. */
  | { readonly kind: "weight"; readonly name: Name; readonly value: Expr; readonly span: Span }
  /** `config { peft_type: "LORA", r: rank }`; `value` is the record. */
  | { readonly kind: "config"; readonly value: Expr; readonly span: Span }
  /** `tune host.bias`: a tensor of the host, or all of a part of it, trains and is saved with the adapter. */
  | { readonly kind: "tune"; readonly value: Expr; readonly span: Span }
  /** `on load { latent = unpack(codes) }`; its assignments are statements of kind `assign`. */
  | { readonly kind: "load"; readonly body: Block; readonly span: Span }
  | { readonly kind: "statement"; readonly statement: Statement; readonly span: Span };

/** A parameter; its pattern is a plain name or a tuple of names. */
export interface Param {
  readonly pattern: Pattern;
  readonly type: TypeExpr | null;
  readonly default: Expr | null;
  readonly span: Span;
}

export interface Block {
  readonly statements: readonly Statement[];
  readonly span: Span;
}

export type Statement =
  | { readonly kind: "let"; readonly bindings: readonly Binding[]; readonly span: Span }
  | {
      readonly kind: "input";
      readonly name: Name;
      readonly type: TypeExpr | null;
      readonly default: Expr | null;
      readonly doc: string | null;
      readonly span: Span;
    }
  | { readonly kind: "return"; readonly value: Expr; readonly span: Span }
  | {
      readonly kind: "if";
      readonly condition: Expr;
      readonly then: Block;
      readonly else: Block | null;
      readonly span: Span;
    }
  | { readonly kind: "report"; readonly value: Expr; readonly span: Span }
  /** `m <- e`; `m = e` in `on load`. */
  | { readonly kind: "assign"; readonly name: Name; readonly value: Expr; readonly span: Span }
  /** `loss e`, `shared loss e`: a term of the training loss. */
  | { readonly kind: "loss"; readonly shared: boolean; readonly value: Expr; readonly span: Span }
  /** `emit gates = g`. */
  | { readonly kind: "emit"; readonly name: Name; readonly value: Expr; readonly span: Span }
  | { readonly kind: "expression"; readonly value: Expr; readonly span: Span };

/** One binding of a `let`: `let x: T = e`. */
export interface Binding {
  readonly pattern: Pattern;
  readonly type: TypeExpr | null;
  readonly value: Expr;
  readonly span: Span;
}

export type Pattern =
  | { readonly kind: "name"; readonly name: Name; readonly span: Span }
  | { readonly kind: "wildcard"; readonly span: Span }
  | { readonly kind: "tuple"; readonly items: readonly Pattern[]; readonly span: Span }
  /** `{ u, s: values }`: fields of a record, others are left out. */
  | {
      readonly kind: "record";
      readonly fields: readonly { readonly name: Name; readonly pattern: Pattern }[];
      readonly span: Span;
    };

/** Patterns of `match` arms. A bare name is a known constant if one is in scope, else a new name. */
export type MatchPattern =
  | { readonly kind: "name"; readonly name: Name; readonly span: Span }
  | { readonly kind: "wildcard"; readonly span: Span }
  | { readonly kind: "literal"; readonly value: Expr; readonly span: Span }
  | { readonly kind: "none"; readonly span: Span }
  | { readonly kind: "tuple"; readonly items: readonly MatchPattern[]; readonly span: Span }
  | { readonly kind: "list"; readonly items: readonly MatchPattern[]; readonly rest: Name | null; readonly span: Span };

export type StringExpr = { readonly kind: "string"; readonly parts: readonly (string | Expr)[]; readonly span: Span };

export type BinaryOp =
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "^"
  | "@"
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "and"
  | "or"
  | "??"
  | "++"
  | "in"
  | "matches";

export type Expr =
  | NumberExpr
  | StringExpr
  | { readonly kind: "bool"; readonly value: boolean; readonly span: Span }
  | { readonly kind: "none"; readonly span: Span }
  | { readonly kind: "name"; readonly name: Name; readonly span: Span }
  | { readonly kind: "list"; readonly items: readonly Expr[]; readonly span: Span }
  | { readonly kind: "comprehension"; readonly value: Expr; readonly clauses: readonly Clause[]; readonly span: Span }
  | { readonly kind: "tuple"; readonly items: readonly Expr[]; readonly span: Span }
  | {
      readonly kind: "record";
      /** A key may be written as a string; its name is then the text of the string. */
      readonly fields: readonly { readonly name: Name; readonly value: Expr }[];
      readonly span: Span;
    }
  /** `m with { "lm_head.weight": w }`, `m with tree`. */
  | { readonly kind: "with"; readonly target: Expr; readonly value: Expr; readonly span: Span }
  | { readonly kind: "call"; readonly callee: Expr; readonly args: readonly Argument[]; readonly span: Span }
  | { readonly kind: "index"; readonly target: Expr; readonly items: readonly IndexItem[]; readonly span: Span }
  | { readonly kind: "field"; readonly target: Expr; readonly name: Name; readonly span: Span }
  | { readonly kind: "unary"; readonly op: "-" | "not"; readonly value: Expr; readonly span: Span }
  | {
      readonly kind: "binary";
      readonly op: BinaryOp;
      readonly opSpan: Span;
      readonly left: Expr;
      readonly right: Expr;
      readonly span: Span;
    }
  | { readonly kind: "range"; readonly from: Expr | null; readonly to: Expr | null; readonly span: Span }
  | { readonly kind: "if"; readonly condition: Expr; readonly then: Expr; readonly else: Expr; readonly span: Span }
  | { readonly kind: "match"; readonly subject: Expr; readonly arms: readonly MatchArm[]; readonly span: Span }
  | { readonly kind: "lambda"; readonly params: readonly Param[]; readonly body: Block; readonly span: Span }
  | ScheduleExpr
  | WhereExpr
  /** Left by error recovery; it has already been reported. */
  | { readonly kind: "error"; readonly span: Span };

/** `value` is the number meant (20% is 0.2, 64MiB is 67108864); `integer` tells Int from Float; `text` is as written. */
export interface NumberExpr {
  readonly kind: "number";
  readonly value: number;
  readonly integer: boolean;
  readonly unit: "none" | "percent" | "size";
  readonly text: string;
  readonly span: Span;
}

/** `for p in xs` or `if c` inside a comprehension. */
export type Clause =
  | { readonly kind: "for"; readonly pattern: Pattern; readonly source: Expr; readonly span: Span }
  | { readonly kind: "if"; readonly condition: Expr; readonly span: Span };

/** One argument of a call; `..` (rest) passes the remaining parameters through, and only named arguments follow it. */
export interface Argument {
  readonly name: Name | null;
  readonly value: Expr | null;
  readonly rest: boolean;
  readonly span: Span;
}

/** One item between the brackets of an index. */
export type IndexItem =
  | { readonly kind: "at"; readonly value: Expr; readonly span: Span }
  | { readonly kind: "slice"; readonly from: Expr | null; readonly to: Expr | null; readonly span: Span }
  | { readonly kind: "all"; readonly span: Span }
  | { readonly kind: "new"; readonly span: Span }
  | { readonly kind: "ellipsis"; readonly span: Span };

export interface MatchArm {
  readonly pattern: MatchPattern;
  readonly body: Block;
  readonly span: Span;
}

/**
 * `by depth { 0.6 .. 1.0 }`, `by layer { 0..8 => 2, else 4 }`, `by name { "*.mlp.*" => 0.5, else 1 }`,
 * `by step { warmup 10, cosine 1e-3 .. 0 }`.
 */
export interface ScheduleExpr {
  readonly kind: "schedule";
  readonly by: "depth" | "layer" | "name" | "kind" | "role" | "place" | "stack" | "step";
  /** `by depth { a .. b .. c }`: the anchors, evenly spaced over depth 0..1. Empty for the case form. */
  readonly anchors: readonly Expr[];
  readonly cases: readonly { readonly key: Expr; readonly value: Expr; readonly span: Span }[];
  readonly otherwise: Expr | null;
  /** Of `by step`: the number of steps over which the value rises from zero. */
  readonly warmup: Expr | null;
  /** Of `by step`: the course after the warm-up; null for the case form and for every other basis. */
  readonly curve: Curve | null;
  readonly span: Span;
}

/** `cosine 1e-3 .. 0`, `polynomial 1e-3 .. 0 power 2`, `constant 1e-3` (which has no `to`). */
export interface Curve {
  readonly kind: "constant" | "linear" | "cosine" | "polynomial";
  readonly from: Expr;
  readonly to: Expr | null;
  readonly power: Expr | null;
  readonly span: Span;
}

/** `call where condition` and `call where condition else other`: which places a lifted call covers. */
export interface WhereExpr {
  readonly kind: "where";
  readonly call: Expr;
  readonly condition: Expr;
  readonly otherwise: Expr | null;
  readonly span: Span;
}

export type TypeExpr =
  /**
   * `Int`, `Model`, the name of a record, module or adapter; `List[T]` has args. A name that begins with a small letter
   * has `dims` instead, `linear[out, in]`; null without brackets.
   */
  | {
      readonly kind: "named";
      readonly name: Name;
      readonly args: readonly TypeExpr[];
      readonly dims: readonly DimExpr[] | null;
      readonly span: Span;
    }
  /** `Weight[out, in]`, `Tensor[*b, 2*d, i32]`. `dims` null: no brackets (any shape). */
  | {
      readonly kind: "tensor";
      readonly space: "Weight" | "Delta" | "Tensor";
      readonly dims: readonly DimExpr[] | null;
      readonly dtype: string | null;
      readonly span: Span;
    }
  | { readonly kind: "union"; readonly options: readonly StringExpr[]; readonly span: Span }
  | { readonly kind: "optional"; readonly of: TypeExpr; readonly span: Span }
  | { readonly kind: "tuple"; readonly items: readonly TypeExpr[]; readonly span: Span }
  | { readonly kind: "record"; readonly fields: readonly Param[]; readonly span: Span }
  | { readonly kind: "function"; readonly params: readonly TypeExpr[]; readonly result: TypeExpr; readonly span: Span };

/** A dimension of a tensor type: an expression over names and integers, `*s`, or `_`. */
export type DimExpr =
  | { readonly kind: "rest"; readonly name: Name; readonly span: Span }
  | { readonly kind: "fresh"; readonly span: Span }
  | { readonly kind: "size"; readonly value: Expr; readonly span: Span };
