/**
 * Failures of files, told where a text asks for the file. In: what went wrong at a path, and the place in a `.peft`
 * file that names it. Out: the same diagnostics with that place first and the facts about the file as notes.
 */
import type { Diagnostic, Location, PeftError } from "../../grammar/index.js";

/** Moves each diagnostic of `error` to `place`; code, message and help stay. */
export function blamePlace(error: PeftError, place: Location, label: string): Diagnostic[] {
  return error.diagnostics.map((d) => ({
    ...d,
    primary: { ...place, text: label },
    others: d.others.filter((other) => other.span !== null),
    notes: [
      ...(d.message.includes(d.primary.file) ? [] : [`found in ${d.primary.file}`]),
      ...(d.primary.text === "" ? [] : [d.primary.text]),
      ...d.notes,
    ],
  }));
}
