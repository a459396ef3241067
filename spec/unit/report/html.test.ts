/** The page of a report: one file, escaped, with the numbers that it was given. */
import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Report, reportPage } from "../../../runtime/report/html/index.js";

const empty: Report = { title: "t", series: [], tables: [], heatmaps: [], facts: [] };

/** The numbers that the script of a page draws. */
function drawn(page: string): { names: string[]; tables: [number[], (number | null)[]][]; positive: boolean }[] {
  const json = /<script type="application\/json" id="charts">(.*?)<\/script>/s.exec(page);
  if (json === null) throw new Error("no numbers in the page");
  return JSON.parse(json[1]);
}

const markup = (page: string) => page.slice(page.indexOf("<body>")).replace(/<script>.*?<\/script>/gs, "");

test("hostile text is text", () => {
  const evil = `</script><img src=x onerror="alert('1')">&\u202e\u0007`;
  const page = reportPage({
    title: evil,
    series: [{ name: evil, chart: evil, points: [[1, 2]] }],
    tables: [{ title: evil, columns: [evil], rows: [[evil]] }],
    heatmaps: [{ title: evil, rows: [evil], columns: [evil], values: [[1]] }],
    facts: [[evil, evil]],
  });
  assert.not.match(page, "<img");
  assert.not.match(page, "\u202e");
  assert.not.match(page, "\u0007");
  assert.is(page.split("</script>").length, 4, "numbers, library, script");
  assert.ok(drawn(page)[0].names[0].startsWith(evil.slice(0, -2)), "the script has the name as it is");
  assert.match(page, "&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;");
});

test("nothing is loaded, and only the scripts of the page run", () => {
  const page = reportPage({ ...empty, series: [{ name: "loss", points: [[1, 2]] }] });
  const policy =
    /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1].replaceAll("&#39;", "'") ?? "";
  const scripts = [...page.matchAll(/<script>(.*?)<\/script>/gs)].map((match) => match[1]);
  assert.is(scripts.length, 2);
  for (const text of scripts) assert.match(policy, `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
  assert.match(policy, "default-src 'none'");
  assert.not.match(page, /<(link|img|iframe|script src)/);
  assert.match(page, "Permission is hereby granted", "the licence of the library goes with it");
});

test("a report without curves has no script", () => {
  const page = reportPage({ ...empty, facts: [["a", "b"]] });
  assert.not.match(page, "<script");
  assert.ok(page.length < 10_000);
  assert.match(page, "<dt>a</dt><dd>b</dd>");
});

test("series of a chart, gaps, and points out of order", () => {
  const page = reportPage({
    ...empty,
    series: [
      {
        name: "a",
        chart: "Loss",
        points: [
          [2, 0.5],
          [1, 1],
          [3, Number.NaN],
          [4, Number.POSITIVE_INFINITY],
          [Number.NaN, 1],
        ],
      },
      { name: "rate", chart: "Rate", points: [[1, 0]] },
      { name: "b", chart: "Loss", points: [[10, 2]] },
    ],
  });
  const [loss, rate] = drawn(page);
  assert.equal(loss.names, ["a", "b"]);
  assert.equal(loss.tables, [
    [
      [1, 2, 3, 4],
      [1, 0.5, null, null],
    ],
    [[10], [2]],
  ]);
  assert.equal([loss.positive, rate.positive], [true, false]);
  assert.match(page, "2 values are not finite and left out");
  const nothing = reportPage({ ...empty, series: [{ name: "a", points: [] }] });
  assert.match(nothing, "no points");
  assert.is(drawn(nothing)[0].positive, false);
});

test("long series keep their extremes", () => {
  const points = Array.from({ length: 100_000 }, (_, x): [number, number] => [
    x,
    x === 77_777 ? 50 : x === 5 ? -50 : x === 9 ? Number.NaN : Math.sin(x),
  ]);
  const page = reportPage({ ...empty, series: [{ name: "a", points }] });
  const [xs, ys] = drawn(page)[0].tables[0];
  assert.ok(xs.length <= 4000 && xs.length > 3900, String(xs.length));
  assert.is(ys[xs.indexOf(77_777)], 50);
  assert.is(ys[xs.indexOf(5)], -50);
  assert.equal(
    xs,
    [...xs].sort((a, b) => a - b),
  );
  assert.match(page, "of 100000 points the extremes");
});

test("tables: numbers to the right, short rows, missing cells", () => {
  const page = markup(
    reportPage({
      ...empty,
      tables: [{ title: "T", columns: ["name", "n", "mixed"], rows: [["a", 1 / 3, 1], ["b", null, "x"], ["c"]] }],
    }),
  );
  assert.match(page, '<th scope="col">name</th><th scope="col" class="number">n</th><th scope="col">mixed</th>');
  assert.match(page, '<tr><td>a</td><td class="number">0.333333</td><td>1</td></tr>');
  assert.match(page, '<tr><td>b</td><td class="number"></td><td>x</td></tr>');
  assert.match(page, '<tr><td>c</td><td class="number"></td><td></td></tr>');
});

const cells = (values: (number | null)[][]) => {
  const names = (list: readonly unknown[], prefix: string) => list.map((_, i) => `${prefix}${i}`);
  const page = reportPage({
    ...empty,
    heatmaps: [{ title: "H", rows: names(values, "r"), columns: names(values[0] ?? [], "c"), values }],
  });
  const found = [...page.matchAll(/<td class="(\w+)[^"]*"(?: style="--v:([\d.]+)%")? title="([^"]*)">([^<]*)</g)];
  return { page, found: found.map(([, side, v, title, text]) => [side, v, title, text]) };
};

test("heat maps of one sign go from the least to the largest", () => {
  assert.equal(
    cells([
      [1, 3],
      [2, null],
    ]).found,
    [
      ["above", "0.0", "r0, c0: 1", "1"],
      ["above", "100.0", "r0, c1: 3", "3"],
      ["above", "50.0", "r1, c0: 2", "2"],
      ["none", undefined, "r1, c1: none", ""],
    ],
  );
});

test("heat maps of both signs have 0 in the middle", () => {
  const { page, found } = cells([[-1, 4, 0, Number.NaN]]);
  assert.equal(
    found.map(([side, v]) => [side, v]),
    [
      ["below", "25.0"],
      ["above", "100.0"],
      ["above", "0.0"],
      ["none", undefined],
    ],
  );
  assert.match(page, '<span>-4</span><i class="scale diverging"></i><span>4</span>');
});

test("heat maps without values, of equal values, and with many columns", () => {
  assert.match(cells([[null], [Number.NaN]]).page, "no values");
  assert.match(cells([]).page, "no values");
  assert.equal(
    cells([[2, 2]]).found.map(([, v]) => v),
    ["50.0", "50.0"],
  );
  const wide = cells([Array.from({ length: 32 }, (_, i) => i)]);
  assert.is(wide.found[3][3], "");
  assert.match(wide.page, 'class="narrow"');
});

test("the same report gives the same page", () => {
  const report: Report = { ...empty, series: [{ name: "a", points: [[1, 2]] }] };
  assert.is(reportPage(report), reportPage(report));
});

test.run();
