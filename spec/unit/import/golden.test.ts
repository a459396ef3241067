/**
 * mergekit's own recipes, imported and run: every case of spec/golden/mergekit, from `recipe.yml` to tensors, against what
 * mergekit wrote for it. A case with error.txt must be refused, by the import or by the run. Random methods get the masks
 * that mergekit drew. At the end the largest difference of each case is printed.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { compileFile } from "../../../runtime/compile/index.js";
import { readVocabulary } from "../../../runtime/dataset/index.js";
import { runPlan } from "../../../runtime/execute/index.js";
import { importMergekit } from "../../../runtime/import/index.js";
import { readTensors } from "../golden/checkpoints.js";
import { compare, complaint, type Tensor, type Tolerance } from "../golden/compare.js";

const golden = resolve("spec/golden/mergekit");
const cases = join(golden, "cases");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "peftc-import-")));
const table: string[] = [];

type Rule = Tolerance | { readonly rule: "change"; readonly of: string; readonly within: number };

/** Imports a case into a folder of its own and runs it there; gives the folder that it wrote. */
async function runCase(name: string): Promise<string> {
  const home = join(folder, name);
  mkdirSync(home);
  const file = join(cases, name, "recipe.yml");
  const { text } = importMergekit({
    file,
    text: readFileSync(file, "utf8"),
    folder: home,
    truncate: name.endsWith("-truncate"),
  });
  writeFileSync(join(home, "recipe.peft"), withMasks(text, join(cases, name, "masks")));
  const compiled = compileFile({ file: join(home, "recipe.peft"), set: [] });
  await runPlan(compiled, {
    device: "cpu",
    memory: null,
    threads: 1,
    out: null,
    force: false,
    chunk: null,
    strict: false,
    hash: false,
    progress: () => {},
    signal: new AbortController().signal,
  });
  return join(home, "merged");
}

/** Adds what the reference drew to the call: a model without a mask draws nothing. */
function withMasks(text: string, masks: string): string {
  if (!existsSync(masks)) return text;
  const models = [...text.matchAll(/load\("(.*?)"\)/g)].map((m) => basename(m[1])).filter((m) => m !== "base");
  const list = models
    .map((m) => join(masks, `${m}.safetensors`))
    .map((f) => (existsSync(f) ? `load(${JSON.stringify(f)})` : "none"));
  const argument = `masks = [${list.join(", ")}]`;
  const long = text.replace(/^ {2}\)$/m, `    ${argument},\n  )`);
  const changed = long !== text ? long : text.replace(/^( {2}let merged = .*)\)$/m, `$1, ${argument})`);
  assert.is.not(changed, text);
  return changed;
}

for (const name of readdirSync(cases).sort()) {
  const own = join(cases, name);
  if (existsSync(join(own, "error.txt"))) {
    test(`${name} is refused`, async () => {
      const codes = await refusal(name);
      assert.ok(codes.length > 0, "the recipe was accepted");
      table.push(`${name.padEnd(34)} refused: ${codes.join(" ")}`);
    });
    continue;
  }
  test(name, async () => {
    const rule = JSON.parse(readFileSync(join(own, "tolerance.json"), "utf8")) as Rule;
    const out = await runCase(name);
    const [found, expected] = [readTensors(out), readTensors(join(own, "model.safetensors"))];
    const vocabulary = join(own, "vocab.json");
    const merged = existsSync(vocabulary) ? inOrderOf(JSON.parse(readFileSync(vocabulary, "utf8")), found, out) : found;
    assert.equal([...merged.keys()], [...expected.keys()]);
    if (rule.rule === "change") {
      const found = relativeChange(merged, expected, readTensors(join(golden, "models", rule.of)));
      table.push(`${name.padEnd(34)} ${(100 * found).toFixed(1)} % of the change`);
      assert.ok(found <= rule.within, `${found} of the change is another one`);
    } else {
      const comparison = compare(merged, expected, rule);
      table.push(
        `${name.padEnd(34)} ${comparison.worst.toExponential(1)}, ${comparison.off} of ${comparison.entries} off`,
      );
      assert.is(complaint(comparison, rule), null);
    }
    assert.equal(vocabularyIn(out), [...merged].find(([n]) => n.endsWith("embed_tokens.weight"))![1].shape[0]);
  });
}

/** The tables with the rows of tokens where the reference has them; rows of no token stay. */
function inOrderOf(
  ids: Readonly<Record<string, number>>,
  tensors: ReadonlyMap<string, Tensor>,
  out: string,
): ReadonlyMap<string, Tensor> {
  const { tokens } = readVocabulary(join(out, "tokenizer.json"));
  assert.equal([...tokens.keys()].sort(), Object.keys(ids).sort());
  const moved = new Map(tensors);
  for (const name of ["model.embed_tokens.weight", "lm_head.weight"]) {
    const { shape, dtype, data } = tensors.get(name)!;
    const rows = Float64Array.from(data);
    for (const [token, id] of tokens)
      for (let i = 0; i < shape[1]; i++) rows[ids[token] * shape[1] + i] = data[id * shape[1] + i];
    moved.set(name, { dtype, shape, data: rows });
  }
  return moved;
}

/** The codes with which a case is refused; none if it is accepted. */
async function refusal(name: string): Promise<readonly string[]> {
  try {
    await runCase(name);
    return [];
  } catch (error) {
    if (error instanceof PeftError) return error.diagnostics.map((d) => d.code);
    throw error;
  }
}

/** Norm of the difference over the norm of what the reference changed. */
function relativeChange(
  found: ReadonlyMap<string, Tensor>,
  expected: ReadonlyMap<string, Tensor>,
  base: ReadonlyMap<string, Tensor>,
): number {
  let [difference, change] = [0, 0];
  for (const [name, { data }] of expected) {
    for (let i = 0; i < data.length; i++) {
      difference += (found.get(name)!.data[i] - data[i]) ** 2;
      change += (base.get(name)!.data[i] - data[i]) ** 2;
    }
  }
  return Math.sqrt(difference / change);
}

function vocabularyIn(out: string): unknown {
  return (JSON.parse(readFileSync(join(out, "config.json"), "utf8")) as { vocab_size: unknown }).vocab_size;
}

test.after(() => {
  process.stdout.write(`\n${table.join("\n")}\n`);
  rmSync(folder, { recursive: true, force: true });
});

test.run();
