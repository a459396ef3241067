/**
 * Opening a dataset. In: the path of a file or folder and what to make of its texts. Out: tables with their columns, as
 * values. Tables of tensors are known from their headers and stay on disk; records and texts are read, their numbers,
 * classes and tokens kept in memory. All splits of a dataset share classes and the length of token rows.
 */
import * as path from "node:path";
import type { Column, Dataset, Table } from "../../compiler/dataset/index.js";
import { type Diagnostic, diagnostic, fail, nearest } from "../../grammar/index.js";
import { quoteName } from "../checkpoint/index.js";
import { checkLabels } from "./checks.js";
import { cellValues, classColumn, classesOf, numberColumn } from "./columns.js";
import { parseCsv } from "./csv.js";
import { type Part, partsAt } from "./parts.js";
import { parseJsonLines, type Records } from "./records.js";
import { tensorTables } from "./tensor-tables.js";
import { at, readUtf8 } from "./text.js";
import { openTokenizer, type TextTokenizer } from "./tokenizer.js";
import { type TextRows, tokenColumns, tokenRows, tokenWindows, unknownCharacters } from "./tokens.js";

export interface DatasetOptions {
  /** Path of a tokenizer.json, or of the folder that holds it. */
  readonly tokenizer?: string;
  /** The field whose text becomes tokens; `text` by default. */
  readonly text?: string;
  /** The field with the second text of a pair. */
  readonly pair?: string;
  /** The field with the part before the text that is no label. */
  readonly prompt?: string;
  /** The field with the classes; by default `label` or `labels`, where there is one. */
  readonly label?: string;
  /** How many classes the labels may name: 0, …, classes - 1. */
  readonly classes?: number;
  /** Tokens a row; by default as many as the longest text has. */
  readonly length?: number;
  /** Tokens from one window of a text to the next; by default `length`. */
  readonly stride?: number;
}

export interface OpenedDataset extends Dataset {
  readonly tokenizer: TextTokenizer | null;
  readonly warnings: readonly Diagnostic[];
  /** Facts for the report: how much of a text no window holds. */
  readonly notes: readonly string[];
}

/** What the parts of one dataset have in common while it is opened. */
interface Opening {
  readonly options: DatasetOptions;
  readonly tokenizer: TextTokenizer | null;
  readonly warnings: Diagnostic[];
  readonly notes: string[];
}

/** Opens the dataset at `target`. Throws PeftError: D001 to D014, F0xx. */
export function openDataset(target: string, options: DatasetOptions = {}): OpenedDataset {
  const id = target === "" ? "" : path.resolve(target);
  const parts = partsAt(id);
  const tokenizer = options.tokenizer === undefined ? null : openTokenizer(options.tokenizer);
  const opening: Opening = { options, tokenizer, warnings: [], notes: [] };
  const whole: Table[] = [];
  const splits = new Map<string, Table>();
  const add = (split: string | null, table: Table): void => {
    if (split === null) whole.push(table);
    else splits.set(split, table);
  };
  const records: { readonly part: Part; readonly records: Records }[] = [];
  for (const part of parts) {
    if (part.format.kind === "tensors") {
      if (tokenizer !== null) needless(part.file);
      const tables = tensorTables(part.file);
      if (tables.table !== null) add(part.split, tables.table);
      for (const [name, table] of tables.splits) add(part.split === null ? name : `${part.split}.${name}`, table);
    } else if (part.format.kind === "text") add(part.split, textTable(part.file, opening));
    else records.push({ part, records: recordsOf(part) });
  }
  recordTables(
    records.map((one) => one.records),
    opening,
  ).forEach((table, i) => {
    add(records[i].part.split, table);
  });
  for (const table of [...whole, ...splits.values()]) checkClasses(id, table, options);
  return {
    id,
    path: target,
    table: whole[0] ?? null,
    splits,
    files: [...parts.map((part) => part.file), ...(tokenizer?.files ?? [])],
    tokenizer,
    warnings: opening.warnings,
    notes: opening.notes,
  };
}

function recordsOf({ file, format }: Part): Records {
  const text = readUtf8(file);
  return format.kind === "separated" ? parseCsv(file, text, format.separator) : parseJsonLines(file, text);
}

/** The tables of several files of records. */
function recordTables(all: readonly Records[], opening: Opening): Table[] {
  for (const { file, lines } of all)
    if (lines.length === 0) fail("D002", "the file holds no rows", at(file), { help: "write at least one row" });
  const { label, text = "text", pair, prompt } = opening.options;
  const isText = (name: string) => opening.tokenizer !== null && [text, pair, prompt].includes(name);
  const tokens = opening.tokenizer === null ? null : recordTokens(all, opening, opening.tokenizer);
  const numbers = all.map(
    (records) =>
      new Map(
        [...records.fields].map(([name, values]) => {
          const column = isText(name) ? null : numberColumn(name, records.cells ? cellValues(values) : values, records);
          return [name, column] as const;
        }),
      ),
  );
  const isLabel = (name: string) => (label === undefined ? name === "label" || name === "labels" : name === label);
  const classes = classesOf(
    all.flatMap((records, i) =>
      [...records.fields].flatMap(([name, values]) =>
        isLabel(name) && numbers[i].get(name) === null ? (values as readonly string[]) : [],
      ),
    ),
  );
  return all.map((records, i) => {
    if (label !== undefined) requireField(records, label);
    const columns = new Map<string, Column>();
    const texts = new Map<string, readonly string[]>();
    for (const [name, column] of numbers[i]) {
      if (column !== null) columns.set(name, column);
      else if (isLabel(name))
        columns.set(name, classColumn(records.file, name, records.fields.get(name) as string[], classes));
      else texts.set(name, records.fields.get(name) as string[]);
    }
    for (const column of tokens?.[i] ?? []) {
      if (columns.has(column.name))
        fail("D003", `the file has a column ${quoteName(column.name)} already`, at(records.file), {
          help: "leave out the tokenizer to use the column of the file, or rename the column",
        });
      columns.set(column.name, column);
    }
    return { rows: { kind: "range", first: 0, count: records.lines.length }, columns, texts };
  });
}

