/**
 * The library's `train` and what measures models, from text and data files to results: parts of a batch, scores and early
 * ends, groups of parameters, clipping, splits, predictions, perplexity against transformers.
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { compileFile } from "../../../runtime/compile/index.js";
import { runCompiled } from "./models.js";

const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "peftc-train-")));
process.on("exit", () => fs.rmSync(root, { recursive: true, force: true }));

// biome-ignore lint/suspicious/noExplicitAny: reports are as varied as recipes
type Reports = any[];
let runs = 0;

/** What a recipe reports. Throws PeftError. */
async function reports(text: string): Promise<Reports> {
  const file = path.join(root, `r${runs++}.peft`);
  fs.writeFileSync(file, text);
  const compiled = compileFile({ file, set: [] });
  if (compiled.plan === null) throw new PeftError(compiled.diagnostics);
  const result = await runCompiled(compiled, { hash: true });
  return result.reports.map(({ value }) => value);
}

const close = (a: number, b: number, within: number, what = "") =>
  assert.ok(Math.abs(a - b) <= within, `${what} ${a} instead of ${b}`);

const rows = Array.from({ length: 24 }, (_, i) => ({ x: [i / 10, 1 - i / 24, (i * 5) % 7], labels: (i * 5) % 3 }));
fs.writeFileSync(path.join(root, "points.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
fs.writeFileSync(
  path.join(root, "points.csv"),
  `a,b,labels\n${rows.map((row) => `${row.x[0]},${row.x[1]},${["red", "green", "blue"][row.labels]}\n`).join("")}`,
);

const head = `use std.loss.{mean_surprise}
use std.optim.{clipped, sgd}
use std.train.{confusion, evaluate, predict, train}

module net {
  param up: Weight[5, 3] = kaiming_uniform(a = sqrt(5))
  param down: Weight[3, 5] = kaiming_uniform(a = sqrt(5))
  forward(x: Tensor[n, 3]) = { logits: tanh(x @ up.T) @ down.T }
}
def cost(m: Model, batch) = mean_surprise(m(x = batch.x).logits, batch.labels)
def read(m: Model, batch) = m(x = batch.x).logits
def hits(m: Model, batch) = where(argmax(m(x = batch.x).logits, over = -1) == batch.labels, 1, 0)
`;

test("a batch in parts is the batch: same rows, mean of the gradients", async () => {
  const recipe = (extra: string) => `${head}
recipe r(seed = 2) {
  let points = dataset("points.jsonl")
  let fit = train(net(), on = points, loss = cost, optimizer = sgd(lr = 0.3), steps = 12, ${extra})
  report fit.log.loss
  report norm(fit.model, over = model)
}`;
  const [[losses, norm], [parts, partsNorm], [fewer]] = [
    await reports(recipe("batch = 8")),
    await reports(recipe("batch = 8, accumulate = 4")),
    await reports(recipe("batch = 2")),
  ];
  losses.forEach((loss: number, i: number) => {
    close(parts[i], loss, 1e-5, `step ${i}`);
  });
  close(partsNorm, norm, 1e-5);
  assert.ok(Math.abs(fewer[11] - losses[11]) > 1e-3, "a part alone is another batch");
  try {
    await reports(recipe("batch = 8, accumulate = 3"));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, PeftError);
    assert.ok((error as PeftError).diagnostics.some(({ code }) => code === "R020"));
  }
});

test("buffers go through all parts of all batches", async () => {
  const [seen] = await reports(`use std.optim.{sgd}
use std.train.{train}
module counting { param w: Tensor[2] = zeros()
  buffer seen: Tensor[1] = zeros()
  forward(x: Tensor[n, 3]) { seen <- seen + sum(ones_like(x)) / 3
    return w } }
def away(m: Model, batch) = sum((m(x = batch.x) - 1) ^ 2)
recipe r {
  let fit = train(counting(), on = dataset("points.jsonl"), loss = away, optimizer = sgd(lr = 0.25), steps = 3, batch = 8,
    accumulate = 4)
  report fit.model["seen"][0]
}`);
  assert.is(seen, 24);
});

// w goes from 0 towards 1 by halves: 0, 1/2, 3/4, 7/8, … It has a single tensor.
const walk = (extra: string) => `use std.optim.{sgd}
use std.train.{train}
module point { param w: Tensor[2] = zeros()
  forward(x: Tensor[n, 3]) = w }
def away(m: Model, batch) = sum((m.w - 1) ^ 2) + 0 * sum(batch.x)
recipe r {
  let fit = train(point(), on = dataset("points.jsonl"), loss = away, optimizer = sgd(lr = 0.25), steps = 20, batch = 2,
    ${extra})
  report fit.log
  report { best: fit.best_score, step: fit.best_step, w: fit.model.w[0], best_w: fit.best.w[1] }
}`;

test("the best of the scores is kept, the earlier of equals, and training ends when none is better", async () => {
  const [log, found] = await reports(walk("score = m => -abs(m.w[0] - 0.8), every = 1, patience = 4"));
  assert.equal([found.step, found.best_w], [2, 0.75]);
  close(found.best, -0.05, 1e-7);
  // Six steps: the scores of steps 3 to 6 were no better.
  assert.equal(log.loss.map(Number.isFinite).lastIndexOf(true), 5);
  assert.is(log.score.length, 20);
  close(found.w, 1 - 2 ** -6, 1e-7);
});

test("without patience every step is taken, and scores stay where they were between two", async () => {
  const [log, found] = await reports(walk("score = m => -abs(m.w[0] - 0.9), every = 3"));
  assert.ok(log.loss.every(Number.isFinite));
  assert.is(found.step, 3);
  assert.equal(log.score.slice(0, 2), [log.score[0], log.score[0]]);
  close(log.score[0], -0.9, 1e-7, "the score before the first step");
  close(log.score[2], -0.025, 1e-7);
  assert.is(log.score[18], log.score[17]);
  assert.is.not(log.score[19], undefined);
});

test("groups of parameters have rates of their own, by name and by step", async () => {
  const [down, up] = await reports(`${head}
recipe r(seed = 2) {
  let start = net()
  let slow = by name { "up" => by step { 0..3 => 0, else 0.1 }, else 0 }
  let fit = train(start, on = dataset("points.jsonl"), loss = cost, optimizer = sgd(lr = slow), steps = 4, batch = 4)
  let idle = train(start, on = dataset("points.jsonl"), loss = cost, optimizer = sgd(lr = slow), steps = 3, batch = 4)
  report max(abs(fit.model["down"] - idle.model["down"]))
  report max(abs(fit.model["up"] - idle.model["up"]))
}`);
  assert.is(down, 0);
  assert.ok(up > 1e-4);
});

test("clipping looks at the norm of all gradients together", async () => {
  const [moved] = await reports(`use std.optim.{clipped, sgd}
use std.train.{train}
module pair { param a: Tensor[2] = zeros()
  param b: Tensor[3] = zeros()
  forward(x: Tensor[n, 3]) = a }
def steep(m: Model, batch) = 100 * sum(m.a) + 100 * sum(m.b) + 0 * sum(batch.x)
recipe r {
  let fit = train(pair(), on = dataset("points.jsonl"), loss = steep, optimizer = clipped(sgd(lr = 1), at_most = 1.0),
    steps = 1, batch = 2)
  report sqrt(sum(fit.model["a"] ^ 2) + sum(fit.model["b"] ^ 2))
}`);
  close(moved, 1, 1e-5);
});

test("parts of a table share no row and leave none out; their order is the seed's", async () => {
  const recipe = (seed: number, shuffle: boolean) => `recipe r(seed = ${seed}) {
  let points = dataset("points.jsonl")
  let parts = split(points, { train: 70%, test: 30% }, shuffle = ${shuffle})
  report parts.train.x[:, 0]
  report parts.test.x[:, 0]
  report take(parts.test, iota(2)).x[:, 0]
  report len(parts.test)
}`;
  const [train, rest, first, count] = await reports(recipe(1, true));
  const all = rows.map((row) => Math.fround(row.x[0]));
  const sorted = (numbers: number[]) => [...numbers].sort((a, b) => a - b);
  assert.equal(sorted([...train, ...rest]), all);
  assert.is(train.length, 16);
  assert.is(count, 8);
  assert.equal(first, rest.slice(0, 2));
  assert.equal((await reports(recipe(1, true)))[1], rest);
  assert.not.equal((await reports(recipe(2, true)))[1], rest);
  assert.equal((await reports(recipe(1, false)))[0], all.slice(0, 16));
});

test("predictions of all rows, and how often one class is taken for another", async () => {
  const [logits, counts, right] = await reports(`${head}
recipe r(seed = 2) {
  let points = dataset("points.jsonl"), m = net()
  report predict(m, points, read, batch = 7)
  report confusion(m, points, read, batch = 5)
  report evaluate(m, points, hits)
}`);
  assert.equal([logits.length, logits[0].length], [24, 3]);
  const expected = [0, 1, 2].map(() => [0, 0, 0]);
  rows.forEach(({ labels }, i) => {
    expected[labels][logits[i].indexOf(Math.max(...logits[i]))]++;
  });
  assert.equal(counts, expected);
  close(right, (counts[0][0] + counts[1][1] + counts[2][2]) / 24, 1e-6);
});

test("results are saved as tensors by name, and loaded like a model", async () => {
  await reports(`${head}
recipe r(seed = 2) {
  let points = dataset("points.jsonl"), m = net()
  let end = iterate(3, { x: zeros([2]), n: 0 }, (s, i) => ({ x: s.x + i, n: s.n + 1 }))
  save({ logits: predict(m, points, read), end, all: [end.x, 2], share: evaluate(m, points, hits) }, to = "out/results")
}`);
  const [first, x, n, two, share, shape] = await reports(`recipe r {
  let t = load("out/results")
  report max(abs(t["logits"]))
  report max(t["end.x"])
  report max(t["end.n"])
  report max(t["all.1"])
  report max(t["share"])
  report [size(t["logits"]), size(t["all.0"])]
}`);
  assert.ok(first > 0);
  assert.equal([x, n, two, shape], [3, 3, 2, [72, 2]]);
  assert.ok(share >= 0 && share <= 1);
});

test("records go to one file and come back as they were", async () => {
  await reports(`recipe r {
  let points = dataset("points.jsonl")
  save({ x: points.x, pair: [points.x[..2], { deep: points.x[3] }], n: 24 }, to = "out/points.safetensors")
}`);
  assert.ok(fs.statSync(path.join(root, "out/points.safetensors")).isFile());
  const [same, first, deep, n] = await reports(`recipe r {
  let points = dataset("points.jsonl"), t = load_table("out/points.safetensors")
  report max(abs(t.x - points.x))
  report shape(t.pair[0])
  report max(t.pair[1].deep)
  report sum(t.n)
}`);
  assert.equal([same, first, n], [0, [2, 3], 24]);
  assert.is(deep, Math.max(...rows[3].x));
});

test("R048: a name that is a tensor and a record", async () => {
  const names = ["x", "x.mean"];
  const entries = names.map((name, i) => [name, { dtype: "F32", shape: [1], data_offsets: [4 * i, 4 * i + 4] }]);
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  fs.writeFileSync(path.join(root, "both.safetensors"), `${length.toString("latin1")}${header}${"\0".repeat(8)}`);
  try {
    await reports(`recipe r { report sum(load_table("both.safetensors").x) }`);
    assert.unreachable();
  } catch (error) {
    assert.is((error as PeftError).diagnostics[0].code, "R048");
  }
});

test("static: numbers of one phase are shapes, branches and counts of the next", async () => {
  const text = `recipe r {
  let points = dataset("points.jsonl")
  let counts = [static(count(points.labels == c)) for c in 0..3]
  let steps  = static({ n: counts[0] + iterate(counts[1], 0, (s, i) => s + 1) }).n
  report [counts, size(zeros([counts[0], 2])), if counts[2] > 100 then "many" else "few"]
  report len([i for i in 0..steps])
}`;
  const of = (c: number) => rows.filter(({ labels }) => labels === c).length;
  assert.equal(await reports(text), [[[of(0), of(1), of(2)], 2 * of(0), "few"], of(0) + of(1)]);
  const file = path.join(root, "phases.peft");
  fs.writeFileSync(file, text);
  const first = compileFile({ file, set: [] });
  assert.equal(first.plan!.wishes.map(({ label }) => label).length, 3, "one phase for all that can be known");
  const second = first.next([1, 2, 3]);
  assert.is(second.phase, 2);
  assert.match(second.plan!.wishes[0].label, "counts[0]");
  assert.equal(second.next([{ n: 4 }]).plan!.wishes, []);
});

test("R049, R019: static inside a loop, and of whole tensors", async () => {
  for (const [code, value] of [
    ["R049", "iterate(3, 1.0, (s, i) => if static(s) > 1 then s / 2 else s)"],
    ["R019", "static(zeros([2, 2, 2]))"],
  ])
    try {
      await reports(`recipe r { report ${value} }`);
      assert.unreachable();
    } catch (error) {
      assert.is((error as PeftError).diagnostics?.[0].code, code, String(error));
    }
});

test("search: all settings are tried, the best is kept, the earlier of equals", async () => {
  const [table, setting, score, norm, kept, tie] = await reports(`${head}
use std.loss.{surprise}
use std.train.{grid, search}
def losses(m: Model, batch) = surprise(m(x = batch.x).logits, batch.labels)
recipe r(seed = 2) {
  let points = dataset("points.jsonl"), start = net()
  let tried = search(grid({ lr: [0.001, 0.3, 0.3], steps: [1, 9] }), s => train(start, on = points, loss = cost,
    optimizer = sgd(lr = s.lr), steps = s.steps, batch = 24), t => -evaluate(t.model, points, losses))
  report tried.table
  report tried.setting
  report tried.score
  report 0 - evaluate(tried.best.model, points, losses)
  report len(tried.best.log.loss)
  report search([{ n: 1 }, { n: 5 }, { n: 5 }], s => s.n, n => n).table[2].score
}`);
  assert.equal(
    table.map(({ lr, steps }: { lr: number; steps: number }) => [lr, steps]),
    [0.001, 0.3, 0.3].flatMap((lr) => [
      [lr, 1],
      [lr, 9],
    ]),
  );
  const scores: number[] = table.map((row: { score: number }) => row.score);
  assert.equal(setting, { lr: 0.3, steps: 9 });
  assert.is(Math.max(...scores), scores[3]);
  assert.is(scores[3], scores[5]);
  assert.is.not(scores[0], scores[3]);
  close(score, scores[3], 0);
  close(norm, score, 1e-7, "the best trial is made again");
  assert.is(kept, 9);
  assert.is(tie, 5);
});

test("settings are drawn evenly, and rates at equal quotients", async () => {
  const [drawn, rates] = await reports(`use std.train.{log_steps, random_settings}
recipe r(seed = 5) {
  report random_settings({ a: [1, 2, 3], b: log_steps(0.01, 1, 3) }, 30)
  report log_steps(0.01, 1, 3)
}`);
  for (const [name, values] of [
    ["a", [1, 2, 3]],
    ["b", rates],
  ] as const)
    for (const value of values) {
      const n = drawn.filter((s: Record<string, number>) => s[name] === value).length;
      assert.ok(n >= 4 && n <= 16, `${name} ${value}: ${n}`);
    }
  assert.ok(new Set(drawn.map((s: unknown) => JSON.stringify(s))).size >= 7, "the names are drawn by themselves");
  rates.forEach((rate: number, i: number) => {
    close(rate, 0.01 * 10 ** i, 1e-12);
  });
});

test("taps: what modules and parts read, gave and emitted, through adapters", async () => {
  const tapped = (recipe: string) =>
    reports(`use std.adapter.{lora}
use std.arch.{linear}
module two {
  first  = linear(3, 4)
  second = linear(4, 2)
  part act(x: Tensor[n, 4]) { emit share = mean(where(x > 0, 1, 0)); return relu(x) }
  forward(x: Tensor[n, 3]) = second(act(first(x)))
}
recipe r(seed = 2) {
  let points = dataset("points.jsonl"), m = attach(two(), lora(rank = 2), to = "first", init = none)
  ${recipe}
}`);
  const [names, same, before, after, through, share, gram] = await tapped(`
  let t = taps(() => m(x = points.x))
  report [name for (name, _) in entries(t)]
  report max(abs(t["first"].input - points.x))
  report max(abs(t["first"].output - t["act"].input))
  report max(abs(relu(t["act"].input) - t["second"].input))
  report max(abs(m(x = points.x) - t["second"].output))
  report abs(t["act"].emitted.share - mean(where(t["act"].input > 0, 1, 0)))
  report shape(t["second"].input.T @ t["second"].input)`);
  assert.equal(names, ["first", "act", "second"]);
  assert.equal([same, before, after, through, share, gram], [0, 0, 0, 0, 0, [4, 4]]);
  const [some, twice] = await tapped(`
  report [name for (name, _) in entries(taps(() => m(x = points.x), at = ["*cond", "act"]))]
  report [name for (name, _) in entries(taps(() => (m(x = points.x), m(x = points.x)), at = "second"))]`);
  assert.equal(some, ["act", "second"]);
  assert.equal(twice, ["second", "second#1"]);
  for (const call of [
    'taps(() => m(x = points.x), at = "third")',
    "taps(() => iterate(2, 0.0, (s, i) => sum(m(x = points.x))))",
  ])
    try {
      await tapped(`report ${call}`);
      assert.unreachable();
    } catch (error) {
      assert.is((error as PeftError).diagnostics?.[0].code, "R039", String(error));
    }
});

test("words of a CSV are classes, its numbers columns", async () => {
  const [labels, b] = await reports(`recipe r {
  let points = dataset("points.csv")
  report points.labels
  report points.b
}`);
  // In the order of their names: blue, green, red.
  assert.equal(
    labels,
    rows.map(({ labels }) => 2 - labels),
  );
  close(b[5], rows[5].x[1], 1e-6);
});

test("the perplexity of a text is that of transformers", async () => {
  fs.writeFileSync(
    path.join(root, "text.txt"),
    "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n\nFirst Citizen:\nYou are all resolved rather to die than to famish?\n\nAll:\nResolved. resolved.\n\nFirst Citizen:\nFirst, you know Caius Marcius is chief enemy to the people.\n",
  );
  const [value, before] = await reports(`use std.train.{perplexity}
recipe r {
  let m = load("${path.resolve("spec/golden/models/llama-char/base")}")
  let text = dataset("text.txt", tokenizer = "${path.resolve("spec/golden/tokenizers/gpt2-char")}", length = 64)
  report perplexity(m, text)
  report perplexity(m, split(text, { first: 34%, rest: 66% }, shuffle = false).first, batch = 2)
}`);
  // transformers 5, f32: exp of the mean over the windows [0, 64), [64, 128), [128, 192), and over the first alone.
  close(value, 3.32804882, 1e-5);
  close(before, 3.33246549, 1e-5);
});

test.run();
