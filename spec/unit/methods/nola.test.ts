/**
 * NOLA (examples/methods/nola) against its golden cases: both forms, gradients of the coefficients, three steps of training, a complete
 * basis, nested bases. Bases without 1/sqrt(K), without the offset, or scaled by 1/r fail, and so does one form in place of the other.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type MethodCase, methodCases } from "../arch/golden-methods.js";
import { entries, holdsResident } from "./held.js";

const cases = methodCases("nola");
const text = `use std.arch.{linear}
use std.loss.{mse}
use std.optim.{adamw}
${readFileSync("examples/methods/nola/nola.peft", "utf8")}`;

const biased = (c: MethodCase) => c.inputs.has("bias");

/** The inputs as rows. */
const rows = (c: MethodCase) => (c.inputs.get("x")!.shape.length === 1 ? 'e["x"][none]' : 'e["x"]');

function linear(c: MethodCase): string {
  const [out, width] = c.inputs.get("W")!.shape;
  const tensors = { weight: 'e["W"]', ...(biased(c) ? { bias: 'e["bias"]' } : {}) };
  return `linear(${width}, ${out}, biased = ${biased(c)}) with ${entries(tensors)}`;
}

for (const c of [...cases.values()].filter((c) => c.kind === "linear_llm")) {
  const { r, K, Kb, lora_alpha } = c.params;
  test(`golden: ${c.name}`, async () => {
    await holdsResident(c, {
      text,
      body: `let x = ${rows(c)}, base = ${linear(c)}
  let a = attach(base, nola(r = ${r}, K = ${K}, Kb = ${Kb}, lora_alpha = ${lora_alpha})) with ${entries({
    A0: 'e["A0"]',
    bases_A: 'e["rawA"]',
    bases_B: 'e["rawB"]',
    alpha: 'e["alpha"]',
    beta: 'e["beta"]',
  })}
  let g = grad(p => sum((a with p)(x) * e["G"], over = tensor), trainable(a))
  let A = e["A0"] + combined(e["alpha"], e["rawA"]) / sqrt(${K}), B = combined(e["beta"], e["rawB"]) / sqrt(${Kb})
  let thin = grad(f => ${lora_alpha / r} * sum((x @ f.A.T @ f.B.T) * e["G"], over = tensor), { A, B })`,
      found: {
        A: "A",
        B: "B",
        delta_W: 'fuse(a with { "weight": zeros_like(e["W"]) })["weight"]',
        merged: 'fuse(a)["weight"]',
        y: "a(x)",
        y_base: "a(x)",
        GA: "thin.A",
        GB: "thin.B",
        dalpha: 'g["alpha"]',
        dbeta: 'g["beta"]',
      },
    });
  });
}
for (const name of ["vit-start", "vit"]) {
  test(`golden: ${name}`, async () => {
    const c = cases.get(name)!;
    const { r, K, Kb, start } = c.params;
    const given: Record<string, string> = start ? {} : { alpha: 'e["alpha"]', beta: 'e["beta"]' };
    await holdsResident(c, {
      text,
      body: `let base = ${linear(c)}
  let a = attach(base, nola_vit(r = ${r}, K = ${K}, Kb = ${Kb})) with ${entries({ bases_A: 'e["basisA"]', bases_B: 'e["basisB"]', ...given })}
  let at = trainable(a)
  let g = grad(p => sum((a with p)(e["x"]) * e["G"], over = tensor), at)`,
      found: {
        A: 'combined(at["alpha"], e["basisA"])',
        B: 'combined(at["beta"], e["basisB"])',
        delta_W: 'fuse(a with { "weight": zeros_like(e["W"]) })["weight"]',
        y_base: 'base(e["x"])',
        y: 'a(e["x"])',
        dalpha: 'g["alpha"]',
        dbeta: 'g["beta"]',
      },
    });
  });
}

