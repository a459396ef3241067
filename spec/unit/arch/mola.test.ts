/**
 * MoLA, whose routers lie in every map and whose loss is that of a block: golden cases of its forward, its loss, three
 * steps of training and its counts. Where a naive baseline has a name, the library's result must be away from it.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type MethodCase, methodCases } from "./golden-methods.js";
import { run, runResident, type Tensor, tensorOf } from "./run.js";

const cases = methodCases("mola");

/** What a case offers to a recipe: its inputs, outputs (`out.y`) and naive results (`naive.x/y`). */
function tensors(c: MethodCase): ReadonlyMap<string, Tensor> {
  const named = (prefix: string, of: ReadonlyMap<string, Tensor>) =>
    [...of].map(([name, t]): [string, Tensor] => [`${prefix}${name}`, t.shape.length === 0 ? { ...t, shape: [1] } : t]);
  return new Map([...named("", c.inputs), ...named("out.", c.outputs), ...named("naive.", c.naive)]);
}

const away = (found: string, name: string) => `report max(abs(${found} - e["${name}"])) / max(abs(e["${name}"]))`;

/** Entries for the tensors of mola at a path from stacked ones. */
function entries(path: string, prefix: string, experts: number): string {
  const at = path === "" ? "" : `${path}.`;
  const bank = Array.from({ length: experts }, (_, i) => [
    `"${at}bank.${i}.lora_A.weight": e["${prefix}A"][${i}]`,
    `"${at}bank.${i}.lora_B.weight": e["${prefix}B"][${i}]`,
  ]);
  return [`"${at}router.router.weight": e["${prefix}R"]`, ...bank.flat()].join(", ");
}

const uses = `use std.adapter.{lora}
use std.arch.{linear}
use std.loss.{mean_surprise}
use std.optim.{adamw}
use std.router.{mola, mola_experts}
`;

for (const c of [...cases.values()].filter((c) => c.kind === "linear" && c.params.dropout === undefined)) {
  test(`golden: ${c.name}`, () => {
    const e = tensors(c);
    const [out, width] = c.inputs.get("W")!.shape;
    const experts = c.inputs.get("R")!.shape[0];
    const { r, alpha, top_k } = c.params;
    const biased = c.inputs.has("b");
    const { reported } = run(
      `${uses}
recipe r {
  let e = load("case")
  let m = linear(${width}, ${out}, biased = ${biased}) with { "weight": e["W"]${biased ? ', "bias": e["b"]' : ""} }
  let a = attach(m, mola(experts = ${experts}, k = ${top_k}, rank = ${r}, alpha = ${alpha})) with { ${entries("", "", experts)} }
  let y = a(e["x"])
  ${away("y", "out.y")}
  ${[...c.naive.keys()].map((name) => away("y", `naive.${name}`)).join("\n  ")}
}`,
      { case: e },
    );
    assert.ok(reported[0] <= c.tolerance, `${reported}`);
    for (const naive of reported.slice(1)) assert.ok(naive > 100 * c.tolerance, `like a naive one: ${reported}`);
  });
}

/** Each token and expert has its own mask: masked inputs are those of an expert whose A lacks these columns. */
test("golden: linear-dropout, token by token", () => {
  const c = cases.get("linear-dropout")!;
  const { r, alpha, top_k, dropout } = c.params;
  const [out, width] = c.inputs.get("W")!.shape;
  const y = Array.from({ length: c.inputs.get("x")!.shape[0] }, (_, t) => {
    const bank = [0, 1, 2, 3].flatMap((i) => [
      `"bank.${i}.lora_A.weight": e["A"][${i}] * e["keep"][${i}, ${t}] / ${1 - dropout}`,
      `"bank.${i}.lora_B.weight": e["B"][${i}]`,
    ]);
    return `report max(abs((a with { "router.router.weight": e["R"], ${bank.join(", ")} })(e["x"][${t}..${t + 1}]) - e["out.y"][${t}..${t + 1}])) / max(abs(e["out.y"]))`;
  });
  const { reported } = run(
    `${uses}
recipe r {
  let e = load("case")
  let a = attach(linear(${width}, ${out}, biased = false) with { "weight": e["W"] }, mola(experts = 4, k = ${top_k}, rank = ${r}, alpha = ${alpha}))
  ${y.join("\n  ")}
}`,
    { case: tensors(c) },
  );
  for (const x of reported) assert.ok(x <= c.tolerance, `${reported}`);
});

