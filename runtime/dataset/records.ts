/**
 * Records: rows with named fields, as JSONL and CSV files hold them. In: a file's text. Out: for each field the values
 * of all rows, in order, and the line of each row. JSONL has one object a line with the same fields everywhere; CSV has
 * its names in the first line (csv.ts).
 */
import { fail } from "../../grammar/index.js";
import { type Json, type JsonNode, type JsonObject, parseJson, plainJson, quoteName } from "../checkpoint/index.js";
import { at, linesOf } from "./text.js";

export interface Records {
  readonly file: string;
  /** By the name of the field, in the order of the first row; one value a row. */
  readonly fields: ReadonlyMap<string, readonly Json[]>;
  /** The line where each row begins, from 1. */
  readonly lines: readonly number[];
  /** Whether all values are texts, because the format knows nothing else. */
  readonly cells: boolean;
}

/**
 * The records of a JSONL text. Throws PeftError: D004 for a line that is no JSON object, D006 where fields differ from
 * those of the first row.
 */
export function parseJsonLines(file: string, text: string): Records {
  const lines = linesOf(text);
  const fields = new Map<string, Json[]>();
  lines.forEach((line, row) => {
    const record = parseLine(file, line.text, line.number);
    if (row === 0) for (const name of record.keys()) fields.set(name, []);
    for (const [name, values] of fields) {
      const member = record.get(name);
      if (member === undefined)
        fail("D006", `line ${line.number} has no ${quoteName(name)}, which line ${lines[0].number} has`, at(file), {
          help: "give every row the same fields",
        });
      values.push(plainJson(member.value));
    }
    for (const name of record.keys())
      if (!fields.has(name))
        fail("D006", `line ${line.number} has the field ${quoteName(name)}, which earlier lines lack`, at(file), {
          help: "give every row the same fields",
        });
  });
  return { file, fields, lines: lines.map((line) => line.number), cells: false };
}

function parseLine(file: string, text: string, number: number): JsonObject {
  const parsed = parseJson(text, { python: true });
  if (!parsed.ok) {
    const wrong = parsed.duplicate ? `the field ${quoteName(parsed.message)} stands there twice` : parsed.message;
    fail("D004", `line ${number}, column ${parsed.offset + 1}: ${wrong}`, at(file), {
      help: 'write one JSON object a line, as {"text": "…", "label": 0}',
    });
  }
  if (!isObject(parsed.value))
    fail(
      "D004",
      `line ${number}: expected an object, found ${JSON.stringify(plainJson(parsed.value)).slice(0, 40)}`,
      at(file),
      {
        help: 'write one JSON object a line, as {"text": "…", "label": 0}',
      },
    );
  return parsed.value;
}

function isObject(node: JsonNode): node is JsonObject {
  return node instanceof Map;
}
