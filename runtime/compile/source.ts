/**
 * Reading `.peft` files. In: a path. Out: its text. Only regular files of a sane size in UTF-8 are read; a byte order
 * mark at the start is dropped.
 */
import { fail } from "../../grammar/index.js";
import { readText } from "../checkpoint/index.js";

const largestSource = 4 * 1024 * 1024;

/** The text of the file at `path`. Throws PeftError: F001 to F005, C001. */
export function readSource(path: string): string {
  const text = readText(path, largestSource);
  if (text === null) {
    fail(
      "C001",
      "expected a text in UTF-8, found other bytes",
      { file: path, span: null },
      {
        help: "save the file as UTF-8, or name the .peft file that you mean",
      },
    );
  }
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}
