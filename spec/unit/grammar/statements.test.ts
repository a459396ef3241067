/** Statements, definitions, types, comments, the newline rule. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Definition, parse, printTree } from "../../../grammar/index.js";
import { mistakes, shapesOf, typeShape } from "./shape.js";

function only(text: string): Definition {
  const { file, diagnostics } = parse("test.peft", text);
  assert.equal(diagnostics, [], text);
  assert.is(file.definitions.length, 1, text);
  return file.definitions[0];
}

test("the corpus parses without a diagnostic", () => {
  const text = readFileSync("spec/unit/grammar/corpus.peft", "utf8");
  const { file, diagnostics } = parse("corpus.peft", text);
  assert.equal(diagnostics, []);
  assert.is(file.uses.length, 2);
  assert.equal(
    file.definitions.map((d) => `${d.kind} ${d.name.text}`),
    [
      "record point",
      "record moments",
      "merge everything",
      "def identity",
      "def longer",
      "recipe settings",
      "recipe plain",
    ],
  );
  for (const definition of file.definitions) {
    assert.is(text.slice(definition.span.start).startsWith(definition.kind), true);
    assert.match(text.slice(definition.span.start, definition.span.end), /[}\w]$/);
  }
  assert.match(printTree(file), /\n {2}merge everything/);
});

test("statements of every kind", () => {
  assert.equal(shapesOf("let a = 1, (b, (c, _)) = f(x)"), ["let a = 1, (b,(c,_)) = (call f x)"]);
  assert.equal(shapesOf("let a: Tensor[n, i32] = x"), ["let a:Tensor[n;i32] = x"]);
  assert.equal(shapesOf("input density: Fraction = 20%\ninput name\ninput in: Int"), [
    "input density:Fraction = 20%",
    "input name",
    "input in:Int",
  ]);
  assert.equal(shapesOf("report a + b\nreport(a)\nreport [a]"), ["report (+ a b)", "report a", "report (list a)"]);
  assert.equal(shapesOf("report - 1\nreport.x\nreport in xs"), ["(- report 1)", "(. report x)", "(in report xs)"]);
  assert.equal(shapesOf("if a { b } else if c { d }\nelse { e }"), ["if a {b} else {if c {d} else {e}}"]);
  assert.equal(shapesOf("if a then b else c"), ["(if a b c)"]);
  assert.equal(shapesOf("if a { }"), ["if a {}"]);
  assert.equal(shapesOf("match x { a => b }"), ["(match x a=>b)"]);
  assert.equal(shapesOf("return a; b;; c;"), ["return a", "b", "c"]);
});

test("a newline ends a statement", () => {
  assert.equal(shapesOf("a\nb"), ["a", "b"]);
  assert.equal(shapesOf("a\n- b"), ["a", "(- b)"]);
  assert.equal(shapesOf("a\n[x]"), ["a", "(list x)"]);
  assert.equal(shapesOf("a\n(x)"), ["a", "x"]);
  assert.equal(shapesOf("a // comment\n// another\n\n\nb"), ["a", "b"]);
  assert.equal(shapesOf("x.in\nb"), ["(. x in)", "b"]);
  assert.equal(shapesOf("x.or\nb"), ["(. x or)", "b"]);
  assert.equal(shapesOf("a * in\nb"), ["(* a in)", "b"]);
  assert.match(mistakes("recipe r {\n a\n + b\n}").join(), /^S001 expected a statement, found `\+`/);
  assert.match(mistakes("recipe r {\n a\n and b\n}").join(), /^S001 expected a statement, found `and`/);
});

test("a statement goes on", () => {
  assert.equal(shapesOf("a +\n b"), ["(+ a b)"]);
  assert.equal(shapesOf("a and\n not\n b"), ["(and a (not b))"]);
  assert.equal(shapesOf("a in\n b"), ["(in a b)"]);
  assert.equal(shapesOf("a\n * b"), ["(* a b)"]);
  assert.equal(shapesOf("a\n ?? b"), ["(?? a b)"]);
  assert.equal(shapesOf("a\n .b"), ["(. a b)"]);
  assert.equal(shapesOf("a.\n b"), ["(. a b)"]);
  assert.equal(shapesOf("let a = 1,\n b = 2"), ["let a = 1, b = 2"]);
  assert.equal(shapesOf("let a =\n 1"), ["let a = 1"]);
  assert.equal(shapesOf("f(\n a\n ,\n b\n)"), ["(call f a b)"]);
  assert.equal(shapesOf("[\n a\n]"), ["(list a)"]);
  assert.equal(shapesOf("{ a: 1\n b\n\n c: 2, }"), ["(record a:1 b:b c:2)"]);
  assert.equal(shapesOf("f(x)\n where a\n else b"), ["(where (call f x) a b)"]);
  assert.equal(shapesOf("if a\n then b\n else c"), ["(if a b c)"]);
  assert.equal(shapesOf("f(x => {\n let a = 1\n return a\n})"), ["(call f (fn x {let a = 1; return a}))"]);
  assert.equal(shapesOf("{ a: 1\n where: 2 }"), ["(record a:1 where:2)"]);
});

test("headers run to their brace", () => {
  const definition = only("merge m\n(\n a: Int\n)\n->\n { x: Int }\n{\n return a\n}");
  assert.is(definition.kind, "merge");
  assert.is(only("def f(x)\n  -> Int\n  = x").kind, "def");
  assert.is(parse("a", "def f(x) = x\ndef g(x) =\n x\n\n\nrecipe r {}").file.definitions.length, 3);
});

test("definitions", () => {
  const def = only("/// One.\n///  Two.\ndef f(a: Int = 1, (b, _): (Int, Int)) -> Int = a");
  if (def.kind !== "def") throw new Error(def.kind);
  assert.is(def.doc, "One.\n Two.");
  assert.is(def.params.length, 2);
  assert.is(def.body.statements[0].kind, "return");
  assert.equal(def.body.span, def.body.statements[0].span);
  const recipe = only("recipe r(seed = 7) { input a: Int = 1 }");
  if (recipe.kind !== "recipe") throw new Error(recipe.kind);
  assert.is(recipe.options[0].name?.text, "seed");
  const record = only("record point { x: Float, y: Float = 0\n z: Int }");
  if (record.kind !== "record") throw new Error(record.kind);
  assert.equal(
    record.fields.map((f) => f.default !== null),
    [false, true, false],
  );
});

test("documentation belongs to what follows it directly", () => {
  const docOf = (text: string) => only(text).doc;
  assert.is(docOf("/// a\n\ndef f() = 1"), null);
  assert.is(docOf("// a\ndef f() = 1"), null);
  assert.is(docOf("//// a\ndef f() = 1"), null);
  assert.is(docOf("/// a\r\n/// b\r\ndef f() = 1"), "a\nb");
  const recipe = only("recipe r {\n  /// How much.\n  input a: Int\n}");
  const input = recipe.kind === "recipe" ? recipe.body.statements[0] : null;
  assert.is(input?.kind === "input" ? input.doc : null, "How much.");
});

test("comments are kept in order, with their spans", () => {
  const text = "// a\n/// b\ndef f() = 1 // c\n";
  const { comments } = parse("a", text).file;
  assert.equal(
    comments.map((c) => [c.text, c.doc]),
    [
      ["a", false],
      ["b", true],
      ["c", false],
    ],
  );
  assert.equal(
    comments.map((c) => text.slice(c.span.start, c.span.end)),
    ["// a", "/// b", "// c"],
  );
});

test("uses", () => {
  const { file, diagnostics } = parse("a", 'use std.merge.{ties, slerp as s}\nuse "./m.peft".{a}');
  assert.equal(diagnostics, []);
  const [std, mine] = file.uses;
  assert.equal(std.from.kind === "module" ? std.from.path.map((n) => n.text) : null, ["std", "merge"]);
  assert.equal(
    std.names.map((n) => [n.name.text, n.as?.text ?? null]),
    [
      ["ties", null],
      ["slerp", "s"],
    ],
  );
  assert.equal(mine.from.kind === "file" ? mine.from.path.parts : null, ["./m.peft"]);
});

test("types", () => {
  const cases: Record<string, string> = {
    "Weight[out, in]": "Weight[out,in]",
    "Tensor[*b, 2 * d + 1, _, i32]": "Tensor[*b,(+ (* 2 d) 1),_;i32]",
    "Tensor[i32, n]": "Tensor[i32,n]",
    "Tensor[]": "Tensor[]",
    Delta: "Delta",
    "List[Tensor[_, d]?]?": "List[Tensor[_,d]?]?",
    '"a" | "b"': '"a"|"b"',
    "(Int, Float)": "(Int,Float)",
    "(Int)": "Int",
    "(Int, Float) -> List[Int]": "(Int,Float)->List[Int]",
    "() -> (Int) -> Int?": "()->(Int)->Int?",
    "{ a: Int, b: Float = 1 }": "{a:Int,b:Float}",
    "linear[out, in]": "linear<out,in>",
    "List[linear[*b, 2 * d]?]": "List[linear<*b,(* 2 d)>?]",
    "Tree[Tensor]": "Tree[Tensor]",
  };
  for (const [text, expected] of Object.entries(cases)) assert.is(typeShape(text), expected, text);
});

test("line ends and byte order marks do not matter", () => {
  const text = "\ufeff/// d\ndef f() {\n  let a = 1\n  return a\n}\n";
  for (const end of ["\n", "\r\n", "\r"]) {
    const { file, diagnostics } = parse("a", text.replaceAll("\n", end));
    assert.equal(diagnostics, []);
    const [f] = file.definitions;
    assert.is(f.kind === "def" ? f.body.statements.length : 0, 2);
    assert.is(f.doc, "d");
  }
});

test("the tree prints with places", () => {
  const { file } = parse("a.peft", "def f(x: Int) -> Int = x + 1\n");
  assert.is(
    printTree(file),
    [
      "file a.peft",
      "  def f 1:1-1:29",
      "    params: 1:7-1:13",
      "      pattern: name x 1:7-1:8",
      "      type: named Int 1:10-1:13",
      "    result: named Int 1:18-1:21",
      "    body: 1:24-1:29",
      "      statements: return 1:24-1:29",
      "        value: binary + 1:24-1:29",
      "          left: name x 1:24-1:25",
      '          right: number 1 integer none text="1" 1:28-1:29',
      "",
    ].join("\n"),
  );
});

test.run();
