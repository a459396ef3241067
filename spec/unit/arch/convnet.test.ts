/** Convolutions and pooling in the language, by hand; a small convolutional network learns to read digits. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { compileFile } from "../../../runtime/compile/index.js";
import { runCompiled } from "../run/models.js";
import { run } from "./run.js";

test("convolution and pooling of a counted image, by hand", () => {
  const { reported } = run(`recipe r {
  let x = reshape(iota(16) + 0.0, [1, 1, 4, 4])
  let k = reshape(stack([1.0, 0.0, 0.0, 2.0]), [1, 1, 2, 2])
  let c = conv2d(x, k, bias = stack([1.0]))
  report max(abs(c - reshape(stack([11.0, 14.0, 17.0, 23.0, 26.0, 29.0, 35.0, 38.0, 41.0]), [1, 1, 3, 3])))
  report max(abs(conv2d(x, k, stride = 2, padding = [0, 1])[0, 0, 0] - stack([8.0, 13.0, 3.0])))
  report max(abs(max_pool(x, 2)[0, 0] - stack([stack([5.0, 7.0]), stack([13.0, 15.0])])))
  report max(abs(max_pool(x, 2, stride = 1)[0, 0, 0] - stack([5.0, 6.0, 7.0])))
  report max(abs(mean_pool(x, [1, 4])[0, 0, :, 0] - stack([1.5, 5.5, 9.5, 13.5])))
}`);
  assert.equal(reported, [0, 0, 0, 0, 0]);
});

test("a convolutional network learns digits", async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "peftc-convnet-"));
  try {
    const file = path.join(root, "r.peft");
    fs.writeFileSync(
      file,
      `use std.arch.{convnet}
use std.loss.{mean_surprise}
use std.optim.{adam}
use std.train.{accuracy, train}
module reader(width: Int) {
  net = convnet([1, width, 2 * width], side = 28, classes = 10)
  forward(images: Tensor[n, 28, 28]) = { logits: net((images / 255)[:, none]).logits }
}
def cost(m: Model, batch) = mean_surprise(m(images = batch.images).logits, batch.labels)
recipe r(seed = 3) {
  let digits = dataset("${path.resolve("examples/adapters/digits_lora/data/digits.safetensors")}")
  let start  = reader(4)
  let fit = train(start, on = digits.train, loss = cost, optimizer = adam(lr = 0.01), steps = 60, batch = 32)
  report accuracy(start, digits.test)
  report accuracy(fit.model, digits.test)
}`,
    );
    const compiled = compileFile({ file, set: [] });
    if (compiled.plan === null) throw new PeftError(compiled.diagnostics);
    const { reports } = await runCompiled(compiled);
    const [before, after] = reports.map(({ value }) => value as number);
    assert.ok(before < 0.3, `before: ${before}`);
    assert.ok(after > 0.75, `after: ${after}`);
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
});

test.run();
