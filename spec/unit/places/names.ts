/** Names and shapes of small checkpoints of each family, as Hugging Face writes them. */
import type { NamedShape } from "../../../compiler/places/index.js";

const t = (name: string, ...shape: number[]): NamedShape => ({ name, shape });

/** weight [out, in] and bias [out]. */
const linear = (name: string, out: number, inn: number): NamedShape[] => [
  t(`${name}.weight`, out, inn),
  t(`${name}.bias`, out),
];
const norm = (name: string, d: number): NamedShape[] => [t(`${name}.weight`, d), t(`${name}.bias`, d)];
const blocks = (n: number, of: (i: number) => NamedShape[]): NamedShape[] =>
  Array.from({ length: n }, (_, i) => of(i)).flat();

export const llama = (prefix = "model.", bias = false): NamedShape[] => [
  t(`${prefix}embed_tokens.weight`, 67, 32),
  ...blocks(3, (i) => {
    const at = `${prefix}layers.${i}`;
    const attention = ["q_proj", "k_proj", "v_proj"].flatMap((p) => {
      const [weight, added] = linear(`${at}.self_attn.${p}`, 32, 32);
      return bias ? [weight, added] : [weight];
    });
    return [
      t(`${at}.input_layernorm.weight`, 32),
      ...attention,
      t(`${at}.self_attn.o_proj.weight`, 32, 32),
      t(`${at}.post_attention_layernorm.weight`, 32),
      t(`${at}.mlp.gate_proj.weight`, 80, 32),
      t(`${at}.mlp.up_proj.weight`, 80, 32),
      t(`${at}.mlp.down_proj.weight`, 32, 80),
    ];
  }),
  t(`${prefix}norm.weight`, 32),
  t("lm_head.weight", 67, 32),
];

export const gpt2 = (prefix = "transformer."): NamedShape[] => [
  t(`${prefix}wte.weight`, 65, 64),
  t(`${prefix}wpe.weight`, 128, 64),
  ...blocks(3, (i) => {
    const at = `${prefix}h.${i}`;
    return [
      ...norm(`${at}.ln_1`, 64),
      t(`${at}.attn.bias`, 1, 1, 128, 128),
      t(`${at}.attn.c_attn.weight`, 64, 192),
      t(`${at}.attn.c_attn.bias`, 192),
      t(`${at}.attn.c_proj.weight`, 64, 64),
      t(`${at}.attn.c_proj.bias`, 64),
      ...norm(`${at}.ln_2`, 64),
      t(`${at}.mlp.c_fc.weight`, 64, 256),
      t(`${at}.mlp.c_fc.bias`, 256),
      t(`${at}.mlp.c_proj.weight`, 256, 64),
      t(`${at}.mlp.c_proj.bias`, 64),
    ];
  }),
  ...norm(`${prefix}ln_f`, 64),
];

export const bert = (prefix = "bert."): NamedShape[] => [
  t(`${prefix}embeddings.word_embeddings.weight`, 70, 64),
  t(`${prefix}embeddings.position_embeddings.weight`, 64, 64),
  t(`${prefix}embeddings.token_type_embeddings.weight`, 2, 64),
  ...norm(`${prefix}embeddings.LayerNorm`, 64),
  ...blocks(2, (i) => {
    const at = `${prefix}encoder.layer.${i}`;
    return [
      ...linear(`${at}.attention.self.query`, 64, 64),
      ...linear(`${at}.attention.self.key`, 64, 64),
      ...linear(`${at}.attention.self.value`, 64, 64),
      ...linear(`${at}.attention.output.dense`, 64, 64),
      ...norm(`${at}.attention.output.LayerNorm`, 64),
      ...linear(`${at}.intermediate.dense`, 256, 64),
      ...linear(`${at}.output.dense`, 64, 256),
      ...norm(`${at}.output.LayerNorm`, 64),
    ];
  }),
  ...linear(`${prefix}pooler.dense`, 64, 64),
  t("cls.predictions.bias", 70),
  ...linear("cls.predictions.transform.dense", 64, 64),
  ...norm("cls.predictions.transform.LayerNorm", 64),
  ...linear("cls.seq_relationship", 2, 64),
  ...linear("classifier", 3, 64),
];

