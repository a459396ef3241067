/** The mistakes that a run itself can find, by code: what `peftc explain X0xx` prints. X000 to X009 are failures of the
 * machine; from X010 on the recipe or its inputs are at fault. */
import type { Catalogue } from "../../grammar/index.js";

export const executeCatalogue: Catalogue = {
  X000: {
    title: "a worker thread failed",
    page: `A thread stopped in a way that it should not. This is a mistake in peftc: please report it together with the message
and the recipe. Nothing that looks finished was written.

  until it is mended   another --device, or --threads 1`,
  },
  X001: {
    title: "an input cannot be read while running",
    page: `A file that was there when the run began could not be opened or read to its end: it was removed, replaced or cut short
in the meantime, or the disk failed. What was written so far is removed.

Wrong:  downloading models/base again while the run reads it
Right:  waiting until the download is complete`,
  },
  X002: {
    title: "an output cannot be written while running",
    page: `The disk is full, was taken away, or refused to write. What was written so far is removed.

Wrong:  peftc run r.peft --out /small-disk
Right:  peftc run r.peft --out /large-disk       // or save(…, dtype = bf16), which takes half of f32`,
  },
  X003: {
    title: "a worker thread ended early",
    page: `A thread ended before its work was done, most often because the system was out of memory. What was written so far is
removed.

Wrong:  peftc run r.peft --threads 64            // on a machine with little memory
Right:  peftc run r.peft --memory 2GB`,
  },
  X010: {
    title: "the memory limit is too small",
    page: `\`--memory\` is obeyed or refused before the run begins. Smaller pieces and fewer threads need less, which peftc tries by
itself; an operation that needs a whole tensor at once sets a lower bound, and the message names the largest one.

Wrong:  peftc run r.peft --memory 50MB
Right:  peftc run r.peft --memory 1GB            // peftc plan r.peft says what a run takes`,
  },
  X011: {
    title: "an output holds NaN or Inf",
    page: `An element of an output is not a number. The run stops and saves nothing: such a model gives nonsense. Either an input
holds NaN or Inf already, the method divides by 0, or a narrow dtype overflows.

Wrong:  return base + d / norm(d)                // of a change that is 0 everywhere
Right:  return base + safe_div(d, norm(d))`,
  },
  X012: {
    title: "a requirement is not met",
    page: `A \`require(condition, "text")\` whose condition depends on the weights was false. Nothing was saved. The text says what
the method needs, the note names the tensor.

Wrong:  giving a model to a method that it is not made for
Right:  leaving out the tensor with \`where\`, or another method`,
  },
  X020: {
    title: "the merge did nothing",
    page: `Every tensor that a call selected came out equal to the first model's. Perhaps all models are the same, all weights 0,
or the change is so small that the dtype of the output cannot show it. With --strict this is an error.

Wrong:  task_arithmetic(base, experts, weights = [0.0, 0.0])
Right:  task_arithmetic(base, experts, weights = [0.5, 0.5])`,
  },
  X021: {
    title: "rounding takes most of the change",
    page: `The dtype of the output is so coarse that more than half of the change of some tensors is lost to rounding. With
--strict this is an error.

Wrong:  save(merged, to = "out")                 // stored as bf16, like the base
Right:  save(merged, to = "out", dtype = f32)`,
  },
  X022: {
    title: "a model equals the one it is compared with",
    page: `Two models of the recipe hold the same tensors, bit by bit, and one of them serves only through its difference from the
other, which is zero: the wrong folder was named, or a download went to the wrong place.

Wrong:  let experts = [load("models/base"), load("models/math")]
Right:  let experts = [load("models/code"), load("models/math")]`,
  },
  X013: {
    title: "a logged value is no number any more",
    page: `The loss, or another value that the loop logs, became NaN or infinite. Nothing is written.

Wrong:  train(model, on = data, optimizer = sgd(lr = 100), ..)
Right:  train(model, on = data, optimizer = sgd(lr = 0.1), ..)`,
  },
  X014: {
    title: "a checkpoint of another run",
    page: `\`--checkpoint DIR\` goes on from what an earlier run left in DIR. That run must have been the same: the same recipe and
settings, the same models and data, the same version and device, so that the result is that of one run. Here something
differs, and the note says what.

Wrong:  peftc run r.peft --set rank=8 --checkpoint state      // after a run with rank=4 was stopped
Right:  peftc run r.peft --set rank=8 --checkpoint state-8`,
  },
};
