/**
 * The golden merges, from text to files: each recipe.peft, run on the CPU, against what mergekit wrote for the same
 * recipe. Outputs go to a temporary folder.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { compileFile } from "../../../runtime/compile/index.js";
import { runPlan } from "../../../runtime/execute/index.js";
import { readTensors } from "./checkpoints.js";
import { compare, complaint, type Tolerance } from "./compare.js";

const cases = "spec/golden/mergekit/cases";
const outputs = mkdtempSync(join(tmpdir(), "peftc-golden-"));

/** Runs a case's recipe and gives the folder that it wrote. Throws PeftError when it is refused. */
async function runCase(name: string): Promise<string> {
  const out = join(outputs, name);
  const compiled = compileFile({ file: join(cases, name, "recipe.peft"), set: [{ name: "out", text: out }] });
  await runPlan(compiled, {
    device: "cpu",
    memory: null,
    threads: 1,
    out: null,
    force: false,
    chunk: null,
    strict: true,
    hash: false,
    progress: () => {},
    signal: new AbortController().signal,
  });
  return out;
}

for (const name of readdirSync(cases).sort()) {
  const folder = join(cases, name);
  // The others are imported only (import.test.ts).
  if (!existsSync(join(folder, "recipe.peft"))) continue;
  if (existsSync(join(folder, "error.txt"))) {
    test(`${name} is refused`, async () => {
      try {
        await runCase(name);
      } catch (error) {
        if (error instanceof PeftError) return;
        throw error;
      }
      assert.unreachable("the recipe was accepted");
    });
    continue;
  }
  test(name, async () => {
    const tolerance = JSON.parse(readFileSync(join(folder, "tolerance.json"), "utf8")) as Tolerance;
    const out = await runCase(name);
    const merged = readTensors(out);
    const golden = readTensors(join(folder, "model.safetensors"));
    const comparison = compare(merged, golden, tolerance);
    assert.is(complaint(comparison, tolerance), null);
    assert.equal([...merged.keys()], [...golden.keys()]);
    assert.ok(comparison.entries > 30_000, "the golden file is not whole");
    if (existsSync(join(folder, "config.json"))) assert.equal(sizesIn(out), sizesIn(folder));
  });
}

/** What a config says about the size of the network. */
function sizesIn(folder: string): Readonly<Record<string, unknown>> {
  const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as Record<string, unknown>;
  return { layers: config.num_hidden_layers, vocabulary: config.vocab_size, hidden: config.hidden_size };
}

test.after(() => rmSync(outputs, { recursive: true, force: true }));

test.run();
