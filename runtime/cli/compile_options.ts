/** What commands that compile or run a recipe are given, from their options. */
import type { CompileOptions } from "../compile/index.js";
import type { PrepareOptions } from "../execute/index.js";
import type { Arguments } from "./options.js";
import { choiceOf, countOf, isGiven, settingsOf, sizeOf, textOf } from "./values.js";

/** The recipe of the first operand. */
export function compileOptionsOf(args: Arguments): CompileOptions {
  return { file: args.operands[0], recipe: textOf(args, "recipe"), set: settingsOf(args) };
}

/** Device, memory and targets of a run. */
export function prepareOptionsOf(args: Arguments): PrepareOptions {
  return {
    device: choiceOf(args, "device", ["auto", "cpu", "gpu"]),
    memory: sizeOf(args, "memory"),
    threads: countOf(args, "threads"),
    out: textOf(args, "out"),
    force: isGiven(args, "force"),
    chunk: sizeOf(args, "chunk"),
  };
}
