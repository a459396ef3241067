/**
 * What a tensor is: the value `here` of a lifted call. Kinds and roles are the words that recipes use (`where kind in
 * [linear]`, `by role { query => ... }`); spec/architectures.md lists them for readers.
 */

/**
 * - `linear`: the matrix of a linear map; `embedding`: a table of vectors (tokens, positions, a class token);
 * - `norm`: the scale of a normalisation; `bias`: an added vector, those of normalisations too;
 * - `head`: the matrix of the output layer; `conv`: a convolution's kernel; `other`: everything else.
 */
export const kinds = ["linear", "embedding", "norm", "bias", "head", "conv", "other"] as const;

export type Kind = (typeof kinds)[number];

/** What a tensor does in its block or its model; a bias has the role of its module. */
export const roles = [
  // attention
  "query",
  "key",
  "value",
  "qkv",
  "out",
  "cross_query",
  "cross_key",
  "cross_value",
  "cross_out",
  "query_norm",
  "key_norm",
  "relative_position",
  // feed-forward
  "gate",
  "up",
  "down",
  // norms of a block in order of use: before or after attention, between cross-attention's, before or after the feed-forward
  "norm1",
  "norm_cross",
  "norm2",
  // outside the blocks
  "embed",
  "position",
  "token_type",
  "class_token",
  "mask_token",
  "patch",
  "embed_norm",
  "final_norm",
  "pooler",
  "projection",
  "head_transform",
  "head_norm",
  "head",
  "scale",
  // buffers in old files
  "mask",
] as const;

export type Role = (typeof roles)[number];

export interface Place {
  readonly name: string;
  readonly kind: Kind;
  readonly role: Role | null;
  /** The block's number as in the name; null outside the blocks. */
  readonly layer: number | null;
  /** Where in the name that number begins; null outside the blocks. */
  readonly at: number | null;
  /** Number of blocks in its stack; 0 if it belongs to none. */
  readonly layers: number;
  /** `encoder`, `decoder`, `text`, `vision`, or the prefix of the numbered names; null if there is no prefix or no stack. */
  readonly stack: string | null;
  /** layer / (layers - 1); 1 in a stack of one block; 0 before the blocks and 1 after them. */
  readonly depth: number;
  readonly place: "before" | "inside" | "after";
  /** How a matrix is stored: `in-out` for GPT-2's Conv1D, whose weights are transposed. */
  readonly layout: "out-in" | "in-out";
}

/** The fields of `here`, for the checker, completion and the docs. Types are those of the language. */
export const hereFields = [
  { name: "name", type: "String", doc: "the tensor's name in the file" },
  { name: "kind", type: "Kind", doc: "linear, embedding, norm, bias, head, conv or other" },
  { name: "role", type: "Role?", doc: "query, up, norm1, ... from the architecture; none if unknown" },
  { name: "layer", type: "Int?", doc: "the number of its block; none outside the blocks" },
  { name: "layers", type: "Int", doc: "how many blocks its stack has" },
  { name: "stack", type: "String?", doc: "encoder, decoder, text, vision, or the prefix of the numbered names" },
  { name: "depth", type: "Float", doc: "0 at the first block, 1 at the last; 0 before the blocks, 1 after them" },
  { name: "place", type: '"before" | "inside" | "after"', doc: "where it lies relative to the blocks" },
  { name: "shape", type: "List[Int]", doc: "its lengths" },
  { name: "dtype", type: "Dtype", doc: "its number format in the file" },
] as const;
