/** Expressions: precedence, brackets, literals, lambdas, schedules, spans. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Expr, parse } from "../../../grammar/index.js";
import { expression, mistakes, shapeOf } from "./shape.js";

function shapes(cases: Record<string, string>): void {
  for (const [text, expected] of Object.entries(cases)) assert.is(shapeOf(text), expected, text);
}

test("operators bind by precedence", () => {
  shapes({
    "a + b * c": "(+ a (* b c))",
    "a - b - c": "(- (- a b) c)",
    "a ++ b + c": "(+ (++ a b) c)",
    "a / b % c @ d": "(@ (% (/ a b) c) d)",
    "a ^ b ^ c": "(^ a (^ b c))",
    "-a ^ b": "(- (^ a b))",
    "2 ^ -1": "(^ 2 (- 1))",
    "-a * b": "(* (- a) b)",
    "- -a": "(- (- a))",
    "a ?? b ?? c": "(?? a (?? b c))",
    "a ?? b or c": "(?? a (or b c))",
    "a or b and c": "(or a (and b c))",
    "not a == b and c": "(and (not (== a b)) c)",
    "not not a": "(not (not a))",
    "a < b + 1": "(< a (+ b 1))",
    "a in b and c matches d": "(and (in a b) (matches c d))",
    "0..n + 1": "(.. 0 (+ n 1))",
    "i in 0..n": "(in i (.. 0 n))",
    "a.b(c)[d].e": "(. (index (call (. a b) c) d) e)",
    "-x.T": "(- (. x T))",
    "f(x)(y)": "(call (call f x) y)",
  });
});

test("keyword forms reach to the right", () => {
  shapes({
    "if a then b else c + d": "(if a b (+ c d))",
    "if a then b else if c then d else e": "(if a b (if c d e))",
    "a * if b then c else d": "(* a (if b c d))",
    "x => x + 1": "(fn x (+ x 1))",
    "(a, b) => a": "(fn a b a)",
    "((m, s), (t, _)) => m": "(fn (m,s) (t,_) m)",
    "() => 1": "(fn 1)",
    "(x: Int, y: Float = 2) => x": "(fn x y x)",
    "f(x => x, (a) => a)": "(call f (fn x x) (fn a a))",
    "a + match x { _ => b } * c": "(+ a (* (match x _=>b) c))",
    "x => y => x": "(fn x (fn y x))",
    "x => ({ a: x })": "(fn x (record a:x))",
    "x => { let y = x; return y }": "(fn x {let y = x; return y})",
  });
});

test("where is the loosest and belongs to the whole expression", () => {
  shapes({
    "f(x) where a or b": "(where (call f x) (or a b))",
    "f(x) where a else b + c": "(where (call f x) a (+ b c))",
    "a + f(x) where b": "(where (+ a (call f x)) b)",
    "g(f(x) where a, y)": "(call g (where (call f x) a) y)",
    "where(mask, a, b)": "(call where mask a b)",
    "where(m, a, b) where c": "(where (call where m a b) c)",
  });
});

test("brackets: tuples, lists, records, comprehensions", () => {
  shapes({
    "(a)": "a",
    "(a,)": "(tuple a)",
    "(a, b)": "(tuple a b)",
    "[]": "(list)",
    "[a, b,]": "(list a b)",
    "{ a: 1, b }": "(record a:1 b:b)",
    "{}": "(record)",
    "{ __proto__: 1, constructor }": "(record __proto__:1 constructor:constructor)",
    "[x for x in xs]": "(each x (for x xs))",
    "[x for (i, x) in enumerate(xs) for y in ys[i + 1..] if i != y]":
      "(each x (for (i,x) (call enumerate xs)) (for y (index ys (+ i 1).._)) (if (!= i y)))",
  });
});

test("arguments and indices", () => {
  shapes({
    "f(a, over = row, in = 3, ..)": "(call f a over=row in=3 ..)",
    "f()": "(call f)",
    "f(a == b)": "(call f (== a b))",
    "x[0, -1]": "(index x 0 (- 1))",
    "x[1..2, 1.., ..2, ..]": "(index x 1..2 1.._ _..2 _.._)",
    "x[:, None, none, ...]": "(index x all new new ellipsis)",
    "x[None + 1]": "(index x (+ None 1))",
    "norms[..t + 2]": "(index norms _..(+ t 2))",
    "x[i, None] == y[0]": "(== (index x i new) (index y 0))",
  });
});

test("words that are keywords elsewhere stay names", () => {
  shapes({
    "in + matches": "(+ in matches)",
    "in in in": "(in in in)",
    "x.in.then.match": "(. (. (. x in) then) match)",
    "[by, input, report, merge, record, kind, name, layer, out]":
      "(list by input report merge record kind name layer out)",
    "by + 1": "(+ by 1)",
    "use(def)": "(call use def)",
  });
});

test("schedules", () => {
  shapes({
    "by depth { 0.6 .. 1.0 }": "(by-depth 0.6 1.0)",
    "by depth { 0 .. a + 1 .. 2 }": "(by-depth 0 (+ a 1) 2)",
    "by layer { 0..8 => 2, 8..n + 1 => 4, else 8 }": "(by-layer (.. 0 8)=>2 (.. 8 (+ n 1))=>4 else=>8)",
    'by name { "*.mlp.*" => 0.5\n else 1 }': '(by-name "*.mlp.*"=>0.5 else=>1)',
    "by kind { linear => 1\n norm => x => x\n else 0 }": "(by-kind linear=>1 norm=>(fn x x) else=>0)",
    "by role { query => 1, key => if a then b else c }": "(by-role query=>1 key=>(if a b c))",
    "by layer { 0..div(n, 2) => 1, else 2 }": "(by-layer (.. 0 (call div n 2))=>1 else=>2)",
  });
});

test("match arms", () => {
  shapes({
    'match x { [out, in] => a, [n, *rest] => b, "sum" => c, _ => d }':
      '(match x [out,in]=>a [n,*rest]=>b "sum"=>c _=>d)',
    "match (k, s) {\n (linear, [o, i]) => a\n none => b\n true => c\n -1 => d\n other => e\n}":
      "(match (tuple k s) (linear,[o,i])=>a none=>b true=>c (- 1)=>d other=>e)",
    "match x { a => { return b }\n c => d }": "(match x a=>b c=>d)",
  });
});

function number(text: string) {
  const e = expression(text);
  if (e.kind !== "number") throw new Error(text);
  return [e.value, e.integer, e.unit];
}

test("numbers", () => {
  assert.equal(number("1_000"), [1000, true, "none"]);
  assert.equal(number("1e-4"), [1e-4, false, "none"]);
  assert.equal(number("0.5"), [0.5, false, "none"]);
  assert.equal(number("1e3"), [1000, false, "none"]);
  assert.equal(number("20%"), [0.2, false, "percent"]);
  assert.equal(number("12.5%"), [0.125, false, "percent"]);
  assert.equal(number("7%"), [7 / 100, false, "percent"]);
  assert.equal(number("64MiB"), [67108864, true, "size"]);
  assert.equal(number("5GB"), [5e9, true, "size"]);
  assert.equal(number("1.5KB"), [1500, true, "size"]);
  assert.equal(number("2TB"), [2e12, true, "size"]);
  assert.is(shapeOf("0..8"), "(.. 0 8)");
  assert.is(shapeOf("n % 3"), "(% n 3)");
  assert.is(shapeOf("10 % 3"), "(% 10 3)");
  for (const bad of ["12abc", "1__0", "1_", "5gb", "9007199254740992", "1e999", "1.0001KB", "0x10"]) {
    assert.match(mistakes(`def f() = ${bad}`).join(), /^S007/, bad);
  }
  assert.match(mistakes("def f() = .5").join(), /^S001/);
});

test("strings", () => {
  const parts = (text: string) => {
    const e = expression(text);
    if (e.kind !== "string") throw new Error(text);
    return e.parts.map((part) => (typeof part === "string" ? part : `<${part.kind}>`));
  };
  assert.equal(parts('""'), [""]);
  assert.equal(parts('"a"'), ["a"]);
  assert.equal(parts('"\\n\\t\\"\\\\\\u{1F600}"'), ['\n\t"\\\u{1F600}']);
  assert.equal(parts(`"\\\${a} $5 {q,k}"`), [`\${a} $5 {q,k}`]);
  assert.equal(parts(`"a \${b} c"`), ["a ", "<name>", " c"]);
  assert.equal(parts(`"\${a}\${b}"`), ["<name>", "<name>"]);
  assert.is(shapeOf(`"a \${f("in \${b + { c: 1 }.c}")}"`), '"a <(call f "in <(+ b (. (record c:1) c))>")>"');
  assert.match(mistakes('def f() = "\\q"').join(), /^S006 .*\\q/);
  assert.match(mistakes('def f() = "\\u{110000}"').join(), /^S006/);
  assert.match(mistakes(`def f() = "\${a +}"`).join(), /^S001 expected an expression, found `}`$/);
});

/** The text under every node's span. */
function spansOf(text: string): string[] {
  const prefix = "def f() = ";
  const whole = prefix + text;
  const out: string[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (typeof value === "object" && value !== null) {
      const { kind, span } = value as { kind?: string; span?: { start: number; end: number } };
      if (kind !== undefined && span !== undefined) out.push(`${kind}:${whole.slice(span.start, span.end)}`);
      Object.values(value).forEach(walk);
    }
  };
  walk(expression(text));
  return out;
}

