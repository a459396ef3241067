/**
 * `peftc import FILE`: another tool's file becomes a recipe. The recipe goes to stdout or, with `-o`, to a file; what is left
 * out or done otherwise is told on stderr and stands in the recipe too.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { fail, PeftError } from "../../grammar/index.js";
import { readText } from "../checkpoint/index.js";
import { importAdapter, importMergekit } from "../import/index.js";
import { exitCodeOf, tellDiagnostics } from "./diagnose.js";
import type { Arguments } from "./options.js";
import type { Terminal } from "./terminal.js";
import { exitCode, UsageError } from "./usage.js";
import { isGiven } from "./values.js";

const largestFile = 1024 * 1024;

export function importFile(args: Arguments, terminal: Terminal): number {
  const [file] = args.operands;
  const target = args.values.get("output")?.[0] ?? null;
  if (target !== null && !target.endsWith(".peft"))
    throw new UsageError(`--output names a .peft file, not ${JSON.stringify(target)}`);
  const text = readText(file, largestFile);
  const texts = new Map(text === null ? [] : [[file, text]]);
  try {
    if (text === null) return fail("M001", "expected a text in UTF-8, found other bytes", { file, span: null });
    const folder = path.resolve(path.dirname(target ?? file));
    const { text: recipe, notes } = file.endsWith(".json")
      ? importAdapter(path.resolve(file), text, folder)
      : importMergekit({ file, text, folder, truncate: isGiven(args, "truncate-embeddings") });
    if (target === null) terminal.print(recipe.trimEnd());
    else write(target, recipe, isGiven(args, "force"));
    tellDiagnostics(terminal, notes, texts);
    return exitCode.done;
  } catch (error) {
    if (!(error instanceof PeftError)) throw error;
    tellDiagnostics(terminal, error.diagnostics, texts);
    return exitCodeOf(error.diagnostics);
  }
}

function write(target: string, recipe: string, force: boolean): void {
  if (!force && fs.existsSync(target))
    throw new UsageError(`${target} exists already`, "name another file, or replace it with --force");
  try {
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, recipe);
  } catch (error) {
    throw new UsageError(`${target} cannot be written: ${(error as Error).message}`);
  }
}
