/**
 * The golden merges on the reference evaluator: each recipe.peft against what mergekit wrote for the same recipe.
 * A failure here is a mistake in a definition, in elaboration or in an operation's meaning, not in a device.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { type Checkpoint, runInMemory } from "../std/evaluate.js";
import { readTensors } from "./checkpoints.js";
import { compare, complaint, type Tolerance } from "./compare.js";

const root = "spec/golden/mergekit";
const config = JSON.parse(readFileSync(join(root, "models/base/config.json"), "utf8")) as Record<string, unknown>;
const read = new Map<string, Checkpoint>();

/** A model of the golden folder; each is read once. */
function model(path: string): Checkpoint {
  if (!read.has(path)) read.set(path, Object.fromEntries(readTensors(path)));
  return read.get(path)!;
}

function runCase(folder: string) {
  const text = readFileSync(join(folder, "recipe.peft"), "utf8");
  const paths = [...text.matchAll(/load\("([^"]+)"\)/g)].map((m) => m[1]);
  return runInMemory(text, Object.fromEntries(paths.map((p) => [p, model(join(folder, p))])), config);
}

for (const name of readdirSync(join(root, "cases")).sort()) {
  const folder = join(root, "cases", name);
  if (existsSync(join(folder, "error.txt"))) {
    test(`${name} is refused`, () => {
      try {
        runCase(folder);
      } catch (error) {
        if (error instanceof PeftError) return;
        throw error;
      }
      assert.unreachable("the recipe was accepted");
    });
    continue;
  }
  test(name, () => {
    const tolerance = JSON.parse(readFileSync(join(folder, "tolerance.json"), "utf8")) as Tolerance;
    const outcome = runCase(folder);
    assert.equal(outcome.broken, []);
    const comparison = compare(outcome.saved.get("out")!, readTensors(join(folder, "model.safetensors")), tolerance);
    assert.is(complaint(comparison, tolerance), null);
    assert.ok(comparison.entries > 30_000, "the golden file is not whole");
  });
}

test.run();