/** The token columns of each file. */
function recordTokens(all: readonly Records[], opening: Opening, tokenizer: TextTokenizer): Column[][] {
  const { text = "text", pair, prompt, length } = opening.options;
  const made = { pairs: pair !== undefined, prompts: prompt !== undefined };
  const rows = all.map((records) => {
    const sources: TextRows = {
      texts: wordsOf(records, text),
      pairs: pair === undefined ? null : wordsOf(records, pair),
      prompts: prompt === undefined ? null : wordsOf(records, prompt),
    };
    const tokens = tokenRows(sources, tokenizer);
    const texts = [...sources.texts, ...(sources.pairs ?? []), ...(sources.prompts ?? [])];
    const unknown = unknownCharacters(
      records.file,
      texts,
      tokens.map((row) => row.ids),
      tokenizer,
    );
    if (unknown !== null) opening.warnings.push(unknown);
    return tokens;
  });
  const longest = rows.flat().reduce((most, row) => Math.max(most, row.ids.length), 1);
  const width = length ?? longest;
  if (!(Number.isSafeInteger(width) && width >= 1))
    fail("D014", `expected a whole number from 1 on for the length of rows, found ${width}`, at(all[0].file), {
      help: "write length = 128, or leave it out to keep whole texts",
    });
  return rows.map((tokens, i) => {
    const cut = tokens.filter((row) => row.ids.length > width).length;
    if (cut > 0)
      opening.warnings.push(
        diagnostic("D016", `${cut} of ${tokens.length} texts are cut to ${width} tokens`, at(all[i].file), {
          severity: "warning",
          notes: [`the longest has ${longest} tokens`],
          help: `use length = ${longest}, or leave it out`,
        }),
      );
    return tokenColumns(all[i].file, tokens, width, tokenizer.padId ?? 0, made).map((column) =>
      column.name === "input_ids" ? { ...column, vocabulary: { size: tokenizer.size, file: tokenizer.file } } : column,
    );
  });
}

function textTable(file: string, opening: Opening): Table {
  const { tokenizer, options } = opening;
  if (tokenizer === null)
    fail("D007", "expected a tokenizer for a text", at(file), {
      help: 'write tokens("corpus.txt", tokenizer = "models/base", length = 128)',
    });
  if (options.length === undefined)
    fail("D014", "expected a length for the windows of a text", at(file), {
      help: 'write tokens("corpus.txt", tokenizer = "models/base", length = 128)',
    });
  const text = readUtf8(file);
  const { ids } = tokenizer.encode(text, { special: false });
  const unknown = unknownCharacters(file, [text], [ids], tokenizer);
  if (unknown !== null) opening.warnings.push(unknown);
  const { column, unused } = tokenWindows(file, ids, options.length, options.stride ?? options.length);
  if (unused > 0)
    opening.notes.push(`${path.basename(file)}: the last ${unused} of ${ids.length} tokens fill no window`);
  return {
    rows: { kind: "range", first: 0, count: column.shape[0] },
    columns: new Map([[column.name, { ...column, vocabulary: { size: tokenizer.size, file: tokenizer.file } }]]),
    texts: new Map(),
  };
}

function wordsOf(records: Records, name: string): readonly string[] {
  const values = requireField(records, name);
  if (values.every((value): value is string => typeof value === "string")) return values;
  const row = values.findIndex((value) => typeof value !== "string");
  fail("D006", `line ${records.lines[row]}: expected a text for ${quoteName(name)}`, at(records.file), {
    help: 'name the field with the text: text = "…"',
  });
}

function requireField(records: Records, name: string) {
  const values = records.fields.get(name);
  if (values !== undefined) return values;
  const names = [...records.fields.keys()];
  const near = nearest(name, names);
  fail("D008", `there is no field ${quoteName(name)}`, at(records.file), {
    help:
      near.length > 0
        ? `did you mean ${near.map(quoteName).join(" or ")}?`
        : `the file has ${names.slice(0, 12).map(quoteName).join(", ")}`,
  });
}

function checkClasses(id: string, table: Table, { label, classes }: DatasetOptions): void {
  if (classes === undefined) return;
  const name = label ?? ["label", "labels"].find((usual) => table.columns.has(usual));
  const column = name === undefined ? undefined : table.columns.get(name);
  if (column === undefined)
    fail("D008", `there is no column of labels${name === undefined ? "" : ` ${quoteName(name)}`}`, at(id), {
      help: `name it: label = "…"; the columns are ${[...table.columns.keys()].map(quoteName).join(", ")}`,
    });
  checkLabels(table, column, classes);
}

function needless(file: string): never {
  fail("D007", "a table of tensors has no texts for a tokenizer", at(file), { help: "leave the tokenizer out" });
}
