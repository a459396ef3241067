/**
 * What `report` gives: numbers, text, lists, records, trees by tensor; statistics over the model against plain sums over
 * all elements; and nothing on the disk when a requirement turns out false.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { noise, removeScratch, runIn, scratch, type Tensors, writeModel } from "./models.js";

const model = (seed: number): Tensors => ({
  "layers.0.a.weight": noise("F32", [300, 250], seed, 2),
  "layers.1.a.weight": noise("BF16", [7, 9], seed + 1),
  "norm.weight": noise("F16", [70001], seed + 2),
  temperature: noise("F32", [], seed + 3),
});
const models = { m: model(1), n: model(11) };

function folderOf(): string {
  const folder = scratch();
  for (const [name, tensors] of Object.entries(models)) writeModel(join(folder, name), tensors);
  return folder;
}

async function reported(body: string, head = ""): Promise<unknown[]> {
  const text = `${head}recipe r {\n  let m = load("m"), n = load("n")\n${body}\n}\n`;
  const { result } = await runIn(folderOf(), text, { threads: 2 });
  return result.reports.map((r) => r.value);
}

function near(found: unknown, expected: number, what = "", tolerance = 1e-5): void {
  assert.type(found, "number", what);
  const off = Math.abs((found as number) - expected);
  assert.ok(off <= tolerance * Math.max(1e-3, Math.abs(expected)), `${what}: ${found}, expected ${expected}`);
}

const names = Object.keys(models.m);
const everything = names.flatMap((name) => Array.from(models.m[name].data));
const sum = (xs: readonly number[], f: (x: number) => number = (x) => x) => xs.reduce((s, x) => s + f(x), 0);

test("statistics over the model", async () => {
  const mean = sum(everything) / everything.length;
  const other = names.flatMap((name) => Array.from(models.n[name].data));
  const expected: readonly [string, number][] = [
    ["sum(m, over = model)", sum(everything)],
    ["mean(m, over = model)", mean],
    ["norm(m, over = model)", Math.sqrt(sum(everything, (x) => x * x))],
    ["norm1(m, over = model)", sum(everything, Math.abs)],
    ["max(m, over = model)", everything.reduce((a, b) => Math.max(a, b))],
    ["min(m, over = model)", everything.reduce((a, b) => Math.min(a, b))],
    ["count(m, over = model)", everything.filter((x) => x !== 0).length],
    ["std(m, over = model)", Math.sqrt(sum(everything, (x) => (x - mean) ** 2) / everything.length)],
    ["var(m, over = model, unbiased = true)", sum(everything, (x) => (x - mean) ** 2) / (everything.length - 1)],
    ["dot(m, n, over = model)", everything.reduce((s, x, i) => s + x * other[i], 0)],
    ["norm(m - n, over = model)", Math.sqrt(everything.reduce((s, x, i) => s + (x - other[i]) ** 2, 0))],
    ["size(m, over = model)", everything.length],
  ];
  const found = await reported(expected.map(([e]) => `  report ${e}`).join("\n"));
  expected.forEach(([e, x], i) => {
    near(found[i], x, e, e.startsWith("sum") || e.startsWith("mean") || e.startsWith("dot") ? 1e-3 : 1e-5);
  });
});

test("a number for each tensor", async () => {
  const [norms, counts, positions] = (await reported(
    "  report norm(m)\n  report count(m > 0)\n  report argmax(m)",
  )) as Record<string, number>[];
  for (const name of names) {
    const data = Array.from(models.m[name].data);
    near(norms[name], Math.sqrt(sum(data, (x) => x * x)), name);
    assert.is(counts[name], data.filter((x) => x > 0).length, name);
    assert.is(positions[name], data.indexOf(data.reduce((a, b) => Math.max(a, b))), name);
  }
});

test("text, lists, records and what functions give", async () => {
  const found = await reported(
    `  report "a \${1 + 1}"
  report [1, 2.5, true, none]
  report { rank: 3, scale: 20% }
  report summary(m)
  report m["norm.weight"][5]
  report norm(m["layers.1.a.weight"]) > 1e9`,
    `def summary(x: Weight[*s]) -> { largest: Float, length: Float } = { largest: max(abs(x), over = model), length: norm(x) }

`,
  );
  assert.equal(found.slice(0, 3), ["a 2", [1, 2.5, true, null], { rank: 3, scale: 0.2 }]);
  const { largest, length } = found[3] as { largest: number; length: Record<string, number> };
  near(
    largest,
    everything.reduce((a, x) => Math.max(a, Math.abs(x)), 0),
  );
  near(length.temperature, Math.abs(models.m.temperature.data[0]));
  assert.is(found[4], models.m["norm.weight"].data[5]);
  assert.is(found[5], false);
});

test("a requirement that fails while running leaves nothing", async () => {
  const folder = folderOf();
  const before = readdirSync(folder).length;
  try {
    await runIn(
      folder,
      `merge strict(x: Weight[*s], y: Weight[*s]) -> Weight[*s] {
  require(norm(y - x) < 1, "too far apart")
  return y
}
recipe r {
  let m = load("m"), n = load("n")
  save(strict(m, n), to = "out")
}
`,
    );
  } catch (error) {
    if (!(error instanceof PeftError)) throw error;
    assert.is(error.diagnostics[0].code, "X012");
    assert.equal(readdirSync(folder).filter((name) => name !== "recipe.peft").length, before);
    return;
  }
  assert.unreachable("the run went on");
});

test.after(removeScratch);
test.run();
