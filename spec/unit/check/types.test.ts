/** The types that are found: spaces, shapes, lifting, stages of what a body binds. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { printTyped } from "../../../compiler/check/index.js";
import { checkTexts, typesOf } from "./checking.js";

/** Types of bindings, written as one `let`, in a definition with a Weight, a Delta, a matrix and lists at hand. */
function bound(bindings: string): Record<string, string> {
  return typesOf(`def f(w: Weight[*s], v: Weight[*s], d: Delta[*s], m: Tensor[out, in], ws: List[Weight[*s]], ds: List[Delta[*s]], k: Int, over: Scope) -> Float {
  let ${bindings}
  return 0
}`);
}

test("spaces", () => {
  const types = bound(
    "a = w - v, b = w + d, c = 2 * w, e = 2 * d, g = mean(ws), h = sum(ds), i = w - 1, j = -d, l = where(d > 0, w, v), n = where(d > 0, w, 0), o = d / 2 + d, p = d * d, q = where(d > 0, d, 0)",
  );
  assert.equal(types, {
    a: "Delta[*s]",
    b: "Weight[*s]",
    c: "Tensor[*s]",
    e: "Delta[*s]",
    g: "Weight[*s]",
    h: "Delta[*s]",
    i: "Weight[*s]",
    j: "Delta[*s]",
    l: "Weight[*s]",
    n: "Weight[*s]",
    o: "Delta[*s]",
    p: "Tensor[*s]",
    q: "Delta[*s]",
  });
});

test("shapes of products, reductions, indices and rearrangements", () => {
  const types = bound(
    "a = m @ m.T, b = sum(m, over = in), c = sum(m, row), e = m[:, none, 0], g = m[1..3], h = reshape(m, [in, out]), i = flatten(m), j = stack([m, m], axis = pair), l = m[..., 0], n = argmax(m, over = out), o = concat([m, m], axis = in), p = zeros([k, 2 * k]), q = iota(k + 1), r = norm(d, over), t = norm(d, row), u = max(m, 0) > m[0]",
  );
  assert.equal(types, {
    a: "Tensor[out, out]",
    b: "Tensor[out]",
    c: "Tensor[out, 1]",
    e: "Tensor[out, 1]",
    g: "Tensor[2, in]",
    h: "Tensor[in, out]",
    i: "Tensor[in*out]",
    j: "Tensor[_, out, in]",
    l: "Tensor[out]",
    n: "Tensor[in, i32]",
    o: "Tensor[out, _]",
    p: "Tensor[k, 2*k]",
    q: "Tensor[k + 1, i32]",
    r: "Tensor[*s or smaller]",
    t: "Tensor[*s after over = row]",
    u: "Tensor[out, in, bool]",
  });
});

test("numbers", () => {
  const types = bound(
    "a = 1 + 2, b = 1 / 2, c = 20%, e = norm(d), g = count(d), h = floor(0.5 * size(d)), i = max(1, k), j = 2 ^ 3, l = 2 ^ -1, n = k % 2 == 0, o = sum([1, 2]), p = mean([1, 2]), q = 5GB, r = norm(d) > 1, t = div(k, 2), u = any(d > 0)",
  );
  assert.equal(types, {
    a: "Int",
    b: "Float",
    c: "Fraction",
    e: "Float",
    g: "Int",
    h: "Int",
    i: "Int",
    j: "Int",
    l: "Float",
    n: "Bool",
    o: "Int",
    p: "Float",
    q: "Size",
    r: "Bool",
    t: "Int",
    u: "Bool",
  });
});

test("calls of definitions give types in the caller's names", () => {
  const types = typesOf(`def f(x: Tensor[p, q], r: Int) -> Float {
  let a = product(x, x), b = first(x), c = low(3, x), e = low(r, x), g = scaled(x), h = grown(x)
  return 0
}
def product(a: Tensor[n, d], b: Tensor[m, d]) -> Tensor[n, m] = a @ b.T
def first(x: Tensor[*b, n]) -> Tensor[*b] = x[..., 0]
def low(rank: Int, x: Tensor[n, d]) -> Tensor[rank, d] = zeros([rank, d])
def scaled(x: Tensor[*s]) = 2 * x
def grown(x: Tensor[n, d]) = concat([x, x])`);
  assert.equal(types, {
    a: "Tensor[p, p]",
    b: "Tensor[p]",
    c: "Tensor[3, q]",
    e: "Tensor[r, q]",
    g: "Tensor[p, q]",
    h: "Tensor[_, q]",
  });
});

test("calls on models lift", () => {
  const types = typesOf(`recipe r {
  let a = load("a"), b = load("b")
  let d = a - b
  let m = a + 0.5 * d
  let n = norm(d)
  let o = norm(d, over = model)
  let p = mean([a, b])
  let q = by depth { 0 .. 1 } * 2
  let s = halves(a, b)
  let t = change(a, [b, b])
  let u = part(d, 3)
  let v = a["lm_head.weight"]
  let w = size(a, model)
}
merge halves(a: Weight[*s], b: Weight[*s]) -> Weight[*s] = mean([a, b])
def change(a: Weight[*s], bs: List[Weight[*s]]) -> { first: Delta[*s], all: List[Delta[*s]] } = { first: bs[0] - a, all: [b - a for b in bs] }
def part(d: Delta[*s], k: Float) -> Float = norm(d) / k`);
  assert.equal(types, {
    a: "Model",
    b: "Model",
    d: "Tree[Delta]",
    m: "Model",
    n: "Tree[Float]",
    o: "Float",
    p: "Model",
    q: "schedule of Float",
    s: "Model",
    t: "{ first: Tree[Delta], all: List[Tree[Delta]] }",
    u: "_",
    v: "Weight",
    w: "Int",
  });
});

test("the typed tree as text", () => {
  const text = `merge m(base: Weight[*s], experts: List[Weight[*s]], density: Fraction = 20%) -> Weight[*s] {
  let deltas = [e - base for e in experts]
  let length = norm(sum(deltas))
  if density <= 0 { return base }
  return base + sum(deltas) / length
}
def half(x) = x / 2
recipe r {
  input share: Fraction = 10%
  let base = load("b")
  report share
  save(m(base, [base]), to = "o")
}`;
  const { files, result } = checkTexts(new Map([["main.peft", text]]));
  assert.is(
    printTyped(files.get("main.peft")!, result),
    `merge m(base: Weight[*s], experts: List[Weight[*s]], density: Fraction = …) -> Weight[*s]
  let deltas: List[Delta[*s]]
  let length: running Float
  if Bool
    return Weight[*s]
  return Weight[*s]
def half(x: _) -> _
  return _
recipe r
  input share: static Fraction
  let base: Model
  report static Fraction
  none
`,
  );
});

test.run();
