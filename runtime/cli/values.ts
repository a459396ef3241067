/**
 * Values of options. In: what was typed. Out: sizes, counts, settings, choices. Throws UsageError for what they cannot
 * be.
 */
import type { Setting } from "../compile/index.js";
import { parseSize } from "../report/index.js";
import type { Arguments, OptionName } from "./options.js";
import { UsageError } from "./usage.js";

export function isGiven(args: Arguments, name: OptionName): boolean {
  return args.values.has(name);
}

/** The value as typed; null when the option is not given. */
export function textOf(args: Arguments, name: OptionName): string | null {
  return args.values.get(name)?.[0] ?? null;
}

/** Bytes of an option such as `--memory 2GB`. */
export function sizeOf(args: Arguments, name: OptionName): number | null {
  const text = textOf(args, name);
  if (text === null) return null;
  const bytes = parseSize(text);
  if (bytes === null)
    throw new UsageError(`--${name} takes a size, found ${JSON.stringify(text)}`, `write --${name} 2GB`);
  return bytes;
}

/** A whole number from 1 to `most`. */
export function countOf(args: Arguments, name: OptionName, most = 1024): number | null {
  const text = textOf(args, name);
  if (text === null) return null;
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > most) {
    throw new UsageError(`--${name} takes a whole number from 1 to ${most}, found ${JSON.stringify(text)}`);
  }
  return count;
}

/** One of a few words; the first when the option is not given. */
export function choiceOf<Word extends string>(args: Arguments, name: OptionName, words: readonly Word[]): Word {
  const text = textOf(args, name);
  if (text === null) return words[0];
  const word = words.find((w) => w === text);
  if (word === undefined)
    throw new UsageError(`--${name} is one of ${words.join(", ")}, found ${JSON.stringify(text)}`);
  return word;
}

/** The `--set name=value` of a command line. */
export function settingsOf(args: Arguments): Setting[] {
  const settings: Setting[] = [];
  for (const text of args.values.get("set") ?? []) {
    const at = text.indexOf("=");
    const name = text.slice(0, Math.max(0, at)).trim();
    if (name === "")
      throw new UsageError(`--set takes name=value, found ${JSON.stringify(text)}`, "write --set density=30%");
    if (settings.some((s) => s.name === name)) throw new UsageError(`--set ${name}=… is given twice`);
    settings.push({ name, text: text.slice(at + 1) });
  }
  return settings;
}
