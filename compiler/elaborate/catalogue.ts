/**
 * The mistakes that only a recipe with its models can show: codes R002 to R020 and T016 to T018, with the pages that
 * `peftc explain` prints. The others that elaboration finds are in the catalogue of the checker.
 */
import type { Catalogue } from "../../grammar/index.js";

export const elaborateCatalogue: Catalogue = {
  R002: {
    title: "the checkpoint holds no tensors",
    page: `The file that \`load\` opened is well formed but has no tensor in it: nothing could be merged.

Wrong:  let base = load("models/empty")
Right:  let base = load("models/base")        // peftc inspect models/base shows what is in it`,
  },
  R003: {
    title: "models have different tensors",
    page: `A function on tensors runs for every tensor, matched by name, so all models of a call need the same names. The note
lists what one has and the other lacks. Select the tensors that are common to them; the rest is copied from the first
model.

Wrong:  let m = linear([text_model, text_model_with_head])
Right:  let m = linear([text_model, text_model_with_head]) where here in text_model`,
  },
  R004: {
    title: "the model has no tensor of this name",
    page: `A tensor was asked for by a name that the model does not have: in an index, or because a \`where\` clause selects it in
the first model of a call. Names are those of the file; \`peftc inspect PATH\` lists them.

Wrong:  report norm(base["lm_head"])
Right:  report norm(base["lm_head.weight"])`,
  },
  R005: {
    title: "a pattern or word matches nothing",
    page: `Every case of a schedule and every word of a \`where\` clause has to match at least one tensor: one that matches none is
nearly always a slip. \`*\` stands for any characters, dots too, and a pattern has to match the whole name.

Wrong:  lambda = by name { "*.mpl.*" => 0.5, else 1 }
Right:  lambda = by name { "*.mlp.*" => 0.5, else 1 }`,
  },
  R006: {
    title: "a pattern cannot be read",
    page: `In patterns over names \`*\` stands for any characters, \`?\` for one, \`{a,b}\` for alternatives. Braces have to be closed.
The pattern of \`load(path, layers = …)\` names the numbered blocks of a model and has to match some tensors.

Wrong:  where name matches "*.{query,value"
Right:  where name matches "*.{query,value}.weight"`,
  },
  R007: {
    title: "this cannot be saved",
    page: `\`save\` writes models: trees of tensors. Numbers, lists and trees of numbers are reported instead.

Wrong:  save(norm(merged - base), to = "out/norms")
Right:  report norm(merged - base)`,
  },
  R008: {
    title: "two outputs have the same path",
    page: `Each \`save\` of a recipe needs a folder of its own; otherwise the second would replace the first.

Wrong:  save(a, to = "out")  save(b, to = "out")
Right:  save(a, to = "out/a")  save(b, to = "out/b")`,
  },
  R009: {
    title: "a computed tensor cannot be stored like its model",
    page: `An output is stored in the dtype of its first model. A computed tensor of floats cannot be stored in a dtype of whole
numbers; say which dtype the output shall have.

Wrong:  save(merged, to = "out")                 // the first model is stored as I8
Right:  save(merged, to = "out", dtype = bf16)`,
  },
  R010: {
    title: "`where` has nothing to select from",
    page: `\`call where condition\` selects the places of a call that runs over models. It cannot stand behind anything else, nor
behind a call that is given no model where it takes tensors.

Wrong:  let m = base where kind == linear
Right:  let m = ties(base, experts) where kind == linear`,
  },
  R011: {
    title: "`where` selects nothing",
    page: `The condition is true for no tensor of the first model, so the call would do nothing. \`peftc inspect\` lists the names;
kinds and roles come from the model's type.

Wrong:  ties(base, experts) where layer in 40..48      // of a model with 32 layers
Right:  ties(base, experts) where layer in 24..32`,
  },
  R012: {
    title: "`here` has no place",
    page: `\`here\` is the tensor for which a lifted call runs: its name, kind, role, layer, depth, shape. In the body of a recipe
there is no such tensor.

Wrong:  recipe r { let d = here.depth … }
Right:  merge m(base: Weight[*s], …) -> Weight[*s] { let d = here.depth … }`,
  },
  R013: {
    title: "a schedule has no value here",
    page: `\`by depth { … }\` and its like have one value for each tensor of a model. Outside of a call on models there is no tensor
to take the value of; give the schedule to such a call as an argument.

Wrong:  let a = by depth { 0 .. 1 }, b = if a > 0.5 then 1 else 2
Right:  let merged = ties(base, experts, lambda = by depth { 0 .. 1 })`,
  },
  R014: {
    title: "a schedule has no case for this place",
    page: `Every tensor of the call needs a value. Tensors outside of the layers (embeddings, the last norm, the head) have no
layer, and not all have a role. \`else\` gives the value of what no case matches.

Wrong:  by layer { 0..8 => 0.2, 8..16 => 0.6 }
Right:  by layer { 0..8 => 0.2, 8..16 => 0.6, else 1 }`,
  },
  R015: {
    title: "the recipe has no such input",
    page: `\`--set name=value\` sets an input that the recipe declares. Nothing else can be changed from outside.

Wrong:  peftc run r.peft --set denstiy=30%
Right:  peftc run r.peft --set density=30%       // input density: Fraction = 20%`,
  },
  R016: {
    title: "the recipe has no effect",
    page: `A recipe that neither saves nor reports anything has nothing to run: what is not needed is not computed.

Wrong:  recipe r { let m = ties(base, experts) }
Right:  recipe r { let m = ties(base, experts)  save(m, to = "out/merged") }`,
  },
  R017: {
    title: "a recipe has no such option",
    page: `Behind the name of a recipe may stand its seed, a whole number that all random draws depend on. Everything else is a
statement in its body.

Wrong:  recipe r(device = "gpu") { … }
Right:  recipe r(seed = 7) { … }`,
  },
  R018: {
    title: "an input has no value",
    page: `The input is declared without a default, so each run has to give it.

Wrong:  peftc run r.peft                         // input base: Path
Right:  peftc run r.peft --set base=models/base`,
  },
  R019: {
    title: "this cannot be reported",
    page: `\`report\` shows numbers, text, lists and records of them, and trees of numbers. A tensor has to be reduced to a number
first, or saved.

Wrong:  report merged - base
Right:  report norm(merged - base)               // a number for each tensor`,
  },
  R020: {
    title: "a requirement is not met",
    page: `A \`require(condition, "text")\` in a method was false for what it was given; its text says what the method needs. It is
checked before anything is computed where its condition is known then.

Wrong:  linear(models, weights = [1, -1])        // an average needs a sum other than 0
Right:  linear(models, weights = [1, -1], normalize = false)`,
  },
  T016: {
    title: "this has no value over the whole model",
    page: `\`over = model\` adds up one part from each tensor of a call on models. Outside of such a call there are no parts, and
positions such as those of \`argmax\` mean nothing across tensors.

Wrong:  let n = norm(base["a.weight"], over = model)
Right:  let n = norm(base, over = model)`,
  },
  T017: {
    title: "a statistic over the model needs one threshold",
    page: `\`rank(x, over = model) < k\` selects the k largest entries of all tensors together, so k has to be the same number at
every place.

Wrong:  rank(x, over = model) < density * size(x)
Right:  rank(x, over = model) < density * size(x, over = model)`,
  },
  T018: {
    title: "a statistic over the model misses some tensors",
    page: `Every tensor that a call selects has to add its part to a statistic \`over = model\`. Here it stands in a branch that only
some of them take.

Wrong:  if here.kind == "linear" { return base + d / norm(d, over = model) }
Right:  let n = norm(d, over = model)
        if here.kind == "linear" { return base + d / n }`,
  },
};
