/** Modules, adapters, routers, optimizers: their headers, their members, and words that stay names. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parse, printTree } from "../../../grammar/index.js";
import { membersOf, mistakes, shapeOf, shapesOf } from "./shape.js";

test("the corpus of modules parses without a diagnostic", () => {
  const text = readFileSync("spec/unit/grammar/modules.peft", "utf8");
  const { file, diagnostics } = parse("modules.peft", text);
  assert.equal(
    diagnostics.map((d) => `${d.message} ${text.slice(d.primary.span!.start, d.primary.span!.start + 40)}`),
    [],
  );
  assert.is(file.definitions.length, 30);
  const printed = printTree(file);
  assert.match(printed, /\n {2}adapter lora doc="LoRA/);
  assert.match(printed, /\n {4}members: field param own A doc="The way down." \d/);
  assert.not.match(printed, /object Object/);
});

test("headers", () => {
  const header = (text: string) => {
    const { file, diagnostics } = parse("a", text);
    assert.equal(diagnostics, [], text);
    const d = file.definitions[0];
    if (!("members" in d)) throw new Error(d.kind);
    return [d.kind, d.on?.kind?.text ?? null, d.on?.params.length ?? 0, d.on?.alias?.text ?? null, d.on?.groupBy?.kind];
  };
  assert.equal(header("module m { }"), ["module", null, 0, null, undefined]);
  assert.equal(header("adapter a on linear { }"), ["adapter", "linear", 0, null, undefined]);
  assert.equal(header("adapter a()\n  on linear(weight: Weight[out, in], bias: Weight[out]?)\n  as h\n{\n}"), [
    "adapter",
    "linear",
    2,
    "h",
    undefined,
  ]);
  assert.equal(header("adapter a() on linear as host group by div(host.layer, 4) { }"), [
    "adapter",
    "linear",
    0,
    "host",
    "call",
  ]);
  assert.equal(header("router r() on (x: Tensor[*b, d]) -> Tensor[*b, n] { return x }"), [
    "router",
    null,
    1,
    null,
    undefined,
  ]);
  assert.equal(header("optimizer sgd(lr: Float) { update(p, g) = p - lr * g }")[0], "optimizer");
});

test("members of every kind", () => {
  const members = (text: string) => membersOf(`adapter a on linear {\n${text}\n}`);
  assert.equal(members('param A: Tensor[r, in] = zeros() as "lora_A.weight"'), [
    'own param A: Tensor[r,in] = (call zeros) as "lora_A.weight"',
  ]);
  assert.equal(members('param w: Weight[out, in] = zeros() as "w".T if turned'), [
    'own param w: Weight[out,in] = (call zeros) as "w".T if turned',
  ]);
  assert.equal(members('param b = zeros() if biased as "b$' + '{i}" if c or d'), [
    'own param b = (call zeros) if biased as "b<i>" if (or c d)',
  ]);
  assert.equal(members("shared param a: Tensor[n]\nglobal buffer b = 1\nseeded c = 2\nstate d = 3"), [
    "shared param a: Tensor[n]",
    "global buffer b = 1",
    "own seeded c = 2",
    "own state d = 3",
  ]);
  assert.equal(
    members('shared carry e: Tensor[n] = zeros()\nside f: Tensor[n]?\nstored g = h as "g"\nstored i as "i"'),
    [
      "shared carry e: Tensor[n] = (call zeros)",
      "own side f: Tensor[n]?",
      'own stored g = h as "g"',
      'own stored i as "i"',
    ],
  );
  assert.equal(members("bank = [lora(r) for _ in 0..n]\nfrozen base = m\nshared net = mlp(d)\nglobal ln = norm(d)"), [
    "own child bank = (each (call lora r) (for _ (.. 0 n)))",
    "own child frozen base = m",
    "shared child net = (call mlp d)",
    "global child ln = (call norm d)",
  ]);
  assert.equal(members("delta = a\nweight' = weight + b // it's\nbias' = c\nconfig { r: rank, \"a.b\": 1 }"), [
    "delta a",
    "weight' (+ weight b)",
    "bias' c",
    "config (record r:rank a.b:1)",
  ]);
  assert.equal(members("forward(x: Tensor[n], ..) -> Tensor[n] = host(x, .., keys = k)\nupdate(x)\n  = x"), [
    "forward(x, ..) -> Tensor[n] (call host x .. keys=k)",
    "update(x) x",
  ]);
  assert.equal(members("part ffn(x) = x\nrule(step, g) {\n  m <- g\n}\nemit(x) { return x }"), [
    "part ffn(x) x",
    "rule(step, g) {m <- g}",
    "emit(x) x",
  ]);
  assert.equal(members("on load { a = b\n let c = d; e <- f }"), ["load {a <- b; let c = d; e <- f}"]);
  assert.equal(members('require(a, "b")\nloss a\nlet b = c\nif a { loss b }\nreturn b\nf(x)\nf(x) + g({ a: 1 })'), [
    '(call require a "b")',
    "loss a",
    "let b = c",
    "if a {loss b}",
    "return b",
    "(call f x)",
    "(+ (call f x) (call g (record a:1)))",
  ]);
});

test("the words of members are names", () => {
  assert.equal(
    membersOf("module m {\n param = a\n state = b\n frozen = c\n shared = d\n part = e\n delta = f\n config = g\n}"),
    [
      "own child param = a",
      "own child state = b",
      "own child frozen = c",
      "own child shared = d",
      "own child part = e",
      "own child delta = f",
      "own child config = g",
    ],
  );
  assert.equal(
    membersOf(
      "module m(in: Int) {\n param in: Tensor[in] = zeros()\n param matches = 1\n on(x) = x\n part(x) = x\n export = a\n}",
    ),
    [
      "own param in: Tensor[in] = (call zeros)",
      "own param matches = 1",
      "on(x) x",
      "part(x) x",
      "own child export = a",
    ],
  );
  assert.equal(shapesOf("let loss = 1, emit = 2, shared = 3, with = 4, power = 5, warmup = 6, weight = 7, host = 8"), [
    "let loss = 1, emit = 2, shared = 3, with = 4, power = 5, warmup = 6, weight = 7, host = 8",
  ]);
  assert.equal(shapesOf("loss + emit\nshared - with\nwith + with\nparam\nstate.x"), [
    "(+ loss emit)",
    "(- shared with)",
    "(+ with with)",
    "param",
    "(. state x)",
  ]);
  assert.equal(shapesOf("let module = 1, adapter = module, router = adapter, optimizer = on, on = 2"), [
    "let module = 1, adapter = module, router = adapter, optimizer = on, on = 2",
  ]);
});

test("assignments, losses and values to see", () => {
  assert.equal(shapesOf("m <- b * m + g\nm <-\n g\nloss -mean(x)\nloss(x)\nshared loss x + y\nemit gates = g"), [
    "m <- (+ (* b m) g)",
    "m <- g",
    "loss (- (call mean x))",
    "loss x",
    "shared loss (+ x y)",
    "emit gates = g",
  ]);
});

test("with", () => {
  assert.is(shapeOf('m with { "lm_head.weight": w, b }'), "(with m (record lm_head.weight:w b:b))");
  assert.is(shapeOf("f(a with b with c.d(e), g)"), "(call f (with (with a b) (call (. c d) e)) g)");
  assert.is(shapeOf("a + b with c * d"), "(+ a (* (with b c) d))");
  assert.is(shapeOf("lora(r = 1) with { A: x }"), "(with (call lora r=1) (record A:x))");
  assert.is(shapeOf("a with { __proto__: 1 }"), "(with a (record __proto__:1))");
});

test("schedules over the steps", () => {
  assert.is(shapeOf("by step { warmup 10, cosine 1e-3 .. 0 }"), "(by-step (warmup 10) (cosine 1e-3 0))");
  assert.is(shapeOf("by step { linear a .. b / 2 }"), "(by-step (linear a (/ b 2)))");
  assert.is(shapeOf("by step { polynomial 1 .. 0 power 2\n warmup n }"), "(by-step (warmup n) (polynomial 1 0 2))");
  assert.is(shapeOf("by step { constant 1e-3 }"), "(by-step (constant 1e-3))");
  assert.is(shapeOf("by step { 0..10 => warmup, else linear }"), "(by-step (.. 0 10)=>warmup else=>linear)");
  assert.is(shapeOf("by step { linear => 1, cosine + 1 => 2 }"), "(by-step linear=>1 (+ cosine 1)=>2)");
});

test("a mistake in a member hides no other member", () => {
  const text =
    "adapter a on linear {\n  param A: = 1\n  param B: Tensor[r] = 2 3\n  delta = B\n  update(x = y\n  let c = 1\n}\ndef f() = 1\n";
  const { file, diagnostics } = parse("a", text);
  assert.is(diagnostics.length, 3, diagnostics.map((d) => d.message).join("; "));
  const [a, f] = file.definitions;
  assert.is(f.name.text, "f");
  assert.ok("members" in a && a.members.some((m) => m.kind === "delta"));
  assert.ok("members" in a && a.members.some((m) => m.kind === "statement"));
});

test("hostile members are reported", () => {
  const many = 5_000;
  for (const text of [
    `module m {\n${"f(".repeat(many)}`,
    `module m {\n${"f()\n".repeat(many)}`,
    `adapter a on linear {\n${"weight' = ".repeat(many)}}`,
    `module m { ${"param ".repeat(many)}}`,
    `def f() = a${" with b".repeat(many)}`,
    `def f() = ${"a with (".repeat(many)}`,
    `adapter a on ${"on ".repeat(many)}`,
    `optimizer o { ${"a <- ".repeat(many)}}`,
  ]) {
    const found = mistakes(text);
    assert.ok(found.length > 0 && found.length <= 100, text.slice(0, 40));
  }
});

test.run();
