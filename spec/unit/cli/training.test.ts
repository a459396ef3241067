/** `peftc run` of a recipe that trains: the page of results, checkpoints, a run that is killed. */
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { folderWith, peftc, peftcWith, start } from "./bench.js";

const rows = Array.from({ length: 30 }, (_, i) => `${Math.sin(i)},${Math.cos(i)},${Math.sin(i) > 0.2 ? 1 : 0}\n`);
const recipe = (steps: number) => `use std.loss.{mean_surprise}
use std.optim.{adam}
use std.train.{train}
module net { param down: Weight[2, 2] = kaiming_uniform(a = sqrt(5))
  forward(x: Tensor[n, 2]) = { logits: x @ down.T } }
def cost(m: Model, batch) = mean_surprise(m(x = stack([batch.a, batch.b], axis = 1)).logits, batch.labels)
recipe learn(seed = 1) {
  input steps: Int = ${steps}
  let fit = train(net(), on = dataset("points.csv"), loss = cost, optimizer = adam(lr = 0.05), steps = steps, batch = 10)
  report { first: fit.log.loss[0], last: fit.log.loss[-1] }
  report fit.log.loss
  save(fit.model, to = "out")
}
`;
const learning = (steps: number) =>
  folderWith({ "r.peft": recipe(steps), "points.csv": `a,b,labels\n${rows.join("")}` });
const digestOf = (stdout: string) => /digest ([0-9a-f]{64})/.exec(stdout)?.[1];

test("without a folder for temporary files the run says so and leaves nothing", () => {
  const folder = learning(2);
  const { code, stderr } = peftcWith({ TMPDIR: path.join(folder, "nowhere") }, folder, "run", "r.peft");
  assert.is(code, 3);
  assert.match(stderr, /error\[X002\]: no folder for temporary files can be made/);
  assert.match(stderr, "set TMPDIR");
  assert.equal(
    fs
      .readdirSync(folder)
      .filter((name) => !name.startsWith("."))
      .sort(),
    ["points.csv", "r.peft"],
  );
});

test("--report writes a page with the curves; it is replaced, other files are not", () => {
  const folder = learning(40);
  const { code, stdout, stderr } = peftc(folder, "run", "r.peft", "--report", "results.html");
  assert.is(stderr, "");
  assert.is(code, 0);
  const [first, last] = ["first", "last"].map((name) => Number(new RegExp(`^${name} +(\\S+)$`, "m").exec(stdout)?.[1]));
  assert.ok(last < first, `${first} becomes ${last}`);
  assert.match(stdout, /fit\.log\.loss = 40 numbers, from /);
  const page = fs.readFileSync(path.join(folder, "results.html"), "utf8");
  for (const text of ["<h1>learn</h1>", "fit/train/", "fit.log.loss", "numbers in the state"]) assert.match(page, text);
  assert.is(peftc(folder, "run", "r.peft", "--force", "--report", "results.html").code, 0);
  const refused = peftc(folder, "run", "r.peft", "--force", "--report", "r.peft");
  assert.is(refused.code, 1);
  assert.match(refused.stderr, "F053");
  fs.writeFileSync(path.join(folder, "mine.html"), "<p>mine</p>");
  assert.match(peftc(folder, "run", "r.peft", "--force", "--report", "mine.html").stderr, "F050");
  assert.is(fs.readFileSync(path.join(folder, "mine.html"), "utf8"), "<p>mine</p>");
});

test("--checkpoint-every alone is a mistake in the command", () => {
  const { code, stderr } = peftc(learning(4), "run", "r.peft", "--checkpoint-every", "10");
  assert.is(code, 2);
  assert.match(stderr, "--checkpoint-every needs --checkpoint");
});

test("a run that was killed goes on where it was, and ends with the bytes of another", async () => {
  const steps = 8_000;
  const folder = learning(steps);
  const state = path.join(folder, "state");
  const options = ["run", "r.peft", "--checkpoint", "state", "--checkpoint-every", "50"];
  const { child, ended } = start(folder, ...options);
  while (!fs.existsSync(path.join(state, "loop-0.safetensors"))) await new Promise((done) => setTimeout(done, 5));
  child.kill("SIGKILL");
  await ended;
  assert.not.ok(fs.existsSync(path.join(folder, "out")), "it was killed before its end");
  const refused = peftc(folder, ...options, "--set", `steps=${steps + 1}`);
  assert.is(refused.code, 1);
  assert.match(refused.stderr, "X014");
  const again = peftc(folder, ...options);
  assert.is(again.code, 0, again.stderr);
  assert.not.ok(fs.existsSync(state));
  const straight = peftc(folder, "run", "r.peft", "--force");
  assert.is(digestOf(again.stdout), digestOf(straight.stdout));
  assert.match(digestOf(straight.stdout) ?? "", /^[0-9a-f]{64}$/);
});

test.run();