test("golden: three steps of AdamW", async () => {
  const c = cases.get("train")!;
  const { r, K, Kb, lora_alpha, lr, weight_decay } = c.params;
  const each = (make: (l: number) => Record<string, string>) => entries({ ...make(1), ...make(2) });
  const leaves = [1, 2].flatMap((l) => ["alpha", "beta"].map((t) => [`${l}.${t}`, `layers.${l - 1}.${t}`]));
  const found = [1, 2, 3].flatMap((n) =>
    leaves.flatMap(([role, leaf]) => [
      [`step${n}.grad.${role}`, `step${n}.g["${leaf}"]`],
      [`step${n}.${role}`, `step${n}.p["${leaf}"]`],
    ]),
  );
  await holdsResident(c, {
    text: `${text}
module net() {
  layers = [linear(10, 13), linear(13, 6)]
  forward(x: Tensor[*b, d]) = layers[1](relu(layers[0](x)))
}
def moved(a: Model, o: Optimizer, e, now, n: Int) {
  let (l, g) = value_and_grad(p => mse((a with p)(e["x"]), e["target"]), now.p)
  let (p, s) = o.step(now.p, g, now.s, n)
  return { l, g, p, s }
}`,
    body: `let base = net() with ${each((l) => ({ [`layers.${l - 1}.weight`]: `e["${l}.W"]`, [`layers.${l - 1}.bias`]: `e["${l}.bias"]` }))}
  let a = attach(base, nola(r = ${r}, K = ${K}, Kb = ${Kb}, lora_alpha = ${lora_alpha}), to = "layers.*") with ${each(
    (l) =>
      Object.fromEntries([
        [`layers.${l - 1}.A0`, `e["${l}.A0"]`],
        [`layers.${l - 1}.bases_A`, `e["${l}.rawA"]`],
        [`layers.${l - 1}.bases_B`, `e["${l}.rawB"]`],
        [`layers.${l - 1}.alpha`, `e["start.${l}.alpha"]`],
        [`layers.${l - 1}.beta`, `e["start.${l}.beta"]`],
      ]),
  )}
  let o = adamw(lr = ${lr}, decay = ${weight_decay}), start = trainable(a)
  let step1 = moved(a, o, e, { p: start, s: o.init(start) }, 1)
  let step2 = moved(a, o, e, step1, 2), step3 = moved(a, o, e, step2, 3)
  let after = (a with step3.p)(e["x"])`,
    found: {
      ...Object.fromEntries(found),
      y_step1: 'a(e["x"])',
      y_after: "after",
      losses: 'stack([step1.l, step2.l, step3.l, mse(after, e["target"])])',
    },
  });
});

test("golden: a complete basis reaches every LoRA, and too few bases do not", async () => {
  const c = cases.get("complete-basis")!;
  const { r, K, Kb, lora_alpha, few } = c.params;
  const reached = (beta: string) =>
    `max(abs(fuse(a with { "beta": ${beta} })["weight"] - e["out.delta_W_target"])) / max(abs(e["out.delta_W_target"]))`;
  const basis = (raw: string, n: number) => `flattened(e["${raw}"]) / sqrt(${n})`;
  await holdsResident(c, {
    text: `${text}
def flattened(bases: Tensor[k, m, n]) = reshape(bases, [shape(bases)[0], shape(bases)[1] * shape(bases)[2]])
/// The coefficients of least length whose combination of the rows is nearest to x.
def reaching(rows: Tensor[k, n], x: Tensor[n]) = rows @ solve(rows.T @ rows, x[:, none])
`,
    body: `let alpha = reaching(${basis("rawA", K)}, flatten(e["lora_A"] - e["A0"]))[:, 0]
  let beta = reaching(${basis("rawB", Kb)}, flatten(e["lora_B"]))[:, 0]
  let a = attach(linear(6, 10, biased = false) with { "weight": zeros([10, 6]) }, nola(r = ${r}, K = ${K}, Kb = ${Kb}, lora_alpha = ${lora_alpha})) with ${entries({ A0: 'e["A0"]', bases_A: 'e["rawA"]', bases_B: 'e["rawB"]', alpha: "alpha", beta: "beta" })}
  let first = flattened(e["rawB"][..${few}]) / sqrt(${Kb})
  let some = concat([solve(first @ first.T, first @ flatten(e["lora_B"])[:, none])[:, 0], zeros([${Kb - few}])])
  report ${reached("beta")}
  report ${reached("some")}`,
    found: {},
    without: ["alpha", "beta", "delta_W", "delta_W_target"],
    more: ([all, some]) => assert.ok(all < 1e-4 && some > 0.1, `${all} ${some}`),
  });
});

test("golden: more bases are never worse", async () => {
  const c = cases.get("nested")!;
  const { Kb, r, lora_alpha } = c.params;
  await holdsResident(c, {
    text: `def best(rows: Tensor[k, n], y: Tensor[n, one]) -> Tensor = sum((rows.T @ solve(rows @ rows.T, rows @ y) - y) ^ 2, over = tensor) / 2`,
    body: `let low = ${lora_alpha / r} * (e["x"] @ e["A"].T)
  let rows = stack([flatten(low @ e["rawB"][i].T) for i in 0..${Kb}])
  let y = flatten(e["target"] - e["x"] @ e["W"].T)[:, none]`,
    found: { best_loss: `stack([best(rows[..n], y) for n in 1..${Kb + 1}])` },
  });
});

test.run();
