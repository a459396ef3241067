/**
 * `peftc plan FILE`: what a run of the recipe would read, compute and write, from headers alone. What would refuse the
 * run refuses the plan: a target that exists, too little memory or disk.
 */
import { PeftError } from "../../grammar/index.js";
import { compileFile } from "../compile/index.js";
import { prepare } from "../execute/index.js";
import { compileOptionsOf, prepareOptionsOf } from "./compile_options.js";
import { describeRun, planFacts, planLines, runLines } from "./describe_plan.js";
import { jsonDiagnostics, tellDiagnostics } from "./diagnose.js";
import type { Arguments } from "./options.js";
import type { Terminal } from "./terminal.js";
import { exitCode } from "./usage.js";
import { isGiven } from "./values.js";

export function plan(args: Arguments, terminal: Terminal): number {
  const options = prepareOptionsOf(args);
  const compiled = compileFile(compileOptionsOf(args));
  const json = isGiven(args, "json");
  let found = compiled.diagnostics;
  if (compiled.plan !== null) {
    try {
      const prepared = prepare(compiled, options);
      const facts = planFacts(compiled, compiled.plan, prepared);
      const run = describeRun(prepared);
      if (json) {
        const diagnostics = jsonDiagnostics(found, compiled.texts);
        terminal.print(JSON.stringify({ ok: true, ...facts, run, diagnostics }, null, 2));
      } else {
        tellDiagnostics(terminal, found, compiled.texts);
        terminal.print([...planLines(facts, compiled.file), "", ...runLines(run)].join("\n"));
      }
      return exitCode.done;
    } catch (error) {
      if (!(error instanceof PeftError)) throw error;
      found = [...found, ...error.diagnostics];
    }
  }
  if (json) terminal.print(JSON.stringify({ ok: false, diagnostics: jsonDiagnostics(found, compiled.texts) }, null, 2));
  else tellDiagnostics(terminal, found, compiled.texts);
  return exitCode.diagnostics;
}
