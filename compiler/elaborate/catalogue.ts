/**
 * The mistakes that only a recipe with its models can show: codes R002 to R020 and T016 to T018, with the pages that
 * `peftc explain` prints. The others that elaboration finds are in the catalogue of the checker.
 */
import type { Catalogue } from "../../grammar/index.js";
import { definitionCodes } from "./catalogue-definitions.js";

export const elaborateCatalogue: Catalogue = {
  ...definitionCodes,
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
    page: `\`save\` writes models, and records, lists and trees of tensors and numbers. Text and functions cannot be saved.

Wrong:  save({ name: "math", share: 0.5 }, to = "out/results")
Right:  save({ share: 0.5 }, to = "out/results")         // report "math"`,
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
  R030: {
    title: "a module has no place",
    page: `Modules are made inside another module or in a recipe, where their tensors get names.

Wrong:  def f(x) = linear(4, 4)(x)
Right:  module net() { fc = linear(4, 4)  forward(x) = fc(x) }`,
  },
  R031: {
    title: "the host lacks what the adapter goes on",
    page: `The \`on\` clause of an adapter names tensors of its host, such as \`weight\`. This host has none of that name.

Wrong:  adapter a() on linear(scale: Weight[n]) { .. }
Right:  adapter a() on linear(weight: Weight[out, in]) { .. }`,
  },
  R032: {
    title: "the checkpoint lacks a parameter",
    page: `The architecture needs a tensor that the checkpoint does not have, and the definition gives it no first value.

Wrong:  param weight: Weight[out, in]            // of a checkpoint without it
Right:  param weight: Weight[out, in] = kaiming_uniform(a = sqrt(5))`,
  },
  R033: {
    title: "the adapter cannot be worked into a weight",
    page: `Only an adapter with \`delta\` or \`weight'\` changes a weight. One that adds to the output in another way stays attached.

Wrong:  fuse(attach(model, parallel(64), to = "*"))
Right:  fuse(attach(model, lora(8), to = "*.query"))`,
  },
  R034: {
    title: "a tree is not a network",
    page: `Only a model that was loaded or made from a module can be called or have adapters; a tree of tensors has no forward pass.

Wrong:  let d = tuned - base
        d(batch)
Right:  tuned(batch)`,
  },
  R035: {
    title: "there is no network for this model type",
    page: `The checkpoint can be merged. To run it, its architecture must be known: std.arch has llama, gpt2, bert, vit, t5 and relatives.

Wrong:  load("models/rwkv")(batch)
Right:  load("models/llama")(batch)`,
  },
  R036: {
    title: "the adapter is attached to nothing",
    page: `\`to\` is a pattern of module paths, a role, or a list of them. No module of the kind that the adapter goes on matches.

Wrong:  attach(model, lora(8), to = "*.q")
Right:  attach(model, lora(8), to = "*.query")`,
  },
  R037: {
    title: "the adapter's tensor is there already",
    page: `Two adapters on one module would have tensors of one name.

Wrong:  attach(attach(m, a, to = "*.query"), a, to = "*.query")
Right:  attach(m, a, to = "*.query")`,
  },
  R038: {
    title: "there are no adapters",
    page: `\`fuse\` and \`adapters\` take a model with adapters attached.

Wrong:  fuse(load("models/base"))
Right:  fuse(attach(load("models/base"), lora(8), to = "*.query"))`,
  },
  R039: {
    title: "taps hears nothing",
    page: `\`taps(f, at)\` runs f and gives what the modules that \`at\` names read and gave. f called none of them, or only inside a running
loop, whose tensors exist only there.

Wrong:  taps(() => model(batch), at = "*.atention")
Right:  taps(() => model(batch), at = "*.attention")`,
  },
  R040: {
    title: "nothing trains",
    page: `Adapters train by themselves. The weights of a checkpoint stay as they are unless the recipe says which of them train.

Wrong:  train(load("m"), on = data, ..)
Right:  train(load("m"), on = data, at = params(model), ..)`,
  },
  R041: {
    title: "log stands outside a running loop",
    page: `\`log(loss = l)\` records a value at every step of \`iterate\`.

Wrong:  recipe r { log(loss = 1) }
Right:  iterate(10, s, (s, i) => { log(loss = f(s))  return g(s) })`,
  },
  R043: {
    title: "there are no data sets here",
    page: `The program was embedded without access to data sets.

Wrong:  dataset("x.safetensors")
Right:  (run it with peftc run)`,
  },
  R044: {
    title: "a batch cannot be drawn",
    page: `A batch has at least one row, and the table too.

Wrong:  draw(digits.train, 0, i)
Right:  draw(digits.train, 32, i)`,
  },
  R045: {
    title: "a model is merged into itself",
    page: `The model that a merge starts from stands in its list of models too. Its difference from itself is zero, so it would
change nothing and only take a share of the others' weight.

Wrong:  ties(base, [base, expert])
Right:  ties(base, [expert])`,
  },
  T028: {
    title: "there is no gradient through this",
    page: `Order statistics and decompositions have no gradient, and \`iterate_until\` none either.

Wrong:  grad(p => sum(rank(p, over = row)), p)
Right:  grad(p => sum(stop_gradient(rank(p, over = row)) * p), p)`,
  },
};
