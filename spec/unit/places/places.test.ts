import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  kinds,
  layersProblem,
  type NamedShape,
  type Place,
  placesOf,
  roles,
  tables,
} from "../../../compiler/places/index.js";
import * as names from "./names.js";

const brief = (p: Place | undefined) =>
  p === undefined
    ? "absent"
    : `${p.kind} ${p.role} ${p.stack} ${p.place} layer ${p.layer}/${p.layers} depth ${p.depth}`;

const see = (tensors: readonly NamedShape[], model_type: string | null, name: string, layers?: string) =>
  brief(placesOf(tensors, model_type === null ? null : { model_type }, { layers }).get(name));

test("llama: blocks, roles, and the two ends", () => {
  const of = (name: string) => see(names.llama(), "llama", name);
  assert.is(of("model.embed_tokens.weight"), "embedding embed decoder before layer null/3 depth 0");
  assert.is(of("model.layers.0.self_attn.q_proj.weight"), "linear query decoder inside layer 0/3 depth 0");
  assert.is(of("model.layers.1.mlp.down_proj.weight"), "linear down decoder inside layer 1/3 depth 0.5");
  assert.is(of("model.layers.2.post_attention_layernorm.weight"), "norm norm2 decoder inside layer 2/3 depth 1");
  assert.is(of("model.norm.weight"), "norm final_norm decoder after layer null/3 depth 1");
  assert.is(of("lm_head.weight"), "head head decoder after layer null/3 depth 1");
});

test("qwen2 and mistral share llama's table; a bias has the role of its module", () => {
  assert.is(
    see(names.llama("model.", true), "qwen2", "model.layers.1.self_attn.k_proj.bias"),
    "bias key decoder inside layer 1/3 depth 0.5",
  );
  assert.is(
    see(names.llama(), "mistral", "model.layers.1.mlp.gate_proj.weight"),
    "linear gate decoder inside layer 1/3 depth 0.5",
  );
});

test("a file of the base model lacks the prefix and reads the same", () => {
  for (const [family, model_type, prefix] of [
    [names.llama, "llama", "model."],
    [names.gpt2, "gpt2", "transformer."],
    [names.bert, "bert", "bert."],
    [names.vit, "vit", "vit."],
  ] as const) {
    const full = placesOf(family(), { model_type });
    const bare = placesOf(family(""), { model_type });
    for (const [name, place] of full) {
      const short = name.startsWith(prefix) ? name.slice(prefix.length) : name;
      const cut = name.length - short.length;
      assert.equal(bare.get(short), { ...place, name: short, at: place.at === null ? null : place.at - cut });
    }
  }
});

test("gpt2: transposed weights, fused attention, and the mask that is not a bias", () => {
  const places = placesOf(names.gpt2(), { model_type: "gpt2" });
  assert.is(brief(places.get("transformer.h.1.attn.c_attn.weight")), "linear qkv decoder inside layer 1/3 depth 0.5");
  assert.is(places.get("transformer.h.1.attn.c_attn.weight")?.layout, "in-out");
  assert.is(places.get("transformer.wte.weight")?.layout, "out-in");
  assert.is(brief(places.get("transformer.h.0.attn.bias")), "other mask decoder inside layer 0/3 depth 0");
  assert.is(brief(places.get("transformer.wpe.weight")), "embedding position decoder before layer null/3 depth 0");
  assert.is(brief(places.get("transformer.ln_f.bias")), "bias final_norm decoder after layer null/3 depth 1");
});

test("bert: both norms of a block, heads after it, old names of norms", () => {
  const of = (name: string) =>
    see([...names.bert(), { name: "bert.embeddings.LayerNorm.gamma", shape: [64] }], "bert", name);
  assert.is(
    of("bert.encoder.layer.1.attention.output.LayerNorm.weight"),
    "norm norm1 encoder inside layer 1/2 depth 1",
  );
  assert.is(of("bert.encoder.layer.0.output.LayerNorm.bias"), "bias norm2 encoder inside layer 0/2 depth 0");
  assert.is(of("bert.encoder.layer.0.intermediate.dense.weight"), "linear up encoder inside layer 0/2 depth 0");
  assert.is(
    of("bert.embeddings.token_type_embeddings.weight"),
    "embedding token_type encoder before layer null/2 depth 0",
  );
  assert.is(of("bert.embeddings.LayerNorm.gamma"), "norm embed_norm encoder before layer null/2 depth 0");
  assert.is(of("cls.predictions.bias"), "bias head encoder after layer null/2 depth 1");
  assert.is(of("classifier.weight"), "head head encoder after layer null/2 depth 1");
});

