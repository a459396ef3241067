/** Codes of what definitions share and train. */
import type { Catalogue } from "../../grammar/index.js";

export const definitionCodes: Catalogue = {
  R046: {
    title: "hosts that share a tensor do not agree on its shape",
    page: `A \`shared\` tensor is one for all hosts of a group, a \`global\` one for all hosts of the attach: its declared shape must come
to the same for each of them. Both stand in adapters, since only these have hosts.

Wrong:  adapter a() on linear as host { shared param w: Tensor[host.out] = zeros()  delta = w[:, none] * ones([host.out, host.in]) }
Right:  adapter a() on linear as host group by host.out { shared param w: Tensor[host.out] = zeros()  delta = w[:, none] * ones([host.out, host.in]) }`,
  },
  R047: {
    title: "a tensor of an adapter never gets a gradient",
    page: `The loss does not depend on this tensor: the adapter stands where the loss does not look (a pooler that a classifier of
tokens never calls), or its definition does not use the tensor. It would stay as it was drawn, and be saved as if it had been trained.

Wrong:  train(attach(bert, lora(8), to = "*.pooler.dense"), loss = masked_words, ..)
Right:  train(attach(bert, lora(8), to = "*.query"), loss = masked_words, ..)`,
  },
  R048: {
    title: "a name is a tensor and a record at once",
    page: `\`load_table\` makes records of the parts of names: \`x.mean\` is the field mean of the record x. A file that also has a
tensor \`x\` is no such table; a model may have any names.

Wrong:  load_table("results.safetensors").x          // the file has the tensors x and x.mean
Right:  load("results.safetensors")["x"]`,
  },
  R049: {
    title: "static inside a computation",
    page: `\`static(e)\` runs what e needs before the rest of the recipe is put together. Inside a call on models, a running loop, a
forward pass or a gradient there is no such moment: what these compute is known only when they run.

Wrong:  iterate(10, x, (s, i) => if static(norm(s)) > 1 then s / 2 else s)
Right:  iterate(10, x, (s, i) => where(norm(s) > 1, s / 2, s))`,
  },
};
