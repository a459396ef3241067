/**
 * Files of other tools become recipes: `importMergekit`, `importAdapter`. Models are looked at where they are there; nothing
 * is run.
 */
import * as path from "node:path";
import { type Diagnostic, lineColumn } from "../../grammar/index.js";
import { readMergekit } from "./mergekit.js";
import { methodTable } from "./methods.js";
import { writeRecipe } from "./recipe.js";
import { readYaml } from "./yaml.js";

export { importAdapter } from "./adapter.js";
export { importCatalogue } from "./catalogue.js";
export { methodTable } from "./methods.js";

export interface ImportOptions {
  /** Path of the file, and its text. */
  readonly file: string;
  readonly text: string;
  /** The folder of the recipe. */
  readonly folder: string;
  readonly truncate: boolean;
}

export interface Imported {
  readonly text: string;
  /** What is left out or done otherwise. */
  readonly notes: readonly Diagnostic[];
}

/** The recipe of a mergekit file. Throws PeftError (M001 to M009). */
export function importMergekit({ file, text, folder, truncate }: ImportOptions): Imported {
  const table = methodTable("mergekit");
  const read = readMergekit(file, readYaml(file, text), table);
  const written = writeRecipe(read.merges, table, { file, folder: path.resolve(folder), truncate });
  const start = (n: Diagnostic) => n.primary.span?.start ?? 0;
  const notes = [...read.notes, ...written.notes].sort((a, b) => start(a) - start(b));
  const comments = notes.map((n) => `//   line ${lineOf(text, n)}: ${n.message}`);
  const head = [
    `// Imported from ${path.basename(file)}.${comments.length > 0 ? " Not as there:" : ""}`,
    ...comments,
    "",
  ];
  return { text: `${head.join("\n")}\n${written.text}`, notes };
}

function lineOf(text: string, { primary }: Diagnostic): number {
  return primary.span === null ? 1 : lineColumn(text, primary.span.start).line;
}
