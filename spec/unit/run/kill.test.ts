/**
 * A run that dies leaves no output that looks finished: killed at random moments, the target never appears, and the next
 * run starts from nothing and clears what the dead ones left. A run that is asked to stop leaves nothing itself.
 */
import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { packageRoot } from "../../../runtime/installation/index.js";
import { randomFrom, removeScratch, scratch } from "./models.js";

const rows = 12_500;
const cols = 1000;
const tensors = 4;
/** Of one of the two models. */
const bytes = rows * cols * tensors * 2;
const folder = scratch();

/** A model of bf16 numbers between 0.5 and 2, of either sign. */
function generate(name: string, seed: number): void {
  const header = Object.fromEntries(
    Array.from({ length: tensors }, (_, i) => [
      `layers.${i}.proj.weight`,
      { dtype: "BF16", shape: [rows, cols], data_offsets: [i * rows * cols * 2, (i + 1) * rows * cols * 2] },
    ]),
  );
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  const random = randomFrom(seed);
  const piece = Uint16Array.from({ length: rows * cols }, () => {
    const x = Math.floor(random() * 65536);
    return 0x3f00 | (x & 0x80ff);
  });
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, "config.json"), JSON.stringify({ model_type: "tiny" }));
  const file = openSync(join(folder, name, "model.safetensors"), "w");
  writeSync(file, length);
  writeSync(file, json);
  for (let i = 0; i < tensors; i++) writeSync(file, piece);
  closeSync(file);
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

function start(): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const args = [join(packageRoot(), "dist", "peftc.js"), "run", "recipe.peft", "--no-hash", "--threads", "2"];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString();
  });
  child.stderr.on("data", (data: Buffer) => {
    output += data.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, output }));
  });
  return { child, ended };
}

const entries = () => readdirSync(folder).sort();
const inputs = ["base", "expert", "recipe.peft"];
/** Of an undisturbed run, in milliseconds, and the size of the file that it wrote. */
let duration = 0;
let whole = 0;

test.before(() => {
  generate("base", 1);
  generate("expert", 2);
  writeFileSync(
    join(folder, "recipe.peft"),
    `use std.merge.{task_arithmetic}
recipe r {
  save(task_arithmetic(load("base"), [load("expert")], lambda = 0.5), to = "out")
}
`,
  );
});

test("a run that nobody disturbs finishes", async () => {
  const began = performance.now();
  const { code, output } = await start().ended;
  duration = performance.now() - began;
  assert.is(code, 0, output);
  assert.equal(entries(), [...inputs, "out"].sort());
  whole = statSync(join(folder, "out", "model.safetensors")).size;
  assert.ok(whole > bytes);
});

test("killed at twenty moments: no output, and the next run clears up and succeeds", async () => {
  rmSync(join(folder, "out"), { recursive: true });
  const random = randomFrom(20);
  let killed = 0;
  let halfway = 0;
  for (let runs = 0; killed < 20; runs++) {
    assert.ok(runs < 80, `only ${killed} of ${runs} runs were killed before they ended`);
    const began = performance.now();
    const { child, ended } = start();
    await Promise.race([wait(50 + random() * Math.max(0, duration - 50)), ended]);
    child.kill("SIGKILL");
    const { code, signal, output } = await ended;
    if (signal === null) {
      // The run was quicker than the ones before: its output must be whole, and later kills come earlier.
      assert.is(code, 0, output);
      assert.ok(existsSync(join(folder, "out", "model.safetensors")));
      rmSync(join(folder, "out"), { recursive: true });
      duration = Math.min(duration, performance.now() - began);
      continue;
    }
    killed++;
    if (existsSync(join(folder, "out"))) {
      // The name came with the last step of the run; what carries it must be whole.
      assert.is(statSync(join(folder, "out", "model.safetensors")).size, whole);
      assert.ok(existsSync(join(folder, "out", "config.json")));
      rmSync(join(folder, "out"), { recursive: true });
      continue;
    }
    const left = entries().filter((name) => !inputs.includes(name));
    if (left.length > 0) halfway++;
    for (const name of left) {
      assert.match(name, /^\./, "what a dead run leaves is hidden");
    }
  }
  assert.ok(halfway >= 3, `only ${halfway} of 20 kills came while the output was being written`);
  const { code, output } = await start().ended;
  assert.is(code, 0, output);
  assert.equal(entries(), [...inputs, "out"].sort(), "no staging folder is left");
  assert.is(statSync(join(folder, "out", "model.safetensors")).size, whole);
});

test("a run that is asked to stop leaves nothing", async () => {
  rmSync(join(folder, "out"), { recursive: true });
  const { child, ended } = start();
  while (entries().length === inputs.length && child.exitCode === null) await wait(2);
  assert.ok(entries().length > inputs.length && !existsSync(join(folder, "out")), "the run is under way");
  child.kill("SIGTERM");
  const { code, signal, output } = await ended;
  assert.ok(code !== 0 && (code !== null || signal === "SIGTERM"), `${code} ${signal} ${output}`);
  assert.equal(entries(), inputs);
});

test.after(removeScratch);
test.run();
