/** The page of a run: which values become curves, maps and tables. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type RunPage, reportLines, runReport } from "../../../runtime/report/index.js";

const run: RunPage = {
  outputs: [
    { path: "out/a", tensors: 2, computed: 1, copied: 1, bytes: 2000, numbers: 500, digest: null, unchanged: [] },
  ],
  reports: [
    { label: "{ before: f(m), after: f(n) }", value: { before: 0.25, after: 0.75 } },
    { label: "fit.log", value: { loss: [3, 2, 1], best: 2 } },
    {
      label: "confusion(m)",
      value: [
        [5, 1],
        [0, 4],
      ],
    },
  ],
  device: "cpu",
  seconds: 3,
  peakMemory: 2e8,
  facts: [["seed", "1"]],
  curves: [
    {
      loop: "fit/train/iterate",
      name: "loss",
      points: [
        [1, 3],
        [2, 2],
      ],
    },
    { loop: "other/iterate", name: "loss", points: [[1, 4]] },
  ],
  loops: [{ loop: "fit/train/iterate", steps: 2, state: 12, seconds: 0.5 }],
  residentBytes: 1e6,
};

test("logged values share a chart by name, reported lists have their own, matrices are maps", () => {
  const report = runReport(run, "r");
  assert.equal(
    report.series.map(({ chart, name }) => [chart, name]),
    [
      ["loss", "fit/train/iterate"],
      ["loss", "other/iterate"],
      ["fit.log.loss", "fit.log.loss"],
    ],
  );
  assert.equal(report.series[2].points, [
    [0, 3],
    [1, 2],
    [2, 1],
  ]);
  assert.equal(
    report.heatmaps.map(({ title, values }) => [title, values]),
    [["confusion(m)", run.reports[2].value]],
  );
  assert.equal(report.facts[0], ["seed", "1"]);
  assert.match(String(report.facts.at(-1)), "200 MB, 1.00 MB of it");
});

test("numbers, outputs and loops are tables", () => {
  const tables = new Map(runReport(run, "r").tables.map((table) => [table.title, table.rows]));
  assert.equal(tables.get("Reported"), [
    ["{ before: f(m), after: f(n) }: before", 0.25],
    ["{ before: f(m), after: f(n) }: after", 0.75],
    ["fit.log: best", 2],
  ]);
  assert.equal(tables.get("Outputs"), [["out/a", 2, 1, 500, "2.00 kB", null]]);
  assert.equal(tables.get("Loops"), [["fit/train/iterate", 2, 12, "0.50 s"]]);
});

test("long lists of numbers are said in a line; records that are written out name their values themselves", () => {
  const curve = Array.from({ length: 100 }, (_, i) => (i === 40 ? -7 : i === 41 ? Number.NaN : 100 - i));
  assert.equal(reportLines("fit.loss", curve), [
    "fit.loss = 100 numbers, from 100 to 1, least -7 at 40, largest 100 at 0, 1 not finite",
  ]);
  assert.equal(reportLines("x", [1, 2]).length, 3);
  assert.equal(reportLines("{ b: f(x), a: 1 }", { b: 2, a: 1 }), ["b  2", "a  1"]);
  assert.equal(
    reportLines("fit.log", { loss: curve.slice(0, 30) })[1],
    "  loss  30 numbers, from 100 to 71, least 71 at 29, largest 100 at 0",
  );
});

test.run();
