/**
 * Diagnostics as text: message, code frames, notes, help.
 *
 * In: a diagnostic and the texts of the files it points into. Out: lines for a terminal, or for a log without colour.
 * A frame shows the line of every label, with the lines in between left out; labels of one line share its marks. The
 * text shown comes from strangers' files, so control characters and direction marks are replaced, and long lines are
 * cut around what is marked.
 */
import type { Diagnostic, Label } from "./diagnostic.js";
import { type LineTable, lineTable } from "./lines.js";

export interface FrameOptions {
  readonly color: boolean;
}

interface Mark {
  /** Columns of the shown line, half-open, at least one wide. */
  from: number;
  to: number;
  readonly text: string;
  readonly primary: boolean;
}

/** Columns that a line may fill before it is cut. */
const width = 140;
/** Columns kept before the first mark of a line that is cut. */
const lead = 40;
const tabWidth = 4;

const codes = { red: 31, yellow: 33, blue: 34, cyan: 36, bold: 1 } as const;
type Paint = (style: keyof typeof codes, text: string) => string;

const plainPaint: Paint = (_, text) => text;
const colorPaint: Paint = (style, text) => (text === "" ? "" : `\u001b[${codes[style]}m${text}\u001b[0m`);

/**
 * Renders one diagnostic, without a final newline. `texts` maps the `file` of a location to its text; a location whose
 * file is not in it, or whose span is null, is printed as the file's name alone.
 */
export function renderDiagnostic(d: Diagnostic, texts: ReadonlyMap<string, string>, options: FrameOptions): string {
  const paint = options.color ? colorPaint : plainPaint;
  const tone = d.severity === "error" ? "red" : "yellow";
  const lines = [`${paint(tone, `${d.severity}[${visible(d.code)}]`)}${paint("bold", `: ${visible(d.message)}`)}`];
  const files = new Map<string, Label[]>();
  for (const label of [d.primary, ...d.others]) {
    const labels = files.get(label.file);
    if (labels === undefined) files.set(label.file, [label]);
    else labels.push(label);
  }
  const tables = new Map<string, LineTable>();
  for (const file of files.keys()) {
    const text = texts.get(file);
    if (text !== undefined) tables.set(file, lineTable(text));
  }
  const gutter = gutterOf(files, tables);
  const margin = " ".repeat(gutter);
  let first = true;
  for (const [file, labels] of files) {
    // What concerns the run as a whole is in no file.
    if (file === "") continue;
    const arrow = paint("blue", `${margin}${first ? "-->" : ":::"}`);
    lines.push(...fileFrame(file, labels, tables.get(file), d, gutter, arrow, paint, tone));
    first = false;
  }
  for (const note of d.notes) lines.push(...remark(margin, "note", note, paint));
  if (d.help !== null) lines.push(...remark(margin, "help", d.help, paint));
  return lines.join("\n");
}

function gutterOf(files: ReadonlyMap<string, readonly Label[]>, tables: ReadonlyMap<string, LineTable>): number {
  let largest = 1;
  for (const [file, labels] of files) {
    const table = tables.get(file);
    if (table === undefined) continue;
    for (const label of labels)
      if (label.span !== null) largest = Math.max(largest, table.lineOf(label.span.start) + 1);
  }
  return String(largest).length;
}

function remark(margin: string, word: string, text: string, paint: Paint): string[] {
  const [head, ...rest] = text.split("\n").map(visible);
  const indent = " ".repeat(word.length + 2);
  return [
    `${margin} ${paint("blue", "=")} ${paint(word === "help" ? "cyan" : "bold", word)}: ${head}`,
    ...rest.map((line) => `${margin}   ${indent}${line}`),
  ];
}

function fileFrame(
  file: string,
  labels: readonly Label[],
  table: LineTable | undefined,
  d: Diagnostic,
  gutter: number,
  arrow: string,
  paint: Paint,
  tone: "red" | "yellow",
): string[] {
  const placed = labels.filter((label) => label.span !== null);
  if (table === undefined || placed.length === 0) {
    return [
      `${arrow} ${visible(file)}`,
      ...labels
        .filter((l) => l.text !== "")
        .map((l) => `${" ".repeat(gutter)} ${paint("blue", "|")} ${visible(l.text)}`),
    ];
  }
  const bar = paint("blue", `${" ".repeat(gutter)} |`);
  const { line, column } = table.position(placed[0].span!.start);
  const out = [`${arrow} ${visible(file)}:${line}:${column}`, bar];
  const byLine = new Map<number, Label[]>();
  for (const label of placed) {
    const at = table.lineOf(label.span!.start);
    byLine.set(at, [...(byLine.get(at) ?? []), label]);
  }
  let before: number | null = null;
  for (const at of [...byLine.keys()].sort((a, b) => a - b)) {
    if (before !== null && at === before + 2)
      out.push(numbered(before + 1, gutter, clipped(table.text(before + 1), []).shown, paint));
    else if (before !== null && at > before + 1) out.push(paint("blue", "..."));
    const start = table.starts[at];
    const text = table.text(at);
    const marks = byLine.get(at)!.map((label): Mark => {
      const from = columnsOf(text, label.span!.start - start);
      const to = columnsOf(text, Math.min(label.span!.end - start, text.length));
      return { from, to: Math.max(to, from + 1), text: visible(label.text), primary: label === d.primary };
    });
    const cut = clipped(text, marks);
    out.push(numbered(at, gutter, cut.shown, paint));
    for (const row of markRows(cut.marks, paint, tone)) out.push(`${bar} ${row}`);
    before = at;
  }
  for (const label of labels) if (label.span === null && label.text !== "") out.push(`${bar} ${visible(label.text)}`);
  return out;
}

