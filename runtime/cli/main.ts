#!/usr/bin/env node
/**
 * The program `peftc`. In: the words of the command line. Out: an exit code: 0 done, 1 a mistake in a recipe or its
 * inputs, 2 a mistake in the command, 3 a device or disk that failed, 130 interrupted. `--version` loads nothing else.
 */
import { packageVersion } from "../installation/index.js";

const words = process.argv.slice(2);
if (words[0] === "--version" || words[0] === "-v") {
  process.stdout.write(`${packageVersion()}\n`);
} else {
  const { dispatch } = await import("./dispatch.js");
  const code = await dispatch(words);
  const { flushed } = await import("./terminal.js");
  await flushed();
  process.exit(code);
}
