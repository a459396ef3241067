/**
 * Trees as short text, for tests: an expression as an S-expression in which precedence shows, without spans.
 *
 * In: nodes. Out: `(+ a (* b c))`. Names stand for themselves; every other node begins with its kind or operator.
 */
import type {
  Block,
  DimExpr,
  Expr,
  IndexItem,
  MatchPattern,
  Member,
  Pattern,
  Statement,
  TypeExpr,
} from "../../../grammar/index.js";
import { parse } from "../../../grammar/index.js";

/** The message of every diagnostic of a text, with its code. */
export function mistakes(text: string): string[] {
  return parse("test.peft", text).diagnostics.map((d) => `${d.code} ${d.message}`);
}

/** Parses an expression as the body of a `def`; throws if the text has a mistake. */
export function expression(text: string): Expr {
  const { file, diagnostics } = parse("test.peft", `def f() = ${text}`);
  if (diagnostics.length > 0) throw new Error(`${text}: ${diagnostics.map((d) => d.message).join("; ")}`);
  const definition = file.definitions[0];
  if (definition.kind !== "def") throw new Error("not a def");
  const statement = definition.body.statements[0];
  if (statement.kind !== "return") throw new Error("not a result");
  return statement.value;
}

/** Parses the lines of a body; throws if they have a mistake. */
export function statements(text: string): readonly Statement[] {
  const { file, diagnostics } = parse("test.peft", `recipe r {\n${text}\n}`);
  if (diagnostics.length > 0) throw new Error(`${text}: ${diagnostics.map((d) => d.message).join("; ")}`);
  const definition = file.definitions[0];
  if (definition.kind !== "recipe") throw new Error("not a recipe");
  return definition.body.statements;
}

/** The shape of an expression text. */
export function shapeOf(text: string): string {
  return shape(expression(text));
}

/** The shapes of the statements of a body. */
export function shapesOf(text: string): string[] {
  return statements(text).map(statement);
}

/** The shape of a type, parsed as that of a parameter. */
export function typeShape(text: string): string {
  const { file, diagnostics } = parse("test.peft", `def f(x: ${text}) = x`);
  if (diagnostics.length > 0) throw new Error(`${text}: ${diagnostics.map((d) => d.message).join("; ")}`);
  const definition = file.definitions[0];
  if (definition.kind !== "def") throw new Error("not a def");
  return type(definition.params[0].type!);
}

export function shape(e: Expr): string {
  switch (e.kind) {
    case "number":
      return e.text;
    case "string":
      return `"${e.parts.map((part) => (typeof part === "string" ? part : `<${shape(part)}>`)).join("")}"`;
    case "bool":
      return String(e.value);
    case "none":
    case "error":
      return e.kind;
    case "name":
      return e.name.text;
    case "list":
      return node("list", e.items.map(shape));
    case "comprehension":
      return node("each", [
        shape(e.value),
        ...e.clauses.map((c) =>
          c.kind === "if" ? node("if", [shape(c.condition)]) : node("for", [pattern(c.pattern), shape(c.source)]),
        ),
      ]);
    case "tuple":
      return node("tuple", e.items.map(shape));
    case "record":
      return node(
        "record",
        e.fields.map((f) => `${f.name.text}:${shape(f.value)}`),
      );
    case "with":
      return node("with", [shape(e.target), shape(e.value)]);
    case "call":
      return node("call", [
        shape(e.callee),
        ...e.args.map((a) => (a.rest ? ".." : `${a.name === null ? "" : `${a.name.text}=`}${shape(a.value!)}`)),
      ]);
    case "index":
      return node("index", [shape(e.target), ...e.items.map(item)]);
    case "field":
      return node(".", [shape(e.target), e.name.text]);
    case "unary":
      return node(e.op, [shape(e.value)]);
    case "binary":
      return node(e.op, [shape(e.left), shape(e.right)]);
    case "range":
      return node("..", [end(e.from), end(e.to)]);
    case "if":
      return node("if", [shape(e.condition), shape(e.then), shape(e.else)]);
    case "match":
      return node("match", [
        shape(e.subject),
        ...e.arms.map((arm) => `${matchPattern(arm.pattern)}=>${block(arm.body)}`),
      ]);
    case "lambda":
      return node("fn", [...e.params.map((p) => pattern(p.pattern)), block(e.body)]);
    case "schedule":
      return node(`by-${e.by}`, [
        ...e.anchors.map(shape),
        ...e.cases.map((c) => `${shape(c.key)}=>${shape(c.value)}`),
        ...(e.otherwise === null ? [] : [`else=>${shape(e.otherwise)}`]),
        ...(e.warmup === null ? [] : [node("warmup", [shape(e.warmup)])]),
        ...(e.curve === null
          ? []
          : [
              node(
                e.curve.kind,
                [e.curve.from, e.curve.to, e.curve.power].flatMap((x) => (x === null ? [] : [shape(x)])),
              ),
            ]),
      ]);
    case "where":
      return node("where", [shape(e.call), shape(e.condition), ...(e.otherwise === null ? [] : [shape(e.otherwise)])]);
  }
}

function node(head: string, parts: readonly string[]): string {
  return parts.length === 0 ? `(${head})` : `(${head} ${parts.join(" ")})`;
}

