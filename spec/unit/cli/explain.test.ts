/** Every code that the sources use has a page, every page an example, and no code two pages. */
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { explain } from "../../../runtime/cli/explain.js";
import { folderWith, peftc } from "./bench.js";

function told(...operands: string[]): string {
  const lines: string[] = [];
  const terminal = {
    print: (text: string) => lines.push(text),
    tell: () => {},
    color: false,
    interactive: false,
    columns: 80,
  };
  assert.is(explain({ operands, values: new Map() }, terminal), 0);
  return lines.join("\n");
}

const listed = told()
  .split("\n")
  .map((line) => line.slice(0, 4));

function usedCodes(): Map<string, string> {
  const used = new Map<string, string>();
  for (const layer of ["grammar", "compiler", "runtime"]) {
    for (const name of fs.readdirSync(layer, { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".ts")) continue;
      const text = fs.readFileSync(path.join(layer, name), "utf8");
      for (const [, code] of text.matchAll(/"([A-Z]\d{3})"/g)) used.set(code, path.join(layer, name));
    }
  }
  return used;
}

test("every code in the sources can be explained", () => {
  const used = usedCodes();
  assert.ok(used.size > 80);
  const missing = [...used].filter(([code]) => !listed.includes(code)).map(([code, file]) => `${code} of ${file}`);
  assert.equal(missing, []);
});

test("no code is listed twice", () => {
  assert.is(new Set(listed).size, listed.length);
});

test("every page has a title, some prose and an example", () => {
  for (const code of listed) {
    const [title, empty, ...page] = told(code).split("\n");
    assert.ok(title.startsWith(`${code}: `) && title.length > 10, code);
    assert.is(empty, "", code);
    assert.ok(page.length >= 3 && page.length <= 14, `${code} has ${page.length} lines`);
    assert.ok(!title.endsWith("."), code);
  }
});

test("the program prints a page, in any case of letters", () => {
  const { code, stdout, stderr } = peftc(folderWith(), "explain", "t002");
  assert.equal([code, stderr], [0, ""]);
  assert.match(stdout, /^T002: /);
});

test.run();
