/**
 * One command, from its words to its exit code. In: the words after `peftc`. Out: the exit code; whatever goes wrong is
 * told on stderr. Each command is loaded when it is asked for.
 */
import type { Arguments, CommandName } from "./options.js";
import { parseCommandLine, UnknownWord } from "./parse.js";
import { ignoreClosedPipes, processTerminal, type Terminal } from "./terminal.js";
import { exitCode, UsageError } from "./usage.js";

/** What the file of a command exports. */
export type Command = (args: Arguments, terminal: Terminal) => Promise<number> | number;

const load: Readonly<Record<CommandName, () => Promise<Command>>> = {
  run: async () => (await import("./run.js")).run,
  check: async () => (await import("./check.js")).check,
  plan: async () => (await import("./plan.js")).plan,
  emit: async () => (await import("./emit.js")).emit,
  explain: async () => (await import("./explain.js")).explain,
  inspect: async () => (await import("./inspect.js")).inspect,
  import: async () => (await import("./import.js")).importFile,
  doctor: async () => (await import("./doctor.js")).doctor,
  verify: async () => (await import("./verify.js")).verify,
};

/** Runs a command line and gives its exit code. */
export async function dispatch(words: readonly string[]): Promise<number> {
  ignoreClosedPipes();
  let terminal = processTerminal(null);
  try {
    const invocation = await parseCommandLine(words);
    if (invocation === null) return exitCode.done;
    const color = invocation.arguments.values.get("color");
    if (color !== undefined) terminal = processTerminal(color[0] !== "no");
    const command = await load[invocation.command]();
    return await command(invocation.arguments, terminal);
  } catch (error) {
    return tellFailure(error, terminal);
  }
}

async function tellFailure(error: unknown, terminal: Terminal): Promise<number> {
  if (error instanceof UsageError) {
    const help = error instanceof UnknownWord ? await nearestHelp(error) : error.help;
    terminal.tell(`error: ${error.message}\n${help === null ? "" : `  = help: ${help}\n`}`);
    return exitCode.usage;
  }
  const { PeftError } = await import("../../grammar/index.js");
  if (error instanceof PeftError) {
    const { exitCodeOf, tellDiagnostics } = await import("./diagnose.js");
    tellDiagnostics(terminal, error.diagnostics, new Map());
    return exitCodeOf(error.diagnostics);
  }
  terminal.tell(`error: peftc failed in a way that it should not; please report this\n${stackOf(error)}\n`);
  return exitCode.failure;
}

async function nearestHelp(error: UnknownWord): Promise<string | null> {
  const { nearest } = await import("../../grammar/index.js");
  const [near] = nearest(error.word, error.candidates, 1);
  return near === undefined ? error.help : error.suggestion(near);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
