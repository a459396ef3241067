/**
 * Merges of the standard library against the libraries that people use, on the small tensors of spec/golden/tensors. In:
 * task vectors or models of a case. Out: every entry within the tolerance that the folder's README states.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Checkpoint, runInMemory, type Array as Tensor } from "../std/evaluate.js";
import { readTensors } from "./checkpoints.js";

const folder = "spec/golden/tensors";
const read = (name: string) => readTensors(`${folder}/${name}.safetensors`);

type Tensors = ReadonlyMap<string, Tensor>;

/** Tensors below a prefix, without it. */
function below(tensors: Tensors, prefix: string): Map<string, Tensor> {
  return new Map(
    [...tensors].flatMap(([key, tensor]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), tensor] as const] : [],
    ),
  );
}

const casesOf = (tensors: Tensors) => [...new Set([...tensors.keys()].map((key) => key.split("/")[0]))];

/** Models named `name`0, `name`1, .. from keys `key`.0 .. or `key`0. .. */
function numbered(tensors: Tensors, pattern: RegExp, name: string): Record<string, Checkpoint> {
  const models: Record<string, Record<string, Tensor>> = {};
  for (const [key, tensor] of tensors) {
    const found = pattern.exec(key)?.groups;
    if (found === undefined) continue;
    models[`${name}${found.i}`] = { ...models[`${name}${found.i}`], [found.tensor]: tensor };
  }
  return models;
}

const zeros = (like: Checkpoint): Checkpoint =>
  Object.fromEntries(
    Object.entries(like).map(([name, { shape, data }]) => [name, { shape, data: new Float64Array(data.length) }]),
  );

/** What `save(call)` writes, with every model loaded under its name. */
function saved(call: string, models: Record<string, Checkpoint>, more = ""): ReadonlyMap<string, Tensor> {
  const names = [...new Set(`${call} ${more}`.match(/\b[a-z_]+(?=\()/g) ?? [])].filter((n) => !builtin.has(n));
  const loads = Object.keys(models).map((m) => `  let ${m} = load("${m}")`);
  const text = `use std.merge.{${names.join(", ")}}\n${more}\nrecipe r {\n${loads.join("\n")}\n  save(${call}, to = "out")\n}\n`;
  const outcome = runInMemory(text, models);
  assert.equal(outcome.broken, []);
  return outcome.saved.get("out")!;
}

/** Words before a parenthesis that are no names of the library. */
const builtin = new Set(["mean", "where", "plainly", "mask", "few", "what"]);

function near(found: ReadonlyMap<string, Tensor>, wanted: Tensors, relative: number): void {
  for (const [name, { data, shape }] of wanted) {
    const own = found.get(name);
    assert.ok(own !== undefined, `there is no ${name}`);
    assert.equal(own.shape, shape);
    const largest = Math.max(1e-30, ...Array.from(data, Math.abs));
    for (let i = 0; i < data.length; i++) {
      const off = Math.abs(own.data[i] - data[i]) / largest;
      assert.ok(off <= relative, `${name}[${i}] is ${own.data[i]}, expected ${data[i]}: off by ${off} of the largest`);
    }
  }
}

const tasks = /^t(?<i>\d+)\.(?<tensor>.+)$/;
const list = (models: object) => `[${Object.keys(models).join(", ")}]`;

/** File, call with the list of experts in place of `ts`, tolerance; a part of the name of each case chooses further arguments. */
const onTasks: readonly (readonly [file: string, call: string, relative: number, byCase?: (name: string) => string])[] =
  [
    ["iso_c", "iso_c(base, ts)", 2e-5],
    ["tsvm", "tsv(base, ts)", 2e-5],
    ["iso_cts", "iso_cts(base, ts)", 2e-5, (name) => `common = ${/c(0\.\d)/.exec(name)![1]}`],
    ["magmax", "magmax(base, ts)", 0],
    ["wudi", "wudi(base, ts)", 2e-6, (name) => `steps = ${name.slice(1)}`],
  ];

for (const [file, call, relative, byCase] of onTasks) {
  const tensors = read(`fusion_bench-${file}`);
  for (const name of casesOf(tensors)) {
    test(`${file} ${name}`, () => {
      const experts = numbered(below(tensors, `${name}/in/`), tasks, "t");
      const given = byCase === undefined ? "" : `, ${byCase(name)}`;
      const excluded = /exclude-(\w)/.exec(name)?.[1];
      const mean =
        "merge plainly(base: Weight[*s], experts: List[Weight[*s]]) -> Weight[*s] = base + mean([e - base for e in experts])";
      const all = call.replace(/\bts\b/, list(experts)).replace(/\)$/, `${given})`);
      const whole =
        excluded === undefined
          ? all
          : `${all} where not (name matches "${excluded}") else plainly(base, ${list(experts)})`;
      const models = { base: zeros(experts.t0), ...experts };
      near(saved(whole, models, excluded === undefined ? "" : mean), below(tensors, `${name}/out/`), relative);
    });
  }
}

const models = /^models\.(?<tensor>.+)\.(?<i>\d+)$/;

{
  const tensors = read("fusion_bench-fisher");
  for (const name of casesOf(tensors)) {
    test(`fisher ${name}`, () => {
      const inputs = below(tensors, `${name}/in/`);
      const experts = numbered(inputs, models, "t");
      const fishers = numbered(inputs, /^fisher\.(?<i>\d+)\.(?<tensor>.+)$/, "f");
      const weights = Array.from(inputs.get("coef")!.data);
      const call = `fisher(${list(experts)}, ${list(fishers)}, weights = [${weights}], normalize = ${name === "normalized"})`;
      near(saved(call, { ...experts, ...fishers }), below(tensors, `${name}/out/`), 1e-5);
    });
  }
}

