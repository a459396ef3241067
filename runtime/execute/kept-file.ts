/**
 * The file of results that later passes read: one for the whole run, in the system's folder for temporary files. In: a
 * program. Out: where each result stands in it. It is made when a program keeps something, and removed with the run.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Program } from "../../compiler/index.js";
import type { FileRange } from "./job.js";
import { temporaryFolder } from "./temporary.js";

export interface KeptFile {
  /** By index in Program.kept. */
  at(index: number): FileRange;
  named(name: string): FileRange;
  /** Removes the file. */
  close(): void;
}

export function keptFile({ kept }: Program): KeptFile {
  const folder = kept.length === 0 ? null : temporaryFolder();
  const file = folder === null ? "" : path.join(folder, "kept");
  let end = 0;
  const ranges = kept.map(({ bytes }): FileRange => {
    const offset = end;
    end += bytes;
    return { path: file, offset, bytes };
  });
  if (folder !== null) fs.writeFileSync(file, "");
  const byName = new Map(kept.map(({ name }, i) => [name, ranges[i]]));
  return {
    at: (index) => ranges[index],
    named: (name) => byName.get(name)!,
    close() {
      if (folder !== null) fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
