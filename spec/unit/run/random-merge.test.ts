/**
 * Random merges run from text to files give what the reference evaluator gives: however statistics, views, joins and
 * selections are nested, fused and scheduled. Elements are eighths, so that sums are exact and ties are many.
 */
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import {
  compileIn,
  difference,
  filled,
  randomFrom,
  referenceOf,
  removeScratch,
  runCompiled,
  savedTensors,
  scratch,
  type Tensors,
  writeModel,
} from "./models.js";
import { type RandomMerge, randomMerge } from "./random-merge.js";

const matrices = { "a.w": [6, 5], "b.w": [8, 4], "c.w": [3, 7], "d.w": [5, 2], "e.w": [1, 3], "f.w": [9, 33] };
const all = { ...matrices, "g.n": [7], "h.c": [2, 3, 4], "i.o": [1], "j.s": [], "k.u": [4, 1] };

function model(seed: number, onlyMatrices: boolean): Tensors {
  const random = randomFrom(seed);
  const shapes: Readonly<Record<string, readonly number[]>> = onlyMatrices ? matrices : all;
  const eighths = () => Math.floor(random() * 33 - 16) / 8;
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, filled(seed % 3 === 0 ? "BF16" : "F32", shape, eighths)]),
  );
}

const recipe = (merges: readonly RandomMerge[]) => `${merges.map((m) => m.text).join("\n")}
recipe r {
  let base = load("base"), a = load("a")
${merges.map((m) => `  save(${m.name}(base, a), to = "out/${m.name}", dtype = f32)`).join("\n")}
}
`;

/** True if the merge can be compiled: a few combine what does not fit, such as integers and floats in one tensor. */
function fits(folder: string, merge: RandomMerge): boolean {
  try {
    compileIn(folder, recipe([merge]));
    return true;
  } catch (error) {
    if (error instanceof PeftError) return false;
    throw error;
  }
}

for (let seed = 10; seed < 18; seed++) {
  test(`seed ${seed}`, async () => {
    const folder = scratch();
    const models = { base: model(2 * seed, seed % 2 === 0), a: model(2 * seed + 1, seed % 2 === 0) };
    for (const [name, tensors] of Object.entries(models)) writeModel(join(folder, name), tensors);
    const random = randomFrom(seed);
    const merges = Array.from({ length: 12 }, (_, i) => randomMerge(random, `m${i}`, seed % 2 === 0));
    const good = merges.filter((merge) => fits(folder, merge));
    assert.ok(good.length >= 6, `only ${good.length} merges can be compiled`);
    const compiled = compileIn(folder, recipe(good));
    await runCompiled(compiled);
    const saved = savedTensors(folder, compiled);
    const expected = referenceOf(compiled, models).saved;
    for (const { name, text } of good)
      assert.is(difference(saved.get(`out/${name}`)!, expected.get(`out/${name}`)!, 2e-4), null, text);
  });
}

test.after(removeScratch);
test.run();
