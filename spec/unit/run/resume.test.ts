/**
 * Training that is stopped and goes on: the bytes are those of a run that was never stopped, with any number of threads;
 * a checkpoint of another run is refused.
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { compileFile } from "../../../runtime/compile/index.js";
import { Aborted, type RunResult } from "../../../runtime/execute/index.js";
import { runCompiled } from "./models.js";

const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "peftc-resume-")));
process.on("exit", () => fs.rmSync(root, { recursive: true, force: true }));

const lines = Array.from({ length: 40 }, (_, i) => {
  const x = [Math.sin(i), Math.cos(3 * i), ((i * 7) % 11) / 11];
  return JSON.stringify({ x, labels: x[0] + x[2] > 0.5 ? 1 : 0 });
});
fs.writeFileSync(path.join(root, "points.jsonl"), `${lines.join("\n")}\n`);

const recipe = `use std.loss.{mean_surprise}
use std.optim.{adamw, clipped}
use std.train.{evaluate, train}

module net(width: Int) {
  param up: Weight[width, 3] = kaiming_uniform(a = sqrt(5))
  param down: Weight[2, width] = kaiming_uniform(a = sqrt(5))
  forward(x: Tensor[n, 3]) = { logits: tanh(x @ up.T) @ down.T }
}
def cost(m: Model, batch) = mean_surprise(m(x = batch.x).logits, batch.labels)
def hits(m: Model, batch) = where(argmax(m(x = batch.x).logits, over = -1) == batch.labels, 1, 0)

recipe r(seed = 5) {
  input width: Int = 8
  let points = dataset("points.jsonl")
  let parts  = split(points, { train: 75%, dev: 25% })
  let before = evaluate(net(width), parts.dev, hits, batch = 4)
  let fit = train(net(width), on = parts.train, loss = cost, steps = 60, batch = 6, accumulate = 2,
    optimizer = clipped(adamw(lr = by step { warmup 5, cosine 0.05 .. 0 }), at_most = 1.0),
    score = m => evaluate(m, parts.dev, hits, batch = 4), every = 7)
  report { before, after: fit.best_score, step: fit.best_step }
  report fit.log
  save(fit.model, to = "out")
}
`;
fs.writeFileSync(path.join(root, "r.peft"), recipe);

interface Request {
  readonly width?: number;
  readonly threads?: number;
  readonly folder?: string;
  /** The step of the training at which the run is interrupted. */
  readonly stop?: number;
}

async function run({
  width = 8,
  threads = 1,
  folder,
  stop,
}: Request): Promise<RunResult & { readonly seen: number[] }> {
  const compiled = compileFile({ file: path.join(root, "r.peft"), set: [{ name: "width", text: `${width}` }] });
  assert.equal(
    compiled.diagnostics.map((d) => d.message),
    [],
  );
  const controller = new AbortController();
  const seen: number[] = [];
  const result = await runCompiled(compiled, {
    threads,
    hash: true,
    training({ loop, step }) {
      if (loop.startsWith("fit/") && step > 0) seen.push(step);
      if (loop.startsWith("fit/") && step === stop) controller.abort();
    },
    checkpoint: folder === undefined ? null : { folder: path.join(root, folder), every: 10 },
    signal: controller.signal,
  });
  return { ...result, seen };
}

/** What may not differ between two runs. */
const sameness = ({ outputs, reports }: RunResult) => JSON.stringify([outputs[0].digest, reports]);

const straight = await run({});

test("training learns, and two runs, with one thread or two, give the same bytes", async () => {
  const { before, after } = straight.reports[0].value as { before: number; after: number };
  assert.ok(after > before && after >= 0.8, `${before} before, ${after} after`);
  assert.is(sameness(await run({})), sameness(straight));
  assert.is(sameness(await run({ threads: 2 })), sameness(straight));
  assert.is.not(sameness(await run({ width: 9 })), sameness(straight));
});

test("a stopped run goes on where it was, and ends like one that was not stopped", async () => {
  for (const stop of [1, 23, 60]) {
    const folder = `stop-${stop}`;
    try {
      await run({ folder, stop });
      assert.unreachable("the run was not interrupted");
    } catch (error) {
      assert.instance(error, Aborted);
      assert.ok(fs.readdirSync(path.join(root, folder)).length > 0);
    }
    const second = await run({ folder, threads: 2 });
    assert.is(sameness(second), sameness(straight));
    assert.is(second.seen[0], stop === 60 ? undefined : stop + 1, "no step is taken twice");
    assert.not.ok(fs.existsSync(path.join(root, folder)), "checkpoints go when the outputs are there");
  }
});

test("a checkpoint of another run is refused, and so is one that is cut", async () => {
  const codeOf = async (request: Request) => {
    try {
      await run(request);
    } catch (error) {
      if (error instanceof PeftError) return error.diagnostics[0];
      throw error;
    }
    return null;
  };
  await run({ folder: "other", stop: 30 }).catch((error) => assert.instance(error, Aborted));
  const refused = await codeOf({ folder: "other", width: 9 });
  assert.is(refused?.code, "X014");
  assert.match(refused?.notes[0] ?? "", "the recipe");
  const data = path.join(root, "points.jsonl");
  const text = fs.readFileSync(data, "utf8");
  fs.writeFileSync(data, text.replace('"labels":1', '"labels":0'));
  assert.match((await codeOf({ folder: "other" }))?.notes[0] ?? "", "data set");
  fs.writeFileSync(data, text);
  const files = fs.readdirSync(path.join(root, "other")).map((name) => path.join(root, "other", name));
  for (const file of files) fs.truncateSync(file, fs.statSync(file).size - 3);
  assert.match((await codeOf({ folder: "other" }))?.code ?? "", /^F0/);
});

test.run();
