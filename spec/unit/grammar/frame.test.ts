/** Code frames, line and column, near words. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { diagnostic, lineColumn, nearest, renderDiagnostic } from "../../../grammar/index.js";

const controlSequence = "\u001b";
const text = "recipe r {\n  let a = f(b, c)\n\n  let d = a\n}\n";
const texts = new Map([
  ["a.peft", text],
  ["b.peft", "def f(x: Int) = x\n"],
]);
const at = (file: string, needle: string, label = "") => {
  const start = texts.get(file)!.indexOf(needle);
  return { file, span: { start, end: start + needle.length }, text: label };
};
const render = (d: Parameters<typeof renderDiagnostic>[0]) => renderDiagnostic(d, texts, { color: false }).split("\n");

test("a frame shows the line and marks the place", () => {
  const d = diagnostic("N001", "no `f` here", at("a.peft", "f(b"), {
    label: "not defined",
    help: "define it",
    notes: ["one\ntwo"],
  });
  assert.equal(render(d), [
    "error[N001]: no `f` here",
    " --> a.peft:2:11",
    "  |",
    "2 |   let a = f(b, c)",
    "  |           ^^^ not defined",
    "  = note: one",
    "          two",
    "  = help: define it",
  ]);
});

test("labels of one line share its marks", () => {
  const d = diagnostic("T001", "shapes differ", at("a.peft", "b, c"), {
    label: "both",
    others: [at("a.peft", "f(", "by this"), at("a.peft", "a ", "for this")],
  });
  assert.equal(render(d).slice(3), [
    "2 |   let a = f(b, c)",
    "  |       --  --^^^^ both",
    "  |       |   by this",
    "  |       for this",
  ]);
});

test("labels of several lines and files", () => {
  const d = diagnostic("T001", "m", at("a.peft", "d = a"), {
    label: "here",
    others: [at("a.peft", "recipe", "in this"), at("b.peft", "x: Int", "declared here")],
    severity: "warning",
  });
  assert.equal(render(d), [
    "warning[T001]: m",
    " --> a.peft:4:7",
    "  |",
    "1 | recipe r {",
    "  | ------ in this",
    "...",
    "4 |   let d = a",
    "  |       ^^^^^ here",
    " ::: b.peft:1:7",
    "  |",
    "1 | def f(x: Int) = x",
    "  |       ------ declared here",
  ]);
});

test("places without a span or a text print the file only", () => {
  const d = diagnostic("C001", "m", { file: "model.safetensors", span: null }, { others: [at("a.peft", "recipe")] });
  assert.equal(render(d).slice(0, 3), ["error[C001]: m", " --> model.safetensors", " ::: a.peft:1:1"]);
  const unknown = diagnostic("C001", "m", { file: "gone.peft", span: { start: 3, end: 4 } });
  assert.equal(render(unknown), ["error[C001]: m", " --> gone.peft"]);
});

test("the end of a file and a span over lines can be marked", () => {
  const end = diagnostic("S001", "m", { file: "a.peft", span: { start: text.length, end: text.length } });
  assert.equal(render(end).slice(1), [" --> a.peft:6:1", "  |", "6 |", "  | ^"]);
  const over = diagnostic("S001", "m", { file: "a.peft", span: { start: 0, end: text.length } });
  assert.equal(render(over).slice(3), ["1 | recipe r {", "  | ^^^^^^^^^^"]);
});

test("tabs, control characters and long lines cannot spoil a frame", () => {
  const nasty = `\tlet \u001b[31m\u202e = 1\n${"a".repeat(5000)}b${"c".repeat(5000)}`;
  const map = new Map([["x", nasty]]);
  const first = renderDiagnostic(diagnostic("S001", "\u001b[2J", { file: "x\n", span: null }), map, { color: false });
  assert.not.ok(first.includes(controlSequence));
  assert.is(first.split("\n").length, 2);
  const start = nasty.indexOf("let");
  const second = renderDiagnostic(diagnostic("S001", "m", { file: "x", span: { start, end: start + 3 } }), map, {
    color: false,
  });
  assert.equal(second.split("\n").slice(3), ["1 |     let \u241b[31m\ufffd = 1", "  |     ^^^"]);
  const b = nasty.indexOf("b");
  const third = renderDiagnostic(diagnostic("S001", "m", { file: "x", span: { start: b, end: b + 1 } }), map, {
    color: false,
  });
  const [code, marks] = third.split("\n").slice(3);
  assert.ok(code.length < 160);
  assert.is(code[marks.indexOf("^")], "b");
});

test("colour wraps and does not change the text", () => {
  const d = diagnostic("N001", "m", at("a.peft", "f(b", "label"), { help: "h" });
  const colored = renderDiagnostic(d, texts, { color: true });
  assert.ok(colored.includes(`${controlSequence}[31m`));
  const stripped = colored.split(controlSequence).map((part, i) => (i === 0 ? part : part.replace(/^\[\d+m/, "")));
  assert.is(stripped.join(""), renderDiagnostic(d, texts, { color: false }));
});

test("line and column count characters from 1", () => {
  assert.equal(lineColumn("", 0), { line: 1, column: 1 });
  assert.equal(lineColumn("a\nbc", 3), { line: 2, column: 2 });
  assert.equal(lineColumn("a\r\nb\rc", 5), { line: 3, column: 1 });
  assert.equal(lineColumn("\u{1F600}a", 2), { line: 1, column: 2 });
  assert.equal(lineColumn("ab", 99), { line: 1, column: 3 });
});

test("near words, closest first", () => {
  assert.equal(nearest("densty", ["density", "scope", "lambda"]), ["density"]);
  assert.equal(nearest("recpie", ["recipe", "record"]), ["recipe"]);
  assert.equal(nearest("TIES", ["ties", "tie"]), ["ties", "tie"]);
  assert.equal(nearest("abcdef", ["abcdeg", "abcdgh", "abcdefg", "zzzzzz"], 2), ["abcdeg", "abcdefg"]);
  assert.equal(nearest("x", ["y", "toolong"]), ["y"]);
  assert.equal(nearest("same", ["same"]), []);
  assert.equal(nearest("__proto_", ["__proto__", "constructor"]), ["__proto__"]);
  assert.equal(nearest("", ["a", "bb"]), ["a"]);
  assert.equal(nearest("a".repeat(5000), ["a".repeat(5001)]), []);
  const names = Array.from({ length: 1000 }, (_, i) => `model.layers.${i}.self_attn.q_proj.weight`);
  assert.equal(nearest("model.layers.999.self_atn.q_proj.weight", names, 1), [names[999]]);
});

test.run();
