/** Networks of the library against what the reference library computes from the same checkpoints. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { runResident } from "./run.js";

/** Reports how far a network's result is from the reference; `body` is the recipe's text after the loads. */
async function distance(folder: string, reference: string, body: string, uses = ""): Promise<number> {
  const text = `${uses}
recipe r {
  let ref = load("${reference}")
  let m   = load("${folder}")
  ${body}
}`;
  return (await runResident(text)).reported[0];
}

const causal = 'let ids = ref["input_ids"][:, ..8]';

test("llama: grouped queries, rotary positions, an untied head, bfloat16", async () => {
  const base = await distance(
    "llama-char/base",
    "llama-char/reference.safetensors",
    `${causal}\nreport max(abs(m(ids).logits - ref["base.logits"][:, ..8]))`,
  );
  assert.ok(base < 2e-5, `base: ${base}`);
  const bf16 = await distance(
    "llama-char/vowel-shift",
    "llama-char/reference.safetensors",
    `${causal}\nreport max(abs(m(ids).last_hidden - ref["vowel-shift.last_hidden_state"][:, ..8]))`,
  );
  assert.ok(bf16 < 2e-5, `vowel-shift: ${bf16}`);
});

test("other weights give other logits", async () => {
  const other = await distance(
    "llama-char/vowel-shift",
    "llama-char/reference.safetensors",
    `${causal}\nreport max(abs(m(ids).logits - ref["base.logits"][:, ..8]))`,
  );
  assert.ok(other > 0.1, `${other}`);
});

for (const kin of ["qwen2-tied", "mistral-window", "llama3-rope"]) {
  test(`kin of llama: ${kin}, with padding`, async () => {
    const folder = `llama-random/${kin}`;
    const body = `let out = m(ref["input_ids"], ref["attention_mask"])
      let real = (ref["attention_mask"] != 0)[:, :, none]
      report max(abs(where(real, out.logits - ref["logits"], 0)))`;
    const d = await distance(folder, `${folder}/reference.safetensors`, body);
    assert.ok(d < 1e-5, `${d}`);
  });
}

test("gpt2: fused query, key and value stored [in, out], a tied head", async () => {
  const d = await distance(
    "gpt2-char/base",
    "gpt2-char/reference.safetensors",
    `${causal}\nreport max(abs(m(ids).logits - ref["base.logits"][:, ..8]))`,
  );
  assert.ok(d < 3e-5, `${d}`);
});

const words =
  'let ids = ref["input_ids"], mask = ref["attention_mask"], types = ref["token_type_ids"]\nlet out = m(ids, mask, types)';

test("bert: heads of the pre-training, padding, two sentences", async () => {
  const body = `${words}
    let real = (mask != 0)[:, :, none]
    let states = max(abs(where(real, out.last_hidden - ref["base.last_hidden_state"], 0)))
    let tokens = max(abs(where(real, out.logits - ref["base.prediction_logits"], 0)))
    report max(max(states, tokens), max(abs(out.order - ref["base.seq_relationship_logits"])))`;
  const d = await distance("bert-char/base", "bert-char/reference.safetensors", body);
  assert.ok(d < 1e-5, `${d}`);
});

test("bert: a classifier of texts", async () => {
  const d = await distance(
    "bert-char/vowels",
    "bert-char/reference.safetensors",
    `${words}\nreport max(abs(out.logits - ref["vowels.logits"]))`,
  );
  assert.ok(d < 1e-5, `${d}`);
});

test("vit: patches, a class token, positions", async () => {
  const body = `let out = m(ref["pixel_values"][..2])
    report max(max(abs(out.logits - ref["base.logits"][..2])), max(abs(out.last_hidden - ref["base.last_hidden_state"][..2])))`;
  const d = await distance("vit-digits/base", "vit-digits/reference.safetensors", body);
  assert.ok(d < 2e-5, `${d}`);
});

for (const form of ["tied", "gated"]) {
  test(`t5: encoder and decoder with relative positions, ${form}`, async () => {
    const folder = `t5-random/${form}`;
    const body = `let out = m(ref["input_ids"], ref["decoder_input_ids"], ref["attention_mask"])
      report max(abs(out.logits - ref["logits"]))`;
    const d = await distance(folder, `${folder}/reference.safetensors`, body);
    assert.ok(d < 4e-5, `${d}`);
  });
}

test("a multi-layer perceptron made in the recipe takes the tensors of a file", async () => {
  for (const [name, width] of [
    ["a", 64],
    ["narrow", 48],
  ] as const) {
    const body = `let net = mlp3(784, ${width}, ${width}, 10) with m
      report max(abs(net(ref["inputs"]).logits - ref["${name}.logits"]))`;
    const d = await distance(`mlp-digits/${name}`, "mlp-digits/reference.safetensors", body, "use std.arch.{mlp3}");
    assert.ok(d < 1e-5, `${name}: ${d}`);
  }
});

test("a checkpoint of another shape is refused", async () => {
  const body = 'let net = mlp3(784, 48, 48, 10) with m\nreport max(net(ref["inputs"]).logits)';
  try {
    await distance("mlp-digits/a", "mlp-digits/reference.safetensors", body, "use std.arch.{mlp3}");
  } catch (error) {
    assert.instance(error, PeftError);
    return;
  }
  assert.unreachable("nothing was refused");
});

test.run();