function numbered(line: number, gutter: number, text: string, paint: Paint): string {
  const number = paint("blue", `${String(line + 1).padStart(gutter)} |`);
  return text === "" ? number : `${number} ${text}`;
}

/** The underline row of a line, and one row for each label that does not fit beside it. */
function markRows(marks: readonly Mark[], paint: Paint, tone: "red" | "yellow"): string[] {
  const sorted = [...marks].sort((a, b) => a.from - b.from || Number(b.primary) - Number(a.primary));
  const end = Math.max(...sorted.map((mark) => mark.to));
  const cells: { sign: string; primary: boolean }[] = Array.from({ length: end }, () => ({
    sign: " ",
    primary: false,
  }));
  // Primary marks are drawn last, over the others.
  for (const mark of [...sorted].sort((a, b) => Number(a.primary) - Number(b.primary))) {
    for (let i = mark.from; i < mark.to; i++) cells[i] = { sign: mark.primary ? "^" : "-", primary: mark.primary };
  }
  const color = (primary: boolean) => (primary ? tone : "blue");
  const last = sorted[sorted.length - 1];
  const beside = last.to === end ? last : null;
  let row = cells.map((cell) => (cell.sign === " " ? " " : paint(color(cell.primary), cell.sign))).join("");
  if (beside !== null && beside.text !== "") row += ` ${paint(color(beside.primary), beside.text)}`;
  const rows = [row];
  const hanging = sorted.filter((mark) => mark !== beside && mark.text !== "");
  for (let i = hanging.length - 1; i >= 0; i--) {
    let line = "";
    let at = 0;
    for (const mark of hanging.slice(0, i)) {
      if (mark.from < at) continue;
      line += " ".repeat(mark.from - at) + paint(color(mark.primary), "|");
      at = mark.from + 1;
    }
    const { from, text, primary } = hanging[i];
    rows.push(line + " ".repeat(Math.max(0, from - at)) + paint(color(primary), text));
  }
  return rows;
}

/** How many columns the first `units` UTF-16 units of a line fill. */
function columnsOf(line: string, units: number): number {
  let columns = 0;
  for (const character of line.slice(0, units)) columns += character === "\t" ? tabWidth : 1;
  return columns;
}

/** Cuts a long line around its marks, and moves the marks along. */
function clipped(line: string, marks: readonly Mark[]): { shown: string; marks: Mark[] } {
  const characters: string[] = [];
  const first = marks.length === 0 ? 0 : Math.min(...marks.map((mark) => mark.from));
  const skip = first > width - lead ? first - lead : 0;
  let column = 0;
  for (const character of line) {
    const wide = character === "\t" ? tabWidth : 1;
    for (let i = 0; i < wide; i++, column++)
      if (column >= skip) characters.push(character === "\t" ? " " : visible(character));
    if (characters.length > width) break;
  }
  const long = characters.length > width;
  const text = characters.slice(0, width).join("").trimEnd();
  const moved = marks.map((mark) => {
    const from = Math.min(mark.from - skip, width - 1);
    return { ...mark, from, to: Math.max(from + 1, Math.min(mark.to - skip, width)) };
  });
  if (skip === 0) return { shown: long ? `${text}…` : text, marks: moved };
  const shifted = moved.map((mark) => ({ ...mark, from: mark.from + 1, to: mark.to + 1 }));
  return { shown: long ? `…${text}…` : `…${text}`, marks: shifted };
}

/** Replaces what a terminal would obey: control characters, direction marks, lone surrogates. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Bidi_Control}\ufeff]/gu, (character) => {
    const code = character.codePointAt(0)!;
    if (code === 0x09) return " ";
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? "\u2421" : "\ufffd";
  });
}
