/**
 * Builtin functions of data sets: `dataset` opens one, `split` cuts a table by fractions, `draw` takes batch i of a
 * shuffled table, `rowsOf` takes given rows. A table that is a choice of rows of another has that table's columns and the
 * numbers of its rows, which are a column made here.
 */
import type { Span } from "../../../grammar/index.js";
import { nearest } from "../../../grammar/index.js";
import { type Column, rowCount, splitTable, type Table } from "../../dataset/index.js";
import { encodeElements, type Node } from "../../ir/index.js";
import { type Context, stop } from "../context.js";
import { staticInt } from "../evaluate.js";
import { makeNode, nodeOf } from "../operators.js";
import { describe, type RecordValue, type TableValue, tensor, type Value } from "../value.js";
import type { Builtin } from "./builtin.js";
import { keyOf } from "./random.js";

/** The input node of a whole column. */
function columnNode(context: Context, source: string, column: Column): Node {
  context.session.columns.set(source, column);
  return context.graph.input({ source, name: column.name, dtype: column.dtype, shape: column.shape });
}

/** Rows of a table as rows of its columns. */
function inColumns(context: Context, data: TableValue, numbers: Node, span: Span): Node {
  const { rows } = data.table;
  if (rows.kind === "list") {
    const bytes = new Uint8Array(rows.rows.length * 4);
    encodeElements(bytes, "I32", 0, rows.rows);
    const column: Column = {
      name: "rows",
      dtype: "I32",
      shape: [rows.rows.length],
      source: { kind: "memory", file: data.source, data: bytes },
      classes: null,
    };
    return takeRows(context, columnNode(context, `${data.source}#rows of ${data.label}`, column), numbers, span);
  }
  return rows.first === 0
    ? numbers
    : makeNode(context, "add", [numbers, context.graph.constant(rows.first)], undefined, span);
}

/** Rows of a tensor; a vector is taken as a matrix of one column. */
function takeRows(context: Context, whole: Node, at: Node, span: Span): Node {
  if (whole.shape.length > 1) return makeNode(context, "take", [whole, at], {}, span);
  const column = makeNode(context, "reshape", [whole], { shape: [whole.shape[0], 1] }, span);
  return makeNode(
    context,
    "reshape",
    [makeNode(context, "take", [column, at], {}, span)],
    { shape: [...at.shape] },
    span,
  );
}

/** The rows `numbers` (i32) of a table: a record of its columns. */
export function rowsOf(context: Context, data: TableValue, numbers: Node, span: Span): RecordValue {
  const at = inColumns(context, data, numbers, span);
  const fields = [...data.table.columns].map(([name, column]): [string, Value] => [
    name,
    tensor(takeRows(context, columnNode(context, `${data.source}#${name}`, column), at, span)),
  ]);
  return { kind: "record", fields: new Map(fields) };
}

/** A split of a data set by name, or a column of it: all its rows, in their order. */
export function tableField(context: Context, data: TableValue, name: string, span: Span): Value {
  const split = data.splits.get(name);
  if (split !== undefined) {
    const inside = `#${name}`;
    return {
      kind: "table",
      table: split,
      splits: new Map(),
      source: data.source + inside,
      label: data.label + inside,
    };
  }
  const column = data.table.columns.get(name);
  if (column !== undefined) {
    const whole = columnNode(context, `${data.source}#${name}`, column);
    const count = rowCount(data.table);
    const { rows } = data.table;
    if (rows.kind === "range" && rows.first === 0 && count === column.shape[0]) return tensor(whole);
    const numbers = context.graph.make("iota", [], { shape: [count], axis: 0 });
    return tensor(takeRows(context, whole, inColumns(context, data, numbers, span), span));
  }
  const names = [...data.splits.keys(), ...data.table.columns.keys()];
  return stop(context, "N003", `the data set has no split or column ${name}`, span, {
    help: `it has ${(nearest(name, names).length > 0 ? nearest(name, names) : names).join(", ")}`,
  });
}

export function rowsIn(data: TableValue): number {
  return rowCount(data.table);
}

