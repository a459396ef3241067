/** Files and modules: which definition a name means, circles, and the words of messages. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type CheckInput, resolveModules } from "../../../compiler/check/index.js";
import { type File, parse } from "../../../grammar/index.js";
import { checkTexts, findings, firstOf } from "./checking.js";

function filesOf(texts: Record<string, string>): ReadonlyMap<string, File> {
  return new Map(Object.entries(texts).map(([path, text]) => [path, parse(path, text).file]));
}

function input(texts: Record<string, string>): CheckInput {
  return {
    files: filesOf(texts),
    resolve: (_from, use) => (use.from.kind === "file" ? use.from.path.parts.join("") : null),
  };
}

test("the table tells own definitions from imported ones", () => {
  const { table, diagnostics } = resolveModules(
    input({ a: 'use "b".{g as h}\ndef f(x: Float) -> Float = h(x)', b: "def g(x: Float) -> Float = x" }),
  );
  assert.equal(diagnostics, []);
  const names = table.get("a")!;
  assert.equal([...names.keys()], ["f", "h"]);
  assert.is(names.get("h")!.definition.name.text, "g");
  assert.is(names.get("h")!.file, "b");
  assert.is(names.get("f")!.use, null);
  assert.equal([...table.get("b")!.keys()], ["g"]);
});

test("a name that was imported cannot be imported from there again", () => {
  const { diagnostics } = resolveModules(
    input({
      a: 'use "b".{h}\ndef f(x: Float) -> Float = h(x)',
      b: 'use "c".{h}\ndef g(x: Float) -> Float = h(x)',
      c: "def h(x: Float) -> Float = x",
    }),
  );
  assert.equal(
    diagnostics.map((d) => d.code),
    ["N007"],
  );
});

test("files that use each other in a circle are reported once", () => {
  const { diagnostics } = resolveModules(
    input({
      a: 'use "b".{g}\ndef f(x: Float) -> Float = g(x)',
      b: 'use "a".{f}\ndef g(x: Float) -> Float = x\ndef h(x: Float) -> Float = f(x)',
    }),
  );
  assert.equal(
    diagnostics.map((d) => d.code),
    ["N008"],
  );
  assert.match(diagnostics[0].message, "a → b → a");
});

test("a file that uses itself", () => {
  const { diagnostics } = resolveModules(input({ a: 'use "a".{f}\ndef f(x: Float) -> Float = x' }));
  assert.equal(diagnostics.map((d) => d.code).sort(), ["N002", "N008"]);
});

test("recursion across definitions names the circle", () => {
  const d = firstOf("def even(n: Int) -> Float = odd(n - 1)\ndef odd(n: Int) -> Float = even(n - 1)");
  assert.is(d.message, "definitions use each other in a circle: `even` → `odd` → `even`");
  assert.match(d.help!, "fold");
});

test("a recursive record is a circle, too", () => {
  assert.equal(findings("record node { next: node }\ndef f(n: node) -> Float = 0"), ["N008 node"]);
});

test("definitions of the files of one module may use each other's", () => {
  const { diagnostics } = checkTexts(new Map());
  assert.equal(diagnostics, []);
});

test("a definition that std has is offered with its use", () => {
  const d = firstOf("merge m(a: Weight[*s], b: Weight[*s]) -> Weight[*s] = blend(a, [b])");
  assert.is(d.help, "add `use std.merge.{blend}` at the top of the file");
});

test("the nearest names are offered", () => {
  assert.is(firstOf("def f(factor: Float) -> Float = facter").help, "did you mean `factor`?");
  assert.is(firstOf("use std.merge.{bland}\ndef f(x: Float) -> Float = x").help, "did you mean `blend`?");
  assert.match(firstOf("def f(x: Float) -> Float = session(x)").help!, "not part of this version");
});

test("a mismatch of shapes shows both and where their names stand", () => {
  const text = "def f(x: Tensor[out, in], b: Tensor[out]) -> Tensor[out, in] = x + b";
  const d = firstOf(text);
  assert.is(d.message, "shapes [out, in] and [out] do not broadcast: in meets out");
  const labels = d.others.map((o) => [text.slice(o.span!.start, o.span!.end), o.text]);
  assert.equal(labels, [
    ["x", "this is [out, in]"],
    ["in", "`in` is declared here"],
    ["out", "`out` is declared here"],
  ]);
});

test("Weight + Weight says what to write", () => {
  const d = firstOf("merge m(a: Weight[*s], b: Weight[*s]) -> Weight[*s] = a + b");
  for (const part of ["mean(ws)", "mix(ws, coefficients)", "w + (v - base)"]) assert.ok(d.help!.includes(part), part);
});

test("a running value says what to write", () => {
  const d = firstOf("def f(x: Tensor[*s]) -> Tensor[*s] = if norm(x) > 1 then x else -x");
  assert.match(d.help!, "static(e)");
  assert.match(d.help!, "where(");
});

test("an optional says where it was declared", () => {
  const d = firstOf("def f(x: Tensor[*s], mask: Tensor[*s]?) -> Tensor[*s] = x * mask");
  assert.match(d.help!, "mask ?? ");
  assert.is(d.others.length, 1);
});

test("a missing arm is named", () => {
  assert.match(firstOf('def f(how: "a" | "b") -> Float = match how { "a" => 1 }').message, 'no arm for "b"');
  assert.match(
    firstOf("def f(a: Bool, b: Bool) -> Float = match (a, b) { (true, _) => 1, (_, true) => 2 }").message,
    "no arm for (false, false)",
  );
  assert.match(
    firstOf("def f(x: Tensor[*s]) -> Float = match shape(x) { [n] => n, [n, m] => n * m }").message,
    "no arm for []",
  );
});

test("diagnostics come in the order of the text", () => {
  const { diagnostics } = checkTexts(
    new Map([["main.peft", "def f(x: Float) -> Float = a + b\ndef f(y: Float) -> Float = c"]]),
  );
  const starts = diagnostics.map((d) => d.primary.span!.start);
  assert.equal(
    starts,
    [...starts].sort((a, b) => a - b),
  );
});

test.run();
