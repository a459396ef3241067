/** BERT: an encoder with a norm after each half of the block, and the heads of pre-training and of classification. */
import type { Table } from "./table.js";

export const bert: Table = {
  modelTypes: ["bert"],
  prefixes: ["bert."],
  stacks: [
    {
      name: "encoder",
      at: "encoder.layer",
      count: "num_hidden_layers",
      rows: [
        ["attention.self.query", "linear", "query"],
        ["attention.self.key", "linear", "key"],
        ["attention.self.value", "linear", "value"],
        ["attention.output.dense", "linear", "out"],
        ["attention.output.LayerNorm", "norm", "norm1"],
        ["intermediate.dense", "linear", "up"],
        ["output.dense", "linear", "down"],
        ["output.LayerNorm", "norm", "norm2"],
      ],
    },
  ],
  outside: [
    ["embeddings.word_embeddings", "embedding", "embed", "before", "encoder"],
    ["embeddings.position_embeddings", "embedding", "position", "before", "encoder"],
    ["embeddings.token_type_embeddings", "embedding", "token_type", "before", "encoder"],
    ["embeddings.LayerNorm", "norm", "embed_norm", "before", "encoder"],
    ["embeddings.position_ids", "other", null, "before", "encoder"],
    ["pooler.dense", "linear", "pooler", "after", "encoder"],
    ["cls.predictions.transform.dense", "linear", "head_transform", "after", "encoder"],
    ["cls.predictions.transform.LayerNorm", "norm", "head_norm", "after", "encoder"],
    ["cls.predictions.decoder", "head", "head", "after", "encoder"],
    ["cls.predictions.bias", "bias", "head", "after", "encoder"],
    ["cls.seq_relationship", "head", "head", "after", "encoder"],
    ["classifier", "head", "head", "after", "encoder"],
    ["qa_outputs", "head", "head", "after", "encoder"],
  ],
};
