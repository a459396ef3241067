/** Mistakes: one message each, no cascades, and no input that breaks the parser. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parse, printTree, renderDiagnostic, syntaxCatalogue } from "../../../grammar/index.js";
import { mistakes } from "./shape.js";

test("five independent mistakes are five messages", () => {
  const text = `use std.merge.ties
def f(x: ) -> Int = x
recipe r {
  let a = load("models/base"
  let b = [1, 2 3]
  if a = b { return 1 }
  save(a, to = )
}
merge m(x: Weight[*s]) -> Weight[*s] {
  let y = x + * 2
  return y
}
`;
  const { file, diagnostics } = parse("test.peft", text);
  assert.equal(
    diagnostics.map((d) => d.message),
    [
      "expected `.{` and the names to use, found the end of the line",
      "expected a type, found `)`",
      "this `(` is never closed",
      "expected `,`, `for` or `]`, found `3`",
      "expected `{` or `then`, found `=`",
      "expected an expression, found `)`",
      "expected an expression, found `*`",
    ],
  );
  assert.equal(
    file.definitions.map((d) => d.name.text),
    ["f", "r", "m"],
  );
});

test("what follows a mistake is still read", () => {
  const { file } = parse(
    "a",
    "recipe r {\n let a = (1 +\n let b = 2\n let c = [1 2]\n return b }\n\ndef f( = 1\n\ndef g() = 1",
  );
  const [r] = file.definitions;
  const kinds = r.kind === "recipe" ? r.body.statements.map((s) => s.kind) : [];
  assert.equal(kinds, ["let", "let", "let", "return"]);
  assert.is(file.definitions.at(-1)?.name.text, "g");
});

const reached = new Set<string>();

/** The text has exactly this mistake. */
function one(text: string, code: string, message?: RegExp, help?: RegExp): void {
  const { diagnostics } = parse("a", text);
  assert.equal(
    diagnostics.map((d) => d.code),
    [code],
    `${text}: ${JSON.stringify(diagnostics.map((d) => d.message))}`,
  );
  reached.add(code);
  if (message !== undefined) assert.match(diagnostics[0].message, message);
  if (help !== undefined) assert.match(diagnostics[0].help ?? "", help);
  const { span } = diagnostics[0].primary;
  assert.ok(span !== null && span.start >= 0 && span.end >= span.start && span.end <= text.length, text);
}

const body = (line: string) => `recipe r {\n  ${line}\n  let last = 1\n}\n`;

