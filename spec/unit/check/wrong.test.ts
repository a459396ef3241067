/** Programs that are wrong: each finding with its code and the text under its label, and nothing besides. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { findings } from "./checking.js";

type Case = readonly [name: string, text: string, ...found: string[]];

const names: readonly Case[] = [
  ["an unknown name", "def f(x: Float) -> Float = x + facter", "N001 facter"],
  ["an unknown function", "def f(x: Tensor[*s]) -> Tensor[*s] = nrom(x)", "N001 nrom"],
  ["a name of a later version", "def f(x: Tensor[*s]) -> Float = session(norm(x))", "N001 session"],
  ["a name that std has", "merge m(a: Weight[*s], b: Weight[*s]) -> Weight[*s] = blend(a, [b])", "N001 blend"],
  ["an unknown type", "def f(x: Flot) -> Float = x", "N001 Flot"],
  ["a definition as a type", "def g() -> Float = 1\ndef f(x: g) -> Float = 1", "N001 g"],
  ["a name inside a text", `def f(x: Float) -> String = "is \${y}"`, "N001 y"],
  ["two definitions of a name", "def f(x: Float) -> Float = x\ndef f(y: Float) -> Float = y", "N002 f"],
  ["two parameters of a name", "def f(xs: Float, xs: Float) -> Float = xs", "N002 xs"],
  ["a parameter that hides a definition", "def g(x: Float) -> Float = x\ndef f(g: Float) -> Float = g", "N002 g"],
  [
    "a let that hides a definition",
    "def g(x: Float) -> Float = x\ndef f(x: Float) -> Float {\n  let g = 2 * x\n  return g\n}",
    "N002 g",
  ],
  [
    "a dimension that hides a definition",
    "def n(x: Float) -> Float = x\ndef f(x: Tensor[n]) -> Tensor[n] = x",
    "N002 n",
  ],
  ["a name twice in a pattern", "def f(x: Float) -> Float {\n  let (aa, aa) = (x, x)\n  return aa\n}", "N002 aa"],
  [
    "an import that is defined, too",
    "use std.merge.{blend}\nmerge blend(a: Weight[*s]) -> Weight[*s] = a",
    "N002 blend",
  ],
  ["an unknown field of here", 'def f() -> Float = if here.knid == "norm" then 1 else 0', "N003 knid"],
  ["an unknown field of a record", "record point { x: Float }\ndef f(p: point) -> Float = p.y", "N003 y"],
  [
    "a field that a pattern takes and the record lacks",
    "def f(x: Tensor[m, n]) -> Tensor[m, n] {\n  let { u, sigma, v } = svd(x)\n  return (u * sigma) @ v.T\n}",
    "N003 sigma",
  ],
  [
    "a name twice in a pattern of fields",
    "record point { x: Float, y: Float }\ndef f(p: point) -> Float {\n  let { x: aa, y: aa } = p\n  return aa\n}",
    "N002 aa",
  ],
  ["a field that is a function", "def f(x: Tensor[*s]) -> Float = x.norm", "N003 norm"],
  [
    "an unknown field in a literal",
    "record point { x: Float }\ndef g(p: point) -> Float = p.x\ndef f() -> Float = g({ x: 1, z: 2 })",
    "N003 z",
  ],
  [
    "an unknown parameter",
    "use std.merge.{blend}\nmerge m(a: Weight[*s]) -> Weight[*s] = blend(a, [a], densty = 30%)",
    "N004 densty",
  ],
  ["an unknown parameter of a builtin", "def f(x: Tensor[*s]) -> Tensor[*s] = norm(x, axis = 0)", "N004 axis"],
  ["an unknown option of a recipe", "recipe r(sed = 7) { report 1 }", "R017 sed = 7"],
  ["an argument given twice", "def f(x: Tensor[*s]) -> Tensor[*s] = clamp(x, 0, low = 1, high = 2)", "N005 low = 1"],
  ["an unknown module", "use std.mrge.{blend}\nmerge m(a: Weight[*s]) -> Weight[*s] = a", "N006 std.mrge"],
  ["an unknown file", 'use "./no.peft".{blend}\nmerge m(a: Weight[*s]) -> Weight[*s] = a', 'N006 "./no.peft"'],
  ["a name that the module lacks", "use std.merge.{bland}\nmerge m(a: Weight[*s]) -> Weight[*s] = a", "N007 bland"],
  ["recursion", "def power(x: Float, n: Int) -> Float = if n == 0 then 1 else x * power(x, n - 1)", "N008 power"],
  ["recursion of two", "def even(n: Int) -> Float = odd(n - 1)\ndef odd(n: Int) -> Float = even(n - 1)", "N008 even"],
  ["a let that nothing reads", "def f(x: Float) -> Float {\n  let twice = 2 * x\n  return x\n}", "N009 twice"],
  ["an import that nothing uses", "use std.merge.{blend}\ndef f(x: Float) -> Float = x", "N009 blend"],
  [
    "a replaced let that nothing read",
    "def f(x: Float) -> Float {\n  let y = 1\n  let y = 2 * x\n  return y\n}",
    "N009 y",
  ],
];

const types: readonly Case[] = [
  [
    "a list for a tensor",
    "def g(x: Tensor[*s]) -> Tensor[*s] = x\ndef f(xs: List[Tensor[*s]]) -> Tensor[*s] = g(xs)",
    "T001 xs",
  ],
  [
    "a tensor for a list",
    "def g(xs: List[Tensor[*s]]) -> Tensor[*s] = xs[0]\ndef f(x: Tensor[*s]) -> Tensor[*s] = g(x)",
    "T001 x",
  ],
  ["a list for a builtin", "def f(xs: List[Tensor[*s]]) -> Float = norm(xs)", "T001 xs"],
  [
    "a model in a list's place",
    'use std.merge.{blend}\nrecipe r {\n  let m = load("m")\n  save(blend(m, m), to = "o")\n}',
    "T001 m",
  ],
  ["a Float for an Int", "def g(k: Int) -> Int = k\ndef f(x: Float) -> Int = g(0.5 * x)", "T001 0.5 * x"],
  ["a wrong default", 'def f(x: Float = "one") -> Float = x', 'T001 "one"'],
  ["a wrong result", "def f(x: Float) -> Int = x / 2", "T001 x / 2"],
  ["a value that may be none", "def f(x: Tensor[*s], mask: Tensor[*s]?) -> Tensor[*s] = x * mask", "T001 mask"],
  ["none for a number", "def g(x: Float) -> Float = x\ndef f() -> Float = g(none)", "T001 none"],
  ["text for a scope", 'def f(x: Tensor[*s]) -> Tensor[*s] = norm(x, over = "row")', 'T001 "row"'],
  ["a comprehension over a tensor", "def f(x: Tensor[*s]) -> List[Float] = [norm(r) for r in x]", "T001 x"],
  ["a comprehension over a number", "def f(n: Int) -> List[Int] = [i for i in n]", "T001 n"],
  [
    "a pattern of another size",
    "def f(x: Float) -> Float {\n  let (a, b) = (x, x, x)\n  return a + b\n}",
    "T001 (a, b)",
  ],
  ["a fold with one parameter", "def f(xs: List[Float]) -> Float = fold(xs, 0, s => s)", "T001 s => s"],
  ["dtype as text", 'recipe r {\n  let m = load("m")\n  save(m, to = "o", dtype = "bf16")\n}', 'T001 "bf16"'],
  ["Weight + Weight", "merge m(a: Weight[*s], b: Weight[*s]) -> Weight[*s] = a + b", "T002 +"],
  [
    "Weight + Weight in parts",
    "merge m(a: Weight[*s], b: Weight[*s]) -> Weight[*s] = 2 * a + (a + (a - b)) + b",
    "T002 +",
  ],
  ["the sum of Weights", "merge m(ws: List[Weight[*s]]) -> Weight[*s] = sum(ws)", "T002 ws"],
  ["models added in a recipe", 'recipe r {\n  let a = load("a"), b = load("b")\n  save(a + b, to = "o")\n}', "T002 +"],
  ["a missing argument", "use std.merge.{blend}\nmerge m(a: Weight[*s]) -> Weight[*s] = blend(a)", "T003 blend(a)"],
  ["a missing argument of a builtin", "def f(x: Tensor[*s]) -> Tensor[*s] = clamp(x, 0)", "T003 clamp(x, 0)"],
  ["too many arguments", "def g(x: Float) -> Float = x\ndef f(x: Float) -> Float = g(x, 2)", "T004 2"],
  ["a scope for a list", "def f(xs: List[Tensor[*s]]) -> Tensor[*s] = sum(xs, over = row)", "T004 row"],
  ["a number that is called", "def f(x: Float) -> Float = x(1)", "T005 x"],
  [
    "a builtin that is hidden",
    "def f(x: Tensor[*s], rank: Int) -> Tensor[*s] = where(rank(x) < rank, x, 0)",
    "T005 rank",
  ],
  ["a recipe that is called", "recipe one { report 1 }\nrecipe two { report one() }", "T005 one"],
  ["a record that is called", "record point { x: Float }\ndef f() -> Float = point(x = 1).x", "T005 point"],
  ["a number as a condition", "def f(xs: List[Float]) -> Float = if len(xs) then 1 else 0", "T006 len(xs)"],
  ["a number as the condition of where", "def f(x: Tensor[*s]) -> Tensor[*s] = where(x, x, 0)", "T006 x"],
  [
    "a running condition",
    "def f(x: Tensor[*s]) -> Tensor[*s] = if norm(x) > 1 then x / norm(x) else x",
    "T007 norm(x) > 1",
  ],
  [
    "a tensor as a condition",
    "def f(x: Tensor[*s]) -> Tensor[*s] {\n  if x > 0 { return x }\n  return -x\n}",
    "T007 x > 0",
  ],
  ["a running length", "def f(x: Tensor[*s]) -> Tensor[*s] = zeros([count(x), 2])", "T007 count(x)"],
  ["a running range", "def f(x: Tensor[*s]) -> List[Int] = [i for i in 0..count(x)]", "T007 count(x)"],
  [
    "a running index",
    "def f(xs: List[Tensor[*s]]) -> Tensor[*s] = xs[argmax([norm(x) for x in xs])]",
    "T007 argmax([norm(x) for x in xs])",
  ],
  ["a running subject", "def f(x: Tensor[*s]) -> Float = match count(x) { 0 => 1, _ => 2 }", "T007 count(x)"],
  ["lists added", "def f(xs: List[Float], ys: List[Float]) -> List[Float] = xs + ys", "T008 +"],
  ["text in arithmetic", 'def f(x: Float) -> Float = x * "2"', "T008 *"],
  ["a number compared with a text", 'def f(x: Float) -> Float = if x == "a" then 1 else 2', "T008 =="],
  ["a number and a truth value", "def f(x: Float, c: Bool) -> Bool = x and c", "T008 and"],
  ["a product of numbers", "def f(x: Float) -> Float = x @ x", "T008 @"],
  ["not of a number", "def f(x: Float) -> Bool = not x", "T008 not x"],
  ["a body without return", "def half(x: Float) -> Float { x / 2 }", "T009 half"],
  ["a path without return", "def half(x: Float) -> Float {\n  if x > 0 { return x }\n}", "T009 half"],
  [
    "an arm without return",
    "def f(x: Float, c: Bool) -> Float = match c { true => x, false => { let _y = x } }",
    "T009 { let _y = x }",
  ],
  ["a match without the other word", 'def f(how: "a" | "b") -> Float = match how { "a" => 1 }', "T010 how"],
  ["a match without none", "def f(x: Float?) -> Float = match x { y => y }", "T010 x"],
  [
    "a match without other shapes",
    "def f(x: Tensor[*s]) -> Float = match shape(x) { [n] => n, [n, m] => n * m }",
    "T010 shape(x)",
  ],
  [
    "a match without other pairs",
    "def f(a: Bool, b: Bool) -> Float = match (a, b) { (true, _) => 1, (_, true) => 2 }",
    "T010 (a, b)",
  ],
  [
    "an arm that is never reached",
    'def f(how: "a" | "b") -> Float = match how { "a" => 1, _ => 2, "b" => 3 }',
    'T010 "b"',
  ],
  ["a record by index", "record point { x: Float }\ndef f(p: point) -> Float = p[0]", "T011 p[0]"],
  ["a Float as an index", "def f(xs: List[Float]) -> Float = xs[len(xs) / 2]", "T011 len(xs) / 2"],
  ["two indices of a list", "def f(xs: List[Float]) -> Float = xs[0, 1]", "T011 xs[0, 1]"],
  ["a part that a tuple lacks", "def f(x: Float) -> Float = (x, x)[2]", "T011 (x, x)[2]"],
  [
    "a word that is not one",
    'use std.merge.{blend}\nmerge m(a: Weight[*s]) -> Weight[*s] = blend(a, [a], agg = "median")',
    'T012 "median"',
  ],
  [
    "a bare word that is not one",
    "use std.merge.{blend}\nmerge m(a: Weight[*s]) -> Weight[*s] = blend(a, [a], agg = median)",
    "T012 median",
  ],
  [
    "a misspelt scope",
    "use std.merge.{blend}\nmerge m(a: Weight[*s]) -> Weight[*s] = blend(a, [a], scope = modle)",
    "T012 modle",
  ],
  [
    "a misspelt kind",
    'use std.merge.{blend}\nrecipe r {\n  let m = load("m")\n  save(blend(m, [m]) where kind in [liner], to = "o")\n}',
    "T012 liner",
  ],
  ["a misspelt kind in a comparison", 'def f() -> Float = if here.kind == "lineal" then 1 else 0', 'T012 "lineal"'],
  ["a word no arm can have", 'def f(how: "a" | "b") -> Float = match how { "a" => 1, "c" => 2, _ => 3 }', 'T012 "c"'],
  ["a misspelt dtype", 'recipe r {\n  let m = load("m")\n  save(m, to = "o", dtype = bf15)\n}', "T012 bf15"],
  ["a merge without types", "merge m(a, b: Weight[*s]) { return mean([a, b]) }", "T013 m", "T013 a"],
  ["load in a definition", 'def f() -> Model = load("m")', 'T014 load("m")'],
  ["a report in a definition", "def f(x: Float) -> Float {\n  report x\n  return x\n}", "T014 report x"],
  ["ranks in arithmetic", "def f(x: Tensor[*s]) -> Tensor[*s] = rank(x) / size(x)", "T015 rank(x)"],
  [
    "ranks of a model in a sum",
    "def f(x: Tensor[*s]) -> Float = sum(rank(x, over = model))",
    "T015 rank(x, over = model)",
  ],
];

const shapes: readonly Case[] = [
  ["axes that differ", "def f(x: Tensor[out, in], b: Tensor[out]) -> Tensor[out, in] = x + b", "H001 b"],
  [
    "axes that differ in where",
    "def f(x: Tensor[out, in], b: Tensor[in, out]) -> Tensor[out, in] = where(x > 0, x, b)",
    "H001 b",
  ],
  ["lengths that differ by a factor", "def f(a: Tensor[d], b: Tensor[2 * d]) -> Tensor[d] = a * b", "H001 b"],
  ["a result of another shape", "def gram(x: Tensor[n, d]) -> Tensor[n, n] = x.T @ x", "H002 x.T @ x"],
  ["a result of another rank", "def f(x: Tensor[n, d]) -> Tensor[n, d] = sum(x, over = d)", "H002 sum(x, over = d)"],
  [
    "an argument of another shape",
    "def g(a: Tensor[n, n]) -> Tensor[n, n] = a\ndef f(x: Tensor[out, in]) -> Tensor[out, in] = g(x)",
    "H002 x",
  ],
  [
    "two arguments that disagree",
    "def g(a: Tensor[n], b: Tensor[n]) -> Tensor[n] = a + b\ndef f(x: Tensor[p], y: Tensor[q]) -> Tensor[p] = g(x, y)",
    "H002 y",
  ],
  [
    "a let of another shape",
    "def f(x: Tensor[n, d]) -> Tensor[n] {\n  let y: Tensor[d, k] = x\n  return y[:, 0]\n}",
    "H002 x",
  ],
  ["two rests", "def f(x: Tensor[*s], y: Tensor[*t]) -> Tensor[*s] = y", "H002 y"],
  ["inner dimensions", "def f(a: Tensor[out, r], b: Tensor[in, r]) -> Tensor[out, in] = a @ b", "H003 @"],
  ["no axis of the name", "def f(x: Tensor[out, in]) -> Tensor[out] = sum(x, over = cols)", "H004 cols"],
  ["no axis of the index", "def f(x: Tensor[out, in]) -> Tensor[out] = sum(x, over = 2)", "H004 2"],
  ["no such axis to join along", "def f(x: Tensor[n]) -> Tensor[n] = concat([x, x], axis = 1)", "H004 1"],
  [
    "another number of elements",
    "def f(x: Tensor[out, in]) -> Tensor[out, out] = reshape(x, [out, out])",
    "H005 [out, out]",
  ],
  ["too many indices", "def f(x: Tensor[n, d]) -> Tensor[n] = x[:, 0, 0]", "H005 x[:, 0, 0]"],
  ["the singular values of a vector", "def f(x: Tensor[n]) = svd(x).s", "H005 x"],
  ["eigenvalues of what is not square", "def f(x: Tensor[3, 4]) = eigh(x).values", "H005 x"],
  ["a vector transposed", "def f(x: Tensor[n]) -> Tensor[n] = x.T", "H005 T"],
];

for (const [group, cases] of Object.entries({ names, types, shapes })) {
  for (const [name, text, ...found] of cases) {
    test(`${group}: ${name}`, () => {
      assert.equal(findings(text), found);
    });
  }
}

test("one mistake gives one message, and several give several", () => {
  const text = `use std.merge.{blend}
merge m(a: Weight[*s], b: Weight[*s]) -> Weight[*s] {
  let sum_of_both = a + b
  let scaled = 2 * sum_of_both + facter
  let joined = blend(a, [b], densty = 3, agg = "mode")
  return mean([scaled, joined])
}`;
  assert.equal(findings(text), ["T002 +", "N001 facter", "N004 densty", 'T012 "mode"']);
});

test.run();
