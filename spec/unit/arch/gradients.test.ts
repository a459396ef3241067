/** Gradients of whole networks against the reference library's. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readTensors, runResident } from "./run.js";

test("gradients of a vision transformer", async () => {
  const names = [
    "vit.layernorm.weight",
    "vit.encoder.layer.0.attention.attention.key.weight",
    "vit.embeddings.patch_embeddings.projection.weight",
  ];
  const apart = names.map(
    (n) => `report max(abs(g["${n}"] - ref["base.grad.${n}"])) / max(abs(ref["base.grad.${n}"]))`,
  );
  const norms = [...readTensors("vit-digits/base").keys()].map(
    (n) => `abs(norm(g["${n}"]) - ref["base.grad_norm.${n}"][0]) / (1e-2 + ref["base.grad_norm.${n}"][0])`,
  );
  const { reported } = await runResident(`use std.loss.{mean_surprise}
recipe r {
  let ref = load("vit-digits/reference.safetensors"), m = load("vit-digits/base")
  let (l, g) = value_and_grad(p => mean_surprise((m with p)(ref["grad.pixel_values"]).logits, ref["labels"]), params(m))
  report abs(l - ref["base.batch_loss"][0])
  ${apart.join("\n  ")}
  report max([${norms.join(", ")}])
}`);
  for (const away of reported) assert.ok(away < 2e-5, `${reported}`);
});

test("gradients of a language model; a tied table gets the sum of both uses", async () => {
  for (const [folder, names] of [
    ["llama-char", ["model.embed_tokens.weight", "model.layers.0.self_attn.k_proj.weight", "model.norm.weight"]],
    ["gpt2-char", ["transformer.wte.weight", "transformer.h.0.attn.c_attn.weight", "transformer.ln_f.weight"]],
  ] as const) {
    const apart = names.map(
      (n) => `report max(abs(g["${n}"] - ref["base.grad.${n}"])) / max(abs(ref["base.grad.${n}"]))`,
    );
    const { reported } = await runResident(`use std.loss.{mean_surprise}
recipe r {
  let ref = load("${folder}/reference.safetensors"), m = load("${folder}/base"), ids = ref["input_ids"]
  let (l, g) = value_and_grad(p => mean_next(m with p, ids), params(m))
  report abs(l - ref["base.batch_loss"][0])
  ${apart.join("\n  ")}
}
def mean_next(m: Model, ids) = mean_surprise(m(ids).logits[:, ..-1], ids[:, 1..])`);
    for (const away of reported) assert.ok(away < 5e-5, `${folder}: ${reported}`);
  }
});

test.run();