test("each mistake has its message and its help", () => {
  one(body("let a = f(b c)"), "S001", /expected `,` or `\)`, found `c`/);
  one(body("let = 1"), "S001", /expected a name, a tuple of names or fields in braces, found `=`/);
  one(body("let a 1"), "S001", /expected `=`, found `1`/);
  one(body("a = 1"), "S001", /end of the statement, found `=`/, /let x = /);
  one(body("for x in xs { a }"), "S001", /found `for`/, /no `for` statement/);
  one(body("return"), "S001", /value after `return`, found the end of the line/);
  one(body("let a = if b then c"), "S001", /expected `else`/);
  one(body("let a = if b { 1 } else { 2 }"), "S001", /expected `then`/);
  one(body("let f = x => { a: x }"), "S001", /found `:`/, /\(\{ a: x \}\)/);
  one(body("let a = ()"), "S001", /between `\(` and `\)`/);
  one(body("let a = f(b,, c)"), "S001", /expected an expression, found `,`/);
  one(body("let a = [x if c]"), "S001", /for x in xs/);
  one(body("let a = [x for x in xs, y]"), "S001", /`\]` after a comprehension/);
  one(body("let a = match x { 1 + 2 => 3 }"), "S001", /`=>` after a pattern, found `\+`/);
  one(body("let a = f(b"), "S002", /`\(` is never closed/);
  one(body("let a = f([b)"), "S002", /`\[` is never closed/);
  one(body("let a = b)]"), "S003", /`\)` closes nothing/);
  one("recipe r {\n  if a {\n    b\n}\n\ndef f() = 1", "S002");
  one(body("let a = b § c"), "S004", /§.*U\+00A7/);
  one(body('let a = f("b, c)'), "S005");
  one(body("let a = 12abc"), "S007");
  one(body("let a = 0 < b < 1"), "S009", /another comparison/, /and/);
  one(body("let a = b && c"), "S011", /`&&`/, /`and`/);
  one(body("let a = !b"), "S011", /`!`/, /`not`/);
  one(body("let a = (b > 0) | c"), "S011", /`\|`/, /`or`/);
  one(body("let a = b ** 2"), "S011", /`\*\*`/, /`\^`/);
  one(body("a += 1"), "S011", /`\+=`/, /let/);
  one(body("# comment"), "S011", /`#`/, /`\/\/`/);
  one(body("/* comment ( */ let b = 1"), "S011", /`\/\*`/);
  one(body("let a = 'b'"), "S011", /`'`/, /double quotes/);
  one(body("let a = by stage { 0 .. 1 }"), "S012", /found `stage`/);
  one(body("let a = by layr { 0..1 => 2 }"), "S012", /found `layr`/, /by layer/);
  one(body("let a = by step { warmup 10, cosin 1 .. 0 }"), "S012", /found `cosin`/, /did you mean `cosine`/);
  one(body("let a = by step { linear 1 .. 0, cosine 1 .. 0 }"), "S012", /expected warmup, found `cosine`/);
  one(body("let a = by step { linear 1 }"), "S001", /`\.\.` and the value at the end/);
  one(body("let a = by step { 1 .. 0 }"), "S001", /expected `=>`/, /cosine/);
  one(body("let a = by step { warmup 10, 0..5 => 1 }"), "S001", /no cases beside a course/);
  one(body("let a = x <-1"), "S011", /`<-`/, /put a space/);
  one(body("let a = by depth { 1 }"), "S001", /expected `=>`/);
  one(body("f(.., a)"), "S013");
  one("module m() { forward(.., x) = x }", "S013", /last parameter/);
  one('recipe r { let a = { "b" } }', "S001", /`:` after a key/);
  one("module m() on linear { }", "S001", /expected `\{`, found `on`/, /adapter or a router/);
  one("module m() -> Tensor[n] { }", "S001", /expected `\{`, found `->`/, /forward/);
  one("adapter a() { delta = 1 }", "S001", /`on` and what the adapter wraps/);
  one("module m() { param a }", "S001", /expected `:` or `=`, found `}`/);
  one("module m() { param a = 1 as b }", "S001", /expected a string/);
  one("module m() { forward(x) => x }", "S001", /found `=>`/, /f\(x\) = e/);
  one("module m() {\n forward(x: ) = x\n state s = 1\n}", "S001", /expected a type/);
  one("adapter a() on linear {\n export a(..) as lora(rank = 2) { A = A }\n delta = 1\n}", "S015", /`export`/);
  one("adapter a() on linear {\n base weight = q\n delta = 1\n}", "S015", /`base`/);
  one(body("let a = match x { [*r, n] => r }"), "S013");
  one(body("if a { input b: Int }"), "S014");
  one("sampler greedy(rank: Int = 8)\n{\n  next(ctx) = a && … c\n}\ndef f() = 1", "S015", /`sampler`/);
  one("let a = 1", "S016", /found `let`/);
  one("recpie r { let a = 1 }", "S016", /found `recpie`/, /`recipe`/);
  one("def f() = 1 2", "S001", /new line after the definition/);
  one("def f() 1", "S001", /`->`, `\{` or `=`/);
  one("def f(x: Int = ) = x", "S001", /expected an expression, found `\)`/);
  one("def f(x: Tensor[*]) = x", "S001", /expected a name, found `\]`/);
});

test("every code has a page with both examples, and can be reached", () => {
  one('def f() = "\\q"', "S006");
  one(`def f() = ${"-".repeat(400)}1`, "S008");
  one("def f() = 1..", "S010");
  for (const [code, { title, page }] of Object.entries(syntaxCatalogue)) {
    assert.ok(title.length > 0 && /Wrong:/.test(page) && /Right:/.test(page), code);
  }
  assert.equal([...reached].sort(), Object.keys(syntaxCatalogue).sort());
});