function end(e: Expr | null): string {
  return e === null ? "_" : shape(e);
}

function item(i: IndexItem): string {
  switch (i.kind) {
    case "at":
      return shape(i.value);
    case "slice":
      return `${end(i.from)}..${end(i.to)}`;
    default:
      return i.kind;
  }
}

function pattern(p: Pattern): string {
  if (p.kind === "name") return p.name.text;
  if (p.kind === "wildcard") return "_";
  if (p.kind === "tuple") return `(${p.items.map(pattern).join(",")})`;
  return `{${p.fields.map((field) => `${field.name.text}:${pattern(field.pattern)}`).join(",")}}`;
}

function matchPattern(p: MatchPattern): string {
  switch (p.kind) {
    case "name":
      return p.name.text;
    case "wildcard":
      return "_";
    case "none":
      return "none";
    case "literal":
      return shape(p.value);
    case "tuple":
      return `(${p.items.map(matchPattern).join(",")})`;
    case "list":
      return `[${[...p.items.map(matchPattern), ...(p.rest === null ? [] : [`*${p.rest.text}`])].join(",")}]`;
  }
}

function block(b: Block): string {
  if (b.statements.length === 1 && b.statements[0].kind === "return") return shape(b.statements[0].value);
  return `{${b.statements.map(statement).join("; ")}}`;
}

export function statement(s: Statement): string {
  switch (s.kind) {
    case "let":
      return `let ${s.bindings.map((b) => `${pattern(b.pattern)}${b.type === null ? "" : `:${type(b.type)}`} = ${shape(b.value)}`).join(", ")}`;
    case "input":
      return `input ${s.name.text}${s.type === null ? "" : `:${type(s.type)}`}${s.default === null ? "" : ` = ${shape(s.default)}`}`;
    case "if":
      return `if ${shape(s.condition)} ${block(s.then)}${s.else === null ? "" : ` else ${block(s.else)}`}`;
    case "return":
    case "report":
      return `${s.kind} ${shape(s.value)}`;
    case "expression":
      return shape(s.value);
    case "assign":
      return `${s.name.text} <- ${shape(s.value)}`;
    case "loss":
      return `${s.shared ? "shared " : ""}loss ${shape(s.value)}`;
    case "emit":
      return `emit ${s.name.text} = ${shape(s.value)}`;
  }
}

function dimension(d: DimExpr): string {
  return d.kind === "rest" ? `*${d.name.text}` : d.kind === "fresh" ? "_" : shape(d.value);
}

/** The members of a definition, one line each. */
export function membersOf(text: string): string[] {
  const { file, diagnostics } = parse("test.peft", text);
  if (diagnostics.length > 0) throw new Error(`${text}: ${diagnostics.map((d) => d.message).join("; ")}`);
  const definition = file.definitions[0];
  if (!("members" in definition)) throw new Error("no members");
  return definition.members.map(member);
}

function member(m: Member): string {
  switch (m.kind) {
    case "field": {
      const typed = m.type === null ? "" : `: ${type(m.type)}`;
      const value = m.value === null ? "" : ` = ${shape(m.value)}`;
      const when = (c: Expr | null) => (c === null ? "" : ` if ${shape(c)}`);
      const as = m.as === null ? "" : ` as ${shape(m.as.path)}${m.as.transposed ? ".T" : ""}${when(m.as.condition)}`;
      return `${m.sharing} ${m.role} ${m.name.text}${typed}${value}${when(m.condition)}${as}`;
    }
    case "child":
      return `${m.sharing} child ${m.frozen ? "frozen " : ""}${m.name.text} = ${shape(m.value)}`;
    case "function": {
      const params = [...m.params.map((p) => pattern(p.pattern)), ...(m.rest ? [".."] : [])];
      return `${m.part ? "part " : ""}${m.name.text}(${params.join(", ")})${m.result === null ? "" : ` -> ${type(m.result)}`} ${block(m.body)}`;
    }
    case "weight":
      return `${m.name.text}' ${shape(m.value)}`;
    case "tune":
    case "delta":
    case "config":
      return `${m.kind} ${shape(m.value)}`;
    case "load":
      return `load ${block(m.body)}`;
    case "statement":
      return statement(m.statement);
  }
}

export function type(t: TypeExpr): string {
  switch (t.kind) {
    case "named":
      if (t.dims !== null) return `${t.name.text}<${t.dims.map(dimension).join(",")}>`;
      return t.args.length === 0 ? t.name.text : `${t.name.text}[${t.args.map(type).join(",")}]`;
    case "tensor": {
      if (t.dims === null) return t.space;
      return `${t.space}[${t.dims.map(dimension).join(",")}${t.dtype === null ? "" : `;${t.dtype}`}]`;
    }
    case "union":
      return t.options.map(shape).join("|");
    case "optional":
      return `${type(t.of)}?`;
    case "tuple":
      return `(${t.items.map(type).join(",")})`;
    case "record":
      return `{${t.fields.map((f) => `${pattern(f.pattern)}:${f.type === null ? "" : type(f.type)}`).join(",")}}`;
    case "function":
      return `(${t.params.map(type).join(",")})->${type(t.result)}`;
  }
}
