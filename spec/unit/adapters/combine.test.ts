/**
 * Adapters combined without their base, from folder to folder: what PEFT's `add_weighted_adapter` makes of the same files, in
 * all its kinds; the laws of exact sums; what is refused. And adapters out of two whole models.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { readTensors } from "../golden/checkpoints.js";
import type { Tensor } from "../golden/compare.js";
import { compileIn, removeScratch, runCompiled, scratch } from "../run/models.js";

const golden = resolve("spec/golden/peft");
const uses =
  "use std.merge.{combine, combine_changes, combine_factors, extract_lora, magnitude_prune, ties_peft, weighted_sum}";

interface Combination {
  readonly key: string;
  readonly adapters: readonly string[];
  readonly weights: readonly number[];
  readonly combination_type: string;
  readonly r?: number;
  readonly density?: number;
  readonly majority_sign_method?: string;
}

const { combinations }: { combinations: readonly Combination[] } = JSON.parse(
  readFileSync(join(golden, "combine/combine.json"), "utf8"),
);
const expected = readTensors(join(golden, "combine/expected.safetensors"));

const folder = scratch();
for (const name of [
  "base",
  "expert-r2",
  "expert-r4",
  "expert-r4b",
  "expert-r8",
  "lora-rslora",
  "lora-patterns",
  "lora-dora",
])
  cpSync(join(golden, name), join(folder, name), { recursive: true });

async function ran(body: string): Promise<void> {
  await runCompiled(compileIn(folder, `${uses}\nrecipe r {\n${body}\n}\n`));
}

const loaded = (names: readonly string[]) => `[${names.map((n) => `load_adapter("${n}")`).join(", ")}]`;
const readAdapter = (at: string) => readTensors(join(folder, at, "adapter_model.safetensors"));
const configIn = (at: string) => JSON.parse(readFileSync(join(folder, at, "adapter_config.json"), "utf8"));

/** `how` in the language, for a kind of PEFT's. */
function howOf(c: Combination): string {
  if (c.combination_type.startsWith("ties"))
    return `(ds, ws) => ties_peft(zeros_like(ds[0]), ds, weights = ws, density = ${c.density}, majority = "${c.majority_sign_method ?? "total"}")`;
  if (c.combination_type.startsWith("magnitude"))
    return `(ds, ws) => magnitude_prune(zeros_like(ds[0]), ds, weights = ws, density = [${c.density} for _ in ds])`;
  return "(ds, ws) => weighted_sum(ds, ws)";
}

function callOf(c: Combination): string {
  const [from, weights] = [loaded(c.adapters), `weights = [${c.weights.join(", ")}]`];
  if (c.combination_type === "cat") return `combine(${from}, ${weights})`;
  if (c.combination_type === "svd") return `combine(${from}, ${weights}, rank = ${c.r})`;
  if (c.combination_type.endsWith("_svd")) return `combine_changes(${from}, ${howOf(c)}, rank = ${c.r}, ${weights})`;
  return `combine_factors(${from}, ${howOf(c)}, ${weights})`;
}

/** b @ a. */
function product(b: Tensor, a: Tensor): Float64Array {
  const [[m, k], n] = [b.shape, a.shape[1]];
  const result = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let l = 0; l < k; l++)
      for (let j = 0; j < n; j++) result[i * n + j] += Number(b.data[i * k + l]) * Number(a.data[l * n + j]);
  return result;
}

/** The change of each host of a saved LoRA whose alpha is its rank. */
function changesOf(tensors: ReadonlyMap<string, Tensor>): Map<string, Float64Array> {
  const hosts = [...tensors.keys()].filter((n) => n.endsWith(".lora_A.weight")).map((n) => n.slice(0, -14));
  return new Map(
    hosts.map((h) => [h, product(tensors.get(`${h}.lora_B.weight`)!, tensors.get(`${h}.lora_A.weight`)!)]),
  );
}

/** The largest difference in parts of the largest expected value. */
function away(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  assert.is(found.length, wanted.length);
  let [worst, largest] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    worst = Math.max(worst, Math.abs(found[i] - wanted[i]));
    largest = Math.max(largest, Math.abs(wanted[i]));
  }
  return Number.isNaN(worst) ? Number.POSITIVE_INFINITY : worst / largest;
}

const numbers = (t: Tensor) => Float64Array.from(t.data, Number);

