/**
 * What `report` says, as text. In: the label (the text of the expression) and its value as JSON. Out: lines. A number
 * or text stands behind its label; a record, a list or a tree of numbers is a table below it; records inside a tree
 * become columns; of a long list of numbers, a curve, the ends and the extremes are said.
 */
import { visible } from "../../grammar/index.js";
import { escapeName, type Json } from "../checkpoint/index.js";
import { showNumber } from "./amounts.js";
import { alignCells, type Column, table } from "./table.js";

type JsonRecord = { readonly [key: string]: Json };

/** The lines of one reported value. */
export function reportLines(label: string, value: Json): string[] {
  const title = visible(label.replace(/\s+/g, " ").trim());
  if (isScalar(value)) return [`${title} = ${showScalar(value)}`];
  // A record that is written out names its values itself.
  if (label.trimStart().startsWith("{")) return blockLines(value);
  return [`${title} =`, ...blockLines(value).map((line) => `  ${line}`)];
}

function blockLines(value: Json): string[] {
  const entries: [string, Json][] = isRecord(value)
    ? Object.entries(value).map(([name, item]) => [plainName(name), item])
    : isList(value)
      ? value.map((item, i) => [String(i), item])
      : [["", value]];
  if (entries.length === 0) return ["(empty)"];
  if (entries.every(([, item]) => isScalar(item))) {
    return alignCells(
      entries.map(([name, item]) => [name, showScalar(item)]),
      ["left", entries.some(([, item]) => isCurve(item)) ? "left" : "right"],
    );
  }
  const width = isList(value) ? widthOf(value) : null;
  if (width !== null) {
    const names = entries.map(([name]) => name);
    const titles = Array.from({ length: width }, (_, i) => String(i));
    return grid(titles, names, (row, column) => showScalar((entries[row][1] as readonly Json[])[column]));
  }
  const fields = commonFields(entries.map(([, item]) => item));
  if (fields !== null) {
    const cell = (item: Json, field: string) => showScalar((item as JsonRecord)[field]);
    const names = entries.map(([name]) => name);
    // The longer side runs down the page: a record of numbers for each of many tensors has the tensors as rows.
    return fields.length <= Math.max(entries.length, 4)
      ? grid(fields.map(plainName), names, (row, column) => cell(entries[row][1], fields[column]))
      : grid(names, fields.map(plainName), (row, column) => cell(entries[column][1], fields[row]));
  }
  return entries.flatMap(([name, item]) =>
    isScalar(item) ? [`${name} = ${showScalar(item)}`] : [name, ...blockLines(item).map((line) => `  ${line}`)],
  );
}

function grid(titles: readonly string[], names: readonly string[], cell: (row: number, column: number) => string) {
  const columns: Column[] = [
    { title: "", align: "left" },
    ...titles.map((title): Column => ({ title, align: "right" })),
  ];
  return table(
    columns,
    names.map((name, row) => [name, ...titles.map((_, column) => cell(row, column))]),
  );
}

/** The keys of records that all have the same keys and hold no further records; else null. */
function commonFields(items: readonly Json[]): string[] | null {
  const [first] = items;
  if (!isRecord(first)) return null;
  const fields = Object.keys(first);
  const fits = (item: Json) =>
    isRecord(item) &&
    Object.keys(item).length === fields.length &&
    fields.every((field) => Object.hasOwn(item, field) && isScalar(item[field]));
  return items.every(fits) ? fields : null;
}

function showScalar(value: Json): string {
  if (isCurve(value)) return showCurve(value);
  if (typeof value === "number") return showNumber(value);
  if (typeof value === "string") return plainName(value);
  return value === null ? "none" : String(value);
}

/** Unquoted while nothing in it needs escaping. */
function plainName(name: string): string {
  const escaped = escapeName(name);
  return escaped === `"${name}"` && name !== "" && name === name.trim() ? name : escaped;
}

/** The columns of a matrix; null for other lists, and for those that are too wide for a page. */
function widthOf(rows: readonly Json[]): number | null {
  const [first] = rows;
  if (!isList(first) || first.length === 0 || first.length > longestList) return null;
  const fits = (row: Json) => isList(row) && row.length === first.length && row.every((x) => typeof x === "number");
  return rows.every(fits) ? first.length : null;
}

/** What stands on one line: everything but lists, records and trees; and curves. */
function isScalar(value: Json): boolean {
  return (!isList(value) && !isRecord(value)) || isCurve(value);
}

/** Longer lists of numbers are curves. */
const longestList = 24;

function isCurve(value: Json): value is readonly number[] {
  return isList(value) && value.length > longestList && value.every((item) => typeof item === "number");
}

/** `500 numbers, from 2.41 to 0.18, least 0.07 at 483, largest 2.52 at 3`; places count from 0. */
function showCurve(values: readonly number[]): string {
  const finite = values.map((value, at) => ({ value, at })).filter(({ value }) => Number.isFinite(value));
  const ends = `from ${showNumber(values[0])} to ${showNumber(values[values.length - 1])}`;
  const gaps = values.length - finite.length;
  const odd = gaps > 0 ? `, ${gaps} not finite` : "";
  if (finite.length === 0) return `${values.length} numbers${odd}`;
  const least = finite.reduce((best, one) => (one.value < best.value ? one : best));
  const largest = finite.reduce((best, one) => (one.value > best.value ? one : best));
  const extreme = (word: string, { value, at }: typeof least) => `${word} ${showNumber(value)} at ${at}`;
  return `${values.length} numbers, ${ends}, ${extreme("least", least)}, ${extreme("largest", largest)}${odd}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isRecord(value: Json): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
