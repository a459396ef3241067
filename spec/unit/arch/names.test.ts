/** The networks that checkpoints get, and the two names of a tensor. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { families, fileName, memoryName, networkOf } from "../../../compiler/arch/index.js";
import { parse } from "../../../grammar/index.js";

test("every network of the table is defined in the library", () => {
  for (const family of families) {
    const folder = join("compiler/std/arch", family.folder);
    assert.ok(existsSync(folder), folder);
    const defined = readdirSync(folder).flatMap((file) =>
      parse(file, readFileSync(join(folder, file), "utf8")).file.definitions.map((d) => d.name.text),
    );
    for (const name of [family.usual, ...family.networks.values()])
      assert.ok(defined.includes(name), `${folder}: ${name}`);
  }
});

test("an architecture chooses the network, its family where there is none", () => {
  assert.equal(networkOf("bert", ["BertForTokenClassification"]), {
    module: ["std", "arch", "bert"],
    name: "token_classifier",
  });
  assert.equal(networkOf("qwen2", ["Qwen2ForCausalLM"]), { module: ["std", "arch", "llama"], name: "llama" });
  assert.equal(networkOf("vit", []), { module: ["std", "arch", "vit"], name: "image_classifier" });
  assert.equal(networkOf("bert", ["Mine", "BertModel"]), { module: ["std", "arch", "bert"], name: "body" });
});

test("what is not known has no network", () => {
  assert.is(networkOf("bert", ["BertForQuestionAnswering"]), null);
  assert.is(networkOf("mamba", []), null);
  assert.is(networkOf("__proto__", []), null);
  assert.is(networkOf("bert", ["constructor"]), null);
  assert.is(networkOf(null, ["BertModel"]), null);
});

const pairs = [
  ["vit.encoder.layer.0.attention.attention.query", "vit.layers.0.attention.q_proj"],
  ["vit.encoder.layer.11.attention.attention.value.lora_A.weight", "vit.layers.11.attention.v_proj.lora_A.weight"],
  ["vit.encoder.layer.3.attention.output.dense.bias", "vit.layers.3.attention.o_proj.bias"],
  ["vit.encoder.layer.3.intermediate.dense.weight", "vit.layers.3.mlp.fc1.weight"],
  ["vit.encoder.layer.3.output.dense.weight", "vit.layers.3.mlp.fc2.weight"],
  ["vit.encoder.layer.3.layernorm_before.weight", "vit.layers.3.layernorm_before.weight"],
  ["encoder.layer.0.attention.attention.key", "layers.0.attention.k_proj"],
  ["vit.embeddings.cls_token", "vit.embeddings.cls_token"],
  ["classifier.weight", "classifier.weight"],
] as const;

test("names in files and in memory", () => {
  for (const [file, memory] of pairs) {
    assert.is(memoryName("vit", file), memory);
    assert.is(fileName("vit", memory), file);
  }
});

test("other families and strange names stay as they are", () => {
  const names = [
    "bert.encoder.layer.0.output.dense.weight",
    "__proto__",
    "",
    ".",
    "encoder.layer",
    "encoder.layer.x.output.dense",
  ];
  for (const name of names) {
    assert.is(memoryName("bert", name), name);
    assert.is(memoryName(null, name), name);
    assert.is(fileName("vit", memoryName("vit", name)), name);
  }
});

test.run();