{
  const tensors = read("fusion_bench-regmean");
  for (const name of casesOf(tensors)) {
    test(`regmean ${name}`, () => {
      const inputs = below(tensors, `${name}/in/`);
      const experts = numbered(inputs, models, "t");
      const grams = numbered(inputs, /^grams\.(?<i>\d+)\.(?<tensor>.+)$/, "g");
      const named = Object.fromEntries(
        Object.entries(grams).map(([gram, given]) => [
          gram,
          Object.fromEntries(Object.entries(given).map(([key, x]) => [`${key}.weight`, x])),
        ]),
      );
      const ratio = name.replace("ratio", "");
      const mean = "merge plainly(models: List[Weight[*s]]) -> Weight[*s] = mean(models)";
      const call = `regmean(${list(experts)}, ${list(grams)}, ratio = ${ratio}) where name matches "{m,o}.weight" else plainly(${list(experts)})`;
      near(saved(call, { ...experts, ...named }, mean), below(tensors, `${name}/out/`), 1e-5);
    });
  }
}

{
  const tensors = read("fusion_bench-tall_mask");
  for (const name of casesOf(tensors)) {
    test(`tall_mask ${name}`, () => {
      const inputs = below(tensors, `${name}/in/`);
      const [base, merged, tuned] = ["flat_ptm", "tv", "flat_ft"].map((key) => inputs.get(key)!);
      const given: Record<string, Checkpoint> = { base: { x: { shape: [90], data: base.data } }, tv: { x: merged } };
      const calls = Array.from({ length: 3 }, (_, i) => {
        given[`t${i}`] = { x: { shape: [90], data: Array.from(tuned.data).slice(90 * i, 90 * (i + 1)) } };
        return `mask(base, t${i}, tv, ${name.replace("lambda", "")})`;
      });
      const more =
        "merge mask(base: Weight[*s], t: Weight[*s], tv: Delta[*s], lambda: Float) -> Weight[*s] = where(tall_mask(t - base, tv, lambda), 1, 0)";
      calls.forEach((call, i) => {
        const found = saved(call, given, more).get("x")!;
        const wanted = Array.from(tensors.get(`${name}/out/mask`)!.data).slice(90 * i, 90 * (i + 1));
        assert.equal(Array.from(found.data), wanted);
      });
    });
  }
}

{
  const tensors = read("sd_mecha-geometric_median");
  for (const name of casesOf(tensors)) {
    test(`geometric_median ${name}`, () => {
      const inputs = below(tensors, `${name}/in/`);
      const given = Object.fromEntries([...inputs].map(([key, x]): [string, Checkpoint] => [`t${key}`, { y: x }]));
      const steps = name.endsWith("i5") ? 5 : 100;
      near(saved(`geometric_median(${list(given)}, steps = ${steps})`, given), below(tensors, `${name}/out64/`), 1e-6);
    });
  }
}

{
  const tensors = read("fusion_bench-tsvc");
  for (const name of casesOf(tensors)) {
    test(`the largest singular values of tsvc ${name}`, () => {
      const x = tensors.get(`${name}/in/x`)!;
      const rank = tensors.get(`${name}/out/s`)!.shape[0];
      const more = "merge few(x: Weight[m, n], rank: Int) -> Weight[m, n] = truncated(x, rank)";
      near(saved(`few(x, ${rank})`, { x: { w: x } }, more), new Map([["w", tensors.get(`${name}/out/w`)!]]), 2e-5);
    });
  }
}

{
  const tensors = read("torch-lora_extract");
  for (const name of casesOf(tensors)) {
    for (const rank of [1, 2, 4, 8]) {
      test(`the change of rank ${rank} nearest to ${name}`, () => {
        const x = tensors.get(`${name}/in/delta`)!;
        const more = "merge few(x: Weight[m, n], rank: Int) -> Weight[m, n] = truncated(x, rank)";
        const wanted = tensors.get(`${name}/out64/r${rank}`)!;
        near(saved(`few(x, ${rank})`, { x: { w: x } }, more), new Map([["w", wanted]]), 1e-5);
      });
    }
  }
}

{
  const tensors = read("fusion_bench-knots");
  for (const name of casesOf(tensors)) {
    test(`knots ${name}: the basis, and the changes in it`, () => {
      const inputs = below(tensors, `${name}/in/x.`);
      const given = Object.fromEntries([...inputs].map(([key, x]): [string, Checkpoint] => [`t${key}`, { w: x }]));
      const cut = "eps = 1e-4";
      const of = (e: string) =>
        `merge what(ts: List[Weight[m, n]]) -> Weight[_, _] {\n  let { left, s, parts } = aligned(ts, ${cut})\n  return ${e}\n}`;
      const expect = (e: string, key: string) => {
        const wanted = new Map([["w", tensors.get(`${name}/out/${key}`)!]]);
        near(saved(`what(${list(given)})`, given, of(e)), wanted, 2e-5);
      };
      expect("left @ left.T", "left");
      [...inputs.keys()].forEach((i) => {
        expect(`(left * s) @ parts[${i}]`, `rec.${i}`);
        expect(`left @ parts[${i}]`, `task.${i}`);
      });
    });
  }
}

test.run();
