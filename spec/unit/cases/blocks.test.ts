/** Every program that a document shows parses and checks: the blocks marked `peft` of the README and of spec. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderDiagnostic } from "../../../grammar/index.js";
import { checkProgram } from "../../../runtime/compile/index.js";
import { removeScratch, scratch } from "../run/models.js";

const documents = [
  ...["README.md", "CONTRIBUTING.md"].filter((path) => existsSync(path)),
  ...readdirSync("spec")
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("spec", name)),
];
const folder = scratch();
let blocks = 0;

for (const path of documents) {
  for (const match of readFileSync(path, "utf8").matchAll(/^```peft\n([\s\S]*?)^```/gm)) {
    const line = readFileSync(path, "utf8").slice(0, match.index).split("\n").length;
    const file = join(folder, `${blocks++}.peft`);
    writeFileSync(file, match[1]);
    test(`${path}:${line} parses and checks`, () => {
      const { diagnostics, texts } = checkProgram(file);
      assert.is(diagnostics.map((d) => renderDiagnostic(d, texts, { color: false })).join("\n"), "");
    });
  }
}

test("the documents show programs", () => {
  assert.ok(blocks >= 5, `${blocks} blocks`);
});

test.after(removeScratch);
test.run();
