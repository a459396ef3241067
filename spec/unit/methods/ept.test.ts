/**
 * Expert Pyramid Tuning (examples/methods/ept) against its golden cases: experts in both forms, routing by task, the contrastive loss, three
 * steps of training, numbers of parameters. Columns before rows, gates that sum to 1, all experts, the first task always, a scale without
 * the kernel's size or the tasks, and no contrastive loss fail.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type MethodCase, methodCases } from "../arch/golden-methods.js";
import { run } from "../arch/run.js";
import { entries, holds, holdsResident } from "./held.js";

const cases = methodCases("ept");
const text = `use std.arch.{linear}
use std.loss.{mse, mean_surprise}
use std.optim.{adamw}
${readFileSync("examples/methods/ept/ept.peft", "utf8").replace(/^use .*$/m, "")}`;

const kernels = (c: MethodCase) => (c.params.sizes as number[]).map((_, i) => i);

for (const c of [...cases.values()].filter((c) => c.kind === "expert")) {
  test(`golden: ${c.name}`, () => {
    const { in: width, out, sizes } = c.params;
    holds(c, {
      text,
      found: Object.fromEntries(
        kernels(c).flatMap((i) => [
          [`Z.${i}`, `e["B"][..parts(${out}, ${sizes[i]})] @ e["A"][:, ..parts(${width}, ${sizes[i]})]`],
          [`W.${i}`, `enlarged(e["A"], e["B"], e["K.${i}"], ${out}, ${width})`],
          [`y.${i}`, `through(e["x"], e["A"], e["B"], e["K.${i}"], ${out})`],
        ]),
      ),
    });
  });
}

for (const name of ["route", "route-ties"]) {
  test(`golden: ${name}`, () => {
    const c = cases.get(name)!;
    const { sizes, R, top_k } = c.params;
    const [out, width] = c.inputs.get("W")!.shape;
    const [tasks] = c.inputs.get("E")!.shape;
    const biased = c.inputs.has("b");
    const own = Object.fromEntries([
      ...["A", "B", "Wr", "E"].map((t) => [t, `e["${t}"]`]),
      ...kernels(c).map((i) => [`kernels.${i}.K`, `e["K.${i}"]`]),
    ]);
    holds(c, {
      text,
      body: `let base = linear(${width}, ${out}, biased = ${biased}) with ${entries({ weight: 'e["W"]', ...(biased ? { bias: 'e["b"]' } : {}) })}
  let a = attach(base, ept(T = ${tasks}, R = ${R}, s = [${sizes}], k = ${top_k}, near = 0.0)) with ${entries(own)}
  let g = gates(e["E"], e["Wr"], ${top_k}, 1.0)
  let d = stack([change(g[i], e["A"], e["B"], [${kernels(c).map((i) => `e["K.${i}"]`)}], ${tasks}, ${out}, ${width}) for i in 0..${tasks}])`,
      found: {
        g: 'softmax(e["E"] @ e["Wr"].T)',
        sel: `top_k(g, ${top_k}).indices`,
        delta: "d",
        merged: 'e["W"][none] + d',
        y: 'a(e["x"], task = e["task"])',
      },
    });
  });
}

test("golden: contrastive", () => {
  const c = cases.get("contrastive")!;
  holds(c, {
    text,
    body: 'let cos = cosines(e["h"], e["E"])',
    found: {
      cos: "cos",
      logits: `cos / ${c.params.tau}`,
      loss: `contrast(e["h"], e["E"], e["task"], ${c.params.tau})`,
      nearest: "argmax(cos, over = -1)",
    },
  });
});

for (const name of ["train", "train-from-start"]) {
  test(`golden: ${name}, three steps of AdamW`, async () => {
    const c = cases.get(name)!;
    const { sizes, tasks, top_k, tau, coefficient, lr, weight_decay } = c.params;
    const leaves = [0, 1].flatMap((l) => [
      ...["A", "B", "Wr", "E"].map((t) => [`${l}.${t}`, `layers.${l}.${t}`]),
      ...kernels(c).map((i) => [`${l}.K.${i}`, `layers.${l}.kernels.${i}.K`]),
    ]);
    const found = (prefix: string, tree: string) =>
      leaves.map(([role, leaf]) => [`${prefix}.${role}`, `${tree}["${leaf}"]`]);
    await holdsResident(c, {
      text: `${text}
module net() {
  layers = [linear(10, 14, false), linear(14, 10, false)]
  forward(x: Tensor[*b, d]) = layers[1](tanh(layers[0](x)))
}`,
      body: `let base = net() with ${entries({ "layers.0.weight": 'e["0.W"]', "layers.1.weight": 'e["1.W"]' })}
  let a = attach(base, ept(T = ${tasks}, R = 2, s = [${sizes}], k = ${top_k}, tau = ${tau}, near = ${coefficient}), to = "layers.*") with ${entries(
    Object.fromEntries(leaves.map(([role, leaf]) => [leaf, `e["${role}"]`])),
  )}
  let answer = p => (a with p)(e["x"], task = e["task"])
  let cost = p => mse(answer(p), e["target"])
  let o = adamw(lr = ${lr}, decay = ${weight_decay}), start = trainable(a), (l0, g0) = value_and_grad(cost, start)
  let end = iterate(3, { p: start, s: o.init(start), losses: zeros([3]) }, (now, i) => {
    let (l, g) = value_and_grad(cost, now.p)
    let (p, s) = o.step(now.p, g, now.s, i + 1)
    return { p, s, losses: where(iota(3) == i, l, now.losses) }
  })`,
      found: {
        loss: "l0",
        task_loss: "cost(start)",
        contrastive: `(l0 - cost(start)) / ${coefficient}`,
        y: "answer(start)",
        ...Object.fromEntries(
          [0, 1].map((l) => [`sel.${l}`, `top_k(gates(e["${l}.E"], e["${l}.Wr"], ${top_k}, 1.0), ${top_k}).indices`]),
        ),
        ...Object.fromEntries([...found("grad", "g0"), ...found("after3", "end.p")]),
        losses: "end.losses",
      },
      without: ["contrastive", ...c.zero],
    });
  });
}

test("golden: numbers of trained values", () => {
  const c = cases.get("count")!;
  const wanted = c.outputs.get("parameters")!;
  for (const [i, [width, out]] of (c.params.linears as [number, number][]).entries()) {
    const { saved } = run(`${text}
recipe r { save(trainable(attach(linear(${width}, ${out}), ept(T = ${c.params.tasks}, R = ${c.params.R}))), to = "out") }`);
    const all = [...saved.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    assert.equal(all, wanted.data[3 * i + 2]);
  }
});

test.run();
