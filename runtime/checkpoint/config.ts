/**
 * The `config.json` beside the weights.
 *
 * In: a path or a text. Out: the parsed value together with the text it came from. The text is kept because a number
 * such as `10000.0` or `1e-06` would not survive being parsed and printed again, and some readers tell a float from an
 * integer: an edited configuration is the donor's text with single values replaced. Python's NaN and Infinity are read.
 */
import type { StorageDtype } from "../../compiler/index.js";
import { fail } from "../../grammar/index.js";
import { at, readText } from "./access.js";
import { isJsonObject, type Json, type JsonObject, type JsonResult, parseJson, plainJson } from "./json.js";
import { quoteName } from "./quote.js";

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  /** Without prototype: every key is an own key. */
  readonly value: { readonly [key: string]: Json };
}

const largestConfig = 16 * 1024 * 1024;

const torchNames: ReadonlyMap<StorageDtype, string> = new Map([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["F8_E4M3", "float8_e4m3fn"],
  ["F8_E5M2", "float8_e5m2"],
]);

/** Reads a configuration file. Throws PeftError (F001 to F005, F046). */
export function readConfig(file: string): ConfigFile {
  const text = readText(file, largestConfig);
  if (text === null) fail("F046", "the configuration is not valid UTF-8", at(file), { help: "save it as UTF-8" });
  return parseConfig(file, text);
}

/** A configuration from its text; `file` is where messages point. Throws PeftError (F046). */
export function parseConfig(file: string, text: string): ConfigFile {
  return { path: file, text, value: plainJson(configObject(file, text)) as ConfigFile["value"] };
}

/** The text with its dtype keys set to `dtype`; null (mixed dtypes) and formats that torch cannot name change nothing. */
export function configText(config: ConfigFile, dtype: StorageDtype | null): string {
  const name = dtype && torchNames.get(dtype);
  if (!name) return config.text;
  const places = dtypePlaces(configObject(config.path, config.text)).sort((a, b) => b.start - a.start);
  return places.reduce(
    (text, { start, end }) => text.slice(0, start) + JSON.stringify(name) + text.slice(end),
    config.text,
  );
}

/**
 * The configuration with values set, each by the dotted path of its key; the rest of the text stays. A key that is
 * missing is added at the end of its object; objects on the way have to be there. Throws PeftError (F046).
 */
export function withEntries(config: ConfigFile, entries: ReadonlyMap<string, unknown>): ConfigFile {
  return [...entries].reduce(
    (c, [path, value]) => parseConfig(c.path, setEntry(c.text, configObject(c.path, c.text), path.split("."), value)),
    config,
  );
}

function setEntry(text: string, object: JsonObject, [key, ...rest]: readonly string[], value: unknown): string {
  const member = object.get(key);
  if (member !== undefined && rest.length > 0 && isJsonObject(member.value))
    return setEntry(text, member.value, rest, value);
  if (member !== undefined) return text.slice(0, member.start) + JSON.stringify(value) + text.slice(member.end);
  const last = [...object.values()].at(-1);
  const end = last?.end ?? text.indexOf("{") + 1;
  return `${text.slice(0, end)}${last === undefined ? "" : ","}\n  ${JSON.stringify(key)}: ${JSON.stringify(value)}${text.slice(end)}`;
}

/** `dtype` (transformers 5) and `torch_dtype` (before), at the top and in the configurations of the model's parts. */
function dtypePlaces(config: JsonObject): { start: number; end: number }[] {
  const places: { start: number; end: number }[] = [];
  for (const [key, member] of config) {
    if (key === "dtype" || key === "torch_dtype") places.push(member);
    else if (key.endsWith("_config") && key !== "quantization_config" && isJsonObject(member.value))
      places.push(...dtypePlaces(member.value));
  }
  return places;
}

function configObject(file: string, text: string): JsonObject {
  const parsed = parseJson(text, { python: true });
  if (!parsed.ok)
    fail("F046", `the configuration is not valid JSON: ${jsonProblem(parsed, text)}`, at(file), {
      help: "mend the file, or take it again from where the model came from",
    });
  if (!isJsonObject(parsed.value))
    fail("F046", "expected the configuration to be a JSON object", at(file), {
      help: "take the file again from where the model came from",
    });
  return parsed.value;
}

/** The problem with its line and column, counted from 1. */
export function jsonProblem(problem: Extract<JsonResult, { ok: false }>, text: string): string {
  const before = text.slice(0, problem.offset).split("\n");
  const what = problem.duplicate ? `the key ${quoteName(problem.message)} stands twice` : problem.message;
  return `${what} (line ${before.length}, column ${before[before.length - 1].length + 1})`;
}
