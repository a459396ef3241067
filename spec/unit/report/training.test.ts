/** Progress of a training. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { describeTraining, ProgressLine, type TrainingProgress } from "../../../runtime/report/index.js";

const progress: TrainingProgress = {
  phase: "fit",
  stepsDone: 200,
  stepsTotal: 500,
  logs: new Map([
    ["loss", 0.41234],
    ["rate", 1e-3],
  ]),
  seconds: 16,
};

test("share, steps, loss, rate, speed, time to go", () => {
  assert.is(describeTraining(progress), "fit 40%, step 200 of 500, loss 0.412, rate 0.001, 12.5 steps/s, 24 s to go");
  assert.is(
    describeTraining({
      ...progress,
      stepsDone: 2,
      logs: new Map([
        ["loss", Number.NaN],
        ["rate", 3.33333e-5],
      ]),
      seconds: 20,
    }),
    "fit 0%, step 2 of 500, loss nan, rate 0.0000333, 10 s a step, 1 h 23 min to go",
  );
  assert.is(describeTraining({ ...progress, stepsDone: 0, logs: new Map(), seconds: 0 }), "fit 0%, step 0 of 500");
  assert.is(
    describeTraining({ ...progress, stepsDone: 500, seconds: 40 }),
    "fit 100%, step 500 of 500, loss 0.412, rate 0.001, 12.5 steps/s, 0.00 s to go",
  );
  assert.is(describeTraining({ ...progress, stepsDone: 0, stepsTotal: 0, logs: new Map() }), "fit 100%, step 0 of 0");
  assert.match(describeTraining({ ...progress, phase: "a\u001b[2K\n" }), /^a\u241b\[2K\u240a 40%/);
});

test("lines are written over on a terminal, and rare in a log", () => {
  let now = 0;
  let described = 0;
  const written: string[] = [];
  const lineOf = (terminal: boolean) =>
    new ProgressLine({ write: (text) => written.push(text), terminal, columns: 24, now: () => now });
  const run = (line: ProgressLine, seconds: number) => {
    for (let i = 0; i < seconds * 20; i++) {
      now += 0.05;
      line.show(() => `step ${++described} of a long line of text`);
    }
    line.end();
  };
  run(lineOf(false), 12);
  assert.equal(written, ["step 1 of a long line of text\n", "step 2 of a long line of text\n"]);
  written.length = 0;
  run(lineOf(true), 1);
  assert.ok(written.length >= 7 && written.length <= 11, String(written.length));
  assert.is(written[0], "\rstep 3 of a long line o\u001b[K");
  assert.is(written.at(-1), "\r\u001b[K");
});

test.run();