test("while training each expert drops entries of its own, and the router none", async () => {
  const e = new Map([
    [
      "x",
      tensorOf(
        [40, 64],
        Array.from({ length: 40 * 64 }, (_, i) => Math.sin(i) + 1.5),
      ),
    ],
  ]);
  const { reported } = await runResident(
    `${uses}
def with_ones(a: Model) -> Model {
  return a with { "bank.0.lora_A.weight": ones([1, 64]), "bank.1.lora_A.weight": ones([1, 64]), "bank.0.lora_B.weight": ones([1, 1]), "bank.1.lora_B.weight": -ones([1, 1]) }
}
recipe r {
  let e = load("case")
  let m = linear(64, 1, biased = false)
  let b = with_ones(attach(m, mola(experts = 2, k = 2, rank = 1, alpha = 1, dropout = 50%)) with { "router.router.weight": zeros([2, 64]) })
  let (l, _) = value_and_grad(p => mean(((b with p)(e["x"]) - m(e["x"])) ^ 2), trainable(b))
  report max(abs(b(e["x"]) - m(e["x"])))
  report l
}`,
    { case: e },
  );
  // With even gates the two experts cancel: not if each has a mask of its own.
  assert.ok(reported[0] < 1e-4 && reported[1] > 10, `${reported}`);
});

test("golden: the loss of a block is that of the tokens of all its maps together", async () => {
  const c = cases.get("balance")!;
  const widths = ["q", "v", "down"].map((l) => c.inputs.get(`${l}.x`)!.shape[1]);
  const gates = ["q", "v", "down"].map((l) => `"${l}.router.router.weight": e["${l}.R"]`).join(", ");
  const { reported } = await runResident(
    `${uses}
module maps() {
  q    = linear(${widths[0]}, 3)
  v    = linear(${widths[1]}, 3)
  down = linear(${widths[2]}, 3)
  forward(x: Tensor[t, a], y: Tensor[t, a], z: Tensor[t, c]) = q(x) + v(y) + down(z)
}
recipe r {
  let e = load("case")
  let m = attach(maps(), mola(experts = 4, k = 2, rank = 2, balance = 1.0)) with { ${gates} }
  let (l, _) = value_and_grad(p => 0 * sum((m with p)(e["q.x"], e["v.x"], e["down.x"]), over = tensor), trainable(m))
  ${away("l", "out.L_aux")}
  ${away("l", "naive.not_divided_by_k/L_aux")}
  ${away("l", "naive.mean_over_linears/L_aux")}
}`,
    { case: tensors(c) },
  );
  assert.ok(reported[0] <= c.tolerance, `${reported}`);
  assert.ok(reported[1] > 0.1 && reported[2] > 100 * c.tolerance, `${reported}`);
});

