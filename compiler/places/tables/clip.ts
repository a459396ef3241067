/** CLIP: a text and a vision encoder of equal blocks, and projections into one space. (`pre_layrnorm` is spelt so in the files.) */
import type { InsideRow, Table } from "./table.js";

const block: readonly InsideRow[] = [
  ["layer_norm1", "norm", "norm1"],
  ["self_attn.q_proj", "linear", "query"],
  ["self_attn.k_proj", "linear", "key"],
  ["self_attn.v_proj", "linear", "value"],
  ["self_attn.out_proj", "linear", "out"],
  ["layer_norm2", "norm", "norm2"],
  ["mlp.fc1", "linear", "up"],
  ["mlp.fc2", "linear", "down"],
];

export const clip: Table = {
  modelTypes: ["clip", "clip_text_model", "clip_vision_model"],
  prefixes: ["clip."],
  stacks: [
    { name: "text", at: "text_model.encoder.layers", count: "text_config.num_hidden_layers", rows: block },
    { name: "vision", at: "vision_model.encoder.layers", count: "vision_config.num_hidden_layers", rows: block },
  ],
  outside: [
    ["text_model.embeddings.token_embedding", "embedding", "embed", "before", "text"],
    ["text_model.embeddings.position_embedding", "embedding", "position", "before", "text"],
    ["text_model.embeddings.position_ids", "other", null, "before", "text"],
    ["text_model.final_layer_norm", "norm", "final_norm", "after", "text"],
    ["vision_model.embeddings.class_embedding", "embedding", "class_token", "before", "vision"],
    ["vision_model.embeddings.patch_embedding", "conv", "patch", "before", "vision"],
    ["vision_model.embeddings.position_embedding", "embedding", "position", "before", "vision"],
    ["vision_model.embeddings.position_ids", "other", null, "before", "vision"],
    ["vision_model.pre_layrnorm", "norm", "embed_norm", "before", "vision"],
    ["vision_model.post_layernorm", "norm", "final_norm", "after", "vision"],
    ["text_projection", "linear", "projection", "after", "text"],
    ["visual_projection", "linear", "projection", "after", "vision"],
    ["logit_scale", "other", "scale", "after", null],
    ["classifier", "head", "head", "after", "vision"],
  ],
};
