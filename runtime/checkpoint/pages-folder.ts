/** Pages of the diagnostics about other formats (F03x) and about the layout of a model folder (F03x, F04x). */
import type { Catalogue } from "../../grammar/index.js";

export const folderPages: Catalogue = {
  F030: {
    title: "pickle file",
    page: `Files ending in .bin, .pt, .pth or .ckpt are Python pickles. Reading one can run any code that its author put
in, so peftc does not read them. Convert it once, in Python, where weights_only=True keeps code from running:

  import torch, safetensors.torch
  weights = torch.load("pytorch_model.bin", weights_only=True)
  safetensors.torch.save_file(weights, "model.safetensors")

  wrong   load("models/old/pytorch_model.bin")
  right   load("models/old/model.safetensors")`,
  },
  F031: {
    title: "GGUF file",
    page: `GGUF files hold weights for llama.cpp, most often quantised; a merge of quantised weights rounds twice. Merge the
original checkpoint and convert the result.

  wrong   load("model-Q4_K_M.gguf")
  right   load("models/original"), then convert the output with llama.cpp`,
  },
  F032: {
    title: "adapter where a model was expected",
    page: `The folder has adapter_config.json: it holds changes to a base model, not a model.

  wrong   load("adapters/math-lora")
  right   load_adapter("adapters/math-lora")`,
  },
  F033: {
    title: "not a safetensors file",
    page: `The first bytes show another format: HDF5, NumPy, or the web page of a failed download.

  wrong   load("model.h5")
  right   load("model.safetensors")`,
  },
  F034: {
    title: "Git LFS pointer",
    page: `The repository was cloned without its large files: in their place stand short texts that say where they are.

  wrong   git clone … && peftc run merge.peft
  right   git clone … && git lfs pull && peftc run merge.peft`,
  },
  F035: {
    title: "no weights in the folder",
    page: `A model folder holds model.safetensors, or model.safetensors.index.json with its shards, or exactly one other
.safetensors file.

  wrong   load("models")            // holds base/ and math/
  right   load("models/base")`,
  },
  F036: {
    title: "several weight files",
    page: `The folder holds several .safetensors files and no index that says what they are: parts of one model or several
models. Name one of them, or add the missing index.

  wrong   load("models")            // holds a.safetensors and b.safetensors
  right   load("models/a.safetensors")`,
  },
  F037: {
    title: "unfinished output",
    page: `The folder belongs to a run that is still writing or that was killed. Its files have their final size but not
their final contents. The next run that saves to the same place removes it.

  wrong   load("out/.merged.peftc-0123456789ab/merged")
  right   load("out/merged")`,
  },
  F038: {
    title: "model or file where an adapter was expected",
    page: `\`load_adapter\` takes the folder of a saved adapter: one with adapter_config.json and adapter_model.safetensors.

  wrong   load_adapter("models/base")
  right   attach(load("models/base"), load_adapter("adapters/math-lora"))`,
  },
  F039: {
    title: "adapter without weights",
    page: `The folder has adapter_config.json and lacks adapter_model.safetensors: a download that was not finished, perhaps.

  wrong   load_adapter("adapters/half")             // adapter_config.json alone
  right   load_adapter("adapters/math-lora")        // with adapter_model.safetensors`,
  },
  F040: {
    title: "malformed index",
    page: `model.safetensors.index.json is an object with "weight_map", an object from tensor names to file names.

  wrong   {"lm_head.weight": "model-00001-of-00002.safetensors"}
  right   {"weight_map": {"lm_head.weight": "model-00001-of-00002.safetensors"}}`,
  },
  F041: {
    title: "shard outside of the folder",
    page: `An index names its shards without a way out of its folder; an index from a stranger must not choose which files
of yours are read. Links are followed: download caches are made of them.

  wrong   "w": "../../private/model.safetensors"
  right   "w": "model-00001-of-00002.safetensors"`,
  },
  F042: {
    title: "shard is missing",
    page: `The index names a file that is not in the folder: a download that was not completed.

  wrong   only model-00001-of-00002.safetensors is there
  right   both shards are there`,
  },
  F043: {
    title: "tensor is not in its shard",
    page: `The index says that a shard holds a tensor, but the header of the shard does not have it. The index and the
shards are from different versions of the model.

  wrong   an old index beside new shards
  right   index and shards of one download`,
  },
  F044: {
    title: "tensor that the index does not know",
    page: `A warning: a shard holds a tensor that the index does not place there. Readers that follow the index do not see
it, and neither does peftc.

  wrong   a shard to which a tensor was added by hand
  right   the same, with a line in weight_map`,
  },
  F045: {
    title: "single file and index",
    page: `A warning: the folder has both model.safetensors and an index. As in transformers, the single file counts.

  wrong   two versions of a model saved into one folder
  right   a folder for each`,
  },
  F046: {
    title: "malformed configuration",
    page: `config.json must be a JSON object in UTF-8, each key once. NaN and Infinity, which Python writes, are accepted.

  wrong   {"hidden_size": 64,}
  right   {"hidden_size": 64}`,
  },
  F047: {
    title: "tied weights that differ",
    page: `A warning: the configuration says that the output head is the input embedding (tie_word_embeddings), but the
checkpoint stores a head of another shape or dtype. Both are kept.

  wrong   "tie_word_embeddings": true   with lm_head [100, 64] and embed_tokens [90, 64]
  right   "tie_word_embeddings": false  for a head of its own`,
  },
  F048: {
    title: "companion is not a file",
    page: `A warning: a name that a model folder uses for a file (tokenizer.json, say) is a folder or a pipe here, and is not
carried to the output.

  wrong   tokenizer.json/ as a folder
  right   tokenizer.json as a file`,
  },
};