const many = 10_000;
const some = 1_000;
const hostile: Record<string, string> = {
  parens: `def f() = ${"(".repeat(many)}`,
  closedParens: `def f() = ${"(".repeat(many)}1${")".repeat(many)}`,
  squares: `def f() = ${"[".repeat(many)}`,
  braces: `def f() ${"{".repeat(many)}${"}".repeat(many)}`,
  mixed: `recipe r { let a = ${"([{a:".repeat(many)}`,
  closers: ")]}".repeat(many),
  patterns: `def f() { let ${"(".repeat(many)}a${")".repeat(many)} = 1 }`,
  types: `def f(x: ${"List[".repeat(many)}Int${"]".repeat(many)}) = 1`,
  arrows: `def f(x: ${"() -> ".repeat(many)}Int) = 1`,
  minus: `def f() = ${"-".repeat(many)}1`,
  not: `def f() = ${"not ".repeat(many)}1`,
  powers: `def f() = ${"1 ^ ".repeat(many)}1`,
  coalesce: `def f() = a${" ?? b".repeat(many)}`,
  lambdas: `def f() = ${"x => ".repeat(many)}1`,
  choices: `def f() = ${"if a then ".repeat(many)}1`,
  elses: `def f() { ${"if a {} else ".repeat(some)}{} }`,
  sums: `def f() = 1${" + 1".repeat(many)}`,
  fields: `def f() = a${".b".repeat(many)}`,
  quotes: '"'.repeat(many + 1),
  quote: 'def f() = "',
  backslash: 'def f() = "\\',
  interpolations: `def f() = ${'"${'.repeat(some)}`,
  closedInterpolations: `def f() = ${'"${'.repeat(some)}1${'}"'.repeat(some)}`,
  nul: "\0".repeat(many),
  nulInside: "def f() = \0",
  surrogate: "def f() = \ud800",
  stray: "§ ".repeat(some),
  stringsByLine: `recipe r {\n${'f("a\n'.repeat(some)}}`,
  openByLine: "(\n".repeat(many),
  lets: `recipe r {\n${"let a = (\n".repeat(some)}`,
  commas: `def f() = g(${",".repeat(some)})`,
  digits: `def f() = 1${"0".repeat(1_000_000)}`,
  longString: `def f() = "${"a".repeat(1_000_000)}`,
};

for (const [name, text] of Object.entries(hostile)) {
  test(`hostile input is reported: ${name}`, () => {
    const { file, diagnostics } = parse("a.peft", text);
    assert.ok(diagnostics.length > 0 && diagnostics.length <= 100, String(diagnostics.length));
    for (const d of diagnostics) {
      assert.ok(Object.hasOwn(syntaxCatalogue, d.code), d.code);
      assert.ok(renderDiagnostic(d, new Map([["a.peft", text]]), { color: false }).length < 1500);
    }
    printTree(file);
  });
}

const large: Record<string, string> = {
  list: `def f() = [${"1, ".repeat(5_000)}]`,
  name: `def f() = ${"a".repeat(1_000_000)}`,
  comments: `${"/// a\n".repeat(some)}def f() = 1`,
  semicolons: `recipe r {${";".repeat(some)}}`,
  deep: `def f() = ${"(".repeat(190)}1${")".repeat(190)}`,
  deepCalls: `def f() = ${"f(a = 1, b = ".repeat(190)}1${")".repeat(190)}`,
  deepBlocks: `def f() { ${"if a { ".repeat(190)}${"}".repeat(190)} }`,
  empty: "",
  blank: " \n\n\t\r\n",
};

for (const [name, text] of Object.entries(large)) {
  test(`large input is fine: ${name}`, () => {
    assert.equal(mistakes(text), []);
  });
}

test("a mistake in one file leaves no trace in the next", () => {
  parse("a", hostile.minus);
  parse("b", "def f() = 1..");
  assert.equal(mistakes("def f() = 1"), []);
  assert.is(parse("c", "def f() = 1").file.path, "c");
});

test.run();
