/** Builtin functions of data sets: `dataset` opens one, `draw` takes batch i of a shuffled table, `rowsOf` takes given rows. */
import type { Span } from "../../../grammar/index.js";
import { nearest } from "../../../grammar/index.js";
import { rowCount, rowShape } from "../../dataset/index.js";
import type { Node } from "../../ir/index.js";
import { type Context, numbered, stop } from "../context.js";
import { staticInt } from "../evaluate.js";
import { makeNode, nodeOf } from "../operators.js";
import { describe, type RecordValue, type TableValue, tensor, type Value } from "../value.js";
import type { Builtin } from "./builtin.js";
import { keyOf } from "./random.js";

/** The rows `numbers` (i32) of a table: a record of its columns. */
export function rowsOf(context: Context, data: TableValue, numbers: Node, span: Span): RecordValue {
  const { table } = data;
  if (table.rows.kind !== "range")
    return stop(context, "R042", "a table that is a choice of rows cannot be drawn from in this version", span);
  const { first } = table.rows;
  const at =
    first === 0 ? numbers : makeNode(context, "add", [numbers, context.graph.constant(first)], undefined, span);
  const fields = [...table.columns].map(([name, column]): [string, Value] => {
    const source = `${data.source}#${name}`;
    context.session.columns.set(source, column);
    const whole = context.graph.input({ source, name, dtype: column.dtype, shape: column.shape });
    const taken = makeNode(
      context,
      "take",
      [
        rowShape(column).length === 0
          ? makeNode(context, "reshape", [whole], { shape: [column.shape[0], 1] }, span)
          : whole,
        at,
      ],
      {},
      span,
    );
    return [
      name,
      tensor(
        rowShape(column).length === 0
          ? makeNode(context, "reshape", [taken], { shape: [...numbers.shape] }, span)
          : taken,
      ),
    ];
  });
  return { kind: "record", fields: new Map(fields) };
}

/** A split of a data set by name, or a column of it as a whole. */
export function tableField(context: Context, data: TableValue, name: string, span: Span): Value {
  const split = data.splits.get(name);
  if (split !== undefined) return { kind: "table", table: split, splits: new Map(), source: `${data.source}#${name}` };
  const column = data.table.columns.get(name);
  if (column !== undefined) {
    const source = `${data.source}#${name}`;
    context.session.columns.set(source, column);
    return tensor(context.graph.input({ source, name, dtype: column.dtype, shape: column.shape }));
  }
  const names = [...data.splits.keys(), ...data.table.columns.keys()];
  return stop(context, "N003", `the data set has no split or column ${name}`, span, {
    help: `it has ${(nearest(name, names).length > 0 ? nearest(name, names) : names).join(", ")}`,
  });
}

export function rowsIn(data: TableValue): number {
  return rowCount(data.table);
}

export const datasets: Readonly<Record<string, Builtin>> = {
  dataset: {
    params: ["path", "tokenizer?", "length?", "stride?", "text?", "label?"],
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
      return { kind: "table", table, splits: data.splits, source: data.id };
    },
  },
  draw: {
    params: ["data", "n", "i"],
    lifts: false,
    run(context, { values, span }) {
      const data = values.get("data")!;
      if (data.kind !== "table")
        return stop(context, "T001", `draw takes a table of a data set, found ${describe(data)}`, span, {
          help: "name its split: draw(digits.train, 32, i)",
        });
      const size = staticInt(context, values.get("n")!, span);
      const rows = rowCount(data.table);
      if (size < 1 || rows < 1)
        return stop(context, "R044", `a batch of ${size} rows cannot be drawn from ${rows}`, span);
      const key = keyOf([String(context.session.seed), "rows", data.source, numbered(context, "draw")]);
      const step = nodeOf(context, values.get("i")!, span);
      return rowsOf(context, data, makeNode(context, "draw_rows", [step], { rows, size, key: [...key] }, span), span);
    },
  },
};
