/**
 * What the compiler knows of a dataset: a table with columns, and the splits it is cut into.
 *
 * A column is a tensor whose first axis counts rows. Its bytes lie in a file, at a range known from a header, or were
 * made when the dataset was opened (token ids, masks, labels). A table may be a choice of rows of its columns: a split
 * by fraction shares the columns of the whole and names the rows that it takes. Nothing here reads a byte of a file.
 */
import { bytesOf, type StorageDtype } from "../ir/index.js";

/** Where the bytes of a column are, row after row, little endian: at an offset of a file, or in memory, made from a file. */
export type ColumnSource =
  | { readonly kind: "file"; readonly file: string; readonly offset: number }
  | { readonly kind: "memory"; readonly file: string; readonly data: Uint8Array };

export interface Column {
  readonly name: string;
  readonly dtype: StorageDtype;
  /** [rows of the whole column, ...the shape of a row]. */
  readonly shape: readonly number[];
  readonly source: ColumnSource;
  /** The names of the classes 0, 1, … where the column was made from words; else null. */
  readonly classes: readonly string[] | null;
  /** Of token ids: how many the tokenizer gives, and its file. */
  readonly vocabulary?: { readonly size: number; readonly file: string };
}

/** The rows of a table as rows of its columns: consecutive ones, or a list. */
export type Rows =
  | { readonly kind: "range"; readonly first: number; readonly count: number }
  | { readonly kind: "list"; readonly rows: Int32Array };

export interface Table {
  readonly rows: Rows;
  /** By name, in the order of the file. */
  readonly columns: ReadonlyMap<string, Column>;
  /** Columns of text that were not made into numbers, by name; one text a row of the whole column. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
}

export interface Dataset {
  /** Absolute path; identifies the dataset. */
  readonly id: string;
  /** As it was written. */
  readonly path: string;
  /** All rows; null where the dataset consists of splits only. */
  readonly table: Table | null;
  /** By name: `train`, `test`, … */
  readonly splits: ReadonlyMap<string, Table>;
  /** Absolute paths of the files that determine the rows: what a lock file has to hash. */
  readonly files: readonly string[];
}

/** How many rows a table has. */
export function rowCount(table: Table): number {
  return table.rows.kind === "range" ? table.rows.count : table.rows.rows.length;
}

/** The shape of one row of a column. */
export function rowShape(column: Column): readonly number[] {
  return column.shape.slice(1);
}

/** Bytes of one row of a column. */
export function rowBytes(column: Column): number {
  return rowShape(column).reduce((product, length) => product * length, bytesOf(column.dtype));
}

/**
 * Rows of the table as rows of its columns. `rows` holds numbers from 0 to rowCount - 1. Throws a RangeError for others.
 */
export function columnRows(table: Table, rows: ArrayLike<number>): Int32Array {
  const count = rowCount(table);
  return Int32Array.from({ length: rows.length }, (_, i) => {
    const row = rows[i];
    if (!(Number.isInteger(row) && row >= 0 && row < count))
      throw new RangeError(`row ${row} of a table of ${count} rows`);
    return table.rows.kind === "range" ? table.rows.first + row : table.rows.rows[row];
  });
}

/** The table of some of a table's rows, in the given order. */
export function selectRows(table: Table, rows: ArrayLike<number>): Table {
  return { ...table, rows: { kind: "list", rows: columnRows(table, rows) } };
}
