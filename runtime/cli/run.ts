/**
 * `peftc run FILE`: compiles the recipe, runs it, and says what came of it: reported values and outputs on stdout,
 * progress and warnings on stderr. An interrupt stops the run and leaves nothing behind.
 */
import { type Diagnostic, PeftError } from "../../grammar/index.js";
import { type Compiled, compileFile } from "../compile/index.js";
import { Aborted, type LoopProgress, phaseOf, type RunResult, runPlan } from "../execute/index.js";
import { describeTraining, ProgressLine, summaryLines } from "../report/index.js";
import { compileOptionsOf, prepareOptionsOf } from "./compile_options.js";
import { exitCodeOf, isFatal, jsonDiagnostics, tellDiagnostics } from "./diagnose.js";
import type { Arguments } from "./options.js";
import { checkPage, writePage } from "./page.js";
import type { Terminal } from "./terminal.js";
import { exitCode, UsageError } from "./usage.js";
import { countOf, isGiven, textOf } from "./values.js";

export async function run(args: Arguments, terminal: Terminal): Promise<number> {
  const prepareOptions = prepareOptionsOf(args);
  const strict = isGiven(args, "strict");
  const json = isGiven(args, "json");
  const page = textOf(args, "report");
  if (page !== null) checkPage(page);
  const checkpoint = checkpointOf(args);
  const compiled = compileFile(compileOptionsOf(args));
  if (compiled.plan === null || isFatal(compiled.diagnostics, strict)) {
    tellFailed(terminal, compiled, compiled.diagnostics, json);
    return exitCode.diagnostics;
  }
  if (!json) tellDiagnostics(terminal, compiled.diagnostics, compiled.texts);
  const interrupt = new Interrupt();
  const now = () => performance.now() / 1000;
  const { tell: write, interactive, columns } = terminal;
  const progress = new ProgressLine({ write, terminal: interactive, columns, now });
  try {
    const result = await runPlan(compiled, {
      ...prepareOptions,
      strict,
      hash: !isGiven(args, "no-hash"),
      progress: (state) => progress.update(state),
      training: followLoops(progress, now),
      checkpoint,
      signal: interrupt.signal,
    });
    if (page !== null) await writePage(page, result.compiled, result);
    progress.end();
    tellResult(terminal, compiled, result, json);
    return exitCode.done;
  } catch (error) {
    progress.end();
    if (error instanceof Aborted) {
      const again = checkpoint === null ? "" : "; the same command goes on where it was";
      terminal.tell(`interrupted; what this run was writing is removed${again}\n`);
      return exitCode.interrupted;
    }
    if (!(error instanceof PeftError)) throw error;
    tellFailed(terminal, compiled, json ? [...compiled.diagnostics, ...error.diagnostics] : error.diagnostics, json);
    return exitCodeOf(error.diagnostics);
  } finally {
    interrupt.release();
  }
}

/** `--checkpoint`, `--checkpoint-every`. */
function checkpointOf(args: Arguments): { readonly folder: string; readonly every: number } | null {
  const folder = textOf(args, "checkpoint");
  const every = countOf(args, "checkpoint-every", 999_999_999);
  if (folder !== null) return { folder, every: every ?? 100 };
  if (every === null) return null;
  throw new UsageError("--checkpoint-every needs --checkpoint", "write --checkpoint FOLDER");
}

/** Shows running loops on the line; each has its own clock. */
function followLoops(progress: ProgressLine, now: () => number): (p: LoopProgress) => void {
  let began = now();
  return ({ loop, step, steps, logs }) => {
    if (step === 0) began = now();
    const line = { phase: phaseOf(loop), stepsDone: step, stepsTotal: steps, logs };
    progress.show(() => describeTraining({ ...line, seconds: now() - began }));
  };
}

function tellResult(terminal: Terminal, compiled: Compiled, result: RunResult, json: boolean): void {
  if (!json) {
    const told = new Set(compiled.diagnostics.map(({ message }) => message));
    const later = result.compiled.diagnostics.filter(({ message }) => !told.has(message));
    tellDiagnostics(terminal, [...later, ...result.diagnostics], compiled.texts);
    terminal.print(summaryLines(result).join("\n"));
    return;
  }
  const { outputs, reports, loops, device, seconds, peakMemory } = result;
  const followed = loops.length === 0 ? {} : { loops };
  const diagnostics = jsonDiagnostics([...result.compiled.diagnostics, ...result.diagnostics], compiled.texts);
  terminal.print(
    JSON.stringify({ ok: true, outputs, reports, ...followed, device, seconds, peakMemory, diagnostics }, null, 2),
  );
}

function tellFailed(terminal: Terminal, compiled: Compiled, found: readonly Diagnostic[], json: boolean): void {
  if (!json) {
    tellDiagnostics(terminal, found, compiled.texts);
    return;
  }
  const diagnostics = jsonDiagnostics(found, compiled.texts);
  terminal.print(
    JSON.stringify(
      { ok: false, outputs: [], reports: [], device: null, seconds: 0, peakMemory: 0, diagnostics },
      null,
      2,
    ),
  );
}

/** Turns the first SIGINT or SIGTERM into an abort; a second one ends the process at once. Lives as long as a run. */
class Interrupt {
  private readonly controller = new AbortController();
  private readonly onSignal = (): void => {
    if (this.controller.signal.aborted) process.exit(exitCode.interrupted);
    this.controller.abort();
  };

  constructor() {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, this.onSignal);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  release(): void {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, this.onSignal);
  }
}
