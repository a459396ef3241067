/** The mistakes of putting models together from blocks and tables: codes R060 to R069, with the pages of `peftc explain`. */
import type { Catalogue } from "../../grammar/index.js";

export const layersCatalogue: Catalogue = {
  R060: {
    title: "the model does not have these blocks",
    page: `\`layers(model, a..b)\` keeps the blocks a to b, counted from 0, b left out. The range has to lie inside the model and to
hold at least one block; \`peftc inspect\` says how many there are.

Wrong:  layers(load("models/7b"), 24..40)      // a model of 32 blocks
Right:  layers(load("models/7b"), 24..32)`,
  },
  R061: {
    title: "the blocks cannot be told",
    page: `A model can be cut and joined where it has one stack of numbered blocks. In an encoder-decoder, or a model of text and
images, name the stack; in a network that is not known, say which names are blocks. Adapters are fused before.

Wrong:  layers(load("models/t5"), 0..4)
Right:  layers(load("models/t5"), 0..4, stack = "decoder")`,
  },
  R062: {
    title: "the blocks or ends of the models do not fit together",
    page: `In \`x ++ y\` the blocks of y follow those of x, so they need the same tensors in the same shapes; what stands after the
blocks is y's, and the config is x's, so y needs every tensor there that x has. A first block that differs from the others
(T5 keeps its relative positions there) has to stay the first.

Wrong:  layers(load("models/7b"), 0..16) ++ layers(load("models/13b"), 8..40)
Right:  layers(load("models/7b-chat"), 0..16) ++ layers(load("models/7b-code"), 8..32)`,
  },
  R063: {
    title: "the configs of joined models differ",
    page: `A warning. The model that \`++\` makes has the config of its first part, for example one base of rotary positions for all
blocks. Blocks that were trained with another one will run with this one.

Wrong:  layers(load("models/rope-10k"), 0..16) ++ layers(load("models/rope-1m"), 16..32)
Right:  layers(load("models/rope-10k"), 0..16) ++ layers(load("models/rope-10k-tuned"), 16..32)`,
  },
  R065: {
    title: "the vocabularies cannot be aligned",
    page: `\`align\` matches rows of embeddings and heads by the tokens they stand for, so every model needs a tokenizer.json beside
its weights, and the same tables: a head that is tied to the embedding is not stored, and goes with models that tie theirs.

Wrong:  align([load("models/a"), load("models/b.safetensors")])
Right:  align([load("models/a"), load("models/b")])            // folders with tokenizer.json`,
  },
  R066: {
    title: "the tokenizers share next to nothing",
    page: `Tokenizers of different kinds write the same word in different ways (\`Ġthe\`, \`▁the\`, \`##the\`), so hardly any token of one
is a token of the other, and rows cannot be matched by them.

Wrong:  align([load("models/gpt2"), load("models/llama")])
Right:  align([load("models/llama"), load("models/llama-with-new-tokens")])`,
  },
  R067: {
    title: "the model has no such token",
    page: `The row of a token was asked for by the text or the number of a token that the model's tokenizer does not have, or for
which its table has no row.

Wrong:  align([a, b], tokens = [{ token: "<new>", row: { model: a, token: "<nwe>" } }])
Right:  align([a, b], tokens = [{ token: "<new>", row: { model: a, token: "new" } }])`,
  },
};
