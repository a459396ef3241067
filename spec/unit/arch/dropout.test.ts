/** Dropout inside networks: what a config asks for happens while training, anew in each step, and never else. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { runResident } from "./run.js";

/** Losses of a model as it is, and with entries of its config set: outside of training, and in two steps of it. */
async function losses(folder: string, entries: string, loss: string): Promise<readonly number[]> {
  const { reported } = await runResident(`use std.loss.{mean_surprise}
recipe r(seed = 4) {
  let plain = load("${folder}"), m = configured(plain, { ${entries} })
  let ids = (iota(12) * 7) % 20 + iota(3)[:, none]
  let images = uniform([2, 1, 28, 28])
  let cost = model => ${loss}
  let steps = scan(2, 0.0, (s, i) => {
    let (l, g) = value_and_grad(p => cost(m with p), params(m))
    return (s, l)
  })
  report cost(plain)
  report cost(m)
  report steps[1][0]
  report steps[1][1]
}`);
  return reported;
}

const words = "mean(model(ids).logits ^ 2)";
const sides = "mean(model(input_ids = ids, decoder_input_ids = ids).logits ^ 2)";
const networks: readonly (readonly [string, readonly string[], string])[] = [
  ["../peft/base-gpt2", ["embd_pdrop", "attn_pdrop", "resid_pdrop"], words],
  ["../peft/base", ["attention_dropout"], words],
  ["../peft/base-bert", ["hidden_dropout_prob", "attention_probs_dropout_prob"], words],
  ["t5-random/tied", ["dropout_rate"], sides],
  ["t5-random/gated", ["dropout_rate"], sides],
  ["vit-digits/base", ["hidden_dropout_prob", "attention_probs_dropout_prob"], "mean(model(images).logits ^ 2)"],
];

for (const [folder, keys, loss] of networks)
  for (const key of keys)
    test(`${folder}: ${key}`, async () => {
      const [plain, untrained, first, second] = await losses(folder, `${key}: 0.3`, loss);
      assert.is(untrained, plain, "nothing is dropped outside of training");
      assert.ok(Math.abs(first - plain) > 1e-5 * plain, `${first} is no other than ${plain}`);
      assert.ok(Math.abs(first - second) > 1e-6 * plain, "each step draws anew");
      const none = await losses(folder, `${key}: 0`, loss);
      assert.ok(Math.abs(none[2] - plain) < 1e-5 * plain, "and nothing without the entry");
    });

test.run();