/** How far a saved combination is from PEFT's: its changes, and where PEFT merges factors by themselves these too. */
function distance(c: Combination, at: string): number {
  const found = readAdapter(at);
  const below = new Map(
    [...expected].flatMap(([n, t]) =>
      n.startsWith(`${c.key}.base_model`) ? [[n.slice(c.key.length + 1), t] as const] : [],
    ),
  );
  const whole = changesOf(below);
  const changes = [...changesOf(found)].map(([host, change]) =>
    away(change, whole.get(host) ?? numbers(expected.get(`${c.key}.delta.${host}`)!)),
  );
  assert.is(changes.length, 4);
  if (c.combination_type === "cat" || below.size === 0) return Math.max(...changes);
  return Math.max(...changes, ...[...below].map(([n, t]) => away(numbers(found.get(n)!), numbers(t))));
}

const ours = combinations.filter((c) => c.r !== undefined);

test("PEFT has a dozen combinations", () => assert.is(ours.length, 12));

for (const c of ours) {
  test(`PEFT's ${c.key}`, async () => {
    await ran(`save(${callOf(c)}, to = "out/${c.key}")`);
    const found = distance(c, `out/${c.key}`);
    assert.ok(found < (c.combination_type.includes("svd") ? 1e-5 : 1e-6), String(found));
    const config = configIn(`out/${c.key}`);
    assert.is(config.r, c.r);
    assert.is(config.lora_alpha, c.r);
    assert.equal(config.target_modules, ["q_proj", "v_proj"]);
  });
}

test("the plain sum is none of the others, nor without weights, nor of the factors", async () => {
  const [cat, svd, ties, prune] = ["cat3", "svd3", "ties_svd3", "magnitude_prune_svd3"].map(
    (key) => ours.find((c) => c.key === key)!,
  );
  const other: [Combination, string][] = [
    [cat, `combine(${loaded(cat.adapters)})`],
    [svd, `combine(${loaded(svd.adapters)}, weights = [0.7, 0.5, 0.3], rank = 5)`],
    [ties, `combine(${loaded(ties.adapters)}, weights = [0.7, 0.5, 0.3], rank = 8)`],
    [prune, `combine(${loaded(prune.adapters)}, weights = [0.7, 0.5, 0.3], rank = 8)`],
    [
      ours.find((c) => c.key === "linear2")!,
      `combine(${loaded(["expert-r4", "expert-r4b"])}, weights = [0.6, 0.4], rank = 4)`,
    ],
  ];
  for (const [i, [c, call]] of other.entries()) {
    await ran(`save(${call}, to = "out/other${i}")`);
    assert.ok(distance({ ...c, combination_type: "cat" }, `out/other${i}`) > 1e-2, c.key);
  }
});

test("scales of every form are worked in: the sum of one is what its base gets", async () => {
  for (const name of ["lora-rslora", "lora-patterns"]) {
    await ran(
      `save(combine([load_adapter("${name}")]), to = "sum/${name}")
       let base = load("base")
       save(fuse(attach(base, load_adapter("${name}"))) - base, to = "change/${name}")`,
    );
    const changes = readTensors(join(folder, "change", name));
    for (const [host, change] of changesOf(readAdapter(`sum/${name}`))) {
      const wanted = numbers(changes.get(`${host.replace("base_model.model.", "")}.weight`)!);
      assert.ok(away(change, wanted) < 1e-5, `${name} ${host}`);
    }
  }
});

test("a combined adapter goes onto the base like any other", async () => {
  await ran('save(combine([load_adapter("expert-r4"), load_adapter("expert-r2")]), to = "two")');
  await ran(
    `let base = load("base")
     let two = attach(attach(base, load_adapter("expert-r4")), load_adapter("expert-r2"))
     save(fuse(two) - fuse(attach(base, load_adapter("two"))), to = "none")
     save(fuse(two) - base, to = "some")`,
  );
  const largest = (at: string) =>
    Math.max(...[...readTensors(join(folder, at)).values()].map((t) => Math.max(...numbers(t).map(Math.abs))));
  assert.ok(largest("none") < 1e-6 * largest("some"), `${largest("none")} of ${largest("some")}`);
});

test("hosts have whole names where no list of the files says that all of a name are hosts", async () => {
  cpSync(join(folder, "expert-r2"), join(folder, "chosen"), { recursive: true });
  writeFileSync(
    join(folder, "chosen/adapter_config.json"),
    JSON.stringify({ ...configIn("expert-r2"), target_modules: "model.*q_proj" }),
  );
  await ran('save(combine([load_adapter("chosen")]), to = "out/chosen")');
  assert.equal(
    configIn("out/chosen").target_modules,
    [0, 1].map((l) => `model.layers.${l}.self_attn.q_proj`),
  );
});

