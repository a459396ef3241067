/** The mistakes of saved adapters and what they are attached to, R080 to R089: what `peftc explain` prints. */
import type { Catalogue } from "../../grammar/index.js";

export const adaptersCatalogue: Catalogue = {
  R080: {
    title: "no adapter of this type is known",
    page: `\`peft_type\` in adapter_config.json names the kind of a saved adapter. Neither this file and what it uses nor std.adapter has
an adapter whose config begins so. A definition of your own is found when it is in scope.

Wrong:  attach(base, load_adapter("mine"))             // its peft_type is "MINE"
Right:  use "./mine.peft".{mine}                       // adapter mine on linear { … config { peft_type: "MINE" } }
        recipe r { … attach(base, load_adapter("mine")) }`,
  },
  R081: {
    title: "an adapter of a form that is not known",
    page: `The type is known, but an entry of adapter_config.json says that the adapter computes something else than any definition
of this type does.

Wrong:  attach(base, load_adapter("odd"))              // "use_qalora": true
Right:  attach(base, load_adapter("plain"))            // "use_qalora": false`,
  },
  R082: {
    title: "the adapter fits no module of the model",
    page: `The names of a saved adapter's tensors begin with the paths of the modules that it changes. The model has none of them, or
they are modules of another kind: the adapter is of another base model.

Wrong:  attach(load("models/bert"), load_adapter("llama-lora"))
Right:  attach(load("models/llama"), load_adapter("llama-lora"))`,
  },
  R083: {
    title: "the adapter's file fits only in part",
    page: `Every tensor of a saved adapter must have its place, and every tensor that an adapter needs must be in the file; else the
result would be some other model. The notes list what is left over or missing.

Wrong:  attach(load("models/small"), load_adapter("lora-of-a-deeper-model"))
Right:  attach(load("models/deep"), load_adapter("lora-of-a-deeper-model"))`,
  },
  R084: {
    title: "the adapter, its config and the model disagree",
    page: `A tensor of a saved adapter has another shape than its config and the model's weight say, or the config names a target that
has no tensors: the file is of another base model, or its two parts are of different adapters.

Wrong:  "r": 8 in adapter_config.json, and lora_A.weight is [4, 64]
Right:  "r": 4 in adapter_config.json, and lora_A.weight is [4, 64]`,
  },
  R085: {
    title: "a key of the adapter's config is not used",
    page: `A warning. adapter_config.json has a key that the definition of this adapter does not read. Newer versions of a library add
keys; if this one changes what the adapter computes, the result differs from the library's.

Wrong:  "my_option": 3                                 // and no config { .. } has my_option
Right:  config { peft_type: "MINE", my_option: option ?? 1 }`,
  },
  R086: {
    title: "a word of configs stands elsewhere",
    page: `\`overrides(p)\` and \`hosts_where(p)\` say how a config file lists hosts that differ: they stand as the value of an entry in
the \`config { .. }\` of an adapter, and take one of its parameters.

Wrong:  let table = overrides(rank)
Right:  config { r: rank, rank_pattern: overrides(rank) }`,
  },
  R087: {
    title: "a parameter is empty",
    page: `A tensor of an adapter has no elements, so that nothing could be trained or changed: a rank or a number of tokens is 0.

Wrong:  attach(base, lora(rank = 0), to = "*.q_proj")
Right:  attach(base, lora(rank = 8), to = "*.q_proj")`,
  },
  R088: {
    title: "adapters that do not share a base",
    page: `\`hosts_of\` reads from saved adapters on which modules they go. The adapters must be of one base: their configs name it alike
(folders may differ, the last part of the name may not), and a module that two of them change has one shape. The shape must
follow from the adapter's tensors; where it does not, the base is needed.

Wrong:  hosts_of([load_adapter("lora-of-llama"), load_adapter("lora-of-mistral")])
Right:  hosts_of([load_adapter("lora-of-llama"), load_adapter("other-lora-of-llama")])`,
  },
  R089: {
    title: "a weight without numbers",
    page: `The model that \`hosts_of\` gives has modules and shapes, and no numbers. Factors and changes of adapters can be read there;
what depends on the base itself (the norms of DoRA, \`fuse\`, calling the model) cannot.

Wrong:  fuse(attach(hosts_of([lora]), lora))
Right:  fuse(attach(load("models/base"), lora))`,
  },
};
