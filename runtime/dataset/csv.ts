/**
 * Comma-separated values. In: a text. Out: records whose values are texts. The first row names the columns. Cells with
 * separators, quotes or line ends stand in double quotes, quotes inside them twice; rows end with LF or CR LF; blank
 * lines count for nothing; every row has as many cells as the first. Source: RFC 4180.
 */
import { fail } from "../../grammar/index.js";
import { quoteName } from "../checkpoint/index.js";
import type { Records } from "./records.js";
import { at } from "./text.js";

interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

/** The records of a CSV text; `separator` is one character. Throws PeftError (D005). */
export function parseCsv(file: string, text: string, separator: string): Records {
  const [header, ...rows] = rowsOf(file, text, separator);
  if (header === undefined) return { file, fields: new Map(), lines: [], cells: true };
  const names = header.cells.map((name) => name.trim());
  names.forEach((name, i) => {
    if (name === "" || names.indexOf(name) < i)
      wrong(
        file,
        header.line,
        name === "" ? `column ${i + 1} has no name` : `two columns are called ${quoteName(name)}`,
      );
  });
  for (const row of rows)
    if (row.cells.length !== names.length)
      wrong(file, row.line, `expected ${names.length} cells, found ${row.cells.length}`);
  return {
    file,
    fields: new Map(names.map((name, i) => [name, rows.map((row) => row.cells[i])] as const)),
    lines: rows.map((row) => row.line),
    cells: true,
  };
}

function wrong(file: string, line: number, what: string): never {
  fail("D005", `line ${line}: ${what}`, at(file), {
    help: 'name the columns in the first line; put cells with separators, quotes or line ends into double quotes, quotes in them twice ("a ""b"", c")',
  });
}

function rowsOf(file: string, text: string, separator: string): Row[] {
  const rows: Row[] = [];
  let cells: string[] = [];
  let line = 1;
  let began = 1;
  let position = 0;
  const plainEnd = new RegExp(`[${separator}\\n"]|$`, "g");
  while (position < text.length) {
    let cell: string;
    if (text[position] === '"') {
      const end = quotedEnd(text, position);
      if (end === null) wrong(file, line, "a quote is opened here and never closed");
      cell = text.slice(position + 1, end - 1).replaceAll('""', '"');
      line += cell.split("\n").length - 1;
      position = end;
      if (text.startsWith("\r\n", position)) position++;
      if (position < text.length && text[position] !== separator && text[position] !== "\n")
        wrong(file, line, `expected a separator after a closing quote, found ${quoteName(text[position])}`);
    } else {
      plainEnd.lastIndex = position;
      const end = plainEnd.exec(text)?.index ?? text.length;
      if (text[end] === '"') wrong(file, line, "a quote inside a cell that does not begin with one");
      cell = text.slice(position, end);
      if (text[end] !== separator && cell.endsWith("\r")) cell = cell.slice(0, -1);
      position = end;
    }
    cells.push(cell);
    const more = text[position] === separator;
    position++;
    if (more && position < text.length) continue;
    if (more) cells.push("");
    const blank = cells.length === 1 && cells[0].trim() === "";
    if (!blank) rows.push({ cells, line: began });
    cells = [];
    began = ++line;
  }
  return rows;
}

/** The position after the quote that closes the one at `start`; null when there is none. */
function quotedEnd(text: string, start: number): number | null {
  let quote = text.indexOf('"', start + 1);
  while (quote >= 0 && text[quote + 1] === '"') quote = text.indexOf('"', quote + 2);
  return quote < 0 ? null : quote + 1;
}
