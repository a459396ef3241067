/**
 * Texts of a dataset. In: a path. Out: the whole file as UTF-8 without its byte order mark, and its lines with their
 * numbers. A dataset of text is read when it is opened, since its tokens decide how many rows there are.
 */
import { fail, type Location } from "../../grammar/index.js";
import { readText } from "../checkpoint/index.js";

/** Bytes. A string of JavaScript cannot be much longer. */
const longestText = 500_000_000;

/** The place of a diagnostic about a file. */
export function at(file: string): Location {
  return { file, span: null };
}

/** The text of a file. Throws PeftError: F001 to F005 when it cannot be read, D013 when it is not UTF-8. */
export function readUtf8(file: string): string {
  const text = readText(file, longestText);
  if (text === null)
    fail("D013", "expected a text in UTF-8, found other bytes", at(file), {
      help: "write the file again in UTF-8 (`iconv -f latin1 -t utf-8`)",
    });
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

/** The lines that are not blank; LF and CR LF end a line. */
export function linesOf(text: string): Line[] {
  return text
    .split("\n")
    .map((line, i) => ({ text: line.endsWith("\r") ? line.slice(0, -1) : line, number: i + 1 }))
    .filter((line) => line.text.trim() !== "");
}
