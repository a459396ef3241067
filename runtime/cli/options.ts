/**
 * The commands and their options, as rows of data: help, parsing and suggestions read the same tables. Nothing that a
 * command needs to do its work is loaded here.
 */

export interface OptionRow {
  readonly describe: string;
  /** How the value is named in the help; null: a switch without a value. */
  readonly value: string | null;
  readonly repeatable: boolean;
  /** A single letter for it. */
  readonly short?: string;
}

const withValue = (value: string, describe: string, repeatable = false): OptionRow => ({ describe, value, repeatable });
const flag = (describe: string): OptionRow => ({ describe, value: null, repeatable: false });

export const options = {
  set: withValue("name=value", "a value for an input of the recipe; may be given several times", true),
  recipe: withValue("name", "which recipe of the file"),
  device: withValue("auto|cpu|gpu", "where to compute"),
  memory: withValue("size", "memory that the run may take, such as 2GB"),
  threads: withValue("n", "threads of the CPU"),
  out: withValue("folder", "what relative paths of `save` are relative to; the recipe's folder if not given"),
  force: flag("replace outputs that are there already"),
  strict: flag("treat warnings as errors"),
  chunk: withValue("size", "bytes of a piece of a tensor, such as 1MiB"),
  "no-hash": flag("compute no digests"),
  report: withValue("file", "write a page of the results (.html): curves, values, outputs"),
  stage: withValue("name", "ast, typed, plan, ir, kernels, wgsl or wasm"),
  after: withValue("pass", "with --stage ir: the graph after this pass"),
  output: { ...withValue("file", "write the recipe to this file"), short: "o" },
  "truncate-embeddings": flag("cut all vocabularies to the smallest, as mergekit's --unsafe-truncate-embeddings"),
  checkpoint: withValue("folder", "keep the state of running loops there, and go on from it if there is one"),
  "checkpoint-every": withValue("n", "steps between two checkpoints (100)"),
  base: withValue("folder", "of an adapter: its base model, to say how much each weight changes"),
  json: flag("print JSON"),
  color: flag("colour messages; --no-color does not (by default on a terminal, unless NO_COLOR is set)"),
} as const satisfies Readonly<Record<string, OptionRow>>;

export type OptionName = keyof typeof options;

/** What a command is given. */
export interface Arguments {
  /** Paths, or the code to explain, in their order. */
  readonly operands: readonly string[];
  /** Values of options, as typed; a switch that is on has "". */
  readonly values: ReadonlyMap<OptionName, readonly string[]>;
}

export interface CommandRow {
  readonly operand: {
    readonly name: string;
    readonly describe: string;
    readonly count: "one" | "optional" | "many";
  } | null;
  readonly describe: string;
  readonly options: readonly OptionName[];
}

const compileOptions = ["set", "recipe"] as const;
const runOptions = ["device", "memory", "threads", "out", "force", "chunk"] as const;
const recipeFile = { name: "file", describe: "a .peft file", count: "one" } as const;

export const commands = {
  run: {
    operand: recipeFile,
    describe: "run a recipe and save what it makes",
    options: [
      ...compileOptions,
      ...runOptions,
      "strict",
      "no-hash",
      "report",
      "checkpoint",
      "checkpoint-every",
      "json",
    ],
  },
  check: {
    operand: { name: "file", describe: ".peft files", count: "many" },
    describe: "find mistakes without reading a weight",
    options: [...compileOptions, "strict", "json"],
  },
  plan: {
    operand: recipeFile,
    describe: "say what a run would read, compute and write",
    options: [...compileOptions, ...runOptions, "json"],
  },
  emit: {
    operand: recipeFile,
    describe: "print a stage of the compilation",
    options: [...compileOptions, "stage", "after"],
  },
  explain: {
    operand: { name: "code", describe: "the code of a message, such as T002", count: "optional" },
    describe: "explain a message, or list all codes",
    options: ["json"],
  },
  inspect: {
    operand: { name: "path", describe: "a folder or file of weights", count: "one" },
    describe: "show what is in a checkpoint or an adapter",
    options: ["base", "json"],
  },
  import: {
    operand: { name: "file", describe: "a mergekit file (YAML), or adapter_config.json", count: "one" },
    describe: "write the recipe that another tool's file stands for",
    options: ["output", "truncate-embeddings", "force"],
  },
  doctor: { operand: null, describe: "show what peftc finds on this machine", options: ["json"] },
  verify: {
    operand: { name: "folder", describe: "a saved output", count: "one" },
    describe: "compare an output with its receipt",
    options: ["json"],
  },
} as const satisfies Readonly<Record<string, CommandRow>>;

export type CommandName = keyof typeof commands;
