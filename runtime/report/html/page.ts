/**
 * A page of results. In: a report as values. Out: one HTML file that needs nothing else: style, numbers, script and the
 * plotting library (uPlot, MIT, taken from the installed package) stand in it, so that it can be mailed and read
 * offline. A content security policy lets the two scripts run by their hashes and nothing be loaded, so that even a
 * name that got past the escaping could do nothing.
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import { showNumber } from "../amounts.js";
import { charts } from "./chart.js";
import { html, jsonScript } from "./escape.js";
import { heatMap } from "./heatmap.js";
import type { Cell, Report, ReportTable } from "./report.js";
import { script } from "./script.js";
import { style } from "./style.js";

/** The HTML text of a report; the same report gives the same text. */
export function reportPage(report: Report): string {
  const drawn = charts(report.series);
  const library = drawn.length > 0 ? plottingLibrary() : { script: "", style: "", license: "" };
  const scripts = drawn.length > 0 ? [library.script, script] : [];
  const policy = [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    ...(scripts.length > 0 ? [`script-src ${scripts.map((text) => `'sha256-${sha256(text)}'`).join(" ")}`] : []),
  ].join("; ");
  const numbers = `<script type="application/json" id="charts">${jsonScript(drawn.map((chart) => chart.data))}</script>`;
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${html(policy)}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="generator" content="peftc">',
    `<title>${html(report.title)}</title>`,
    `<style>${library.style}${style}</style>`,
    "</head>",
    "<body>",
    `<h1>${html(report.title)}</h1>`,
    ...(report.facts.length > 0 ? [factList(report.facts)] : []),
    ...drawn.map((chart) => chart.markup),
    ...report.heatmaps.map(heatMap),
    ...report.tables.map(tableSection),
    ...(scripts.length > 0 ? ["<noscript><p>The curves are drawn by a script.</p></noscript>", numbers] : []),
    ...(scripts.length > 0 ? [`<!-- uPlot:\n${library.license.replaceAll("--", "- -")}\n-->`] : []),
    ...scripts.map((text) => `<script>${text}</script>`),
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

function factList(facts: Report["facts"]): string {
  const items = facts.map(([name, value]) => `<div><dt>${html(name)}</dt><dd>${html(value)}</dd></div>`);
  return `<dl>${items.join("")}</dl>`;
}

function tableSection(table: ReportTable): string {
  const numeric = table.columns.map(
    (_, i) =>
      table.rows.some((row) => typeof row[i] === "number") && table.rows.every((row) => typeof row[i] !== "string"),
  );
  const kind = (i: number) => (numeric[i] ? ' class="number"' : "");
  const head = table.columns.map((name, i) => `<th scope="col"${kind(i)}>${html(name)}</th>`).join("");
  const rows = table.rows.map(
    (row) => `<tr>${table.columns.map((_, i) => `<td${kind(i)}>${html(shown(row[i] ?? null))}</td>`).join("")}</tr>`,
  );
  return `<section><h2>${html(table.title)}</h2><div class="wide"><table class="plain"><thead><tr>${head}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div></section>`;
}

function shown(cell: Cell): string {
  if (cell === null) return "";
  return typeof cell === "number" ? showNumber(cell) : cell;
}

function plottingLibrary(): { readonly script: string; readonly style: string; readonly license: string } {
  const resolve = createRequire(import.meta.url).resolve;
  const read = (name: string) => fs.readFileSync(resolve(`uplot/${name}`), "utf8").trim();
  return {
    script: read("dist/uPlot.iife.min.js"),
    style: read("dist/uPlot.min.css"),
    license: read("LICENSE"),
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}
