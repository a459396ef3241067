/** Every file is short, and says at its top what it is for. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { filesUnder } from "./sources.js";

const longest = 500;
const all = ["grammar", "compiler", "runtime", "spec"].flatMap(filesUnder);

test("no file has more than 500 lines", () => {
  const wrong = all
    .map(({ name, file }) => ({ name, lines: file.getFullText().trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > longest)
    .map(({ name, lines }) => `${name} has ${lines}`);
  assert.equal(wrong, []);
});

test("every file of the product opens with a paragraph of documentation", () => {
  const wrong = all
    .filter(({ name }) => !name.startsWith("spec/"))
    // An index that only names what other files give needs no words, nor does a file of ambient declarations.
    .filter(({ name, file }) => !(name.endsWith("index.ts") && file.getStatements().every(isExport)))
    .filter(({ file }) => !/^(#!.*\n)?\/\*\*[\s\S]*?\S[\s\S]*?\*\//.test(file.getFullText()))
    .map(({ name }) => name);
  assert.equal(wrong, []);
});

test("no file is called after what it is not", () => {
  const vague = /(^|\/)(utils?|helpers?|managers?|misc|common)(\.|\/|-|_)/;
  assert.equal(
    all.map(({ name }) => name).filter((name) => vague.test(name)),
    [],
  );
});

function isExport(statement: { getKindName(): string }): boolean {
  return statement.getKindName() === "ExportDeclaration";
}

test.run();
