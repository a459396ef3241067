/** Adapters of the library: against PEFT, against what they are when fused, and where they stand. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readTensors, run } from "./run.js";

const uses = `use std.adapter.{lora, lora_embedding, ia3, prefix, prefix_tuning, parallel, sequential}
def noisy(x: Tensor[*s]) -> Tensor[*s] = x + normal(shape(x), std = 0.1)
`;

/** A recipe with PEFT's base model `m`, the adapter `a` attached to it, and `b`, the same with the tensors of PEFT's file. */
function peftCase(name: string, base: string, attached: string, reports: string): readonly number[] {
  const folder = `../peft/${name}`;
  const tensors = [...readTensors(`${folder}/adapter_model.safetensors`).keys()];
  const entries = tensors.map((key) => `"${key.replace(/^base_model\.(model\.)?/, "")}": t["${key}"]`);
  return run(`${uses}
recipe r {
  let ref = load("${folder}/expected.safetensors")
  let m = load("../peft/${base}"), t = load("${folder}/adapter_model.safetensors"), ids = ref["input_ids"]
  let a = ${attached}
  let b = a with { ${entries.join(", ")} }
  ${reports}
}`).reported;
}

const logits = 'report max(abs(b(ids).logits - ref["logits"])) / max(abs(ref["logits"]))';
const merged = 'report max(abs(fuse(b)(ids).logits - ref["merged_logits"])) / max(abs(ref["logits"]))';

const cases: readonly (readonly [name: string, base: string, attached: string, fused: boolean])[] = [
  ["lora-rslora", "base", 'attach(m, lora(rank = 4, alpha = 8, rank_stabilized = true), to = "*.{q,v}_proj")', true],
  ["lora-gpt2", "base-gpt2", 'attach(m, lora(rank = 4, alpha = 8), to = "*.{c_attn,c_proj}")', true],
  ["ia3", "base", 'attach(attach(m, ia3(), to = "*.{k,v}_proj"), ia3(feedforward = true), to = "*.down_proj")', true],
  [
    "ia3-bias",
    "base-bias",
    'attach(attach(m, ia3(), to = "*.{k,v}_proj"), ia3(feedforward = true), to = "*.o_proj")',
    true,
  ],
  ["prefix-tuning", "base", "attach(m, prefix_tuning(tokens = 3))", false],
  ["prefix-tuning-gpt2", "base-gpt2", "attach(m, prefix_tuning(tokens = 3))", false],
  ["prefix-tuning-bert", "base-bert", "attach(m, prefix_tuning(tokens = 3))", false],
];

for (const [name, base, attached, fused] of cases) {
  test(`PEFT: ${name}`, () => {
    const found = peftCase(name, base, attached, fused ? `${logits}\n${merged}` : logits);
    for (const away of found) assert.ok(away < 1e-5, `${away}`);
  });
}

/** Reports about a small language model `m` on four tokens, with `a` as attached and `b` after its tensors have moved. */
function onModel(folder: string, attached: string, reports: string): readonly number[] {
  return run(`${uses}
recipe r {
  let ref = load("${folder}/reference.safetensors")
  let m = load("${folder}/base"), ids = ref["input_ids"][..1, ..4]
  let a = ${attached}
  let b = a with noisy(trainable(a))
  ${reports}
}`).reported;
}

const begins = "report max(abs(a(ids).logits - m(ids).logits))";
const moves = "report max(abs(b(ids).logits - m(ids).logits))";
const fuses = "report max(abs(b(ids).logits - fuse(b)(ids).logits))";

test("LoRA begins as nothing, and is what it is fused", () => {
  for (const [folder, attached] of [
    ["llama-char", 'attach(m, lora(rank = 2), to = ["*.q_proj", "*.down_proj"])'],
    ["gpt2-char", 'attach(m, lora(rank = 2), to = "*.c_attn")'],
  ]) {
    const [first, moved, apart] = onModel(folder, attached, `${begins}\n${moves}\n${fuses}`);
    assert.is(first, 0);
    assert.ok(moved > 0.1, `${moved}`);
    assert.ok(apart < 1e-4, `${apart}`);
  }
});

test("LoRA on a table of vectors", () => {
  const states = (x: string, y: string) => `report max(abs(${x}(ids).last_hidden - ${y}(ids).last_hidden))`;
  const attached = 'attach(m, lora_embedding(rank = 2), to = "*.wpe")';
  const [first] = onModel("gpt2-char", attached, states("a", "m"));
  assert.is(first, 0);
  const rows = onModel(
    "gpt2-char",
    'attach(m, lora_embedding(rank = 2), to = "*.wte")',
    `${states("b", "m")}\n${states("b", "fuse(b)")}`,
  );
  assert.ok(rows[0] > 0.1 && rows[1] < 1e-4, `${rows}`);
});

test("narrow networks beside the feed-forward begin as nothing, whatever the family calls it", () => {
  for (const folder of ["llama-char", "gpt2-char"]) {
    for (const adapter of ["parallel(narrow = 4)", "sequential(narrow = 4)"]) {
      const [first, moved] = onModel(folder, `attach(m, ${adapter})`, `${begins}\n${moves}`);
      assert.is(first, 0);
      assert.ok(moved > 0.05, `${folder} ${adapter}: ${moved}`);
    }
  }
});

test("a narrow network reads what its place says: the input of the feed-forward, or its output", () => {
  const at = (adapter: string, net: string) =>
    onModel(
      "gpt2-char",
      `attach(m, ${adapter}, to = "*.h.1.ffn")`,
      `let x = ref["base.last_hidden_state"][..1, ..4], block = b.transformer.h[1], own = m.transformer.h[1]
       report max(abs(block.ffn(x) - (own.ffn(x) + ${net})))`,
    )[0];
  const narrow = (x: string) =>
    `(relu(${x} @ b["transformer.h.1.ffn.narrow_net.adapter_down.0.weight"].T + b["transformer.h.1.ffn.narrow_net.adapter_down.0.bias"]) @ b["transformer.h.1.ffn.narrow_net.adapter_up.weight"].T + b["transformer.h.1.ffn.narrow_net.adapter_up.bias"])`;
  assert.ok(at("parallel(narrow = 4, scale = 4.0)", `4 * ${narrow("x")}`) < 1e-5);
  assert.ok(at("sequential(narrow = 4)", narrow("own.ffn(x)")) < 1e-5);
});

test("prefixes in each attention act, and more than one adapter may stand on a model", () => {
  const [moved] = onModel("llama-char", "attach(m, prefix(tokens = 3))", moves);
  assert.ok(moved > 0.1, `${moved}`);
  const both = onModel(
    "llama-char",
    'attach(attach(m, prefix(tokens = 3)), lora(rank = 2), to = "*.q_proj")',
    `${begins}\n${moves}`,
  );
  assert.ok(both[0] > 0.1 && both[1] > 0.1, `${both}`);
});

test("the table of a prefix has the length that PEFT gives it", () => {
  const config = JSON.parse(readFileSync("spec/golden/peft/prefix-tuning/adapter_config.json", "utf8"));
  const table = readTensors("../peft/prefix-tuning/adapter_model.safetensors").get("prompt_embeddings")!;
  assert.equal(table.shape, [config.num_virtual_tokens, 2 * config.num_layers * config.token_dim]);
});

test.run();
