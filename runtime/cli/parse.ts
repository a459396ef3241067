/**
 * Words of a command line to a command and its arguments. In: the words after `peftc`. Out: a command, or null when help
 * was asked for and printed. Throws UsageError for everything that is not in the tables of options.ts, with the nearest
 * thing that is.
 */
import yargs from "yargs";
import {
  type Arguments,
  type CommandName,
  type CommandRow,
  commands,
  type OptionName,
  type OptionRow,
  options,
} from "./options.js";
import { UsageError } from "./usage.js";

export interface Invocation {
  readonly command: CommandName;
  readonly arguments: Arguments;
}

const commandNames = Object.keys(commands) as CommandName[];
const everywhere: readonly OptionName[] = ["color"];

/** Reads a command line. Prints help to stdout when it is asked for. */
export async function parseCommandLine(words: readonly string[]): Promise<Invocation | null> {
  let chosen: Invocation | null = null;
  const parser = yargs([...words])
    .scriptName("peftc")
    .usage("peftc: .peft recipes become merged models\n\nUsage: $0 <command> [options]")
    .epilogue("peftc <command> --help shows the options of a command, peftc --version the version.")
    .parserConfiguration({
      "camel-case-expansion": false,
      "dot-notation": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
      "duplicate-arguments-array": true,
      "greedy-arrays": false,
      "strip-aliased": true,
    })
    .detectLocale(false)
    .version(false)
    .help("help", "show help")
    .alias("help", "h")
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message, error) => {
      // yargs has an error type for its own complaints; any other comes from the code below.
      if (error !== undefined && error.name !== "YError") throw error;
      throw new UsageError(lowerFirst(message ?? error?.message ?? "the command cannot be read"));
    });
  // The rows of other commands are needed for help and mistakes alone.
  const named = commandNames.filter((name) => name === words[0]);
  for (const name of named.length > 0 ? named : commandNames) {
    const row: CommandRow = commands[name];
    parser.command({
      command: signature(name, row),
      describe: row.describe,
      builder: (command) => {
        if (row.operand !== null)
          command.positional(row.operand.name, { type: "string", describe: row.operand.describe });
        for (const option of allowed(row)) {
          const { describe, value, short }: OptionRow = options[option];
          command.option(option, {
            ...(short === undefined ? {} : { alias: short }),
            describe: value === null ? describe : `${value}: ${describe}`,
            type: value === null ? "boolean" : "string",
            requiresArg: value !== null,
          });
        }
        return command;
      },
      handler: (parsed) => {
        chosen = { command: name, arguments: readArguments(name, row, parsed) };
      },
    });
  }
  const parsed = (await parser.parseAsync()) as Readonly<Record<string, unknown>>;
  if (chosen !== null || parsed.help === true) return chosen;
  const given = (parsed._ as unknown[]).map(String);
  if (given.length > 0) throw unknownCommand(given[0]);
  throw new UsageError("no command is given", `one of ${commandNames.join(", ")}; see peftc --help`);
}

function signature(name: string, { operand }: CommandRow): string {
  if (operand === null) return name;
  return `${name} ${{ one: `<${operand.name}>`, optional: `[${operand.name}]`, many: `<${operand.name}..>` }[operand.count]}`;
}

function allowed(row: CommandRow): readonly OptionName[] {
  return [...row.options, ...everywhere];
}

function readArguments(command: CommandName, row: CommandRow, parsed: Readonly<Record<string, unknown>>): Arguments {
  const own = allowed(row);
  const values = new Map<OptionName, readonly string[]>();
  const operand = row.operand?.name ?? null;
  for (const [key, value] of Object.entries(parsed)) {
    if (key === "_" || key === "$0" || key === "help" || key === operand || value === undefined) continue;
    const option = optionOf(key, value, own);
    if (option === null) throw unknownOption(command, key, own);
    const given = (Array.isArray(value) ? value : [value]).map((each) => (typeof each === "string" ? each : ""));
    if (given.length > 1 && !options[option].repeatable)
      throw new UsageError(`--${option} is given ${given.length} times`);
    if (options[option].value !== null || option === "color" || isOn(key, value)) values.set(option, given);
  }
  if (parsed.color === false) values.set("color", ["no"]);
  const extra = (parsed._ as unknown[]).slice(1).map(String);
  if (extra.length > 0)
    throw new UsageError(`${command} takes no ${JSON.stringify(extra[0])}`, `see peftc ${command} --help`);
  const operands = operand === null || parsed[operand] === undefined ? [] : [parsed[operand]].flat().map(String);
  return { operands, values };
}

/** `--no-hash` arrives as `hash: false`. */
function optionOf(key: string, value: unknown, own: readonly OptionName[]): OptionName | null {
  const names: readonly string[] = own;
  if (names.includes(key)) return key as OptionName;
  const negated = `no-${key}`;
  return typeof value === "boolean" && names.includes(negated) ? (negated as OptionName) : null;
}

function isOn(key: string, value: unknown): boolean {
  return Object.hasOwn(options, key) ? value === true : value === false;
}

function unknownOption(command: CommandName, key: string, own: readonly OptionName[]): UsageError {
  const written = `${key.length === 1 ? "-" : "--"}${key}`;
  return new UnknownWord(
    `${command} has no option ${written}`,
    key,
    own,
    (near) => `did you mean --${near}?`,
    `see peftc ${command} --help`,
  );
}

function unknownCommand(word: string): UsageError {
  return new UnknownWord(
    `there is no command ${JSON.stringify(word)}`,
    word,
    commandNames,
    (near) => `did you mean peftc ${near}?`,
    word.endsWith(".peft") ? `write peftc run ${word}` : `the commands are ${commandNames.join(", ")}`,
  );
}

/** A word that is in no table; the words of the table are kept, so that a near one can be found where messages are made. */
export class UnknownWord extends UsageError {
  constructor(
    message: string,
    readonly word: string,
    readonly candidates: readonly string[],
    readonly suggestion: (near: string) => string,
    otherwise: string,
  ) {
    super(message, otherwise);
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
