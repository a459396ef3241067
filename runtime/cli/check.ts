/**
 * `peftc check FILE…`: every mistake that can be found without reading a weight, in the texts and in the headers of the
 * checkpoints that the recipes load. Exit code 0 when there is none.
 */
import { type Diagnostic, visible } from "../../grammar/index.js";
import { type Checked, checkFile } from "../compile/index.js";
import { plural } from "../report/index.js";
import { isError, isFatal, jsonDiagnostics, tellDiagnostics } from "./diagnose.js";
import type { Arguments } from "./options.js";
import type { Terminal } from "./terminal.js";
import { exitCode } from "./usage.js";
import { isGiven, settingsOf, textOf } from "./values.js";

export function check(args: Arguments, terminal: Terminal): number {
  const strict = isGiven(args, "strict");
  const set = settingsOf(args);
  const results = args.operands.map((file) => checkFile({ file, recipe: textOf(args, "recipe"), set }));
  const failed = results.map((result) => isFatal(result.diagnostics, strict));
  if (isGiven(args, "json")) {
    const diagnostics = results.flatMap((result) => jsonDiagnostics(result.diagnostics, result.texts));
    terminal.print(JSON.stringify({ ok: !failed.includes(true), diagnostics }, null, 2));
  } else {
    const diagnostics: Diagnostic[] = results.flatMap((result) => result.diagnostics);
    const texts = new Map(results.flatMap((result) => [...result.texts]));
    tellDiagnostics(terminal, diagnostics, texts);
    results.forEach((result, i) => {
      if (!failed[i]) terminal.print(`${visible(args.operands[i])}: ${describe(result)}`);
    });
  }
  return failed.includes(true) ? exitCode.diagnostics : exitCode.done;
}

function describe({ definitions, recipes, diagnostics }: Checked): string {
  const warnings = diagnostics.filter((d) => !isError(d)).length;
  const parts = [`ok, ${plural(definitions, "definition")}`];
  if (recipes.length > 0) parts.push(`${plural(recipes.length, "recipe")} with checkpoints`);
  if (warnings > 0) parts.push(plural(warnings, "warning"));
  return parts.join(", ");
}
