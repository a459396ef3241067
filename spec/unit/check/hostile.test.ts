/** Texts that try to break the checker: it says something or nothing, and always ends. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { check } from "../../../compiler/check/index.js";
import { type File, parse } from "../../../grammar/index.js";
import { findings } from "./checking.js";

test("names of Object's own are names like any others", () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"]) {
    assert.equal(findings(`def f(x: Float) -> Float = ${name}`), [`N001 ${name}`]);
    assert.equal(
      findings(`def ${name}(${name}_: Float) -> Float = ${name}_\ndef g(x: Float) -> Float = ${name}(x)`),
      [],
    );
    assert.equal(findings(`def f(x: Tensor[${name}]) -> Tensor[${name}] = x`), []);
    assert.equal(
      findings(`def f(p: { ${name}: Float }) -> Float = p.${name}\ndef g(p: { a: Float }) -> Float = p.${name}`),
      [`N003 ${name}`],
    );
  }
});

test("huge numbers are lengths that are not known", () => {
  assert.equal(
    findings(
      "def f(x: Tensor[9007199254740991 * n + 9007199254740991]) -> Tensor[*s] = reshape(x, [9007199254740991 * 9007199254740991, 1])",
    ),
    [],
  );
});

test("the longest chains of operators that parse", () => {
  const sum = Array.from({ length: 500 }, () => "x").join(" + ");
  assert.equal(findings(`def f(x: Float) -> Float = ${sum}`), []);
});

test("powers of polynomials do not explode", () => {
  const lets = Array.from({ length: 40 }, (_, i) => `  let n${i + 1} = n${i} * n${i} + a * b + ${i}`).join("\n");
  assert.equal(findings(`def f(n0: Int, a: Int, b: Int) -> Int {\n${lets}\n  return n40\n}`), []);
});

test("nested folds end", () => {
  let body = "s + x";
  for (let i = 0; i < 12; i++) body = `fold(xs, s, (s, x) => ${body})`;
  assert.equal(findings(`def f(xs: List[Float], s: Float, x: Float) -> Float = ${body}`), []);
});

test("wide matches end", () => {
  const n = 18;
  const row = (at: number) => `(${Array.from({ length: n }, (_, i) => (i === at ? "true" : "_")).join(", ")}) => ${at}`;
  const params = Array.from({ length: n }, (_, i) => `p${i}: Bool`).join(", ");
  const names = Array.from({ length: n }, (_, i) => `p${i}`).join(", ");
  const arms = Array.from({ length: n }, (_, i) => row(i)).join(", ");
  assert.equal(findings(`def f(${params}) -> Float = match (${names}) { ${arms}, _ => -1 }`), []);
});

test("a file with syntax errors is still checked", () => {
  const text = "def f(x: Float -> Float = x\ndef g(x: Float) -> Float = y\nmerge";
  const files = new Map<string, File>([["a", parse("a", text).file]]);
  const { diagnostics } = check({ files, resolve: () => null });
  assert.ok(diagnostics.every((d) => d.code !== ""));
});

test("every prefix of a program can be checked", () => {
  const text = `use std.merge.{blend}
record r { a: Float = 1 }
merge m(a: Weight[*s], xs: List[Weight[*s]], k: "u" | "v" = "u") -> Weight[*s] {
  let d = [x - a for (i, x) in enumerate(xs) if i > 0]
  return a + match (k, shape(a)) { ("u", [o, i]) => sum(d), _ => fold(d, zeros_like(a), (s, x) => s + x) }
}
recipe q { let b = load("b"); save(m(b, [b]) where kind in [linear] else b, to = "o", dtype = bf16) }`;
  for (let end = 0; end <= text.length; end++) {
    const { file } = parse("a", text.slice(0, end));
    check({ files: new Map([["a", file]]), resolve: () => null });
  }
});

test("no files at all", () => {
  assert.equal(check({ files: new Map(), resolve: () => null }).diagnostics, []);
});

test.run();
