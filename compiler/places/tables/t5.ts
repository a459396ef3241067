/** T5: an encoder and a decoder, each with blocks of numbered parts; the first block of each holds the relative positions. */
import type { InsideRow, Table } from "./table.js";

const selfAttention: readonly InsideRow[] = [
  ["layer.0.SelfAttention.q", "linear", "query"],
  ["layer.0.SelfAttention.k", "linear", "key"],
  ["layer.0.SelfAttention.v", "linear", "value"],
  ["layer.0.SelfAttention.o", "linear", "out"],
  ["layer.0.SelfAttention.relative_attention_bias", "embedding", "relative_position"],
  ["layer.0.layer_norm", "norm", "norm1"],
];

const crossAttention: readonly InsideRow[] = [
  ["layer.1.EncDecAttention.q", "linear", "cross_query"],
  ["layer.1.EncDecAttention.k", "linear", "cross_key"],
  ["layer.1.EncDecAttention.v", "linear", "cross_value"],
  ["layer.1.EncDecAttention.o", "linear", "cross_out"],
  ["layer.1.EncDecAttention.relative_attention_bias", "embedding", "relative_position"],
  ["layer.1.layer_norm", "norm", "norm_cross"],
];

/** `wi` alone, or `wi_0` (the gate) and `wi_1` since T5 1.1. */
const feedForward = (part: number): readonly InsideRow[] => [
  [`layer.${part}.DenseReluDense.wi`, "linear", "up"],
  [`layer.${part}.DenseReluDense.wi_0`, "linear", "gate"],
  [`layer.${part}.DenseReluDense.wi_1`, "linear", "up"],
  [`layer.${part}.DenseReluDense.wo`, "linear", "down"],
  [`layer.${part}.layer_norm`, "norm", "norm2"],
];

export const t5: Table = {
  modelTypes: ["t5", "mt5"],
  prefixes: ["transformer."],
  stacks: [
    { name: "encoder", at: "encoder.block", count: "num_layers", rows: [...selfAttention, ...feedForward(1)] },
    {
      name: "decoder",
      at: "decoder.block",
      count: "num_decoder_layers",
      rows: [...selfAttention, ...crossAttention, ...feedForward(2)],
    },
  ],
  outside: [
    ["shared", "embedding", "embed", "before", null],
    ["encoder.embed_tokens", "embedding", "embed", "before", "encoder"],
    ["decoder.embed_tokens", "embedding", "embed", "before", "decoder"],
    ["encoder.final_layer_norm", "norm", "final_norm", "after", "encoder"],
    ["decoder.final_layer_norm", "norm", "final_norm", "after", "decoder"],
    ["lm_head", "head", "head", "after", "decoder"],
  ],
};
