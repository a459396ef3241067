/** GPT-2: fused query, key and value; Conv1D weights are stored [in, out]; old files hold the causal mask as `attn.bias`. */
import type { Table } from "./table.js";

export const gpt2: Table = {
  modelTypes: ["gpt2"],
  prefixes: ["transformer."],
  layout: "in-out",
  stacks: [
    {
      name: "decoder",
      at: "h",
      count: "n_layer",
      rows: [
        ["ln_1", "norm", "norm1"],
        ["attn.c_attn", "linear", "qkv"],
        ["attn.c_proj", "linear", "out"],
        ["attn.bias", "other", "mask"],
        ["attn.masked_bias", "other", "mask"],
        ["ln_2", "norm", "norm2"],
        ["mlp.c_fc", "linear", "up"],
        ["mlp.c_proj", "linear", "down"],
      ],
    },
  ],
  outside: [
    ["wte", "embedding", "embed", "before", "decoder"],
    ["wpe", "embedding", "position", "before", "decoder"],
    ["ln_f", "norm", "final_norm", "after", "decoder"],
    ["lm_head", "head", "head", "after", "decoder"],
    ["score", "head", "head", "after", "decoder"],
  ],
};
