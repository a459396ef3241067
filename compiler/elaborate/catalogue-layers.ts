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
};
