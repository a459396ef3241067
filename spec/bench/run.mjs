/**
 * The merge benchmarks: `npm run bench`. Makes a Llama-shaped base of 1.1 billion bf16 parameters and three fine-tunes
 * (9 GB, kept in PEFTC_BENCH_DIR or the temp folder), measures the floor and the merges in one run, and prints a table.
 * Floor: read all inputs once on two threads with plain fs, write and fsync the output once.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { header, llamaShapes, makeModels } from "./model.mjs";

const folder = path.resolve(process.env.PEFTC_BENCH_DIR ?? path.join(os.tmpdir(), "peftc-bench"));
const rounds = Number(process.env.PEFTC_BENCH_ROUNDS ?? 3);
const program = path.resolve("dist/peftc.js");
const models = { base: 'load("base")', abc: '[load("a"), load("b"), load("c")]' };

const recipes = {
  "linear k=3": `use std.merge.{linear}\nrecipe r { save(linear(${models.abc}, weights = [0.5, 0.3, 0.2]), to = "out") }`,
  slerp: `use std.merge.{slerp}\nrecipe r { save(slerp(load("a"), load("b"), t = 0.3), to = "out") }`,
  "task_arithmetic k=3": `use std.merge.{task_arithmetic}\nrecipe r { save(task_arithmetic(${models.base}, ${models.abc}, weights = [0.5, 0.3, 0.2]), to = "out") }`,
  "ties k=3, tensor": `use std.merge.{ties}\nrecipe r { save(ties(${models.base}, ${models.abc}, density = 20%, scope = tensor), to = "out") }`,
  "ties k=3, model": `use std.merge.{ties}\nrecipe r { save(ties(${models.base}, ${models.abc}, density = 20%, scope = model), to = "out") }`,
};
const inputs = { "linear k=3": 3, slerp: 2, "task_arithmetic k=3": 4, "ties k=3, tensor": 4, "ties k=3, model": 4 };

const median = (xs) => [...xs].sort((a, b) => a - b)[Math.floor(xs.length / 2)];

function floor(count) {
  const names = ["a", "b", "c", "base"].slice(0, count).map((n) => path.join(folder, n, "model.safetensors"));
  const run = spawnSync(
    process.execPath,
    [new URL("./floor.mjs", import.meta.url).pathname, ...names, path.join(folder, "floor")],
    { encoding: "utf8" },
  );
  return Number(run.stdout);
}

function merge(name, hash) {
  const file = path.join(folder, "recipe.peft");
  fs.writeFileSync(file, recipes[name]);
  const args = [program, "run", file, "--force", "--threads", "2", "--json", ...(hash ? [] : ["--no-hash"])];
  const started = performance.now();
  const run = spawnSync(process.execPath, args, { encoding: "utf8" });
  const seconds = (performance.now() - started) / 1000;
  if (run.status !== 0) throw new Error(run.stderr);
  return { seconds, memory: JSON.parse(run.stdout).peakMemory };
}

function start(args) {
  const started = performance.now();
  spawnSync(process.execPath, args);
  return performance.now() - started;
}

makeModels(folder);
fs.rmSync(path.join(folder, "out"), { recursive: true, force: true });
process.env.PEFTC_CACHE_DIR = path.join(folder, "cache");
const only = process.argv[2];
const rows = [];
for (const name of Object.keys(recipes)) {
  if (only !== undefined && !name.includes(only)) continue;
  const first = merge(name, true);
  const seconds = [];
  const floors = [];
  let memory = first.memory;
  for (let i = 0; i < rounds; i++) {
    floors.push(floor(inputs[name]));
    const one = merge(name, true);
    seconds.push(one.seconds);
    memory = Math.max(memory, one.memory);
  }
  rows.push([
    name,
    median(floors).toFixed(2),
    median(seconds).toFixed(2),
    (median(seconds) / median(floors)).toFixed(2),
    first.seconds.toFixed(2),
    Math.round(memory / 2 ** 20),
  ]);
  console.log(rows.at(-1).join(" | "));
}

// Start-up: the version, and the check of a recipe over four 8 B headers (sparse files of true size).
const large = path.join(folder, "large");
for (const name of ["base", "a", "b", "c"]) {
  fs.mkdirSync(path.join(large, name), { recursive: true });
  const { head, dataBytes } = header(
    llamaShapes({ hidden: 4096, mlp: 14336, layers: 32, kv: 1024, vocabulary: 128256 }),
  );
  const fd = fs.openSync(path.join(large, name, "model.safetensors"), "w");
  fs.writeSync(fd, head);
  fs.ftruncateSync(fd, head.length + dataBytes);
  fs.closeSync(fd);
  fs.copyFileSync(path.join(folder, name, "config.json"), path.join(large, name, "config.json"));
}
fs.writeFileSync(path.join(large, "recipe.peft"), recipes["ties k=3, tensor"]);
const times = (args) => median(Array.from({ length: 9 }, () => start(args)));
const bare = times(["-e", "0"]);
console.log(
  `bare node ${bare.toFixed(0)} ms | --version ${(times([program, "--version"]) / bare).toFixed(2)} x | check of four 8 B headers ${(times([program, "check", path.join(large, "recipe.peft")]) / bare).toFixed(2)} x`,
);
