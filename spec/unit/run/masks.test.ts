/**
 * Masks and integers: what is computed as a mask can be computed with further, masks of a file select, and integers that
 * stand alone at their place are carried along byte for byte. Also the narrow dtypes and layouts of outputs.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import {
  difference,
  filled,
  noise,
  removeScratch,
  runIn,
  scratch,
  type Tensor,
  type Tensors,
  writeModel,
} from "./models.js";

const shapes: Readonly<Record<string, readonly number[]>> = {
  "a.weight": [6, 5],
  "b.weight": [7],
  "c.weight": [2, 3, 2],
};
const each = (make: (shape: readonly number[], i: number) => Tensor): Tensors =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, make(shape, i)]));

const positions = filled("I64", [4], (i) => 2 ** 40 + i);
const models: Readonly<Record<string, Tensors>> = {
  x: { ...each((shape, i) => noise("F32", shape, i)), positions },
  y: { ...each((shape, i) => noise("F32", shape, i + 50)), positions },
  mask: each((shape) => filled("BOOL", shape, (i) => (i % 3 === 0 ? 1 : 0))),
  codes: each((shape) => filled("U8", shape, (i) => i % 4)),
};

function folderOf(): string {
  const folder = scratch();
  for (const [name, tensors] of Object.entries(models)) writeModel(join(folder, name), tensors);
  return folder;
}

async function saved(body: string, head = ""): Promise<ReadonlyMap<string, Tensor>> {
  const text = `${head}recipe r {\n  let x = load("x"), y = load("y"), mask = load("mask"), codes = load("codes")\n${body}\n}\n`;
  return (await runIn(folderOf(), text)).saved.get("out")!;
}

function expected(f: (x: number, y: number, i: number) => number): Map<string, Tensor> {
  const result = new Map<string, Tensor>();
  for (const name of Object.keys(shapes)) {
    const [x, y] = [models.x[name], models.y[name]];
    result.set(name, { ...x, data: Float64Array.from(x.data, (v, i) => Math.fround(f(v, y.data[i], i))) });
  }
  return result;
}

const withPositions = (tensors: Map<string, Tensor>) => tensors.set("positions", positions);

test("a mask that is computed in the recipe selects", async () => {
  const found = await saved(`  save(where(abs(x) > 0.5, x, y), to = "out")`);
  assert.is(difference(found, withPositions(expected((x, y) => (Math.abs(x) > 0.5 ? x : y)))), null);
});

test("a mask from a file selects, as BOOL and as numbers", async () => {
  const chosen =
    "merge chosen(x: Weight[*s], y: Weight[*s], m: Tensor[*s, bool], c: Tensor[*s, i32]) -> Weight[*s] {\n  return where(m, x, where(c == 2, y, c * x))\n}\n";
  const found = await saved(`  save(chosen(x, y, mask, codes) where name matches "*.weight", to = "out")`, chosen);
  const want = expected((x, y, i) => (i % 3 === 0 ? x : i % 4 === 2 ? y : (i % 4) * x));
  assert.is(difference(found, withPositions(want)), null);
});

test("counting a computed mask", async () => {
  const { result } = await runIn(
    folderOf(),
    `recipe r {\n  let x = load("x")\n  report count(x > 0, over = model)\n  report count(x > 0 and x < 0.5)\n}\n`,
  );
  const positive = Object.keys(shapes)
    .flatMap((n) => Array.from(models.x[n].data))
    .filter((v) => v > 0).length;
  assert.is(result.reports[0].value, positive);
  const counts = result.reports[1].value as Record<string, number>;
  assert.is(counts["b.weight"], Array.from(models.x["b.weight"].data).filter((v) => v > 0 && v < 0.5).length);
});

test("integers are carried along, and a call of integers alone is refused", async () => {
  const found = await saved(
    `  save(half(x, y), to = "out", dtype = bf16)`,
    "merge half(x: Weight[*s], y: Weight[*s]) -> Weight[*s] = mean([x, y])\n",
  );
  assert.equal([...(found.get("positions")!.data as number[])], [...(positions.data as number[])]);
  assert.is(found.get("positions")!.dtype, "I64");
  assert.is(found.get("a.weight")!.dtype, "BF16");
  try {
    await runIn(
      folderOf(),
      `merge twice(x: Weight[*s]) -> Weight[*s] = 2 * x\nrecipe r {\n  save(twice(load("codes")), to = "out")\n}\n`,
    );
  } catch (error) {
    if (!(error instanceof PeftError)) throw error;
    assert.is(error.diagnostics[0].code, "R011");
    return;
  }
  assert.unreachable("integers were computed with");
});

for (const dtype of ["f16", "bf16", "f8_e4m3", "f8_e5m2", "f64"]) {
  test(`outputs as ${dtype}, in shards`, async () => {
    const folder = folderOf();
    const twice = "merge twice(x: Weight[*s]) -> Weight[*s] = 2 * x\n";
    const { saved: all } = await runIn(
      folder,
      `${twice}recipe r {\n  save(twice(load("x")), to = "out", dtype = ${dtype}, shard = 64)\n}\n`,
    );
    assert.ok(readdirSync(join(folder, "out")).filter((f) => f.endsWith(".safetensors")).length > 1, "one file");
    const stored = dtype.toUpperCase() as "F16";
    for (const [name, shape] of Object.entries(shapes)) {
      const want = filled(stored, shape, (i) => 2 * models.x[name].data[i]);
      assert.is(difference(new Map([[name, all.get("out")!.get(name)!]]), new Map([[name, want]])), null);
    }
    // What was written can be read again, shards and all.
    const again = await runIn(folder, `${twice}recipe r {\n  save(twice(load("out")), to = "out2", dtype = f32)\n}\n`);
    assert.is(again.saved.get("out2")!.size, 4);
  });
}

test.after(removeScratch);
test.run();
