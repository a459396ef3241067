/** The standard library and the documents: every text parses, checks without a word, and says what it is. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { check } from "../../../compiler/check/index.js";
import { type Diagnostic, type File, parse, renderDiagnostic, type Use } from "../../../grammar/index.js";

const folder = "compiler/std";
const std = recipes(folder);
const merges = recipes(`${folder}/merge`);
const documents = ["spec/language.md"];
/** Golden recipes that must be refused before they run. */
const refused = /(linear-base-unlisted|passthrough-base)\/recipe.peft$/;
const written = [...recipes("examples"), ...recipes("spec/golden/mergekit/cases")].filter(
  (path) => !refused.test(path),
);

const texts = new Map<string, string>();
for (const path of [...std, ...written]) texts.set(path, readFileSync(path, "utf8"));
for (const path of documents) {
  const blocks = [...readFileSync(path, "utf8").matchAll(/```peft\n([\s\S]*?)```/g)];
  blocks.forEach((block, i) => {
    texts.set(`${path} block ${i + 1}`, block[1]);
  });
}

const files = new Map<string, File>();
const diagnostics: Diagnostic[] = [];
for (const [path, text] of texts) {
  const parsed = parse(path, text);
  files.set(path, parsed.file);
  diagnostics.push(...parsed.diagnostics);
}
diagnostics.push(...check({ files, resolve }).diagnostics);

/** A module of std is the files of its folder; a path leads from the file that uses it. */
function resolve(from: string, use: Use): readonly string[] | null {
  if (use.from.kind === "file") {
    const target = join(dirname(from), use.from.path.parts.join(""));
    return files.has(target) ? [target] : null;
  }
  const [root, ...segments] = use.from.path.map((name) => name.text);
  const module = std.filter((path) => dirname(path) === join(folder, ...segments));
  return root === "std" && module.length > 0 ? module : null;
}

for (const path of texts.keys()) {
  test(`${path} parses and checks without a diagnostic`, () => {
    const own = diagnostics.filter((d) => d.primary.file === path);
    assert.is(own.map((d) => renderDiagnostic(d, texts, { color: false })).join("\n"), "");
  });
}

test("the documents hold examples", () => {
  for (const path of documents) assert.ok(files.has(`${path} block 5`), path);
});

test("every merge has documentation that begins with a sentence", () => {
  for (const path of merges) {
    for (const definition of files.get(path)!.definitions) {
      if (definition.kind !== "merge") continue;
      const title = (definition.doc ?? "").split("\n")[0].trim();
      assert.match(title, /^[A-Za-z].{15,}$/, `${path}: ${definition.name.text} begins with "${title}"`);
    }
  }
});

test("no two files of std.merge define the same name", () => {
  const names = merges.flatMap((path) => files.get(path)!.definitions.map((d) => d.name.text));
  assert.equal(names.length, new Set(names).size);
});

function recipes(under: string): string[] {
  return readdirSync(under, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".peft"))
    .map((name) => join(under, name))
    .sort();
}

test.run();
