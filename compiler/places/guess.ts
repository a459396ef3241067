/**
 * What a tensor is when no table says so: from its shape and the words of its name. In: name and shape. Out: kind, role,
 * and on which side of the blocks it lies. Used for unknown architectures, and for names that a table does not list.
 */
import type { Kind, Role } from "./place.js";

const queries = ["q", "query", "q_proj", "to_q", "wq"];
const keys = ["k", "key", "k_proj", "to_k", "wk"];
const values = ["v", "value", "v_proj", "to_v", "wv"];

/** Last segment of a module's path → role. */
const roleWords: ReadonlyMap<string, Role> = new Map([
  ...queries.map((w) => [w, "query"] as const),
  ...keys.map((w) => [w, "key"] as const),
  ...values.map((w) => [w, "value"] as const),
  ...(
    ["qkv", "c_attn", "qkv_proj", "query_key_value", "in_proj", "in_proj_weight", "in_proj_bias", "Wqkv"] as const
  ).map((w) => [w, "qkv"] as const),
  ...(["o_proj", "out_proj", "wo", "out_lin"] as const).map((w) => [w, "out"] as const),
  ...(["gate_proj", "w1", "wi_0"] as const).map((w) => [w, "gate"] as const),
  ...(["up_proj", "w3", "fc1", "c_fc", "wi", "wi_1", "dense_h_to_4h", "lin1"] as const).map((w) => [w, "up"] as const),
  ...(["down_proj", "w2", "fc2", "dense_4h_to_h", "lin2"] as const).map((w) => [w, "down"] as const),
  ...(["q_norm"] as const).map((w) => [w, "query_norm"] as const),
  ...(["k_norm"] as const).map((w) => [w, "key_norm"] as const),
  ...(["input_layernorm", "norm1", "ln1", "ln_1", "layer_norm1", "layernorm_before", "attention_norm"] as const).map(
    (w) => [w, "norm1"] as const,
  ),
  ...(["post_attention_layernorm", "norm2", "ln2", "ln_2", "layer_norm2", "layernorm_after", "ffn_norm"] as const).map(
    (w) => [w, "norm2"] as const,
  ),
  ...(
    ["embed_tokens", "wte", "word_embeddings", "tok_embeddings", "token_embedding", "shared", "embed_in"] as const
  ).map((w) => [w, "embed"] as const),
  ...(["wpe", "position_embeddings", "position_embedding", "pos_embed", "embed_positions"] as const).map(
    (w) => [w, "position"] as const,
  ),
  ...(["token_type_embeddings"] as const).map((w) => [w, "token_type"] as const),
  ...(["cls_token", "class_embedding"] as const).map((w) => [w, "class_token"] as const),
  ...(["ln_f", "final_layernorm", "final_layer_norm", "post_layernorm"] as const).map(
    (w) => [w, "final_norm"] as const,
  ),
  ...(["lm_head", "head", "classifier", "score", "embed_out"] as const).map((w) => [w, "head"] as const),
  ...(["pooler"] as const).map((w) => [w, "pooler"] as const),
]);

const normWord = /^(bn\d*|ln(_?(\d+|f))?|.*norm.*)$/i;
const embeddingWord = /^(wte|wpe|shared|.*embed.*|cls_token|mask_token|pos_embed)$/i;
const headWord = /^(lm_head|head|classifier|score|embed_out|qa_outputs)$/;
const afterWord =
  /^(lm_head|head|classifier|score|embed_out|qa_outputs|.*norm.*|ln_f|pooler|.*projection|cls|.*final.*|fc_norm)$/i;
const beforeWord = /^(.*embed.*|wte|wpe|shared|stem|pre_.*)$/i;
const layerNumber = /^\d{1,9}$/;

export interface Guess {
  readonly kind: Kind;
  readonly role: Role | null;
  /** The side on which it lies if it is in no block. */
  readonly side: "before" | "after";
}

/** Words of a name: the module's path without numbers, and the leaf. */
export function guess(name: string, shape: readonly number[], inside: boolean): Guess {
  const segments = name.split(".");
  const last = segments[segments.length - 1];
  const hasLeaf = isWeight(last) || isBias(last);
  const path = (hasLeaf ? segments.slice(0, -1) : segments).filter((s) => !layerNumber.test(s));
  const module = path[path.length - 1] ?? "";
  const side = path.some((w) => beforeWord.test(w))
    ? "before"
    : path.some((w) => afterWord.test(w))
      ? "after"
      : "before";
  return { kind: kindOf(module, last, shape.length, inside), role: roleWords.get(module) ?? null, side };
}

export const isWeight = (leaf: string): boolean => leaf === "weight" || leaf === "gamma";

export const isBias = (leaf: string): boolean => leaf === "bias" || leaf === "beta";

function kindOf(module: string, leaf: string, rank: number, inside: boolean): Kind {
  if (isBias(leaf) || (rank === 1 && leaf.endsWith("_bias"))) return "bias";
  if (rank >= 4 || (rank === 3 && /conv/i.test(module))) return "conv";
  if (embeddingWord.test(module) && rank >= 2) return "embedding";
  if (rank === 1) return isWeight(leaf) ? "norm" : normWord.test(module) && leaf === "scale" ? "norm" : "other";
  if (rank !== 2) return "other";
  return headWord.test(module) && !inside ? "head" : "linear";
}
