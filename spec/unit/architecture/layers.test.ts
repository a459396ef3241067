/** Dependencies point one way, folders are entered by their index, and the core is pure. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { filesUnder, globalsOf, importsOf, layers, resolveImport, type Word, wordsOf } from "./sources.js";

const relative = (specifier: string) => specifier.startsWith(".");

test("every layer has files", () => {
  for (const layer of layers) assert.ok(filesUnder(layer).length > 5, layer);
});

test("dependencies point from runtime to compiler to grammar", () => {
  const wrong: string[] = [];
  layers.forEach((layer, i) => {
    for (const { name, file } of filesUnder(layer)) {
      for (const specifier of importsOf(file).filter(relative)) {
        const target = resolveImport(name, specifier);
        if (!layers.slice(0, i + 1).some((lower) => target.startsWith(`${lower}/`)))
          wrong.push(`${name} imports ${target}`);
      }
    }
  });
  assert.equal(wrong, []);
});

test("a folder is entered through its index.ts", () => {
  const wrong: string[] = [];
  for (const layer of layers) {
    for (const { name, file } of filesUnder(layer)) {
      for (const specifier of importsOf(file).filter(relative)) {
        const target = resolveImport(name, specifier);
        // A file is inside all folders above it, and need not enter them.
        const inside = `${folderOf(name)}/`.startsWith(`${folderOf(target)}/`);
        if (!inside && !target.endsWith("/index.ts")) wrong.push(`${name} imports ${target}`);
      }
    }
  }
  assert.equal(wrong, []);
});

test("imports of files end in .js", () => {
  const wrong = layers.flatMap((layer) =>
    filesUnder(layer).flatMap(({ name, file }) =>
      importsOf(file)
        .filter((specifier) => relative(specifier) && !specifier.endsWith(".js"))
        .map((specifier) => `${name} imports ${specifier}`),
    ),
  );
  assert.equal(wrong, []);
});

test("grammar and compiler use nothing of Node, and of packages only the parser", () => {
  const allowed = new Set(["chevrotain"]);
  const node = ["process", "Buffer", "require", "__dirname", "__filename", "setTimeout", "setInterval"];
  const clocksAndChance = ["Date", "performance", "crypto"];
  const globals = new Set([...node, ...clocksAndChance]);
  const wrong: string[] = [];
  for (const layer of ["grammar", "compiler"]) {
    for (const { name, file } of filesUnder(layer)) {
      for (const specifier of importsOf(file)) {
        if (!relative(specifier) && !allowed.has(specifier)) wrong.push(`${name} imports ${specifier}`);
      }
      for (const { text, line } of globalsOf(file, globals)) wrong.push(`${name}:${line} uses ${text}`);
      for (const { text, line } of wordsOf(file)) {
        if (text.includes("node:")) wrong.push(`${name}:${line} says ${text}`);
      }
    }
  }
  assert.equal(wrong, []);
});

test("no method is known by name", () => {
  const names =
    /(?<![a-z])(ties|slerp|nuslerp|multislerp|dare|della|breadcrumbs|karcher|model_?stock|nearswap|lora|adamw)(?![a-z])/i;
  // Parts of compound identifiers count; sentences may use the English word.
  const split = (text: string) => text.replace(/([a-z])([A-Z])/g, "$1_$2");
  const isSentence = (word: Word) => word.kind === "text" && /\s/.test(word.text);
  const wrong = ["compiler", "runtime"].flatMap((layer) =>
    filesUnder(layer)
      .filter(({ name }) => !isProse(name))
      .flatMap(({ name, file }) =>
        wordsOf(file)
          .filter((word) => !isSentence(word) && names.test(split(word.text)))
          .map(({ text, line }) => `${name}:${line} ${text.slice(0, 60)}`),
      ),
  );
  assert.equal(wrong, []);
});

/** Pages of `peftc explain` show recipes, which name methods. */
function isProse(name: string): boolean {
  return /(^|\/)(catalogue|pages)[^/]*\.ts$/.test(name);
}

function folderOf(name: string): string {
  return name.slice(0, name.lastIndexOf("/"));
}

test.run();
