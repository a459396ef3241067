/** The standard library and the documents: every text parses, checks without a word, and says what it is. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { check } from "../../../compiler/check/index.js";
import { type Diagnostic, type File, parse, renderDiagnostic, type Use } from "../../../grammar/index.js";

const folder = "compiler/std/merge";
const std = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith(".peft"))
    .map((name) => [join(folder, name), readFileSync(join(folder, name), "utf8")]),
);

/** The diagnostics of std with further texts, as a reader sees them. */
function complaints(extra: ReadonlyMap<string, string> = new Map()): string[] {
  const texts = new Map([...std, ...extra]);
  const files = new Map<string, File>();
  const found: Diagnostic[] = [];
  for (const [path, text] of texts) {
    const parsed = parse(path, text);
    files.set(path, parsed.file);
    found.push(...parsed.diagnostics);
  }
  const resolve = (_from: string, use: Use) =>
    use.from.kind === "module" && use.from.path.map((n) => n.text).join(".") === "std.merge" ? [...std.keys()] : null;
  found.push(...check({ files, resolve }).diagnostics);
  return found.map((d) => renderDiagnostic(d, texts, { color: false }));
}

test("std parses and checks without a diagnostic", () => {
  assert.is(complaints().join("\n"), "");
});

test("every merge and every definition that users meet has a title line in its documentation", () => {
  for (const [path, text] of std) {
    for (const definition of parse(path, text).file.definitions) {
      if (definition.kind !== "merge") continue;
      const title = (definition.doc ?? "").split("\n")[0].trim();
      assert.match(
        title,
        /^[A-Z].{10,}[.:;]$|^[A-Z].{10,}\)\.$/,
        `${path}: ${definition.name.text} begins with "${title}"`,
      );
    }
  }
});

test("no two files of std define the same name", () => {
  const names = [...std].flatMap(([path, text]) => parse(path, text).file.definitions.map((d) => d.name.text));
  assert.equal(names.length, new Set(names).size);
});

for (const path of ["spec/language.md", ...recipes("examples"), ...recipes("spec/golden/mergekit/cases")]) {
  test(`${path} parses and checks`, () => {
    const text = readFileSync(path, "utf8");
    const blocks = path.endsWith(".md") ? [...text.matchAll(/```peft\n([\s\S]*?)```/g)].map((m) => m[1]) : [text];
    assert.ok(blocks.length > 0);
    const refused =
      path.includes("linear-base-unlisted") || path.includes("passthrough-base") || path.includes("della-epsilon");
    const extra = new Map(blocks.map((block, i) => [`${path}#${i + 1}`, block]));
    if (!refused) assert.is(complaints(extra).join("\n"), "");
  });
}

function recipes(under: string): string[] {
  return readdirSync(under, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".peft"))
    .map((name) => join(under, name))
    .sort();
}

test.run();
