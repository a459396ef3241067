/**
 * Token columns. In: texts and a tokenizer. Out: `input_ids`, `attention_mask` and, where texts come in pairs,
 * `token_type_ids`, all I32 [rows, length]: every row filled up on the right with the padding token (0 where there is
 * none; the mask says which are real). `labels` are the ids with -100, which losses pass over, in place of padding and of
 * the prompt. One long text is cut into windows instead: `input_ids` only, since nothing is filled up.
 */
import type { Column } from "../../compiler/dataset/index.js";
import { type Diagnostic, diagnostic, fail, visible } from "../../grammar/index.js";
import { memoryColumn } from "./columns.js";
import { at } from "./text.js";
import type { TextTokenizer } from "./tokenizer.js";

/** What losses pass over. */
export const ignoredLabel = -100;

/** Bytes of one column that are kept in memory. */
const mostBytes = 2 ** 30;

export interface TextRows {
  readonly texts: readonly string[];
  readonly pairs: readonly string[] | null;
  readonly prompts: readonly string[] | null;
}

/** A row before it is filled up. `prompt` counts the first tokens that are no labels. */
interface TokenRow {
  readonly ids: readonly number[];
  readonly types: readonly number[];
  readonly prompt: number;
}

/** The tokens of each row, uncut. */
export function tokenRows(rows: TextRows, tokenizer: TextTokenizer): TokenRow[] {
  return rows.texts.map((text, row) => {
    if (rows.prompts !== null) {
      // The two parts are encoded apart, so that no token reaches over the border.
      const prompt = tokenizer.encode(rows.prompts[row], { special: true });
      const answer = tokenizer.encode(text, { special: false });
      const ids = [...prompt.ids, ...answer.ids];
      return { ids, types: ids.map(() => 0), prompt: prompt.ids.length };
    }
    const { ids, types } = tokenizer.encode(text, { pair: rows.pairs?.[row] });
    return { ids, types, prompt: 0 };
  });
}

/** Columns of `length` tokens a row; longer rows are cut on the right. */
export function tokenColumns(
  file: string,
  rows: readonly TokenRow[],
  length: number,
  padId: number,
  made: { readonly pairs: boolean; readonly prompts: boolean },
): Column[] {
  const fill = (value: (row: TokenRow, i: number) => number, rest: number): Int32Array => {
    const filled = new Int32Array(rows.length * length).fill(rest);
    rows.forEach((row, at) => {
      for (let i = 0; i < Math.min(length, row.ids.length); i++) filled[at * length + i] = value(row, i);
    });
    return filled;
  };
  const column = (name: string, values: Int32Array) => memoryColumn(file, name, "I32", [rows.length, length], values);
  const columns = [
    column(
      "input_ids",
      fill((row, i) => row.ids[i], padId),
    ),
    column(
      "attention_mask",
      fill(() => 1, 0),
    ),
  ];
  if (made.pairs)
    columns.push(
      column(
        "token_type_ids",
        fill((row, i) => row.types[i], 0),
      ),
    );
  if (made.prompts) {
    const labels = fill((row, i) => (i < row.prompt ? ignoredLabel : row.ids[i]), ignoredLabel);
    columns.push(column("labels", labels));
  }
  return columns;
}

export interface Windows {
  readonly column: Column;
  /** Tokens at the end that no window holds. */
  readonly unused: number;
}

/**
 * Windows of `length` tokens that begin every `stride` tokens, none of them filled up. Throws PeftError (D014) when not
 * one fits, or when they would take more than 1 GiB.
 */
export function tokenWindows(file: string, ids: readonly number[], length: number, stride: number): Windows {
  for (const [what, value] of [
    ["length", length],
    ["stride", stride],
  ] as const)
    if (!(Number.isSafeInteger(value) && value >= 1))
      fail("D014", `expected a whole number from 1 on for the ${what} of windows, found ${value}`, at(file), {
        help: "write tokens(path, tokenizer, length = 128, stride = 128)",
      });
  if (ids.length < length)
    fail("D014", `the text has ${ids.length} tokens, fewer than one window of ${length}`, at(file), {
      help: `use a length of at most ${ids.length}, or a longer text`,
    });
  const rows = Math.floor((ids.length - length) / stride) + 1;
  if (rows * length * 4 > mostBytes)
    fail("D014", `${rows} windows of ${length} tokens take more than 1 GiB`, at(file), {
      help: "use a larger stride: with stride = length no token is kept twice",
    });
  const values = new Int32Array(rows * length);
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < length; i++) values[row * length + i] = ids[row * stride + i];
  return {
    column: memoryColumn(file, "input_ids", "I32", [rows, length], values),
    unused: ids.length - ((rows - 1) * stride + length),
  };
}

/** A warning (D017) when texts hold characters that the tokenizer does not know; null when it knows all. */
export function unknownCharacters(
  file: string,
  texts: readonly string[],
  ids: Iterable<readonly number[]>,
  tokenizer: TextTokenizer,
): Diagnostic | null {
  const vanishing = [...new Set(texts.flatMap((text) => tokenizer.vanishing(text)))];
  let unknown = 0;
  if (tokenizer.unknownId !== null)
    for (const row of ids) for (const id of row) if (id === tokenizer.unknownId) unknown++;
  if (vanishing.length === 0 && unknown === 0) return null;
  const shown = vanishing.slice(0, 8).map((one) => `"${visible(one)}"`);
  const message =
    vanishing.length > 0
      ? `the tokenizer has no token for ${shown.join(", ")}${vanishing.length > 8 ? ` and ${vanishing.length - 8} more` : ""}: such characters vanish`
      : `the tokenizer does not know ${unknown} pieces of the text: each became the unknown token`;
  return diagnostic("D017", message, at(file), {
    severity: "warning",
    notes: [`the tokenizer is ${tokenizer.file}`],
    help: "use the tokenizer of the model, or take such characters out of the text",
  });
}