async function refused(body: string): Promise<string> {
  try {
    await ran(body);
  } catch (error) {
    if (error instanceof PeftError)
      return error.diagnostics
        .filter((d) => d.severity === "error")
        .map((d) => `${d.code} ${d.message}`)
        .join("\n");
    throw error;
  }
  return "nothing";
}

test("adapters of other bases, and what needs the base, are refused", async () => {
  const other = (name: string, entries: object) => {
    cpSync(join(folder, "expert-r4"), join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, "adapter_config.json"), JSON.stringify({ ...configIn("expert-r4"), ...entries }));
  };
  other("renamed", { base_model_name_or_path: "somebody/other" });
  other("moved", { base_model_name_or_path: "D:\\models\\base" });
  const both = (name: string, more = "") =>
    `save(combine([load_adapter("expert-r4"), load_adapter("${name}")]${more}), to = "no")`;
  assert.match(await refused(both("renamed")), /^R088 .*"..\/base" and "somebody\/other"/);
  assert.is(await refused(both("renamed", ", same_base = false").replace('"no"', '"yes"')), "nothing");
  assert.is(await refused(both("moved").replace('"no"', '"moved-out"')), "nothing");
  cpSync(join(folder, "expert-r4"), join(folder, "wide"), { recursive: true });
  mkdirSync(join(folder, "wide"), { recursive: true });
  const path = join(folder, "wide/adapter_model.safetensors");
  const bytes = readFileSync(path).toString("latin1");
  // A [4, 64] of the same size as [8, 32]: the shape of another base.
  writeFileSync(path, bytes.replaceAll('"shape":[4,64]', '"shape":[8,32]'), "latin1");
  assert.match(await refused(both("wide")), /^R088 the adapters are of different bases/);
  assert.match(await refused('save(combine([load_adapter("lora-dora")]), to = "no")'), /^T001 .*lora/);
  assert.match(
    await refused('save(combine_factors([load_adapter("lora-dora")], (xs, ws) => weighted_sum(xs, ws)), to = "no")'),
    /^T001 .*lora/,
  );
  assert.match(
    await refused('let a = load_adapter("expert-r4")\nsave(fuse(attach(hosts_of([a]), a)), to = "no")'),
    /^R089 the bias of model.layers.0.self_attn.q_proj is not known/,
  );
  assert.match(
    await refused(
      'let h = hosts_of([load_adapter("expert-r4")])\nsave({ w: 2 * h["model.layers.0.self_attn.q_proj.weight"] }, to = "no")',
    ),
    /^R089 this needs the numbers/,
  );
  assert.match(await refused('save(combine([load_adapter("expert-r4")], rank = 0), to = "no")'), /^R087/);
});

test("LoRA out of two models gives back what was worked in; with energy, of as low a rank as that takes", async () => {
  await ran('let base = load("base")\nsave(fuse(attach(base, load_adapter("expert-r4"))), to = "tuned")');
  const part = (name: string, more: string) =>
    `save(extract_lora(load("base"), load("tuned"), to = "*.{q,v}_proj", ${more}), to = "part/${name}")`;
  await ran([part("whole", "rank = 4"), part("less", "rank = 2"), part("half", "rank = 4, energy = 50%")].join("\n"));
  const expert = configIn("expert-r4");
  const wanted = changesOf(readAdapter("expert-r4"));
  const scale = expert.lora_alpha / expert.r;
  const found = (name: string) => changesOf(readAdapter(`part/${name}`));
  for (const [host, change] of wanted) {
    const whole = change.map((x) => scale * x);
    assert.ok(away(found("whole").get(host)!, whole) < 1e-5, host);
    assert.ok(away(found("less").get(host)!, whole) > 1e-2, host);
  }
  const square = (xs: Iterable<number>) => [...xs].reduce((s, x) => s + x * x, 0);
  for (const [host, change] of found("half")) {
    const share = square(change) / square(wanted.get(host)!.map((x) => scale * x));
    assert.ok(share >= 0.5 && share < 1 - 1e-3, `${host} ${share}`);
  }
  assert.is(configIn("part/whole").r, 4);
});

test.after(removeScratch);
test.run();