export const vit = (prefix = "vit."): NamedShape[] => [
  t(`${prefix}embeddings.cls_token`, 1, 1, 64),
  t(`${prefix}embeddings.position_embeddings`, 1, 17, 64),
  t(`${prefix}embeddings.patch_embeddings.projection.weight`, 64, 1, 7, 7),
  t(`${prefix}embeddings.patch_embeddings.projection.bias`, 64),
  ...blocks(4, (i) => {
    const at = `${prefix}encoder.layer.${i}`;
    return [
      ...["query", "key", "value"].flatMap((p) => linear(`${at}.attention.attention.${p}`, 64, 64)),
      ...linear(`${at}.attention.output.dense`, 64, 64),
      ...linear(`${at}.intermediate.dense`, 128, 64),
      ...linear(`${at}.output.dense`, 64, 128),
      ...norm(`${at}.layernorm_before`, 64),
      ...norm(`${at}.layernorm_after`, 64),
    ];
  }),
  ...norm(`${prefix}layernorm`, 64),
  ...linear("classifier", 10, 64),
];

/** The blocks of a ViT as transformers 5 names them. */
export const vitOfTransformers5: NamedShape[] = blocks(4, (i) => [
  ...["q_proj", "k_proj", "v_proj", "o_proj"].flatMap((p) => linear(`vit.layers.${i}.attention.${p}`, 64, 64)),
  ...linear(`vit.layers.${i}.mlp.fc1`, 128, 64),
  ...linear(`vit.layers.${i}.mlp.fc2`, 64, 128),
  ...norm(`vit.layers.${i}.layernorm_before`, 64),
  ...norm(`vit.layers.${i}.layernorm_after`, 64),
]);

export const t5: NamedShape[] = [
  t("shared.weight", 100, 16),
  ...blocks(2, (i) => [
    ...["q", "k", "v", "o"].map((p) => t(`encoder.block.${i}.layer.0.SelfAttention.${p}.weight`, 16, 16)),
    ...(i === 0 ? [t("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", 32, 4)] : []),
    t(`encoder.block.${i}.layer.0.layer_norm.weight`, 16),
    t(`encoder.block.${i}.layer.1.DenseReluDense.wi.weight`, 64, 16),
    t(`encoder.block.${i}.layer.1.DenseReluDense.wo.weight`, 16, 64),
    t(`encoder.block.${i}.layer.1.layer_norm.weight`, 16),
  ]),
  t("encoder.final_layer_norm.weight", 16),
  ...blocks(3, (i) => [
    ...["q", "k", "v", "o"].map((p) => t(`decoder.block.${i}.layer.0.SelfAttention.${p}.weight`, 16, 16)),
    t(`decoder.block.${i}.layer.0.layer_norm.weight`, 16),
    ...["q", "k", "v", "o"].map((p) => t(`decoder.block.${i}.layer.1.EncDecAttention.${p}.weight`, 16, 16)),
    t(`decoder.block.${i}.layer.1.layer_norm.weight`, 16),
    t(`decoder.block.${i}.layer.2.DenseReluDense.wi_0.weight`, 64, 16),
    t(`decoder.block.${i}.layer.2.DenseReluDense.wi_1.weight`, 64, 16),
    t(`decoder.block.${i}.layer.2.DenseReluDense.wo.weight`, 16, 64),
    t(`decoder.block.${i}.layer.2.layer_norm.weight`, 16),
  ]),
  t("decoder.final_layer_norm.weight", 16),
  t("lm_head.weight", 100, 16),
];

const clipBlock = (at: string): NamedShape[] => [
  ...norm(`${at}.layer_norm1`, 16),
  ...["q_proj", "k_proj", "v_proj", "out_proj"].flatMap((p) => linear(`${at}.self_attn.${p}`, 16, 16)),
  ...norm(`${at}.layer_norm2`, 16),
  ...linear(`${at}.mlp.fc1`, 64, 16),
  ...linear(`${at}.mlp.fc2`, 16, 64),
];

export const clip: NamedShape[] = [
  t("logit_scale"),
  t("text_model.embeddings.token_embedding.weight", 49, 16),
  t("text_model.embeddings.position_embedding.weight", 77, 16),
  t("text_model.embeddings.position_ids", 1, 77),
  ...blocks(2, (i) => clipBlock(`text_model.encoder.layers.${i}`)),
  ...norm("text_model.final_layer_norm", 16),
  t("vision_model.embeddings.class_embedding", 16),
  t("vision_model.embeddings.patch_embedding.weight", 16, 3, 7, 7),
  t("vision_model.embeddings.position_embedding.weight", 50, 16),
  ...norm("vision_model.pre_layrnorm", 16),
  ...blocks(3, (i) => clipBlock(`vision_model.encoder.layers.${i}`)),
  ...norm("vision_model.post_layernorm", 16),
  t("visual_projection.weight", 8, 16),
  t("text_projection.weight", 8, 16),
];
