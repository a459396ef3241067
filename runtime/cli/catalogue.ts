/** The mistakes that `peftc verify` finds, by code. */
import type { Catalogue } from "../../grammar/index.js";

export const verifyCatalogue: Catalogue = {
  C005: {
    title: "the folder has no receipt",
    page: `Every output of \`peftc run\` holds a receipt, peftc.json: the recipe, the digests of the inputs, and a digest for each
tensor. The folder that was named has none, or one that cannot be read; there is nothing to compare it with.

Wrong:  peftc verify models/base           // a download
Right:  peftc verify out/merged            // what \`save(model, to = "out/merged")\` wrote`,
  },
  C006: {
    title: "a tensor differs from the receipt",
    page: `The bytes of the tensor, or its dtype or shape, are not those that the run wrote: the file was changed afterwards, by a
program or by a failing disk. Run the recipe again; it is in the receipt.

Wrong:  editing out/merged/model.safetensors, then peftc verify out/merged
Right:  peftc run recipe.peft --force, then peftc verify out/merged`,
  },
  C007: {
    title: "the tensors are not those of the receipt",
    page: `A tensor of the receipt is missing from the output, or the output holds one that the receipt does not know: a shard was
removed, added or replaced after the run.

Wrong:  rm out/merged/model-00002-of-00003.safetensors
Right:  copy the folder as a whole, peftc.json and all shards`,
  },
  C008: {
    title: "the receipt holds no digests",
    page: `The output was made with --no-hash, so that its receipt names the tensors but not their digests. Names, dtypes and
shapes were compared; the bytes cannot be.

Wrong:  peftc run recipe.peft --no-hash, then peftc verify out/merged
Right:  peftc run recipe.peft, then peftc verify out/merged`,
  },
};