test("vit: both generations of names give the same roles", () => {
  const old = [...placesOf(names.vit(), { model_type: "vit" }).values()].filter((p) => p.layer !== null);
  const now = [...placesOf(names.vitOfTransformers5, { model_type: "vit" }).values()];
  const key = (p: Place) => `${p.kind} ${p.role} ${p.layer}/${p.layers} ${p.depth} ${p.stack}`;
  assert.equal(now.map(key).sort(), old.map(key).sort());
  assert.is(
    see(names.vit(), "vit", "vit.embeddings.patch_embeddings.projection.weight"),
    "conv patch encoder before layer null/4 depth 0",
  );
  assert.is(
    see(names.vit(), "vit", "vit.embeddings.cls_token"),
    "embedding class_token encoder before layer null/4 depth 0",
  );
});

test("t5: two stacks with their own numbers", () => {
  const of = (name: string) => see(names.t5, "t5", name);
  assert.is(of("encoder.block.1.layer.1.DenseReluDense.wo.weight"), "linear down encoder inside layer 1/2 depth 1");
  assert.is(of("decoder.block.1.layer.2.DenseReluDense.wi_0.weight"), "linear gate decoder inside layer 1/3 depth 0.5");
  assert.is(
    of("decoder.block.2.layer.1.EncDecAttention.k.weight"),
    "linear cross_key decoder inside layer 2/3 depth 1",
  );
  assert.is(of("decoder.block.0.layer.1.layer_norm.weight"), "norm norm_cross decoder inside layer 0/3 depth 0");
  assert.is(
    of("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"),
    "embedding relative_position encoder inside layer 0/2 depth 0",
  );
  assert.is(of("encoder.final_layer_norm.weight"), "norm final_norm encoder after layer null/2 depth 1");
  assert.is(of("shared.weight"), "embedding embed null before layer null/0 depth 0");
});

test("clip: text and vision", () => {
  const of = (name: string) => see(names.clip, "clip", name);
  assert.is(of("text_model.encoder.layers.1.self_attn.out_proj.weight"), "linear out text inside layer 1/2 depth 1");
  assert.is(of("vision_model.encoder.layers.1.mlp.fc1.weight"), "linear up vision inside layer 1/3 depth 0.5");
  assert.is(of("vision_model.pre_layrnorm.weight"), "norm embed_norm vision before layer null/3 depth 0");
  assert.is(of("visual_projection.weight"), "linear projection vision after layer null/3 depth 1");
  assert.is(of("logit_scale"), "other scale null after layer null/0 depth 1");
});

test("every name of every family is in its table", () => {
  const families = {
    llama: names.llama("model.", true),
    gpt2: names.gpt2(),
    bert: names.bert(),
    vit: names.vit(),
    t5: names.t5,
    clip: names.clip,
  };
  for (const [model_type, tensors] of Object.entries(families)) {
    for (const p of placesOf(tensors, { model_type }).values()) {
      const named = p.role !== null || p.name.endsWith("position_ids");
      assert.ok(named, `${model_type}: ${p.name} has no role`);
    }
  }
});

test("tables use the vocabulary and list no path twice", () => {
  for (const table of tables) {
    for (const stack of table.stacks) assert.is(new Set(stack.rows.map((r) => r[0])).size, stack.rows.length);
    for (const row of [...table.stacks.flatMap((s) => s.rows), ...table.outside]) {
      assert.ok((kinds as readonly string[]).includes(row[1]), String(row));
      assert.ok(row[2] === null || (roles as readonly string[]).includes(row[2]), String(row));
    }
  }
});

const unknown: NamedShape[] = [
  { name: "stem.conv.weight", shape: [8, 3, 3, 3] },
  { name: "enc.blocks.0.attn.qkv.weight", shape: [24, 8] },
  { name: "enc.blocks.1.mlp.0.weight", shape: [16, 8] },
  { name: "enc.blocks.1.norm1.weight", shape: [8] },
  { name: "enc.blocks.1.norm1.bias", shape: [8] },
  { name: "enc.norm.weight", shape: [8] },
  { name: "dec.blocks.0.w2.weight", shape: [8, 16] },
  { name: "dec.blocks.4.w2.weight", shape: [8, 16] },
  { name: "head.weight", shape: [10, 8] },
  { name: "temperature", shape: [] },
];

