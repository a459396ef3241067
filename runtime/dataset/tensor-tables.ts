/**
 * Tables of a safetensors file. In: its header. Out: tables whose columns are the tensors. A name with a dot is a split
 * and a column (`train.images`); tensors without one are the table itself. The first axis counts rows and is the same
 * for all columns of a table. No byte of the data is read.
 */
import type { Column, Table } from "../../compiler/dataset/index.js";
import { fail } from "../../grammar/index.js";
import { quoteName, readHeader, type TensorEntry } from "../checkpoint/index.js";
import { at } from "./text.js";

export interface TensorTables {
  readonly table: Table | null;
  readonly splits: ReadonlyMap<string, Table>;
}

/** Reads the header of `file`. Throws PeftError: F0xx of `readHeader`, D002 (no rows), D003 (columns do not match). */
export function tensorTables(file: string): TensorTables {
  const groups = new Map<string | null, Map<string, TensorEntry>>();
  for (const tensor of readHeader(file).tensors) {
    const dot = tensor.name.indexOf(".");
    const split = dot < 0 ? null : tensor.name.slice(0, dot);
    const group = groups.get(split) ?? new Map<string, TensorEntry>();
    group.set(tensor.name.slice(dot + 1), tensor);
    groups.set(split, group);
  }
  if (groups.size === 0)
    fail("D002", "the file holds no tensors", at(file), { help: "write a tensor for each column" });
  const splits = new Map<string, Table>();
  for (const [split, group] of groups) if (split !== null) splits.set(split, tableOf(file, group));
  const whole = groups.get(null);
  return { table: whole === undefined ? null : tableOf(file, whole), splits };
}

function tableOf(file: string, group: ReadonlyMap<string, TensorEntry>): Table {
  const [first] = group.values();
  const rows = first.shape[0];
  for (const tensor of group.values()) {
    if (tensor.shape.length === 0)
      fail("D003", `the tensor ${quoteName(tensor.name)} is a single number: it has no rows`, at(file), {
        help: "give every column a first axis that counts rows, or keep single numbers in another file",
      });
    if (tensor.shape[0] !== rows)
      fail(
        "D003",
        `the column ${quoteName(tensor.name)} has ${tensor.shape[0]} rows, but ${quoteName(first.name)} has ${rows}`,
        at(file),
        {
          help: "give the columns of a table as many rows; name splits before a dot, as in train.images and test.images",
        },
      );
  }
  if (rows === 0)
    fail("D002", `the columns (${quoteName(first.name)}) have no rows`, at(file), { help: "write at least one row" });
  const columns = new Map(
    [...group].map(([name, { dtype, shape, offset }]): [string, Column] => [
      name,
      { name, dtype, shape, source: { kind: "file", file, offset }, classes: null },
    ]),
  );
  return { rows: { kind: "range", first: 0, count: rows }, columns, texts: new Map() };
}