test("spans are exact", () => {
  assert.equal(spansOf("a + b.c * 2"), [
    "binary:a + b.c * 2",
    "name:a",
    "binary:b.c * 2",
    "field:b.c",
    "name:b",
    "number:2",
  ]);
  assert.equal(spansOf("(a + b).T"), ["field:(a + b).T", "binary:a + b", "name:a", "name:b"]);
  assert.equal(spansOf("f(x, [1], y = - z)").slice(0, 3), ["call:f(x, [1], y = - z)", "name:f", "name:x"]);
  assert.equal(spansOf(`"a\${ b }"`), [`string:"a\${ b }"`, "name:b"]);
  assert.equal(spansOf("f(x) where c else d")[0], "where:f(x) where c else d");
  const e = expression("a  and b") as Extract<Expr, { kind: "binary" }>;
  assert.equal(e.opSpan, { start: 13, end: 16 });
});

test("an open range stands only in an index", () => {
  assert.equal(mistakes("def f() = 1.."), ["S010 this range has no end"]);
  assert.equal(mistakes("def f() = xs[1..]"), []);
  assert.match(mistakes("def f() = a..b..c").join(), /^S009/);
});

test("values of the tree survive JSON", () => {
  const { file } = parse("a.peft", "def f() = { __proto__: 1 }");
  assert.is(JSON.parse(JSON.stringify(file)).definitions[0].name.text, "f");
});

test.run();
