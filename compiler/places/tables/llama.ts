/** Decoders in the manner of Llama: RMS norms, rotary positions, gated feed-forward. Qwen 2 adds biases to query, key and value, Qwen 3 norms. */
import type { Table } from "./table.js";

export const llama: Table = {
  modelTypes: ["llama", "mistral", "qwen2", "qwen3"],
  prefixes: ["model."],
  stacks: [
    {
      name: "decoder",
      at: "layers",
      count: "num_hidden_layers",
      rows: [
        ["input_layernorm", "norm", "norm1"],
        ["self_attn.q_proj", "linear", "query"],
        ["self_attn.k_proj", "linear", "key"],
        ["self_attn.v_proj", "linear", "value"],
        ["self_attn.o_proj", "linear", "out"],
        ["self_attn.q_norm", "norm", "query_norm"],
        ["self_attn.k_norm", "norm", "key_norm"],
        ["self_attn.rotary_emb.inv_freq", "other", null],
        ["post_attention_layernorm", "norm", "norm2"],
        ["mlp.gate_proj", "linear", "gate"],
        ["mlp.up_proj", "linear", "up"],
        ["mlp.down_proj", "linear", "down"],
      ],
    },
  ],
  outside: [
    ["embed_tokens", "embedding", "embed", "before", "decoder"],
    ["norm", "norm", "final_norm", "after", "decoder"],
    ["lm_head", "head", "head", "after", "decoder"],
    ["score", "head", "head", "after", "decoder"],
  ],
};
