/** Programs that are right: nothing may be found in any of them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { findings } from "./checking.js";

const right: Record<string, string> = {
  "a merge in the spaces": "merge m(base: Weight[*s], e: Weight[*s]) -> Weight[*s] = base + 0.5 * (e - base)",
  "a Tensor becomes a Weight where one is declared":
    "merge m(a: Weight[*s], b: Weight[*s]) -> Weight[*s] = 0.5 * a + 0.5 * b",
  "a Tensor stands for a Delta": "def f(x: Delta[*s]) -> Delta[*s] = abs(x)\ndef g(x: Tensor[*s]) -> Delta[*s] = f(x)",
  "mean of Weights": "merge m(ws: List[Weight[*s]]) -> Weight[*s] = mean(ws)",
  "mix of Weights": "merge m(ws: List[Weight[*s]], c: List[Float]) -> Weight[*s] = mix(ws, c)",
  "mean as several arguments": "merge m(a: Weight[*s], b: Weight[*s]) -> Weight[*s] = mean(a, b)",
  "sum of Deltas is a Delta":
    "merge m(base: Weight[*s], es: List[Weight[*s]]) -> Weight[*s] = base + sum([e - base for e in es])",
  "one list for all models":
    'use std.merge.{blend}\nrecipe r {\n  let base = load("b")\n  let m = blend(base, [load("x"), load("y")], density = 30%) where kind in [linear, embedding, norm]\n  save(m, to = "o", dtype = bf16, shard = 5GB)\n}',
  "words of a where clause":
    'use std.merge.{blend}\nrecipe r {\n  let b = load("b")\n  save(blend(b, [b]) where role in [query, head] and not (layer in 4..8) or name matches "*.mlp.*" else b, to = "o")\n}',
  "schedules for numbers, words and scopes":
    'use std.merge.{blend}\nrecipe r {\n  let b = load("b")\n  save(blend(b, [b], lambda = by depth { 0.6 .. 1.0 }, agg = by kind { norm => mean, else sum }, scope = by role { [query, key] => model, else tensor }), to = "o")\n}',
  "schedules nest and compute":
    'use std.merge.{blend}\nrecipe r {\n  let b = load("b"), t = 2 * by layer { 0..8 => 2, 8..16 => 4, else by name { "*.head" => 1, else 0 } } - 1\n  save(blend(b, [b], lambda = t), to = "o")\n}',
  "a list of numbers with a schedule":
    'def scaled(ws: List[Float], xs: List[Weight[*s]]) -> Tensor[*s] = sum([w * x for (w, x) in zip(ws, xs)])\nrecipe r {\n  let m = load("m")\n  save(m + (scaled([1.0, by depth { 0.2 .. 0.8 }], [m, m]) - m), to = "o")\n}',
  "reports of models":
    'recipe r {\n  let a = load("a"), b = load("b")\n  report norm(a - b, over = model)\n  report norm(a - b)\n  report { size: size(a, model), parts: [1, 2] }\n}',
  inputs: `recipe r(seed = 7) {\n  input density: Fraction = 20%\n  input name: String = "out"\n  let m = load("m")\n  report density\n  save(m, to = "out/\${name}")\n}`,
  "a tensor of a model": 'recipe r {\n  let m = load("m")\n  report norm(m["lm_head.weight"])\n}',
  "broadcast of declared axes":
    "def f(x: Tensor[out, in], b: Tensor[in], c: Tensor[out, 1]) -> Tensor[out, in] = x * b + c + 1",
  "a reduced row broadcasts back":
    "def f(x: Tensor[*s], over: Scope) -> Tensor[*s] = (x - mean(x, over)) / max(norm(x, row), norm(x, over = column))",
  "axes by name and index": "def f(x: Tensor[n, d]) -> Tensor[n] = sum(x, over = d) + max(x, over = -1) + x[:, 0]",
  "several axes": "def f(x: Tensor[k, out, in]) -> Tensor[k] = sum(x, over = (out, in))",
  "a stacked axis by name": "def f(xs: List[Tensor[*s]]) -> Tensor[*s] = sum(stack(xs, axis = expert), over = expert)",
  products: "def f(a: Tensor[out, r], b: Tensor[r, in], x: Tensor[in]) -> Tensor[out] = a @ (b @ x)",
  "polynomials of lengths": "def f(a: Tensor[d + d], b: Tensor[2 * d]) -> Tensor[2 * d] = a + b",
  "lengths as numbers": "def f(x: Tensor[out, in]) -> Tensor[in, out] = reshape(x, [in, out]) + zeros([in, out])",
  "an Int parameter is a length":
    "def f(r: Int, x: Tensor[r, d]) -> Tensor[r, d] = x * ones([r, d])\ndef g(x: Tensor[8, d]) -> Tensor[8, d] = f(8, x)",
  "a match on the shape spells it out":
    "def m2(x: Delta[out, in]) -> Delta[out, in] = x @ x.T @ x\ndef f(x: Delta[*s]) -> Delta[*s] = match shape(x) { [out, in] => m2(x), [n] => x * n, _ => x }",
  "a match on kind and shape":
    "def m2(x: Delta[out, in]) -> Delta[out, in] = x\ndef f(x: Delta[*s]) -> Delta[*s] = match (here.kind, shape(x)) { (linear, [out, in]) => m2(x), _ => x }",
  "a match on an optional":
    "def f(x: Tensor[*s], mask: Tensor[*s]?) -> Tensor[*s] = match mask { none => x, m => x * m }",
  "a match on words": 'def f(x: Delta[*s], how: "a" | "b") -> Delta[*s] = match how { "a" => x, b => 2 * x }',
  "a match on lists": "def f(xs: List[Float]) -> Float = match xs { [] => 0, [x] => x, [x, *rest] => x + sum(rest) }",
  "optionals after a test":
    "def f(x: Tensor[*s], m: Tensor[*s]?) -> Tensor[*s] {\n  if m == none { return x }\n  return x * m\n}\ndef g(x: Tensor[*s], m: Tensor[*s]?) -> Tensor[*s] = if m != none and len(shape(m)) > 0 then m else x * (m ?? 1)",
  "words after a test":
    'def f(x: Float, how: "a" | "b" | "c") -> Float {\n  if how == "a" { return x }\n  return match how { "b" => 2 * x, "c" => 3 * x }\n}',
  "a rank in a comparison":
    "def f(x: Tensor[*s], k: Int) -> Tensor[*s] = where(rank(abs(x)) < k and k > rank(x, model), x, rank(x, row))",
  "a running count as a threshold":
    "def f(x: Tensor[*s]) -> Tensor[*s] = where(rank(x) < count(x), x, kth_largest(x, count(x) - 1))",
  "a fold that starts static and ends running":
    "def f(xs: List[Tensor[*s]]) -> Tensor[*s] {\n  let (m, _) = fold(xs, (xs[0], 1.0), ((m, scale), x) => (m + x / scale, scale + norm(x)))\n  return m\n}",
  "a fold over pairs": "def f(xs: List[Float]) -> Float = fold(enumerate(xs), 0, (s, (i, x)) => s + i * x)",
  "a fold with a name": "def f(xs: List[Float]) -> Float = fold(xs, init = 0.0, (s, x) => s + x)",
  "functions as parameters":
    "def f(xs: List[Tensor[*s]], g: (Tensor[*s], Scope) -> Tensor[*s] = (x, over) => x / norm(x, over)) -> Tensor[*s] = sum([g(x, row) for x in xs])\ndef h(xs: List[Tensor[*s]]) -> Tensor[*s] = f(xs, (x, _) => x)",
  "a named function as an argument":
    "def sq(x: Tensor[*s]) -> Tensor[*s] = x ^ 2\ndef f(xs: List[Tensor[*s]]) -> List[Tensor[*s]] = map(sq, xs)",
  records:
    "record point { x: Float, y: Float = 0 }\ndef f(p: point) -> Float = p.x + p.y\ndef g() -> Float = f({ x: 1 })",
  "structural records":
    "def f(s: { merged: Delta[*s], scale: Tensor[] }) -> Delta[*s] = s.scale * s.merged\ndef g(x: Delta[*s]) -> Delta[*s] = f({ merged: x, scale: 2 })",
  "defaults use earlier parameters":
    "def f(ws: List[Float], d: List[Float] = [1.0 for _ in ws]) -> Float = sum(ws) + sum(d)",
  "a parameter may have the name of a builtin":
    "def f(x: Tensor[*s], rank: Int, size: Int) -> Tensor[*s] = x * rank / size",
  "a parameter may have the name of an import":
    "use std.merge.{blend, keep_largest}\ndef f(blend: Float, x: Delta[*s]) -> Delta[*s] = keep_largest(blend * x, 10%)\nmerge g(a: Weight[*s]) -> Weight[*s] = blend(a, [a])",
  "words of the language as names":
    "def f(in: Tensor[out, in], name: Int, kind: Float) -> Tensor[out, in] = in * name * kind",
  "a new value under an old name": "def f(x: Float) -> Float {\n  let x = x + 1\n  let x = 2 * x\n  return x\n}",
  "early returns":
    "def f(x: Delta[*s], d: Fraction) -> Delta[*s] {\n  if d >= 1 { return x } else if d <= 0 { return zeros_like(x) }\n  return d * x\n}",
  randomness:
    'def f(x: Tensor[*s]) -> Tensor[*s] = where(bernoulli(0.5, like = x, purpose = "mask"), x, 0) + normal(shape(x), std = 0.1)',
  indices:
    "def f(x: Tensor[n, d], xs: List[Float]) -> Tensor[n] = x[:, none, 0][:, 0] * xs[-1] + sum(x[..., 0..2], over = 1) * len(xs[1..])",
  "facts of the place":
    'def f() -> Float = match here.place { "inside" => here.layer / max(1, here.layers - 1), _ => here.depth }',
  "lengths that were tested": "def f(x: Tensor[n, m]) -> Tensor[n, m] = if n == m then x + x.T else x",
  "what is required holds":
    'def f(x: Tensor[n, m], mask: Tensor[n, m]?) -> Tensor[n, m] {\n  require(n == m and mask != none, "square, with a mask")\n  return x + x.T * mask\n}',
  "a let may have the name of a recipe": "recipe total {\n  let total = 1 + 2\n  report total\n}",
  "roles and places, with none":
    "def f() -> Float = match (here.role, here.layer) { (query, l) => l, (none, _) => 0, _ => if here.role == head then 1 else 2 }",
  "the places of another tree":
    'use std.merge.{blend}\nrecipe r {\n  let b = load("b"), others = [load("x")]\n  save(blend(b, others) where here in others[0], to = "o")\n}',
  "files of one's own":
    "use std.merge.{blend as mixed}\nmerge m(a: Weight[*s], b: Weight[*s]) -> Weight[*s] = mixed(a, [b], scope = row)",
  "unused on purpose": "def f(x: Float) -> Float {\n  let _y = 2 * x\n  let (a, b) = (x, x)\n  return a\n}",
  "optional lists":
    "def f(xs: List[Float], masks: List[Tensor[*s]?]? = none) -> Float = sum(xs) + (if masks == none then 0 else len(masks))",
  "a named result of a helper without types":
    "def scale(x, k) = k * x\nmerge m(a: Weight[*s], b: Weight[*s]) -> Weight[*s] = a + scale(b - a, 0.5)",
  "conditions in comprehensions":
    "def f(xs: List[Float]) -> List[Float] = [x * i for (i, x) in enumerate(xs) for j in 0..i if j % 2 == 0 and i != j]",
};

for (const [name, text] of Object.entries(right)) {
  test(name, () => {
    assert.equal(findings(text), []);
  });
}

test.run();
