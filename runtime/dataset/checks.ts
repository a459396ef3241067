/**
 * Data against models. In: a column of labels or token ids with the number of classes or tokens that a model knows; a
 * tokenizer with the rows of an embedding. Out: nothing, or a diagnostic that names the first row that does not fit.
 * A label out of range would read beyond a table on one device and give NaN on another, so it is found before training.
 */
import { type Column, columnRows, rowBytes, rowCount, type Table } from "../../compiler/dataset/index.js";
import { bytesOf, decodeElements, isFloat } from "../../compiler/ir/index.js";
import { fail } from "../../grammar/index.js";
import { quoteName } from "../checkpoint/index.js";
import { DatasetReader } from "./reader.js";
import { at } from "./text.js";
import { ignoredLabel } from "./tokens.js";

/** Bytes read at once. */
const chunkBytes = 2 ** 22;

/**
 * Labels are whole numbers from 0 to classes - 1, or `ignored` where a loss passes over them. Throws PeftError (D009) for
 * the first that is not.
 */
export function checkLabels(
  table: Table,
  column: Column,
  classes: number,
  ignored: number | null = ignoredLabel,
): void {
  requireIntegers("D009", column, "labels");
  const found = firstOutside(table, column, classes, ignored);
  if (found === null) return;
  const names = column.classes === null ? "" : ` (${quoteName(column.classes[found.value] ?? "?")})`;
  fail(
    "D009",
    `row ${found.row} of ${quoteName(column.name)} has the label ${found.value}${names}, but there are ${classes} classes`,
    at(column.source.file),
    {
      help: `labels go from 0 to ${classes - 1}: use a head with more classes, or mend the labels (numbers from 1 on?)`,
    },
  );
}

/** Token ids are whole numbers from 0 to vocabulary - 1. Throws PeftError (D011) for the first that is not. */
export function checkTokenIds(table: Table, column: Column, vocabulary: number): void {
  requireIntegers("D011", column, "token ids");
  const found = firstOutside(table, column, vocabulary, null);
  if (found === null) return;
  fail(
    "D011",
    `row ${found.row} of ${quoteName(column.name)} has the token ${found.value}, but the model knows ${vocabulary} tokens`,
    at(column.source.file),
    { help: "make the ids with the tokenizer of this model" },
  );
}

/**
 * A model whose embedding has `rows` rows can read what the tokenizer writes: its ids are smaller than `rows`. Throws
 * PeftError (D010).
 */
export function checkVocabulary(tokenizer: { readonly size: number; readonly file: string }, rows: number): void {
  if (tokenizer.size <= rows) return;
  fail(
    "D010",
    `the tokenizer gives ids up to ${tokenizer.size - 1}, but the model has ${rows} tokens`,
    at(tokenizer.file),
    {
      help: "use the tokenizer.json that came with the model",
    },
  );
}

function requireIntegers(code: string, column: Column, what: string): void {
  if (isFloat(column.dtype) || column.dtype === "BOOL")
    fail(
      code,
      `expected whole numbers as ${what} in ${quoteName(column.name)}, found ${column.dtype}`,
      at(column.source.file),
      {
        help: "store them as U8, I32 or I64",
      },
    );
}

function firstOutside(
  table: Table,
  column: Column,
  limit: number,
  ignored: number | null,
): { readonly row: number; readonly value: number } | null {
  const width = rowBytes(column);
  const elements = width / bytesOf(column.dtype);
  const step = Math.max(1, Math.floor(chunkBytes / Math.max(1, width)));
  const count = rowCount(table);
  const reader = new DatasetReader();
  try {
    for (let first = 0; first < count; first += step) {
      const rows = Int32Array.from({ length: Math.min(step, count - first) }, (_, i) => first + i);
      const bytes = reader.rows(column, columnRows(table, rows));
      const values = decodeElements(bytes, column.dtype, 0, rows.length * elements);
      const i = values.findIndex((value) => !(value >= 0 && value < limit) && value !== ignored);
      if (i >= 0) return { row: first + Math.floor(i / elements), value: values[i] };
    }
    return null;
  } finally {
    reader.close();
  }
}
