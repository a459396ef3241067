/** The catalogue of codes and the table of builtins: complete, and true to the checker. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { builtins, checkCatalogue, initialisers, matchArguments, showBuiltin } from "../../../compiler/check/index.js";
import { parse } from "../../../grammar/index.js";
import { findings } from "./checking.js";

const codes = [
  ...["N001", "N002", "N003", "N004", "N005", "N006", "N007", "N008", "N009"],
  ...[
    "T001",
    "T002",
    "T003",
    "T004",
    "T005",
    "T006",
    "T007",
    "T008",
    "T009",
    "T010",
    "T011",
    "T012",
    "T013",
    "T014",
    "T015",
  ],
  ...["T020", "T021", "T022", "T023", "T024", "T025", "T026", "T027"],
  ...["H001", "H002", "H003", "H004", "H005"],
];

test("every code has a title and a page with a wrong and a right example", () => {
  assert.equal(Object.keys(checkCatalogue), codes);
  assert.ok(initialisers.size > 5 && [...initialisers.values()].every(({ doc }) => doc.length > 4));
  for (const [code, { title, page }] of Object.entries(checkCatalogue)) {
    assert.ok(title.length > 5, code);
    assert.match(page, /\nWrong:\n {4}\S[\s\S]*\nRight:\n {4}\S/, code);
  }
});

test("whole definitions on pages give their code, or nothing", () => {
  for (const [code, { page }] of Object.entries(checkCatalogue)) {
    const [wrong, right] = page.split("Wrong:\n")[1].split("Right:\n");
    const text = (part: string) => part.replace(/^ {4}/gm, "");
    for (const [part, bad] of [
      [text(wrong), true],
      [text(right), false],
    ] as const) {
      if (!/^(def|merge|module|adapter|router|optimizer) .*/.test(part) || /\.\.\./.test(part)) continue;
      if (code === "T009" && !bad) continue;
      const source = part.startsWith("def twice") ? `def scale(x: Delta[*s]) -> Delta[*s] = 2 * x\n${part}` : part;
      assert.equal(
        parse("page", source).diagnostics.map((d) => d.message),
        [],
        `${code}: ${source}`,
      );
      const found = findings(source).map((f) => f.slice(0, 4));
      if (bad) assert.ok(found.includes(code), `${code}: ${source} gives ${found.join(", ")}`);
      else assert.equal(found, [], `${code}: ${source}`);
    }
  }
});

test("every builtin has parameters and a line of documentation", () => {
  for (const b of builtins.values()) {
    assert.ok(b.doc.length > 5, b.name);
    assert.equal(new Set(b.params.map((p) => p.name)).size, b.params.length, b.name);
  }
  assert.is(showBuiltin(builtins.get("norm")!), "norm(x, over = tensor)");
  assert.is(showBuiltin(builtins.get("zip")!), "zip(xs, …)");
});

test("positional arguments take the next parameter that has none", () => {
  const { file } = parse("a", "def f() = g(1, c = 2, 3, d = 4, 5, c = 6)");
  const [definition] = file.definitions;
  if (definition.kind !== "def") throw new Error("a def");
  const [statement] = definition.body.statements;
  if (statement.kind !== "return" || statement.value.kind !== "call") throw new Error("a call");
  const slots = ["a", "b", "c", "e"].map((name) => ({ name, optional: false, many: false }));
  const { given, problems } = matchArguments(statement.value.args, slots);
  const values = given.map((all) => all.map((a) => (a.value?.kind === "number" ? a.value.value : null)));
  assert.equal(values, [[1], [3], [2], [5]]);
  assert.equal(
    problems.map((p) => p.kind),
    ["unknown", "twice"],
  );
});

test.run();
