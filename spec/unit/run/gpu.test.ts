/**
 * Whole runs on a Dawn device: the golden merges within their tolerances, and every merge of the standard library
 * against the CPU. They run on the software driver of spec/gpu, in a process of its own (Vulkan looks for drivers when a
 * process starts). PEFTC_TEST_GPU=1 runs them on the machine's own adapter.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { StorageDtype } from "../../../compiler/ir/index.js";
import { compileFile } from "../../../runtime/compile/index.js";
import { onGpu, testOnSoftwareGpu } from "../../gpu/child.js";
import { readTensors } from "../golden/checkpoints.js";
import { compare, complaint, type Tolerance } from "../golden/compare.js";
import { libraryRecipes } from "./library.js";
import {
  compileIn,
  difference,
  noise,
  removeScratch,
  runCompiled,
  savedTensors,
  scratch,
  type Tensors,
  writeModel,
} from "./models.js";

if (onGpu) childTests();
else testOnSoftwareGpu("recipes run on the software driver", import.meta.url);
test.run();

function childTests(): void {
  const cases = "spec/golden/mergekit/cases";
  const outputs = scratch();
  for (const name of readdirSync(cases).sort()) {
    const folder = join(cases, name);
    if (existsSync(join(folder, "error.txt")) || !existsSync(join(folder, "recipe.peft"))) continue;
    test(`${name} on the GPU`, async () => {
      const out = join(outputs, name);
      const compiled = compileFile({ file: join(folder, "recipe.peft"), set: [{ name: "out", text: out }] });
      const { device } = await runCompiled(compiled, { device: "gpu" });
      assert.match(device, /^gpu/);
      const tolerance = JSON.parse(readFileSync(join(folder, "tolerance.json"), "utf8")) as Tolerance;
      const comparison = compare(readTensors(out), readTensors(join(folder, "model.safetensors")), tolerance);
      assert.is(complaint(comparison, tolerance), null);
      assert.ok(comparison.entries > 30_000, "the golden file is not whole");
    });
  }

  const shapes: Readonly<Record<string, readonly number[]>> = {
    "embed_tokens.weight": [61, 24],
    "layers.0.proj.weight": [33, 57],
    "layers.0.norm.weight": [57],
    "layers.1.conv.weight": [4, 3, 3, 3],
    one: [1],
    scalar: [],
  };
  const model = (seed: number, dtype: StorageDtype): Tensors =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape], i) => [name, noise(dtype, shape, seed * 100 + i, 0.1)]),
    );
  /** Relative to a tensor's size: functions such as acos differ in their last places, stored bf16 by a step. */
  const within = { F32: 2e-6, BF16: 2 ** -8 };
  const folders = (["F32", "BF16"] as const).map((dtype) => {
    const folder = scratch();
    ["base", "a", "b"].forEach((name, i) => {
      writeModel(join(folder, name), model(i + 1, dtype));
    });
    return { dtype, folder };
  });

  // Each merge takes one dtype in turn: what takes the time is the compilation of shaders.
  Array.from(libraryRecipes()).forEach(([name, text], i) => {
    const { dtype, folder } = folders[i % 2];
    test(`${name} of ${dtype}: the GPU agrees with the CPU`, async () => {
      const compiled = compileIn(folder, text);
      await runCompiled(compiled, {});
      const expected = savedTensors(folder, compiled).get("out")!;
      const { device } = await runCompiled(compiled, { device: "gpu" });
      assert.match(device, /^gpu/);
      const found = savedTensors(folder, compiled).get("out")!;
      assert.is(difference(found, expected, within[dtype]), null);
    });
  });
  test.after(removeScratch);
}
