/**
 * What the scheduler makes of the standard library is golden: passes, tasks, kernels and buffers of every merge, in
 * spec/cases/kernels.json. A change there is a change of speed or memory and is to be looked at; UPDATE_CASES=1 writes
 * the file anew.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Kernel } from "../../../compiler/kernels/index.js";
import type { Program } from "../../../compiler/schedule/index.js";
import { libraryRecipes } from "../run/library.js";
import { removeScratch, scratch } from "../run/models.js";
import { libraryPrograms, writeHeaders } from "./scheduled.js";

const golden = "spec/cases/kernels.json";
const update = process.env.UPDATE_CASES === "1";

interface Summary {
  readonly passes: number;
  /** How many tasks there are of each kind. */
  readonly tasks: Readonly<Record<string, number>>;
  readonly kernels: readonly string[];
  /** How many buffers of tensors lie between kernels for each reason. */
  readonly buffers: Readonly<Record<string, number>>;
}

/** Counts of each word, in the order of the words. */
function counts(words: readonly string[]): Record<string, number> {
  const found = new Map<string, number>();
  for (const word of [...words].sort()) found.set(word, (found.get(word) ?? 0) + 1);
  return Object.fromEntries(found);
}

/** "rows, 3 inputs, 24 instructions: store, accumulate sum twice" without the details that a reader cannot judge. */
function line(kernel: Kernel): string {
  const roots = counts(kernel.roots.map((root) => ("fn" in root ? `${root.kind} ${root.fn}` : root.kind)));
  const leaves = Object.entries(roots).map(([root, n]) => (n === 1 ? root : `${n} ${root}`));
  const sizes = `${kernel.inputs.length} inputs, ${kernel.instrs.length} instructions`;
  return `${kernel.flat ? "flat" : "rows"}, ${sizes}: ${leaves.join(", ")}`;
}

const tempsOf = (program: Program) => program.tasks.flatMap((task) => task.temps);

function summary(program: Program): Summary {
  return {
    passes: program.passes,
    tasks: counts(program.tasks.map((task) => task.kind)),
    kernels: program.kernels.map(line).sort(),
    buffers: counts(tempsOf(program).map((temp) => temp.reason)),
  };
}

const folder = scratch();
writeHeaders(folder, "BF16");
const programs = libraryPrograms(folder);
const summaries = Object.fromEntries([...programs].map(([name, program]) => [name, summary(program)]));
if (update) writeFileSync(golden, `${JSON.stringify(summaries, null, 2)}\n`);
const expected = JSON.parse(existsSync(golden) ? readFileSync(golden, "utf8") : "{}") as Record<string, Summary>;

for (const [name, found] of Object.entries(summaries)) {
  test(`${name}: passes, kernels and buffers`, () => {
    assert.equal(found, expected[name], "UPDATE_CASES=1 writes spec/cases/kernels.json anew");
  });
}

test("the golden file has no other merges", () => {
  assert.equal(Object.keys(expected), Object.keys(summaries));
});

/** Needs products of inputs beside the models, and runs in memory: golden/tensors.test.ts has them. */
const elsewhere = new Set(["regmean", "wudi"]);

test("every merge of the library has a recipe", () => {
  const std = "compiler/std/merge";
  const defined = readdirSync(std).flatMap((file) =>
    [...readFileSync(`${std}/${file}`, "utf8").matchAll(/^merge\s+(\w+)/gm)].map((match) => match[1]),
  );
  assert.ok(defined.length > 20);
  const recipes = Array.from(libraryRecipes().values()).join();
  assert.equal(
    defined.filter((name) => !recipes.includes(`save(${name}(`) && !elsewhere.has(name)),
    [],
  );
});

test("every buffer between kernels says why it is there", () => {
  for (const [name, program] of programs)
    for (const temp of tempsOf(program)) assert.match(temp.reason, /^[a-z].{4,}/, `${name}: ${JSON.stringify(temp)}`);
});

test("merges that keep the largest write no tensor between passes", () => {
  const family = [...programs].filter(([, program]) => program.thresholds.length > 0 && program.kept.length === 0);
  const names = new Set(family.map(([name]) => name));
  for (const name of ["arcee_fusion", "breadcrumbs", "magnitude_prune", "sce", "ties", "ties_peft", "ties_weighted"])
    assert.ok(names.has(name), `${name} has thresholds`);
  for (const [name, { tasks }] of family) {
    for (const task of tasks) {
      assert.not.ok(task.whole, `${name}: ${task.place} is read in pieces`);
      // Which of the elements that equal the threshold are kept: a byte for each, of one piece.
      const marks = new Set(task.marks.map((mark) => mark.temp));
      task.temps.forEach((temp, i) => {
        assert.ok(marks.has(i) || temp.reason === "equal keys", `${name}: ${temp.reason}`);
        assert.is(temp.dtype, "BOOL", `${name}: ${temp.reason}`);
      });
    }
  }
});

test.after(removeScratch);
test.run();
