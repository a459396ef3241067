/**
 * The bytes of rows. In: columns and row numbers. Out: the rows one after the other, as they are stored. Columns in
 * files are read by range; a column of at most 64 MiB is read whole when its first row is asked for and kept, since
 * training reads every row many times.
 */
import * as fs from "node:fs";
import { type Column, columnRows, rowBytes, type Table } from "../../compiler/dataset/index.js";
import { fail, PeftError } from "../../grammar/index.js";
import { isSystemError, quoteName, readFailure, readRange } from "../checkpoint/index.js";
import { at } from "./text.js";

/** Bytes. */
const keptColumn = 2 ** 26;

/** Holds open files and columns in memory; `close` gives both back. */
export class DatasetReader {
  private readonly files = new Map<string, number>();
  private readonly kept = new Map<string, Uint8Array>();

  /**
   * Rows of a column by their numbers in the column, `rowBytes(column)` bytes each, in the order of `rows`. Throws
   * PeftError (D015, F001 to F003) when the file is gone or shorter than its header said, RangeError for other rows.
   */
  rows(column: Column, rows: ArrayLike<number>): Uint8Array {
    const width = rowBytes(column);
    const out = new Uint8Array(rows.length * width);
    const whole = this.wholeColumn(column);
    let i = 0;
    while (i < rows.length) {
      const first = rows[i];
      let count = 1;
      while (i + count < rows.length && rows[i + count] === first + count) count++;
      if (!(Number.isInteger(first) && first >= 0 && first + count <= column.shape[0]))
        throw new RangeError(`rows ${first} to ${first + count - 1} of a column of ${column.shape[0]} rows`);
      const bytes =
        whole === null
          ? this.read(column, first * width, count * width)
          : whole.subarray(first * width, (first + count) * width);
      out.set(bytes, i * width);
      i += count;
    }
    return out;
  }

  /** The same rows of several columns of a table (all by default), by their numbers in the table. */
  batch(
    table: Table,
    rows: ArrayLike<number>,
    names: Iterable<string> = table.columns.keys(),
  ): Map<string, Uint8Array> {
    const places = columnRows(table, rows);
    const batch = new Map<string, Uint8Array>();
    for (const name of names) {
      const column = table.columns.get(name);
      if (column === undefined) throw new RangeError(`the table has no column ${quoteName(name)}`);
      batch.set(name, this.rows(column, places));
    }
    return batch;
  }

  close(): void {
    for (const fd of this.files.values()) fs.closeSync(fd);
    this.files.clear();
    this.kept.clear();
  }

  private wholeColumn(column: Column): Uint8Array | null {
    if (column.source.kind === "memory") return column.source.data;
    const bytes = rowBytes(column) * column.shape[0];
    if (bytes > keptColumn) return null;
    const key = `${column.source.offset} ${bytes} ${column.source.file}`;
    const known = this.kept.get(key);
    if (known !== undefined) return known;
    const read = this.read(column, 0, bytes);
    this.kept.set(key, read);
    return read;
  }

  private read(column: Column, from: number, bytes: number): Uint8Array {
    if (column.source.kind === "memory") return column.source.data.subarray(from, from + bytes);
    const { file, offset } = column.source;
    try {
      let fd = this.files.get(file);
      if (fd === undefined) this.files.set(file, (fd = fs.openSync(file, "r")));
      const read = readRange(fd, offset + from, bytes);
      if (read.length < bytes)
        fail("D015", `the column ${quoteName(column.name)} ends early: the file was cut while in use`, at(file), {
          help: "write the file again and start again",
        });
      return read;
    } catch (error) {
      if (error instanceof PeftError || !isSystemError(error)) throw error;
      throw new PeftError([readFailure(file, error)]);
    }
  }
}
