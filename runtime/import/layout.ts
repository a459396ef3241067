/**
 * How a recipe is laid out. In: calls with their arguments. Out: text of at most 110 columns: a call on one line where it
 * fits, else one argument a line, and schedules with one case a line. Also names for models, and quoted text.
 */
import { linesOf, showValue, type Value } from "./values.js";

const widest = 110;

/** An argument: a value, a list of them, or text that stands as it is. */
export interface Argument {
  readonly name: string | null;
  readonly value: string | Value | readonly Value[];
}

/** `head` with the call of `name`, over as many lines as it takes. */
export function layCall(head: string, name: string, args: readonly Argument[]): string[] {
  const label = (a: Argument) => (a.name === null ? "" : `${a.name} = `);
  const line = `${head}${name}(${args.map((a) => label(a) + onLine(a.value)).join(", ")})`;
  if (line.length <= widest) return [line];
  const [first, ...named] = split(args);
  const lead = first.map((a) => onLine(a.value)).join(", ");
  if (named.length === 1 && !isList(named[0].value) && typeof named[0].value !== "string") {
    const [top, ...rest] = linesOf(named[0].value);
    const begin = `${head}${name}(${lead}, ${label(named[0])}${top}`;
    if (rest.length > 0 && begin.length <= widest) return [begin, ...rest.slice(0, -1), `${rest.at(-1)})`];
  }
  return [
    `${head}${name}(${lead},`,
    ...named.flatMap((a) => closeWith(layArgument(label(a), a.value), ",").map((l) => `  ${l}`)),
    ")",
  ];
}

function split(args: readonly Argument[]): [Argument[], ...Argument[]] {
  const positional = args.filter((a) => a.name === null);
  return [positional, ...args.filter((a) => a.name !== null)];
}

function layArgument(label: string, value: Argument["value"]): string[] {
  const line = label + onLine(value);
  if (line.length <= widest - 4 || typeof value === "string") return [line];
  if (isList(value))
    return [`${label}[`, ...value.flatMap((v) => closeWith(layValue(v), ",").map((l) => `  ${l}`)), "]"];
  const [top, ...rest] = linesOf(value);
  return [label + top, ...rest];
}

function layValue(value: Value): string[] {
  const line = showValue(value);
  return line.length <= widest - 6 ? [line] : linesOf(value);
}

function closeWith(lines: readonly string[], end: string): string[] {
  return lines.map((l, i) => (i === lines.length - 1 ? l + end : l));
}

function onLine(value: Argument["value"]): string {
  if (typeof value === "string") return value;
  return isList(value) ? `[${value.map(showValue).join(", ")}]` : showValue(value);
}

function isList(value: Argument["value"]): value is readonly Value[] {
  return Array.isArray(value);
}

/** A string of the language. */
export function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("${", "\\${");
}

/** A name for each of several things: the last part of its path, made a word, and told from those that are taken. */
export function namer(taken: Iterable<string>): (text: string) => string {
  const used = new Set(taken);
  return (text) => {
    const last =
      text
        .split(/[/\\]/)
        .filter((part) => part !== "" && part !== "." && part !== "..")
        .at(-1) ?? "model";
    const word = last
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "_")
      .replace(/^_+|_+$/g, "");
    const start = /^[a-z]/.test(word) ? word : `model_${word}`.replace(/_$/, "");
    let name = used.has(start) ? `${start}_model` : start;
    for (let i = 2; used.has(name); i++) name = `${start}_${i}`;
    used.add(name);
    return name;
  };
}