for (const name of ["train", "train-from-start"]) {
  test(`golden: ${name}, three steps of AdamW`, async () => {
    const c = cases.get(name)!;
    const { r, alpha, coefficient, lr, weight_decay } = c.params;
    const layer = (l: number) => entries(`layers.${l}`, `${l}.`, l === 0 ? 3 : 4);
    const leaves = [0, 1].flatMap((l) =>
      [
        "R",
        ...Array.from({ length: l === 0 ? 3 : 4 }, (_, i) => `A${i}`),
        ...Array.from({ length: l === 0 ? 3 : 4 }, (_, i) => `B${i}`),
      ].map((t) => ({
        leaf: t === "R" ? `layers.${l}.router.router.weight` : `layers.${l}.bank.${t.slice(1)}.lora_${t[0]}.weight`,
        role: `${l}.${t[0]}`,
        at: t === "R" ? "" : `[${t.slice(1)}]`,
      })),
    );
    const moved = leaves.filter((x) => !c.zero.includes(`grad.${x.role}`));
    const compare = (tree: string, prefix: string, of: typeof leaves) =>
      of.map(
        (x) =>
          `report max(abs(${tree}["${x.leaf}"] - e["out.${prefix}.${x.role}"]${x.at})) / max(abs(e["out.${prefix}.${x.role}"]))`,
      );
    const { reported } = await runResident(
      `${uses}
module net() {
  layers = [linear(10, 14), linear(14, 14)]
  head   = linear(14, 5, biased = false)
  forward(x: Tensor[t, d]) = head(tanh(layers[1](tanh(layers[0](x)))))
}
recipe r {
  let e = load("case")
  let base = net() with { "layers.0.weight": e["0.W"], "layers.0.bias": e["0.b"], "layers.1.weight": e["1.W"], "layers.1.bias": e["1.b"], "head.weight": e["head"] }
  let m = attach(base, h => mola(experts = if h.layer == 0 then 3 else 4, k = 2, rank = ${r}, alpha = ${alpha}, balance = ${coefficient}), to = "layers.*") with { ${layer(0)}, ${layer(1)} }
  let o = adamw(lr = ${lr}, decay = ${weight_decay}), start = trainable(m)
  let (l0, g0) = value_and_grad(p => mean_surprise((m with p)(e["x"]), e["labels"]), start)
  let end = iterate(3, { p: start, s: o.init(start), losses: zeros([3]) }, (now, i) => {
    let (l, g) = value_and_grad(p => mean_surprise((m with p)(e["x"]), e["labels"]), now.p)
    let (p, s) = o.step(now.p, g, now.s, i + 1)
    return { p, s, losses: where(iota(3) == i, l, now.losses) }
  })
  ${away('mean_surprise(m(e["x"]), e["labels"])', "out.task_loss")}
  ${away("end.losses", "out.losses")}
  ${compare("end.p", "after3", moved).join("\n  ")}
  ${compare(
    "g0",
    "grad",
    leaves.filter((x) => !c.zero.includes(`grad.${x.role}`)),
  ).join("\n  ")}
  ${away('g0["layers.1.router.router.weight"]', "naive.no_balance_loss/grad.1.R")}
}`,
      { case: tensors(c) },
    );
    const naive = reported.at(-1)!;
    reported.slice(0, -1).forEach((x, i) => {
      assert.ok(x <= c.tolerance, `${i}: ${x} of ${reported}`);
    });
    assert.ok(naive > 100 * c.tolerance, `like the gradient without the loss of a block: ${naive}`);
  });
}

test("golden: numbers of trained values", () => {
  for (const name of ["count-2468", "count-8228"]) {
    const c = cases.get(name)!;
    const linears = c.params.linears as [number, number][];
    const groups = (c.params.experts as string).split(",").map((g) => g.split("x")[0]);
    const { saved } = run(`${uses}
module block() {
  ${linears.map(([a, b], i) => `m${i} = linear(${a}, ${b})`).join("; ")}
  forward(x) = x
}
module net() {
  layers = [block() for _ in 0..8]
  forward(x) = x
}
recipe r {
  let m = attach(net(), h => mola(experts = mola_experts([${groups}], h.layer, h.layers), rank = ${c.params.r}), to = "layers.*")
  save(trainable(m), to = "out")
}`);
    const found = Array.from({ length: 8 }, () => 0);
    for (const [tensor, { shape }] of saved)
      found[Number(/layers\.(\d+)/.exec(tensor)![1])] += shape.reduce((a, b) => a * b, 1);
    assert.equal(found, [...c.outputs.get("parameters")!.data], name);
  }
});

test.run();
