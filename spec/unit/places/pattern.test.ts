import { test } from "uvu";
import * as assert from "uvu/assert";
import { compilePattern, matchPattern } from "../../../compiler/places/index.js";

function yes(pattern: string, ...names: string[]) {
  for (const name of names) assert.ok(matchPattern(pattern, name), `${pattern} should match ${name}`);
}

function no(pattern: string, ...names: string[]) {
  for (const name of names) assert.not(matchPattern(pattern, name), `${pattern} should not match ${name}`);
}

test("* stands for any characters, dots too; the whole name must match", () => {
  yes("*.mlp.*", "model.layers.0.mlp.up_proj.weight", ".mlp.");
  no("*.mlp.*", "mlp.up", "model.mlp");
  yes("*", "", "a.b");
  yes("a*b*c", "abc", "aXbYc", "abcbc");
  no("a*b*c", "abcd", "acb");
  yes("lm_head.weight", "lm_head.weight");
  no("lm_head", "lm_head.weight");
});

test("? stands for one character", () => {
  yes("layers.?.w", "layers.3.w");
  no("layers.?.w", "layers.12.w", "layers..w");
});

test("braces list alternatives, which may hold wildcards and braces", () => {
  yes("*.{query,value}.weight", "a.query.weight", "a.value.weight");
  no("*.{query,value}.weight", "a.key.weight", "a.query,value.weight");
  yes("{a,b{1,2}*}.w", "a.w", "b1.w", "b2xx.w");
  no("{a,b{1,2}*}.w", "b3.w", "b.w");
  yes("x{,y}", "x", "xy");
  yes("a,b", "a,b");
});

test("characters of regular expressions are plain", () => {
  yes("a.b", "a.b");
  no("a.b", "axb");
  yes("(a|b)+[c]$^\\", "(a|b)+[c]$^\\");
});

test("an invalid pattern says what is wrong and where, and matches nothing", () => {
  const wrong = (text: string) => {
    const p = compilePattern(text);
    assert.not(p.ok, text);
    assert.not(matchPattern(text, text));
    return p.ok ? "" : `${p.at}: ${p.message}`;
  };
  assert.match(wrong("a.{b,c"), /^2: .*not closed/);
  assert.match(wrong("a}"), /^1: .*closes nothing/);
  assert.match(wrong("a{}"), /^1: .*no alternatives|^1: .*lists no/);
  assert.match(wrong(""), /empty/);
  assert.match(wrong("{a,b}".repeat(11)), /more than 1024/);
});

test("no pattern is slow on any name", () => {
  const stars = "*a".repeat(200) + "b";
  assert.not(matchPattern(stars, "a".repeat(5000)));
  assert.not(compilePattern("{".repeat(5000)).ok);
});

test("the same text is compiled once, and other texts do not disturb it", () => {
  const first = compilePattern("x.*");
  assert.is(compilePattern("x.*"), first);
  for (let i = 0; i < 3000; i++) compilePattern(`n${i}`);
  const again = compilePattern("x.*");
  assert.ok(again.ok && again.matches("x.y"));
});

test.run();
