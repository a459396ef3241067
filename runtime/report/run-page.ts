/**
 * The page of a run. In: what the run gave, and facts about it. Out: the report that `reportPage` draws: curves of what
 * loops logged and of reported lists, a heat map of every reported matrix, tables of reported values, outputs and loops.
 */
import type { Json } from "../checkpoint/index.js";
import { showBytes, showSeconds } from "./amounts.js";
import type { Cell, HeatMap, Report, ReportTable, Series } from "./html/index.js";
import type { RunSummary } from "./summary.js";

export interface RunPage extends RunSummary {
  /** What stands at the top beside device, time and memory: recipe, seed, settings. */
  readonly facts: readonly (readonly [string, string])[];
  readonly curves: readonly {
    readonly loop: string;
    readonly name: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
  readonly loops: readonly {
    readonly loop: string;
    readonly steps: number;
    readonly state: number;
    readonly seconds: number;
  }[];
  /** Bytes of the tensors that loops held in memory. */
  readonly residentBytes: number;
}

type JsonRecord = { readonly [key: string]: Json };

/** The report of a run. The curves of one name share a chart. */
export function runReport(run: RunPage, title: string): Report {
  const shown = run.reports.map(({ label, value }) => ({ label: label.replace(/\s+/g, " ").trim(), value }));
  const logged = run.curves.map((curve): Series => ({ name: curve.loop, points: curve.points, chart: curve.name }));
  const listed = shown.flatMap(({ label, value }) => lists(label, value));
  const tables = [reportedNumbers(shown), ...shown.flatMap(({ label, value }) => recordTable(label, value))];
  return {
    title,
    facts: [
      ...run.facts,
      ["device", run.device],
      ["time", showSeconds(run.seconds)],
      ["memory", `${showBytes(run.peakMemory)}, ${showBytes(run.residentBytes)} of it tensors of loops`],
    ],
    series: [...logged, ...listed],
    heatmaps: shown.flatMap(({ label, value }) => heatMap(label, value)),
    tables: [...tables, outputTable(run), loopTable(run)].filter((table) => table.rows.length > 0),
  };
}

/** Lists of numbers, also those in a record, by their place. */
function lists(label: string, value: Json): Series[] {
  if (isNumbers(value) && value.length > 1)
    return [{ name: label, points: value.map((y, i) => [i, y] as const), chart: label }];
  return isRecord(value) ? Object.entries(value).flatMap(([key, item]) => lists(`${label}.${key}`, item)) : [];
}

function reportedNumbers(shown: readonly { readonly label: string; readonly value: Json }[]): ReportTable {
  const rows = shown.flatMap(({ label, value }): Cell[][] => {
    if (isCell(value)) return [[label, cellOf(value)]];
    if (!isRecord(value)) return [];
    return Object.entries(value).flatMap(([key, item]) => (isCell(item) ? [[`${label}: ${key}`, cellOf(item)]] : []));
  });
  return { title: "Reported", columns: ["value of", ""], rows: shorten(rows, shown) };
}

/** A record's label is its whole text: where only one record is reported, its keys say enough. */
function shorten(rows: Cell[][], shown: readonly { readonly value: Json }[]): Cell[][] {
  if (shown.filter(({ value }) => isRecord(value)).length > 1) return rows;
  return rows.map(([name, value]) => [String(name).split(": ").at(-1)!, value]);
}

/** A record of records: one row each. */
function recordTable(label: string, value: Json): ReportTable[] {
  if (!isRecord(value)) return [];
  const entries = Object.entries(value).filter((entry): entry is [string, JsonRecord] => isRecord(entry[1]));
  if (entries.length === 0) return [];
  const columns = [...new Set(entries.flatMap(([, fields]) => Object.keys(fields)))];
  const cell = (fields: JsonRecord, column: string): Cell =>
    Object.hasOwn(fields, column) && isCell(fields[column]) ? cellOf(fields[column]) : null;
  return [
    {
      title: label,
      columns: ["", ...columns],
      rows: entries.map(([name, fields]) => [name, ...columns.map((column) => cell(fields, column))]),
    },
  ];
}

function heatMap(label: string, value: Json): HeatMap[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isNumbers)) return [];
  const rows = value as readonly (readonly number[])[];
  const names = (n: number) => Array.from({ length: n }, (_, i) => String(i));
  const width = rows.reduce((most, row) => Math.max(most, row.length), 0);
  return [{ title: label, rows: names(rows.length), columns: names(width), values: rows }];
}

function outputTable({ outputs }: RunSummary): ReportTable {
  const rows = outputs.map((o): Cell[] => [o.path, o.tensors, o.computed, o.numbers, showBytes(o.bytes), o.digest]);
  return { title: "Outputs", columns: ["folder", "tensors", "computed", "numbers", "size", "digest"], rows };
}

function loopTable({ loops }: RunPage): ReportTable {
  const rows = loops.map(({ loop, steps, state, seconds }): Cell[] => [loop, steps, state, showSeconds(seconds)]);
  return { title: "Loops", columns: ["loop", "steps", "numbers in the state", "time"], rows };
}

function isNumbers(value: Json): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}

function isCell(value: Json): boolean {
  return value === null || ["number", "string", "boolean"].includes(typeof value);
}

function cellOf(value: Json): Cell {
  return typeof value === "boolean" ? String(value) : (value as Cell);
}

function isRecord(value: Json): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
