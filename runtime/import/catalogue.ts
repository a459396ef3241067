/** The mistakes that importing another tool's files can find: codes M001 to M011, with the pages of `peftc explain`. */
import type { Catalogue } from "../../grammar/index.js";

export const importCatalogue: Catalogue = {
  M001: {
    title: "the file is no YAML",
    page: `The file cannot be read as YAML: a bracket is missing, a key stands twice, or it is something else altogether.

Wrong:  models: [{model: a}
Right:  models: [{model: a}]`,
  },
  M002: {
    title: "a key is unknown",
    page: `mergekit passes over keys that it does not know, so a slip of the finger is a parameter that does nothing. Here it is an
error. Parameters of methods stand under \`parameters:\`, of the file, of a slice or of a model.

Wrong:  parameters: {wieght: 0.5}
Right:  parameters: {weight: 0.5}`,
  },
  M003: {
    title: "a value is of another form than the key needs",
    page: `Parameters are a value, a list of values over the depth, or a list of filters; files have one of models, slices and
modules. The message says what was expected.

Wrong:  layer_range: 0-16
Right:  layer_range: [0, 16]`,
  },
  M004: {
    title: "a parameter without a default is missing",
    page: `Some parameters have to be given, for each model or for all of them: a \`weight\`, a \`t\`.

Wrong:  models: [{model: a}, {model: b}]                       # merge_method: linear
Right:  models: [{model: a, parameters: {weight: 0.5}}, {model: b, parameters: {weight: 0.5}}]`,
  },
  M005: {
    title: "the models do not fit the method",
    page: `A method takes certain models: a base and others, exactly one besides the base, at least two. mergekit adds a
\`base_model\` that is not listed to the models; for a method without a base it then counts as one more model.

Wrong:  merge_method: slerp   # with base_model: a and models: [a, b, c]
Right:  merge_method: slerp   # with base_model: a and models: [a, b]`,
  },
  M006: {
    title: "a filter selects nothing, or cannot be written as a pattern",
    page: `A filter is a part of a tensor's name, as it stands: capital letters count, and \`*\` means nothing in it (alone it selects
everything). One that is in no name is a slip: mergekit passes over it.

Wrong:  filter: self_atn
Right:  filter: self_attn`,
  },
  M007: {
    title: "a list over the depth has no depth to go along",
    page: `A list of values is spread over the blocks. Tensors outside the blocks all get its first value, so for them alone a list
says nothing. A list of words or switches changes in steps, and the number of blocks has to be known.

Wrong:  - filter: embed_tokens
          value: [0, 1]
Right:  - filter: embed_tokens
          value: 0`,
  },
  M008: {
    title: "a range of blocks lies outside the model",
    page: `\`layer_range: [a, b]\` are the blocks a to b, counted from 0, b left out.

Wrong:  layer_range: [24, 40]      # a model of 32 blocks
Right:  layer_range: [24, 32]`,
  },
  M009: {
    title: "a model is not where the file says",
    page: `What was asked for needs the headers of the models. Paths in the file are relative to the file.

Wrong:  peftc import merge.yml --truncate-embeddings       # model: org/name, which is not on this disk
Right:  download the models first, and name their folders`,
  },
  M010: {
    title: "a key has no effect",
    page: `A warning: the key is known, but does nothing, in mergekit or here. The recipe says so at its top.

Wrong:  parameters: {int8_mask: true}
Right:  leave it out`,
  },
  M011: {
    title: "something is done otherwise",
    page: `A warning: the recipe does what the file means, but not bit by bit as mergekit does it. Tensors are computed in f32 and
rounded once; random masks come from the recipe's seed and do not depend on the order of tensors or on the machine.

Wrong:  to expect the bits of mergekit's run of a random method
Right:  to keep the recipe and its seed: it gives the same bytes everywhere`,
  },
};
