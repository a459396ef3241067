/**
 * spec/library.md says what the compiler's table and the library say; UPDATE_CASES=1 writes it anew. Entries have what a
 * reader needs.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { libraryText, referenceEntries } from "../../../runtime/reference/index.js";

test("the chapter of the library is up to date", () => {
  if (process.env.UPDATE_CASES === "1") writeFileSync("spec/library.md", libraryText());
  assert.fixture(libraryText(), readFileSync("spec/library.md", "utf8"));
});

test("an entry has its module, its whole head and its whole comment", () => {
  const entries = referenceEntries();
  const linear = entries.find(({ name, module }) => name === "linear" && module === "std.merge")!;
  assert.match(linear.signature, /^merge linear\(models: List\[Weight\[\*s\]\], .*\) -> Weight\[\*s\]$/);
  assert.not.match(linear.signature, "\n");
  const ties = entries.find(({ name }) => name === "ties")!;
  assert.match(ties.doc, "arXiv 2306.01708");
  assert.match(ties.doc, "\n");
  const norm = entries.find(({ name, module }) => name === "norm" && module === null)!;
  assert.is(norm.signature, "norm(x, over = tensor)");
});

test.run();