test("an unknown architecture: the first number is the block, prefixes keep stacks apart", () => {
  const of = (name: string) => see(unknown, "something", name);
  assert.is(of("enc.blocks.0.attn.qkv.weight"), "linear qkv enc.blocks inside layer 0/2 depth 0");
  assert.is(of("enc.blocks.1.mlp.0.weight"), "linear null enc.blocks inside layer 1/2 depth 1");
  assert.is(of("enc.blocks.1.norm1.weight"), "norm norm1 enc.blocks inside layer 1/2 depth 1");
  assert.is(of("enc.blocks.1.norm1.bias"), "bias norm1 enc.blocks inside layer 1/2 depth 1");
  assert.is(of("dec.blocks.4.w2.weight"), "linear down dec.blocks inside layer 4/5 depth 1");
  assert.is(of("enc.norm.weight"), "norm null enc.blocks after layer null/2 depth 1");
  assert.is(of("stem.conv.weight"), "conv null null before layer null/0 depth 0");
  assert.is(of("head.weight"), "head head null after layer null/0 depth 1");
  assert.is(of("temperature"), "other null null before layer null/0 depth 0");
});

test("without a config the names of llama still say most", () => {
  const of = (name: string) => see(names.llama(), null, name);
  assert.is(of("model.layers.1.self_attn.q_proj.weight"), "linear query model.layers inside layer 1/3 depth 0.5");
  assert.is(of("model.embed_tokens.weight"), "embedding embed model.layers before layer null/3 depth 0");
  assert.is(of("lm_head.weight"), "head head model.layers after layer null/3 depth 1");
  assert.is(of("model.norm.weight"), "norm null model.layers after layer null/3 depth 1");
});

test("layers = pattern says which numbers are blocks", () => {
  const tensors: NamedShape[] = [
    { name: "tower.3.blocks.0.fc1.weight", shape: [4, 4] },
    { name: "tower.3.blocks.1.fc1.weight", shape: [4, 4] },
    { name: "experts.7.weight", shape: [4, 4] },
  ];
  assert.is(see(tensors, null, "tower.3.blocks.1.fc1.weight"), "linear up tower inside layer 3/4 depth 1");
  assert.is(
    see(tensors, null, "tower.3.blocks.1.fc1.weight", "tower.3.blocks.*"),
    "linear up tower.3.blocks inside layer 1/2 depth 1",
  );
  assert.is(
    see(tensors, null, "experts.7.weight", "tower.3.blocks.*"),
    "linear null tower.3.blocks before layer null/2 depth 0",
  );
  assert.is(
    see(names.llama(), "llama", "model.layers.2.mlp.up_proj.weight", "model.layers.*"),
    "linear up model.layers inside layer 2/3 depth 1",
  );
  assert.is(layersProblem(tensors, "tower.3.blocks.*"), null);
  assert.match(layersProblem(tensors, "block.*") ?? "", /no tensor's name begins with `block\.\*`/);
  assert.match(layersProblem(tensors, "{tower") ?? "", /not closed/);
});

test("one block has depth 1; an empty checkpoint has no places", () => {
  assert.is(
    see([{ name: "layers.0.w.weight", shape: [2, 2] }], null, "layers.0.w.weight"),
    "linear null layers inside layer 0/1 depth 1",
  );
  assert.is(placesOf([], null).size, 0);
});

test("hostile names and configs are ordinary names", () => {
  const tensors: NamedShape[] = [
    "__proto__",
    "constructor",
    "__proto__.0.weight",
    "",
    ".",
    "..0..",
    "a.99999999999999999999.b",
    "a.-1.b",
  ].map((name) => ({ name, shape: [0] }));
  const places = placesOf(tensors, JSON.parse('{"__proto__": {"model_type": "llama"}, "model_type": ["llama"]}'));
  assert.is(places.size, tensors.length);
  assert.is(places.get("__proto__.0.weight")?.stack, "__proto__");
  assert.is(places.get("a.99999999999999999999.b")?.layer, null);
  assert.is(placesOf(tensors, { model_type: "__proto__" }).get("__proto__")?.kind, "other");
  assert.is(
    placesOf(names.llama(), Object.create({ model_type: "llama" })).get("model.norm.weight")?.stack,
    "model.layers",
  );
});

test.run();
