/**
 * Kinds of fields of modules and adapters, each in a network small enough to compute by hand: what groups of hosts share,
 * what is kept while training, what is drawn anew, what travels with a call, what is stored in another form.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { run, runResident, tensorOf } from "./run.js";

const net = `use std.arch.{linear}
use std.adapter.{lora}
use std.loss.{mse}
module block(d: Int) {
  query = linear(d, d, biased = false)
  value = linear(d, d, biased = false)
  forward(x: Tensor[*b, d]) = x + query(x) + value(x)
}
module net(d: Int = 3, n: Int = 2) {
  layers = [block(d) for _ in 0..n]
  head   = linear(d, 2)
  forward(x: Tensor[*b, d]) = head(fold(layers, x, (h, b) => b(h)))
}
`;

const data = new Map([["x", tensorOf([4, 3], [1, 0, 2, -1, 0.5, 1, 0.25, -2, 1, 0, 1, -1])]]);
const given = { data };

function names(definitions: string, attached: string): string[] {
  const { saved } = run(`${net}${definitions}\nrecipe r { save(trainable(${attached}), to = "out") }`);
  return [...saved.keys()].map((name) => name.replace("base_model.model.", "")).sort();
}

function code(definitions: string, body: string): { code: string; message: string; help: string } {
  try {
    run(`${net}${definitions}\nrecipe r { let x = load("data")["x"]\n ${body} }`, given);
  } catch (error) {
    if (!(error instanceof PeftError)) throw error;
    const [first] = error.diagnostics;
    return { code: first.code, message: first.message, help: first.help ?? "" };
  }
  throw new Error("no mistake was found");
}

const tied = `adapter tied(r: Int = 2) on linear(weight: Weight[out, in]) as host group by host.role {
  global param core: Tensor[r, r] = identity()
  shared param down: Tensor[r, in] = normal()
  param up: Tensor[out, r] = zeros()
  delta = up @ core @ down
}
`;

test("shared tensors are one for a group, global ones one for all; each has a name", () => {
  assert.equal(names(tied, 'attach(net(), tied(), to = "layers.*")'), [
    "layers.0.query.up",
    "layers.0.value.up",
    "layers.1.query.up",
    "layers.1.value.up",
    "tied.core",
    "tied.query.down",
    "tied.value.down",
  ]);
});

test("the gradient of a shared tensor is the sum of its hosts'", async () => {
  const ones = [0, 1].flatMap((l) => ["query", "value"].map((m) => `"layers.${l}.${m}.up": ones([3, 2])`));
  const own = tied.replaceAll("shared ", "").replaceAll("global ", "").replace("tied", "apart");
  const each = (field: string, of: readonly string[]) => of.map((m) => `h["${m}.${field}"]`).join(" + ");
  const all = ["layers.0.query", "layers.1.query", "layers.0.value", "layers.1.value"];
  const { reported } = await runResident(
    `${net}${tied}${own}
recipe r {
  let x = load("data")["x"], m = net()
  let a = attach(m, tied(), to = "layers.*") with { ${ones.join(", ")} }
  let b = attach(m, apart(), to = "layers.*") with { ${ones.join(", ")}, ${all.map((p) => `"${p}.down": a["tied.${p.split(".")[2]}.down"]`).join(", ")} }
  let g = grad(p => mse((a with p)(x), zeros([4, 2])), trainable(a))
  let h = grad(p => mse((b with p)(x), zeros([4, 2])), trainable(b))
  report max(abs(a(x) - b(x)))
  report max(abs(g["tied.query.down"] - (${each("down", all.slice(0, 2))}))) / max(abs(g["tied.query.down"]))
  report max(abs(g["tied.core"] - (${each("core", all)}))) / max(abs(g["tied.core"]))
  report max(abs(g["tied.query.down"] - h["layers.0.query.down"])) / max(abs(g["tied.query.down"]))
}`,
    given,
  );
  assert.ok(reported[0] < 1e-5 && reported[1] < 1e-5 && reported[2] < 1e-5, `${reported}`);
  assert.ok(reported[3] > 1e-2, "the naive one, a tensor for each host, has another gradient");
});

test("what is shared must agree in shape, and nothing else", () => {
  const wide = tied
    .replace("Tensor[r, in] = normal", "Tensor[r, out] = normal")
    .replace("@ core @ down", "@ core @ down[:, ..1] * ones([out, in])");
  const found = code(wide.replace("group by host.role ", ""), "report norm(attach(net(), tied())(x))");
  assert.is(found.code, "R046");
  assert.match(found.message, /down is shared, but is \[2, 3\].*\[2, 2\] for head/);
  run(`${net}${wide}\nrecipe r { let x = load("data")["x"]\n report norm(attach(net(), tied())(x)) }`, given);
});

test("hosts and host.index are those of the group, in the order of the network", () => {
  const counting = `adapter counting() on linear as host group by host.layer {
  global param all: Tensor[len(hosts)] = zeros()
  param mine: Tensor[1 + host.index] = zeros()
  let last = host.index == len(hosts) - 1
  update(x) = if last then 100.0 * x else x
}
`;
  const { saved, reported } = run(
    `${net}${counting}
recipe r {
  let x = load("data")["x"], m = net() with { "layers.0.query.weight": zeros([3, 3]), "layers.0.value.weight": zeros([3, 3]) }
  let a = attach(m, counting(), to = "layers.*")
  report max(abs(a.layers[0](x) - 102 * x))
  save(trainable(a), to = "out")
}`,
    given,
  );
  const shapes = Object.fromEntries([...saved].map(([name, t]) => [name.replace("base_model.model.", ""), t.shape[0]]));
  assert.equal(shapes, {
    "counting.all": 4,
    "layers.0.query.mine": 1,
    "layers.0.value.mine": 2,
    "layers.1.query.mine": 1,
    "layers.1.value.mine": 2,
  });
  assert.ok(reported[0] < 1e-4, `${reported}`);
});

const counted = `adapter counted() on linear(weight: Weight[out, in]) as host {
  param a: Tensor[in] = ones()
  buffer seen: Tensor[1] = zeros()
  buffer centre: Tensor[in] = zeros()
  update(x: Tensor[*b, in]) {
    if training {
      seen <- seen + 1
      centre <- 0.5 * centre + 0.5 * mean(x, over = 0)
    }
    return sum((x - centre) * a, over = row) * ones([out])
  }
}
`;

test("a buffer keeps what is assigned while training, and does not train", async () => {
  const { reported, saved } = await runResident(
    `${net}${counted}
recipe r {
  let x = load("data")["x"]
  let a = attach(linear(3, 2, biased = false), counted())
  let start = { p: trainable(a), b: buffers(a) }
  let end = iterate(3, start, (now, i) => {
    let ((l, g), b) = assigned(now.b, () => value_and_grad(p => mse((a with now.b with p)(x), zeros([4, 2])), now.p))
    return { p: now.p - 0.01 * g, b }
  })
  let after = a with end.b with end.p
  report end.b["seen"][0]
  report max(abs(end.b["centre"] - 0.875 * mean(x, over = 0)))
  report max(abs(after(x) - (a with end.p)(x)))
  save(adapters(after), to = "out")
}`,
    given,
  );
  assert.is(reported[0], 3);
  assert.ok(reported[1] < 1e-6 && reported[2] > 0.01, `${reported}`);
  assert.equal([...saved.keys()].map((n) => n.split(".").at(-1)).sort(), ["a", "centre", "seen"]);
});

test("a seeded tensor is the same in every step and every run, trains not and is not saved", async () => {
  const random = `adapter random(seed: Int = 3) on linear(weight: Weight[out, in]) as host {
  seeded basis: Tensor[5, out, in] = uniform(-1, 1, seed = seed) / sqrt(5)
  param mix: Tensor[5] = zeros()
  delta = einsum("k,koi->oi", mix, basis)
}
`;
  const recipe = (options: string, adapter: string) => `${net}${random}
recipe r${options} {
  let x = load("data")["x"]
  let a = attach(linear(3, 2, biased = false) with { "weight": ones([2, 3]) }, ${adapter}) with { "mix": iota(5) + 1.0 }
  report sum(a(x), over = tensor)
  save(adapters(a), to = "out")
}`;
  const one = run(recipe("", "random()"), given);
  assert.equal(
    [...one.saved.keys()].map((n) => n.split(".").at(-1)),
    ["mix"],
  );
  assert.is(run(recipe("(seed = 9)", "random()"), given).reported[0], one.reported[0]);
  assert.is.not(run(recipe("", "random(seed = 4)"), given).reported[0], one.reported[0]);
});

test("a carry goes from host to host in a call, and begins anew in the next", () => {
  const chained = `adapter chained() on linear(weight: Weight[out, in]) as host {
  global carry steps: Int = 0
  global carry past: List[Tensor[n, d]] = []
  param a: Tensor[1] = ones()
  update(x: Tensor[n, in]) {
    steps <- steps + 1
    past <- past ++ [x]
    return a * steps * sum(past)
  }
}
`;
  const zero = [0, 1].flatMap((l) => ["query", "value"].map((m) => `"layers.${l}.${m}.weight": zeros([3, 3])`));
  const { reported } = run(
    `${net}${chained}
recipe r {
  let x = load("data")["x"]
  let a = attach(net() with { ${zero.join(", ")}, "head.weight": identity_like(), "head.bias": zeros([2]) }, chained(), to = "layers.*")
  let h0 = x, h1 = h0 + 1 * h0 + 2 * (2 * h0)
  let h2 = h1 + 3 * (2 * h0 + h1) + 4 * (2 * h0 + 2 * h1)
  report max(abs(a(x) - h2[:, ..2])) / max(abs(h2))
  report max(abs(a(x) - a(x)))
}
def identity_like() = where(iota(2)[:, none] == iota(3), 1.0, 0.0)`,
    given,
  );
  assert.ok(reported[0] < 1e-6, `${reported}`);
  assert.is(reported[1], 0);
});

test("a side is an argument of an enclosing call, or a column of the batch", () => {
  const sided = `adapter sided() on linear(weight: Weight[out, in]) as host {
  side task: Tensor[n, i32]
  side weight_of: Float?
  param table: Tensor[3, out] = ones()
  update(x: Tensor[n, in]) = (weight_of ?? 1.0) * take(table, task)
}
`;
  const body = `let a = attach(linear(3, 2, biased = false), sided()), m = linear(3, 2, biased = false)
  let t = iota(4) * 0 + 1, b = a with { "table": stack([zeros([2]), 5 * ones([2]), ones([2])]) }`;
  const { reported } = run(
    `${net}${sided}
recipe r {
  let x = load("data")["x"]
  ${body}
  report max(abs(b(x, task = t) - b(x, task = t - 1) - 5))
  report max(abs(b({ x, task: t, other: 1 }) - b(x, task = t)))
  report max(abs(b(x, task = t, weight_of = 2.0) - b(x, task = t) - 5))
}`,
    given,
  );
  for (const away of reported) assert.ok(away < 1e-5, `${reported}`);
  const missing = code(sided, `${body}\n report norm(b(x))`);
  assert.is(missing.code, "T003");
  assert.match(missing.message, /sided reads task/);
  assert.match(code(sided, `${body}\n report norm(b(x, tsk = t))`).help, /task/);
});

test("a rule runs after the optimizer's step: it sees new parameters and the gradients of the step", async () => {
  const clipped = `adapter clipped(limit: Float) on linear(weight: Weight[out, in]) as host {
  param a: Tensor[out, in] = zeros()
  state steps: Tensor[1] = zeros()
  buffer trace: Tensor[out, in] = zeros()
  delta = a
  rule(step, g) {
    trace <- trace + abs(g.a)
    a <- clamp(a, -limit, limit)
    steps <- steps + step
  }
}
`;
  const { reported, saved } = await runResident(
    `use std.train.{train}
${net}${clipped}
def loss(m: Model, batch) = mse(m(batch.x), batch.x[:, ..2] * 10)
recipe r {
  let x = load("data")["x"]
  let a = attach(linear(3, 2, biased = false), clipped(limit = 0.25))
  let begin = { p: trainable(a), b: buffers(a) }
  let end = iterate(2, begin, (now, i) => {
    let ((l, g), b) = assigned(now.b, () => value_and_grad(p => loss(a with now.b with p, { x: x }), now.p))
    let moved = now.p - g
    let (_, (p, after)) = assigned((moved, b), () => rules(a with b with moved, g, i + 1))
    return { p, b: after }
  })
  report max(abs(end.p["a"]))
  report end.b["steps"][0]
  report min(end.b["trace"])
  save(adapters(a with end.b with end.p), to = "out")
}`,
    given,
  );
  assert.equal([...reported.slice(0, 2)], [0.25, 3]);
  assert.ok(reported[2] > 0, `${reported}`);
  assert.equal([...saved.keys()].map((n) => n.split(".").at(-1)).sort(), ["a", "trace"]);
});

test("what is stored in another form is restored from it", () => {
  const signs = `adapter signs() on linear(weight: Weight[out, in]) as host {
  param latent: Tensor[out, in] = normal()
  stored codes = where(latent >= 0, 1.0, 0.0)   as "codes"
  stored scale = reshape(mean(abs(latent)), [1])   as "scale"
  on load { latent = (2 * codes - 1) * scale }
  delta = if loaded then latent else where(latent >= 0, 1.0, -1.0) * mean(abs(latent))
}
`;
  const once = run(
    `${net}${signs}
recipe r {
  let x = load("data")["x"]
  let a = attach(linear(3, 2, biased = false) with { "weight": ones([2, 3]) }, signs())
  report sum(a(x) ^ 2, over = tensor)
  save(adapters(a), to = "out")
}`,
    given,
  );
  const stored = new Map([...once.saved].map(([name, t]) => [name.split(".").at(-1)!, t]));
  assert.equal([...stored.keys()].sort(), ["codes", "scale"]);
  assert.equal([...new Set(stored.get("codes")!.data)].sort(), [0, 1]);
  const again = run(
    `${net}${signs}
recipe r {
  let x = load("data")["x"]
  let a = attach(linear(3, 2, biased = false) with { "weight": ones([2, 3]) }, signs(), init = load("stored"))
  report sum(a(x) ^ 2, over = tensor)
}`,
    { ...given, stored },
  );
  assert.ok(
    Math.abs(again.reported[0] - once.reported[0]) < 1e-4 * once.reported[0],
    `${again.reported} ${once.reported}`,
  );
});

test("adapters in adapters, in lists and records; a child that all hosts share", () => {
  const nested = `adapter pair(r: Int) on linear(weight: Weight[out, in]) as host {
  parts = { low: lora(r, alpha = r), more: [lora(1, alpha = 1) for _ in 0..2] }
  shared net = linear(in, in, biased = false)
  update(x: Tensor[*b, in]) = parts.low.update(net(x)) + sum([p.update(x) for p in parts.more])
}
`;
  assert.equal(names(nested, 'attach(net(n = 1), pair(2), to = "layers.*")'), [
    "layers.0.query.parts.low.lora_A.weight",
    "layers.0.query.parts.low.lora_B.weight",
    "layers.0.query.parts.more.0.lora_A.weight",
    "layers.0.query.parts.more.0.lora_B.weight",
    "layers.0.query.parts.more.1.lora_A.weight",
    "layers.0.query.parts.more.1.lora_B.weight",
    "layers.0.value.parts.low.lora_A.weight",
    "layers.0.value.parts.low.lora_B.weight",
    "layers.0.value.parts.more.0.lora_A.weight",
    "layers.0.value.parts.more.0.lora_B.weight",
    "layers.0.value.parts.more.1.lora_A.weight",
    "layers.0.value.parts.more.1.lora_B.weight",
    "pair.net.weight",
  ]);
});

test("tune trains tensors of the host and saves them with the adapter; fused, they stay", () => {
  const head = `adapter biases() on linear as host { tune host.bias }
adapter whole() on linear as host { tune host }
`;
  assert.equal(names(head, "attach(net(), biases())"), ["head.bias"]);
  assert.equal(names(head, 'attach(attach(net(), lora(rank = 1), to = "layers.1.query"), whole(), to = "head")'), [
    "head.bias",
    "head.weight",
    "layers.1.query.lora_A.weight",
    "layers.1.query.lora_B.weight",
  ]);
  const { saved } = run(`${net}${head}
recipe r { save(fuse(attach(net(n = 1), whole(), to = "head")), to = "out") }`);
  assert.ok(saved.has("head.weight") && saved.has("layers.0.query.weight"));
});

test("a model is a part of another: frozen it does not train, and its adapters act", () => {
  const around = `module around(inside: Model) {
  frozen base = inside
  top = linear(2, 1)
  forward(x) = top(base(x))
}
module looped(d: Int, n: Int) {
  shared_block = block(d)
  depth = [attach(shared_block, lora(rank = 1, alpha = 1), to = "*") for _ in 0..n]
  forward(x: Tensor[*b, d]) = fold(depth, x, (h, b) => b(h))
}
`;
  assert.equal(names(around, "around(net())"), ["top.bias", "top.weight"]);
  const { reported } = run(
    `${net}${around}
recipe r {
  let x = load("data")["x"], m = net()
  let a = around(attach(m, lora(rank = 1, alpha = 1), to = "head"))
  report max(abs(a(x) - a.top(m(x))))
  let l = looped(3, 2), b = l.shared_block
  report max(abs(l(x) - b(b(x))))
  let moved = l with { "depth.0.shared_block.query.lora_B.weight": ones([3, 1]) }
  report max(abs(moved(x) - l(x)))
  let other = l with { "depth.1.shared_block.query.lora_B.weight": ones([3, 1]) }
  report max(abs(moved(x) - other(x)))
  let wrapped = a with { "base.head.lora_B.weight": ones([2, 1]) }
  report max(abs(wrapped(x) - wrapped.top(m(x))))
}`,
    given,
  );
  assert.ok(reported[0] < 1e-6 && reported[1] < 1e-6, `${reported}`);
  assert.ok(reported[2] > 0.01 && reported[3] > 0.01 && reported[4] > 0.01, `${reported}`);
});

test.run();