function tableArg(context: Context, value: Value, what: string, span: Span): TableValue {
  if (value.kind !== "table")
    return stop(context, "T001", `${what} takes a table of a data set, found ${describe(value)}`, span, {
      help: "name its split: digits.train",
    });
  if (rowCount(value.table) > 0) return value;
  const splits = [...value.splits.keys()];
  return stop(context, "R044", `the table has no rows, so ${what} has nothing to take from`, span, {
    help: splits.length > 0 ? `name a split: ${splits.join(", ")}` : "add rows to its file",
  });
}

/** The parts of `split` by name: fractions of the rows. */
function fractions(context: Context, value: Value, span: Span): Map<string, number> {
  if (value.kind !== "record")
    return stop(context, "T001", `split takes a record of fractions, found ${describe(value)}`, span, {
      help: "write split(data, { train: 80%, test: 20% })",
    });
  return new Map(
    [...value.fields].map(([name, part]) =>
      part.kind === "number"
        ? [name, part.value]
        : stop(context, "T001", `the part ${name} is a fraction, found ${describe(part)}`, span),
    ),
  );
}

export const datasets: Readonly<Record<string, Builtin>> = {
  dataset: {
    params: ["path", "tokenizer?", "length?", "stride?", "text?", "pair?", "prompt?", "label?", "classes?"],
    lifts: false,
    run(context, { values, span }) {
      if (!context.recipe) return stop(context, "T014", "dataset stands only in the body of a recipe", span);
      const { host } = context.session;
      const path = values.get("path")!;
      if (path.kind !== "string") return stop(context, "T001", `dataset takes a path, found ${describe(path)}`, span);
      if (host.dataset === undefined) return stop(context, "R043", "there are no data sets here", span);
      const options = new Map(
        [...values]
          .filter(([name]) => name !== "path")
          .map(([name, v]) => [
            name,
            v.kind === "string" || v.kind === "number"
              ? v.value
              : stop(context, "T001", `${name} is a text or a number, found ${describe(v)}`, span),
          ]),
      );
      const data = host.dataset(path.value, options, { file: context.file, span });
      const table = data.table ?? {
        rows: { kind: "range" as const, first: 0, count: 0 },
        columns: new Map(),
        texts: new Map(),
      };
      const how = [...options].map(([name, value]) => `${name}=${value}`).join(" ");
      const suffix = how === "" ? "" : ` (${how})`;
      return { kind: "table", table, splits: data.splits, source: data.id + suffix, label: path.value + suffix };
    },
  },
  split: {
    params: ["data", "parts", "shuffle?"],
    lifts: false,
    run(context, { values, span }) {
      const data = tableArg(context, values.get("data")!, "split", span);
      const parts = fractions(context, values.get("parts")!, span);
      const shuffle = values.get("shuffle") ?? { kind: "bool", value: true };
      if (shuffle.kind !== "bool") return stop(context, "T001", `shuffle is a Bool, found ${describe(shuffle)}`, span);
      const key = shuffle.value ? keyOf([String(context.session.seed), "split", data.label]) : null;
      let tables: ReadonlyMap<string, Table>;
      try {
        tables = splitTable(data.table, parts, key);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return stop(context, "R044", error.message, span, { help: "write split(data, { train: 80%, test: 20% })" });
      }
      const empty = [...tables].find(([, table]) => rowCount(table) === 0);
      if (empty !== undefined)
        return stop(context, "R044", `of ${rowCount(data.table)} rows the part ${empty[0]} gets none`, span, {
          help: "give it a larger fraction",
        });
      let at = 0;
      const fields = [...tables].map(([name, table]): [string, Value] => {
        const from = at;
        at += rowCount(table);
        const label = `${data.label}#${name} ${from}..${at}${shuffle.value ? " shuffled" : ""}`;
        return [name, { kind: "table", table, splits: new Map(), source: data.source, label }];
      });
      return { kind: "record", fields: new Map(fields) };
    },
  },
  draw: {
    params: ["data", "n", "i"],
    lifts: false,
    run(context, { values, span }) {
      const data = tableArg(context, values.get("data")!, "draw", span);
      const size = staticInt(context, values.get("n")!, span);
      const rows = rowCount(data.table);
      if (size < 1) return stop(context, "R044", `a batch of ${size} rows cannot be drawn`, span);
      const key = keyOf([String(context.session.seed), "rows", data.label]);
      const step = nodeOf(context, values.get("i")!, span);
      return rowsOf(context, data, makeNode(context, "draw_rows", [step], { rows, size, key: [...key] }, span), span);
    },
  },
};
