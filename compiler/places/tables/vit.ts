/** ViT: names of the checkpoints on the Hub (`encoder.layer.N.attention.attention.query`), and those of transformers 5 (`layers.N.attention.q_proj`). */
import type { InsideRow, Table } from "./table.js";

const norms: readonly InsideRow[] = [
  ["layernorm_before", "norm", "norm1"],
  ["layernorm_after", "norm", "norm2"],
];

export const vit: Table = {
  modelTypes: ["vit"],
  prefixes: ["vit."],
  stacks: [
    {
      name: "encoder",
      at: "encoder.layer",
      count: "num_hidden_layers",
      rows: [
        ...norms,
        ["attention.attention.query", "linear", "query"],
        ["attention.attention.key", "linear", "key"],
        ["attention.attention.value", "linear", "value"],
        ["attention.output.dense", "linear", "out"],
        ["intermediate.dense", "linear", "up"],
        ["output.dense", "linear", "down"],
      ],
    },
    {
      name: "encoder",
      at: "layers",
      count: "num_hidden_layers",
      rows: [
        ...norms,
        ["attention.q_proj", "linear", "query"],
        ["attention.k_proj", "linear", "key"],
        ["attention.v_proj", "linear", "value"],
        ["attention.o_proj", "linear", "out"],
        ["mlp.fc1", "linear", "up"],
        ["mlp.fc2", "linear", "down"],
      ],
    },
  ],
  outside: [
    ["embeddings.cls_token", "embedding", "class_token", "before", "encoder"],
    ["embeddings.mask_token", "embedding", "mask_token", "before", "encoder"],
    ["embeddings.position_embeddings", "embedding", "position", "before", "encoder"],
    ["embeddings.patch_embeddings.projection", "conv", "patch", "before", "encoder"],
    ["layernorm", "norm", "final_norm", "after", "encoder"],
    ["pooler.dense", "linear", "pooler", "after", "encoder"],
    ["classifier", "head", "head", "after", "encoder"],
  ],
};
