/**
 * Columns from values. In: one value a row (from JSON, or texts of a CSV file). Out: a column of numbers. Numbers,
 * booleans and lists of them, nested to any depth and of the same shape in every row, become BOOL, I32, I64 (whole
 * numbers beyond 32 bits) or F32; words of a label column become the numbers of their classes. Other words are no
 * column: null.
 */
import type { Column } from "../../compiler/dataset/index.js";
import { bytesOf, encodeElements, type StorageDtype } from "../../compiler/ir/index.js";
import { fail } from "../../grammar/index.js";
import { byBytes, type Json, quoteName } from "../checkpoint/index.js";
import { at } from "./text.js";

/** Where values came from, for diagnostics. */
export interface Origin {
  readonly file: string;
  readonly lines: readonly number[];
}

/** A column of values that were made from `file`: `values` has the elements row after row. */
export function memoryColumn(
  file: string,
  name: string,
  dtype: StorageDtype,
  shape: readonly number[],
  values: ArrayLike<number>,
  classes: readonly string[] | null = null,
): Column {
  const data = new Uint8Array(values.length * bytesOf(dtype));
  encodeElements(data, dtype, 0, values);
  return { name, dtype, shape, source: { kind: "memory", file, data }, classes };
}

/** A column of numbers; null where the values are words. Throws PeftError (D006) when rows do not fit together. */
export function numberColumn(name: string, values: readonly Json[], origin: Origin): Column | null {
  if (values.length === 0 || typeof values[0] === "string") {
    requireWords(name, values, origin);
    return null;
  }
  const shape = shapeOf(values[0]);
  const flat: number[] = [];
  let booleans = true;
  const add = (value: Json, depth: number, row: number): void => {
    if (depth < shape.length) {
      if (!Array.isArray(value) || value.length !== shape[depth]) misfit(name, shape, value, row, origin);
      for (const item of value) add(item, depth + 1, row);
      return;
    }
    if (typeof value !== "number" && typeof value !== "boolean") misfit(name, shape, value, row, origin);
    if (typeof value === "number") booleans = false;
    flat.push(Number(value));
  };
  values.forEach((value, row) => {
    add(value, 0, row);
  });
  const dtype = booleans && flat.length > 0 ? "BOOL" : dtypeFor(name, flat, origin);
  return memoryColumn(origin.file, name, dtype, [values.length, ...shape], flat);
}

/** Words as numbers of their classes. `classes` has every word of `values`. */
export function classColumn(file: string, name: string, values: readonly string[], classes: readonly string[]): Column {
  const numbers = new Map(classes.map((word, i) => [word, i] as const));
  const ids = values.map((word) => numbers.get(word) ?? -1);
  return memoryColumn(file, name, "I32", [values.length], ids, classes);
}

/** The different words, in the order of their bytes. */
export function classesOf(values: Iterable<string>): string[] {
  return [...new Set(values)].sort(byBytes);
}

/** Cells of a CSV column as numbers where all of them are numbers; else as they are. */
export function cellValues(cells: readonly Json[]): readonly Json[] {
  const numbers = cells.map((cell) => (typeof cell === "string" ? numberIn(cell.trim()) : null));
  return cells.length > 0 && numbers.every((value): value is number => value !== null) ? numbers : cells;
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const words: ReadonlyMap<string, number> = new Map([
  ["nan", Number.NaN],
  ["inf", Number.POSITIVE_INFINITY],
  ["-inf", Number.NEGATIVE_INFINITY],
]);

function numberIn(cell: string): number | null {
  return decimal.test(cell) ? Number(cell) : (words.get(cell.toLowerCase()) ?? null);
}

function shapeOf(value: Json): number[] {
  const shape: number[] = [];
  let inner: Json | undefined = value;
  while (Array.isArray(inner)) {
    shape.push(inner.length);
    inner = inner[0];
  }
  return shape;
}

function dtypeFor(name: string, values: readonly number[], origin: Origin): StorageDtype {
  if (!values.every(Number.isInteger)) return "F32";
  const least = values.reduce((a, b) => Math.min(a, b), 0);
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  if (least >= -(2 ** 31) && most < 2 ** 31) return "I32";
  if (least >= Number.MIN_SAFE_INTEGER && most <= Number.MAX_SAFE_INTEGER) return "I64";
  fail("D006", `${quoteName(name)} holds whole numbers beyond 2^53`, at(origin.file), {
    help: "write such identifiers as text",
  });
}

function misfit(name: string, shape: readonly number[], value: Json, row: number, origin: Origin): never {
  const expected = shape.length === 0 ? "a number" : `numbers of shape [${shape.join(", ")}]`;
  const found = Array.isArray(value) ? `a list of ${value.length}` : shown(value);
  fail(
    "D006",
    `line ${origin.lines[row]}: expected ${expected} for ${quoteName(name)}, found ${found}`,
    at(origin.file),
    {
      help: `the first row (line ${origin.lines[0]}) says what a row looks like; pad or cut the others`,
    },
  );
}

function requireWords(name: string, values: readonly Json[], origin: Origin): void {
  const row = values.findIndex((value) => typeof value !== "string");
  if (row >= 0)
    fail(
      "D006",
      `line ${origin.lines[row]}: expected a text for ${quoteName(name)}, found ${shown(values[row])}`,
      at(origin.file),
      { help: `the first row (line ${origin.lines[0]}) says what a row looks like` },
    );
}

function shown(value: Json): string {
  if (value === null) return "null";
  if (typeof value === "string") return `the text ${quoteName(value)}`;
  return typeof value === "object" ? "an object" : String(value);
}
