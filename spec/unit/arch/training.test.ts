/** Training as the library writes it: twenty steps of LoRA against PEFT's, losses by hand. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readTensors, run, runResident } from "./run.js";

/** Twenty steps of LoRA from PEFT's first values: differences of losses, of the final tensors, and of the final logits. */
async function trajectory(folder: string, targets: string, batch: string, loss: string, finals: string): Promise<void> {
  const file = `${folder}/lora-trajectory.safetensors`;
  const keys = [...readTensors(file).keys()].filter((key) => key.startsWith("init.")).map((key) => key.slice(5));
  const entries = keys.map((key) => `"${key.replace("base_model.model.", "")}": t["init.${key}"]`);
  const tensors = keys.map((key) => `max(abs(end.p["${key.replace("base_model.model.", "")}"] - t["final.${key}"]))`);
  const { reported } = await runResident(`use std.adapter.{lora}
use std.optim.{adamw}
use std.loss.{mean_surprise}
recipe r {
  let t = load("${file}"), ref = load("${folder}/reference.safetensors")
  let m = attach(load("${folder}/base"), lora(rank = 4, alpha = 8), to = "${targets}") with { ${entries.join(", ")} }
  let o = adamw(lr = 1e-3), start = trainable(m)
  let end = iterate(20, { p: start, s: o.init(start), losses: zeros([20]) }, (now, i) => {
    ${batch}
    let (l, g) = value_and_grad(p => ${loss}, now.p)
    let (p, s) = o.step(now.p, g, now.s, i + 1)
    return { p, s, losses: where(iota(20) == i, l, now.losses) }
  })
  report max(abs(end.losses - t["losses"]))
  report max([${tensors.join(", ")}])
  report max(abs((m with end.p)(${finals}).logits - t["final.logits"]))
}`);
  const [losses, weights, logits] = reported;
  assert.ok(losses < 2e-5, `losses: ${losses}`);
  assert.ok(weights < 2e-6, `tensors: ${weights}`);
  assert.ok(logits < 1e-4, `logits: ${logits}`);
}

test("twenty steps of LoRA on a vision transformer are PEFT's", async () => {
  const batch = `let x = (take(t["images"], i % 4 + iota(1))[0] / 255 - 0.1307) / 0.3081
    let y = take(t["labels"], i % 4 + iota(1))[0]`;
  const loss = "mean_surprise((m with p)(x[:, none]).logits, y)";
  await trajectory("vit-digits", "*.{query,value}", batch, loss, 'ref["grad.pixel_values"]');
});

test("twenty steps of LoRA on a language model are PEFT's", async () => {
  const batch = 'let ids = take(t["tokens"], i + iota(1))[0]';
  const loss = "mean_surprise((m with p)(ids).logits[:, ..-1], ids[:, 1..])";
  await trajectory("llama-char", "*.{q,v}_proj", batch, loss, 'ref["input_ids"]');
});

test("losses by hand", () => {
  const { reported } = run(`use std.loss.{kl, mean_surprise, mse, surprise}
recipe r {
  let x = log(stack([stack([0.5, 0.25, 0.25]), stack([0.1, 0.8, 0.1])]))
  report mean_surprise(x, iota(2))
  report mean_surprise(x, iota(2) * -100)
  report mean_surprise(x, iota(2) * 0 - 100)
  report kl(x[..1], x[1..])
  report kl(x, x, temperature = 3)
  report kl(2 * x[..1], 2 * x[1..], temperature = 2) / 4
  report mse(x, x + 3)
}`);
  const divergence = 0.5 * Math.log(5) + 0.25 * Math.log(0.25 / 0.8) + 0.25 * Math.log(2.5);
  const expected = [(Math.log(2) - Math.log(0.8)) / 2, Math.log(2), 0, divergence, 0, divergence, 9];
  reported.forEach((x, i) => {
    assert.ok(Math.abs(x - expected[i]) < 1e-5, `${i}: ${x} instead of ${expected[i]}`);
  });
});

test.run();
