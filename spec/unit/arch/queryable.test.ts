/**
 * Queryable LoRA as an example writes it: one memory for the model, one decision for a block, state from block to block.
 * Golden cases of its parts, of its depth and of three steps of training; baselines must not pass for it.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type MethodCase, methodCases } from "./golden-methods.js";
import { run, runResident, type Tensor } from "./run.js";

const cases = methodCases("queryable-lora");
const definitions = readFileSync("examples/methods/queryable-lora/queryable_lora.peft", "utf8");

function tensors(c: MethodCase): ReadonlyMap<string, Tensor> {
  const named = (prefix: string, of: ReadonlyMap<string, Tensor>) =>
    [...of].map(([name, t]): [string, Tensor] => [`${prefix}${name}`, t.shape.length === 0 ? { ...t, shape: [1] } : t]);
  return new Map([...named("", c.inputs), ...named("out.", c.outputs), ...named("naive.", c.naive)]);
}

const away = (found: string, name: string) => `report max(abs(${found} - e["${name}"])) / max(abs(e["${name}"]))`;

for (const c of [...cases.values()].filter((c) => c.kind === "route")) {
  test(`golden: ${c.name}`, () => {
    const { alpha, r, top_k, lambda } = c.params;
    const query = c.inputs.has("s") ? 'z @ e["Wz"].T + e["s"] @ e["Ws"].T' : 'z @ e["Wz"].T';
    const { reported } = run(
      `${definitions}
recipe r {
  let e = load("case"), z = e["x"] @ e["A"].T
  let w = look_up(${query}, e["keys"], ${c.inputs.has("pi") ? 'e["pi"]' : "none"}, ${top_k}, ${lambda})
  let y = e["x"] @ e["W"].T + ${alpha / r} * (mixed(z, w, e["U"]) @ e["B"].T)
  ${away("w", "out.w")}
  ${away("y", "out.y")}
  ${[...c.naive.keys()].map((name) => away("y", `naive.${name}`)).join("\n  ")}
}`,
      { case: tensors(c) },
    );
    for (const x of reported.slice(0, 2)) assert.ok(x <= c.tolerance, `${reported}`);
    for (const naive of reported.slice(2)) assert.ok(naive > 100 * c.tolerance, `like a naive one: ${reported}`);
  });
}

/** A network of residual blocks `m` with the adapter `a`, whose tensors are those of the case. */
function network(c: MethodCase): string {
  const { r, K, alpha, blocks, top_k, lambda, tau, routing, kl } = c.params;
  const width = c.inputs.get("keys")!.shape[1];
  const [ds] = c.inputs.get("Wa")!.shape;
  const dt = c.inputs.get("E")?.shape[1] ?? 0;
  const each = Array.from({ length: blocks as number }, (_, b) => [0, 1].map((l) => [b, l])).flat();
  const base = each.map(([b, l]) => `"layers.${b}.lin${l}.weight": e["${b}.${l}.W"]`);
  const own = each.flatMap(([b, l]) => ["A", "B"].map((t) => `"layers.${b}.lin${l}.${t}": e["${b}.${l}.${t}"]`));
  const shared = ["U", "keys", "Wz", "Ws", "Wsum", "Wa", ...(dt > 0 ? ["E"] : [])];
  const all = shared.map((t) => `"queryable_lora.${t}": e["${t}"]`);
  return `let e = load("case")
  let m = net() with { ${base.join(", ")} }
  let a = attach(m, queryable_lora(rank = ${r}, atoms = ${K}, width = ${width}, k = ${top_k}, summary_width = ${ds}, alpha = ${alpha}, layers = 1,
    trust = ${lambda}, temperature = ${tau}, instruction_width = ${dt}, routing = "${routing}", near = ${kl ?? "0.0"})) with { ${[...own, ...all].join(", ")} }`;
}

function nets(c: MethodCase): string {
  const [inner, d] = c.inputs.get("0.0.W")!.shape;
  return `use std.arch.{linear}
use std.loss.{mse}
use std.optim.{adamw}
${definitions}
module residual() {
  lin0 = linear(${d}, ${inner}, biased = false)
  lin1 = linear(${inner}, ${d}, biased = false)
  forward(x: Tensor[*b, d]) = x + lin1(tanh(lin0(x)))
}
module net() {
  layers = [residual() for _ in 0..${c.params.blocks}]
  forward(x: Tensor[*b, d]) = fold(layers, x, (h, block) => block(h))
}
`;
}

const call = (c: MethodCase, model: string) =>
  c.inputs.has("t") ? `${model}(e["x"], instruction = e["t"])` : `${model}(e["x"])`;

for (const name of ["depth", "depth-sequence"]) {
  test(`golden: ${name}`, () => {
    const c = cases.get(name)!;
    const { reported } = run(
      `${nets(c)}
recipe r {
  ${network(c)}
  let y = ${call(c, "a")}
  ${away("y", "out.y")}
  ${[...c.naive.keys()].map((n) => away("y", `naive.${n}`)).join("\n  ")}
}`,
      { case: tensors(c) },
    );
    assert.ok(reported[0] <= c.tolerance, `${reported}`);
    for (const naive of reported.slice(1)) assert.ok(naive > 100 * c.tolerance, `like a naive one: ${reported}`);
  });
}

test("golden: three steps of AdamW", async () => {
  const c = cases.get("train")!;
  const each = [0, 1, 2].flatMap((b) =>
    [0, 1].flatMap((l) => ["A", "B"].map((t) => [`layers.${b}.lin${l}.${t}`, `${b}.${l}.${t}`])),
  );
  const shared = ["U", "keys", "Wz", "Ws", "Wsum", "Wa", "E"].map((t) => [`queryable_lora.${t}`, t]);
  const { lr, weight_decay } = c.params;
  const compare = (tree: string, prefix: string) =>
    [...each, ...shared].map(([leaf, role]) => away(`${tree}["${leaf}"]`, `out.${prefix}.${role}`));
  const { reported } = await runResident(
    `${nets(c)}
recipe r {
  ${network(c)}
  let o = adamw(lr = ${lr}, decay = ${weight_decay}), start = trainable(a)
  let (l, g) = value_and_grad(p => mse((a with p)(e["x"], instruction = e["t"]), e["target"]), start)
  let end = iterate(3, { p: start, s: o.init(start), losses: zeros([3]) }, (now, i) => {
    let (l, g) = value_and_grad(p => mse((a with p)(e["x"], instruction = e["t"]), e["target"]), now.p)
    let (p, s) = o.step(now.p, g, now.s, i + 1)
    return { p, s, losses: where(iota(3) == i, l, now.losses) }
  })
  ${away("l", "out.loss")}
  ${away("end.losses", "out.losses")}
  ${compare("g", "grad").join("\n  ")}
  ${compare("end.p", "after3").join("\n  ")}
}`,
    { case: tensors(c) },
  );
  reported.forEach((x, i) => {
    assert.ok(x <= c.tolerance, `${i}: ${x} of ${reported}`);
  });
});

test.run();
