/** spec/ir.md: its graphs parse, verify, run through the passes, print as written; its table is the op registry's. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseGraph, printGraph, runPasses, verify } from "../../../compiler/index.js";
import { operationTable } from "../../ir-table.js";

const chapter = readFileSync("spec/ir.md", "utf8");
const graphs = [...chapter.matchAll(/^```ir\n([\s\S]*?)^```$/gm)].map((match) => match[1]);

test("the chapter has graphs, and the first is in the printer's form", () => {
  assert.is(graphs.length, 2);
  assert.is(printGraph(parseGraph(graphs[0]).roots), graphs[0]);
});

for (const [i, text] of graphs.entries()) {
  test(`graph ${i + 1} parses, verifies, passes through`, () => {
    const { roots } = parseGraph(text);
    verify(roots);
    verify(runPasses(roots));
    const printed = printGraph(roots);
    assert.is(printGraph(parseGraph(printed).roots), printed);
  });
}

test("the table of operations is the registry's (if not: put what operationTable() gives between the comments)", () => {
  const table = /<!-- operations -->\n([\s\S]*?)\n<!-- end -->/.exec(chapter);
  assert.fixture(table?.[1] ?? "", operationTable());
});

test.run();
