/** Modules, adapters, routers, optimizers: right ones give no finding, wrong ones the one that is meant. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { printTyped, showType } from "../../../compiler/check/index.js";
import { checkTexts, findings, firstOf, typesOf } from "./checking.js";

test("the corpus of modules has no finding", () => {
  assert.equal(findings(readFileSync("spec/unit/grammar/modules.peft", "utf8")), []);
});

const linear = `module linear(in: Int, out: Int, biased: Bool = true) {
  param weight: Weight[out, in] = kaiming_uniform(a = sqrt(5))
  param bias: Weight[out] = zeros() if biased
  part twice(x: Tensor[*b, in]) = 2 * (x @ weight.T)
  forward(x: Tensor[*b, in]) -> Tensor[*b, out] = x @ weight.T + (bias ?? 0)
}
adapter lora(rank: Int = 8, alpha: Float = 16) on linear(weight: Weight[out, in]) {
  param A: Tensor[rank, in] = kaiming_uniform()
  param B: Tensor[out, rank] = zeros()
  delta = alpha / rank * (B @ A)
  update(x: Tensor[*b, in]) -> Tensor[*b, out] = alpha / rank * (x @ A.T @ B.T)
}
optimizer sgd(lr: Float) { update(p, g) = p - lr * g }
`;

test("instances have the types of their definitions", () => {
  const types = typesOf(`recipe r {
  let l = linear(64, 10)
  let w = l.weight
  let y = l(zeros([5, 7, 64]))
  let t = l.twice(zeros([3, 64]))
  let f = l.forward(zeros([64]))
  let n = l.in
  let a = lora(4)
  let A = a.A
  let u = a.update(zeros([3, 2]))
  let many = [l, linear(64, 20)]
  let first = many[0].weight
  let changed = l with { weight: zeros([10, 64]) }
  let s = l.weight - linear(64, 10).weight
  let p = params(l)
  let o = sgd(0.1)
  let tuned = attach(load("m"), lora(4), to = query)
  let q = iterate(3, (0, zeros([2])), ((i, x), k) => (i + k, x + 1))
  let (value, g) = value_and_grad(m => sum(m(zeros([64]))), l)
  let gt = grad(x => sum(x * x), zeros([3]))
}
${linear}`);
  assert.equal(types, {
    l: "linear",
    w: "Weight[10, 64]",
    y: "Tensor[5, 7, 10]",
    t: "Tensor[3, 10]",
    f: "Tensor[10]",
    n: "Int",
    a: "lora",
    A: "Tensor[4, _]",
    u: "Tensor[3, _]",
    many: "List[linear]",
    first: "Weight[_, 64]",
    changed: "linear",
    s: "Delta[10, 64]",
    p: "Tree[Weight]",
    o: "sgd",
    tuned: "Model",
    q: "(Int, Tensor[2])",
    gt: "Tensor[3]",
  });
});

test("layers have the shapes that they compute", () => {
  const types = typesOf(`recipe r {
  let x = zeros([3, 4]), i = zeros_like(x, dtype = i32)
  let e = einsum("ij,kj->ki", x, zeros([5, 4]))
  let n = einsum("ij->", x)
  let t = take(x, [0, 2], axis = 1)
  let u = take(x, i)
  let h = one_hot(i, 7)
  let k = top_k(x, 2).values
  let c = cumsum(x)
  let m = maximum(x, 1)
  let s = relu(x) + gelu(x) * silu(x)
  let b = zeros_like(x, dtype = bool)
  let g = straight_through(round(x), x)
}`);
  assert.equal(types, {
    x: "Tensor[3, 4]",
    i: "Tensor[3, 4, i32]",
    e: "Tensor[5, 3]",
    n: "Float",
    t: "Tensor[3, 2]",
    u: "Tensor[3, 4, 4]",
    h: "Tensor[3, 4, 7]",
    k: "Tensor[3, 2]",
    c: "Tensor[3, 4]",
    m: "Tensor[3, 4]",
    s: "Tensor[3, 4]",
    b: "Tensor[3, 4, bool]",
    g: "Tensor[3, 4]",
  });
});

const wrong: readonly (readonly [name: string, text: string, ...found: string[]])[] = [
  ["an unknown name in a member", "module m() { forward(x) = x * y }", "N001 y"],
  ["a field before it is declared", "module m() { child = a; param a: Tensor[2] = zeros() }", "N001 a"],
  ["an initialiser elsewhere", "module m() { forward(x) = x + kaiming_uniform() }", "N001 kaiming_uniform"],
  ["an unknown argument of an initialiser", "module m() { param a: Tensor[2] = normal(sd = 1) }", "N004 sd"],
  ["an initialiser without a type", "module m() { buffer a = ones() }", "T024 ones()"],
  ["a field with nothing", 'module m() { param a as "a" }', 'T024 param a as "a"'],
  [
    "a first value of another shape",
    "module m(n: Int) { param a: Tensor[n, 2] = zeros([2, 2, 2]) }",
    "H002 zeros([2, 2, 2])",
  ],
  ["an unknown stored name", 'module m() { stored a as "a" }', "N001 a"],
  [
    "a delta of another shape",
    `${linear}adapter t(r: Int) on linear(weight: Weight[out, in]) { param A: Tensor[r, in] = zeros(); param B: Tensor[out, r] = zeros(); delta = A.T @ B.T }`,
    "H002 A.T @ B.T",
  ],
  [
    "inner lengths of a delta",
    `adapter t(r: Int) on linear(weight: Weight[out, in]) { param A: Tensor[r, in] = zeros(); param B: Tensor[out, r] = zeros(); delta = A @ B }`,
    "H003 @",
  ],
  [
    "a result of another shape",
    "module m(n: Int, k: Int) { param w: Weight[n, k] = zeros(); forward(x: Tensor[*b, k]) -> Tensor[*b, k] = x @ w.T }",
    "H002 x @ w.T",
  ],
  ["an adapter that does nothing", "adapter a() on linear { updte(x) = x }", "T020 a"],
  ["update twice", "adapter a() on linear { update(x) = x; update(y) = y }", "T021 update"],
  ["two deltas", "adapter a() on linear { delta = 0; delta = 1 }", "T021 delta = 1"],
  ["a field twice", "module m() { param a: Tensor[2] = zeros(); child = [1]; param a: Tensor[3] = zeros() }", "N002 a"],
  ["an assignment to a parameter", "optimizer o(lr: Float) { update(p, g) { lr <- 2; return p - lr * g } }", "T022 lr"],
  ["an assignment to a let", "module m() { forward(x) { let y = x; y <- 2 * y; return y } }", "T022 y"],
  ["an assignment to nothing", "module m() { forward(x) { y <- 2 * x; return x } }", "N001 y"],
  [
    "an assignment of another shape",
    "module m() { buffer a: Tensor[2] = zeros(); forward(x) { a <- zeros([3]); return x } }",
    "H002 zeros([3])",
  ],
  ["an assignment in a def", "def f(x: Float) -> Float { let y = x; y <- 2; return y }", "T023 y <- 2"],
  [
    "an assignment in a lambda",
    "module m() { state a = 0; forward(x) { return fold([1], x, (s, i) => { a <- i; return s }) } }",
    "T023 a <- i",
  ],
  ["an assignment among members", "module m() { state a = 0; a <- 1; forward(x) = x }", "T027 a <- 1", "T022 a"],
  ["a loss in a recipe", "recipe r { loss 1 }", "T023 loss 1"],
  ["a loss in an optimizer", "optimizer o() { update(p, g) { loss sum(g); return p } }", "T023 loss sum(g)"],
  ["an emit in a def", "def f(x: Float) -> Float { emit a = x; return x }", "T023 emit a = x"],
  ["an optimizer without update", "optimizer o() { state m = 0 }", "T025 o"],
  [
    "an optimizer with a buffer",
    "optimizer o() { buffer m: Tensor[2] = zeros(); update(p, g) = p }",
    "T027 buffer m: Tensor[2] = zeros()",
  ],
  ["a router without gates", "router r(n: Int) on (x: Tensor[*b, d]) -> Tensor[*b, n] { let y = x }", "T026 r"],
  [
    "gates of another shape",
    "router r(n: Int) on (x: Tensor[*b, d]) -> Tensor[*b, n] { param w: Tensor[n, d] = zeros(); return x @ w }",
    "H003 @",
  ],
  ["a return among members", "module m() { forward(x) = x; return 1 }", "T027 return 1"],
  [
    "a new weight in a module",
    "module m() { param weight: Weight[2] = zeros(); weight' = weight; forward(x) = x }",
    "T027 weight' = weight",
  ],
  ["a member without a value", "module m() { forward(x) { let _y = x } }", "T009 forward"],
  [
    "a running condition",
    "module m() { param a: Tensor[2] = zeros() if norm(zeros([2])) > 1; forward(x) = x }",
    "T007 norm(zeros([2])) > 1",
  ],
  [
    "an unknown argument of a module",
    `${linear}recipe r { report linear(2, out = 3, bias = true).weight }`,
    "N004 bias",
  ],
  ["a missing argument", `${linear}recipe r { report linear(2).weight }`, "T003 linear(2)"],
  ["an unknown field", `${linear}recipe r { report linear(2, 3).wieght }`, "N003 wieght"],
  ["an unknown field to change", `${linear}recipe r { report lora(2) with { C: 1 } }`, "N003 C"],
  [
    "a field changed to another shape",
    `${linear}recipe r { report linear(2, 3) with { weight: zeros([2, 2]) } }`,
    "H002 zeros([2, 2])",
  ],
  ["an input of another length", `${linear}recipe r { report linear(2, 3)(zeros([4, 5])) }`, "H002 zeros([4, 5])"],
  [
    "a named input misspelt",
    `${linear}recipe r { report linear(2, 3)(x1 = zeros([4, 2])) }`,

    "T003 linear(2, 3)(x1 = zeros([4, 2]))",
    "N004 x1",
  ],
  ["a module without forward called", "module m() { }\nrecipe r { report m()(1) }", "T005 m()"],
  ["an optimizer called", `${linear}recipe r { report sgd(0.1)(1) }`, "T005 sgd(0.1)"],
  [
    "an adapter in place of an optimizer",
    `${linear}def f(o: Optimizer) = o\nrecipe r { report f(lora(2)) }`,
    "T001 lora(2)",
  ],
  [
    "a number in place of an adapter",
    "optimizer o(inner: Optimizer) { update(p, g, s) = inner.update(p, g, s) }\nrecipe r { report o(3).init(1) }",
    "T001 3",
  ],
  ["axes of a weight", `${linear}def f(l: linear[a, b, c]) = l`, "H005 linear[a, b, c]"],
  [
    "two weights of different lengths",
    `${linear}def f(a: linear[n, m], b: linear[k, n]) = a\nrecipe r { report f(linear(2, 3), linear(4, 5)).weight }`,
    "T001 linear(4, 5)",
  ],
  ["with on a number", "recipe r { report 1 with { a: 2 } }", "T001 1"],
  ["with of a number", 'recipe r { report load("a") with 2 }', "T001 2"],
  ["an unknown field of a record", "def f(p: { a: Int }) = p with { b: 1 }", "N003 b"],
  ["a data set in a def", 'def f() = dataset("a")', 'T014 dataset("a")'],
  ["a gradient of a tensor", "recipe r { report grad(x => x * 2, zeros([3])) }", "T001 x => x * 2"],
  ["an operand of an einsum", 'recipe r { report einsum("ij,jk->ik", zeros([2, 3]), zeros([3])) }', "H005 zeros([3])"],
  [
    "lengths of an einsum",
    'recipe r { report einsum("ij,jk->ik", zeros([2, 3]), zeros([4, 3])) }',
    "H003 zeros([4, 3])",
  ],
  ["a letter of an einsum", 'recipe r { report einsum("ij->ik", zeros([2, 3])) }', 'H005 "ij->ik"'],
  [
    "a running warm-up",
    "optimizer o(lr: Float) { update(p, g, step) = p - lr * g }\nrecipe r { report o(by step { warmup norm(zeros([2])), cosine 1 .. 0 }).init(1) }",
    "T007 norm(zeros([2]))",
  ],
  ["a definition that contains itself", "module m() { child = m() }", "N008 m"],
  ["an import that nothing uses", "use std.merge.{blend}\nmodule m() { blend = 1 }", "N009 blend"],
];

for (const [name, text, ...found] of wrong) {
  test(name, () => {
    assert.equal(findings(text), found);
  });
}

const right: Record<string, string> = {
  "an import used for a child of the same name": "use std.merge.{blend}\nmodule m() { blend = blend; forward(x) = x }",
  "a member with the name of a definition":
    "module body() { forward(x) = x }\nmodule bert() { bert = body(); body = bert; forward(x) = body(bert(x)) }",
  "what a static choice leaves out":
    "module m(c: Bool) { part both(x) { let y = if c then 2 * x else none; return { x, y } }; forward(x) { let r = both(x), y = r.y; return y + r.x } }",
  "a length that a let computes":
    "adapter a(f: Bool) on linear(weight: Weight[out, in]) { let n = if f then 1 else out; param s: Tensor[n, 1] = ones(); weight' = s * weight }",
  "a let that is none by a static choice":
    "def f(x: Tensor[n], c: Bool) -> Tensor[n] { let m = if c then x else none; return if c then x * m else x }",
  "an import used as a host": "use std.merge.{blend}\nadapter a() on blend { delta = 0 }",
  "the length of a List of modules": `${linear}module m(d: Int) { layers = [linear(d, d) for _ in 0..2]; forward(x: Tensor[*b, d]) = fold(layers, x, (h, l) => l(h)) }`,
  "side inputs pass through": `${linear}recipe r { report linear(2, 3)(zeros([4, 2]), gates = 1, .., mask = none) }`,
  "functions and lets of a module see each other":
    "module m(d: Int) { let half = div(d, 2); part a(x) = b(x) * half; part b(x, k: Int = 2) = k * x; forward(x) = a(x) + b(x, k = 3) }",
  "what a lambda may return":
    "module m() { state n = 0.0; forward(x) { n <- n + 1; let f = y => y + n; return f(x) } }",
  "parameters in a rule":
    "adapter a() on linear { param w: Tensor[3] = zeros(); delta = 0; rule(step, g) { w <- where(w > 0, w, 0) * step } }",
  "on load binds lets":
    'adapter a() on linear { param w: Tensor[3] = zeros(); let k = 2 * w; stored flat = k as "k"; on load { k = flat }; delta = k }',
  "cases over the steps": "recipe r { let a = by step { 0..10 => 1.0, 10 => 2.0, else 3.0 }\n report a }",
  "a module where a model is declared": `${linear}def f(m: Model) -> Model = m\nrecipe r { save(f(linear(2, 3)), to = "o"); save(f(attach(linear(2, 3), lora(2))), to = "p") }`,
  "an optimizer with a schedule": `${linear}recipe r { let o = sgd(by step { warmup 10, linear 1 .. 0 }), p = sgd(by depth { 0 .. 1 })\n report [o.init(1), p.init(2)] }`,
  "log by name":
    "recipe r { let x = iterate(3, 1.0, (s, i) => { log(loss = s, step = i); return log(s) })\n report x }",
  "a model is called": 'recipe r { let m = load("m"), y = m(zeros([2]), mask = none)\n report y.logits }',
  "fields under a condition":
    "module m(c: Bool) { param b: Tensor[2] = zeros() if c; forward(x: Tensor[2]) -> Tensor[2] = if c then x + b else x }",
  "optional fields":
    "module m(c: Bool) { param b: Tensor[2] = zeros() if c; forward(x) = match b { none => x, b => x + b } }",
  "the words of members as names":
    "def f(state: Float, loss: Float, param: Float, weight: Float, hosts: Float, training: Float) = state + loss + param + weight + hosts + training",
};

for (const [name, text] of Object.entries(right)) {
  test(name, () => {
    assert.equal(findings(text), []);
  });
}

test("help names what was meant", () => {
  assert.match(firstOf("adapter a() on linear { updat(x) = x }").help!, /`update` instead of `updat`/);
  assert.match(firstOf("optimizer o() { state mean = 0; update(p, g) { meen <- g; return p } }").message, /meen/);
  assert.match(firstOf("recipe r { report kaiming_uniform() }").help!, /first value of a field/);
});

test("meanings tell what instances offer", () => {
  const { files, result } = checkTexts(new Map([["main.peft", linear]]));
  const [definition] = files.get("main.peft")!.definitions;
  const meaning = result.meaningOf({ definition, file: "main.peft", use: null })!;
  assert.equal(
    [...meaning.fields].map(([name, t]) => `${name}: ${showType(t)}`),
    ["in: Int", "out: Int", "biased: Bool", "weight: Weight[out, in]", "bias: Weight[out]?"],
  );
  assert.equal(
    [...meaning.functions].map(([name, f]) => `${name} -> ${showType(f.result)}`),
    ["twice -> Tensor[*b, out]", "forward -> Tensor[*b, out]"],
  );
});

test("the typed tree shows members", () => {
  const { files, result } = checkTexts(new Map([["main.peft", linear]]));
  const printed = printTyped(files.get("main.peft")!, result);
  for (const line of [
    "module linear(in: Int, out: Int, biased: Bool = …) -> linear",
    "  param weight: Weight[out, in]",
    "  forward(x: Tensor[*b, in]) -> Tensor[*b, out]",
    "  delta: Tensor[out, in]",
    "optimizer sgd(lr: Float) -> sgd",
  ])
    assert.ok(printed.includes(`${line}\n`), `${line} in:\n${printed}`);
});

test("hostile modules end in findings, not in a crash", () => {
  for (const text of [
    "module __proto__() { param __proto__: Tensor[2] = zeros(); forward(constructor) = constructor }\nrecipe r { report __proto__().toString }",
    "optimizer o() { update() = 1 }\nrecipe r { report o().update(1, 2) }",
    "router r() { return 1 }\nrecipe q { report r()(1) }",
    "adapter a() on x { forward() = host }\nrecipe q { report a()() }",
    "module m() { m = 1; forward(m) = m }",
    "module m(f: (m) -> m) { forward(x: m[a]) -> m[b] = x }",
    "module a() { c = b() }\nmodule b() { c = a() }",
    'recipe r { report einsum("", 1); report einsum("->"); report einsum("a,a->a", 1, 2) }',
    "recipe r { report value_and_grad(1, 2); report iterate(1, 2, 3); report scan(1, 2, (a, b) => a) }",
    "recipe r { report take(1, 2, 3); report top_k([1], [2]); report one_hot(none, none); report cumsum(zeros([2]), axis = 5) }",
  ]) {
    assert.ok(Array.isArray(findings(text)), text);
  }
});

test.run();
