/**
 * Which network of the standard library serves which checkpoint. In: `model_type` and `architectures` of a config.json.
 * Out: the module of the library and the name of the definition in it. The networks themselves are written in the
 * language; what stands here are names: those of definitions, and those that tensors have in memory where a library
 * renames them on loading. A family is added as a row. Spec: spec/architectures.md.
 */

/** A definition of the standard library. */
export interface Network {
  /** `std.arch.vit` in segments. */
  readonly module: readonly string[];
  readonly name: string;
}

/** Two names of one module path, `#` standing for a number: in files, and in memory. */
export type Renaming = readonly [file: string, memory: string];

export interface Family {
  readonly modelTypes: readonly string[];
  /** Folder of its networks in `std.arch`. */
  readonly folder: string;
  /** Definitions by the architecture that a config names. */
  readonly networks: ReadonlyMap<string, string>;
  /** For configs that name none: the network of a whole checkpoint. */
  readonly usual: string;
  /** First part of most names, which files of the network without its head lack. */
  readonly prefix: string;
  /** Below the prefix; the first that fits counts. Empty: both names are the same. */
  readonly renamings: readonly Renaming[];
}

/** Transformers 5 loads ViT under other names than its files have, and PEFT writes those. */
const vitRenamings: readonly Renaming[] = [
  ["encoder.layer.#.attention.attention.query", "layers.#.attention.q_proj"],
  ["encoder.layer.#.attention.attention.key", "layers.#.attention.k_proj"],
  ["encoder.layer.#.attention.attention.value", "layers.#.attention.v_proj"],
  ["encoder.layer.#.attention.output.dense", "layers.#.attention.o_proj"],
  ["encoder.layer.#.intermediate.dense", "layers.#.mlp.fc1"],
  ["encoder.layer.#.output.dense", "layers.#.mlp.fc2"],
  ["encoder.layer", "layers"],
];

const causal = (family: string, folder: string): (readonly [string, string])[] => [
  [`${family}ForCausalLM`, folder],
  [`${family}Model`, "body"],
];

export const families: readonly Family[] = [
  {
    modelTypes: ["llama", "mistral", "qwen2", "qwen3"],
    folder: "llama",
    networks: new Map(["Llama", "Mistral", "Qwen2", "Qwen3"].flatMap((family) => causal(family, "llama"))),
    usual: "llama",
    prefix: "model.",
    renamings: [],
  },
  {
    modelTypes: ["gpt2"],
    folder: "gpt2",
    networks: new Map([
      ["GPT2LMHeadModel", "gpt2"],
      ["GPT2Model", "body"],
    ]),
    usual: "gpt2",
    prefix: "transformer.",
    renamings: [],
  },
  {
    modelTypes: ["bert"],
    folder: "bert",
    networks: new Map([
      ["BertForPreTraining", "pretraining"],
      ["BertForMaskedLM", "masked_lm"],
      ["BertForSequenceClassification", "sequence_classifier"],
      ["BertForTokenClassification", "token_classifier"],
      ["BertModel", "body"],
    ]),
    usual: "pretraining",
    prefix: "bert.",
    renamings: [],
  },
  {
    modelTypes: ["vit"],
    folder: "vit",
    networks: new Map([
      ["ViTForImageClassification", "image_classifier"],
      ["ViTModel", "body"],
    ]),
    usual: "image_classifier",
    prefix: "vit.",
    renamings: vitRenamings,
  },
  {
    modelTypes: ["t5", "mt5"],
    folder: "t5",
    networks: new Map(
      ["T5", "MT5"].flatMap((family): (readonly [string, string])[] => [
        [`${family}ForConditionalGeneration`, "t5"],
        [`${family}Model`, "t5_body"],
        [`${family}EncoderModel`, "encoder_model"],
      ]),
    ),
    usual: "t5",
    prefix: "transformer.",
    renamings: [],
  },
];

const byModelType: ReadonlyMap<string, Family> = new Map(
  families.flatMap((family) => family.modelTypes.map((type) => [type, family] as const)),
);

/** The family of a `model_type`, or null. */
export function familyOf(modelType: string | null): Family | null {
  return modelType === null ? null : (byModelType.get(modelType) ?? null);
}

/**
 * The network of a checkpoint: by the first architecture that its family has, by the family where the config names no
 * architecture at all. Null for other families, and for architectures of a known family that no definition serves.
 */
export function networkOf(modelType: string | null, architectures: readonly string[]): Network | null {
  const family = familyOf(modelType);
  if (family === null) return null;
  const named = architectures.flatMap((architecture) => family.networks.get(architecture) ?? []);
  const name = architectures.length === 0 ? family.usual : named.at(0);
  return name === undefined ? null : { module: ["std", "arch", family.folder], name };
}
