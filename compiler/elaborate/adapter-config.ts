/**
 * The `config { key: value }` of an adapter, read in both directions. In: a definition, and either its instances or the
 * config of a file with the name of one host. Out: the entries to save, or the arguments that the file gives to the
 * definition at this host, or the entry that does not fit.
 *
 * What an entry says by its form: `key: rank` is a parameter; `key: rank ?? 8` one with the value that files without the key
 * mean; a constant must stand in the file; `none ?? 16` is written and never read; `overrides(rank)` is a table from patterns
 * of hosts to values that differ from the usual; `hosts_where(flag)` lists the hosts for which the flag is true. Any other
 * value is computed, and compared with the file's when the instance is made. The first entry that fits a pattern counts.
 * Source of the file's rules: huggingface/peft, tuners_utils and other.get_pattern_key.
 */
import type { Expr, ModuleDefinition } from "../../grammar/index.js";
import { compileRegex } from "../places/index.js";
import type { Context } from "./context.js";
import { evaluate } from "./evaluate.js";
import { configValue } from "./model.js";
import { patternName } from "./statements.js";
import { type ModuleValue, none, type Value } from "./value.js";

type Json = Readonly<Record<string, unknown>>;

/** An entry of a file that a definition does not take. */
export interface Misfit {
  readonly key: string;
  readonly expected: string;
  readonly found: string;
}

/** The arguments that a file gives to a definition, or the first entry that is not its own. */
export type Fit = { readonly given: ReadonlyMap<string, Value> } | { readonly misfit: Misfit };

interface Entry {
  readonly key: string;
  readonly value: Expr;
  /** The right side of `??`. */
  readonly otherwise: Expr | null;
}

/** The entries of a definition's config; null if it has none and so no form as a file. */
export function entriesOf(definition: ModuleDefinition): readonly Entry[] | null {
  const member = definition.members.find((m) => m.kind === "config");
  if (member?.kind !== "config" || member.value.kind !== "record") return null;
  return member.value.fields.map(({ name, value }) =>
    value.kind === "binary" && value.op === "??"
      ? { key: name.text, value: value.left, otherwise: value.right }
      : { key: name.text, value, otherwise: null },
  );
}

/** What the config of a file gives to a definition at the host that the file calls `host`. */
export function fitConfig(
  context: Context,
  definition: ModuleDefinition,
  file: string,
  config: Json,
  host: string,
): Fit {
  const given = new Map<string, Value>();
  const params = new Set(definition.params.map((p) => patternName(p.pattern)));
  const scope: Context = { ...context, file, names: { own: new Map(), outer: null }, recipe: false };
  const overridden = new Map<string, unknown>();
  for (const { key, value, otherwise } of entriesOf(definition) ?? []) {
    const found = entryOf(config, key);
    const form = formOf(value, params);
    if (form.kind === "ignored") continue;
    if (form.kind === "parameter") {
      if (found !== undefined) given.set(form.name, configValue(found));
      else if (otherwise !== null) given.set(form.name, evaluate(scope, otherwise));
    } else if (form.kind === "overrides") {
      const own = firstMatch(found, host);
      if (own !== undefined) overridden.set(form.name, own);
    } else if (form.kind === "hosts_where") {
      given.set(form.name, { kind: "bool", value: listsHost(found, host) });
    } else if (form.kind === "constant") {
      const expected = jsonOf(evaluate(scope, value));
      if (!sameJson(expected, found ?? absent(expected)))
        return { misfit: { key, expected: JSON.stringify(expected), found: shownJson(found) } };
    }
  }
  for (const [name, value] of overridden) given.set(name, configValue(value));
  return { given };
}

/** A missing key means no, nothing or none of them: constants that say so are met by it. */
function absent(expected: unknown): unknown {
  return expected === false || expected === null || isEmpty(expected) ? expected : undefined;
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** An own entry of an object that may be hostile. */
export function entryOf(config: Json, key: string): unknown {
  return Object.hasOwn(config, key) ? config[key] : undefined;
}

type Form =
  | { readonly kind: "parameter" | "overrides" | "hosts_where"; readonly name: string }
  | { readonly kind: "constant" | "ignored" | "computed" };

function formOf(value: Expr, params: ReadonlySet<string>): Form {
  if (value.kind === "none") return { kind: "ignored" };
  if (value.kind === "name" && params.has(value.name.text)) return { kind: "parameter", name: value.name.text };
  if (value.kind === "call" && value.callee.kind === "name") {
    const word = value.callee.name.text;
    const [arg] = value.args;
    if ((word === "overrides" || word === "hosts_where") && arg?.value?.kind === "name")
      return { kind: word, name: arg.value.name.text };
  }
  return isConstant(value) ? { kind: "constant" } : { kind: "computed" };
}

function isConstant(value: Expr): boolean {
  switch (value.kind) {
    case "number":
    case "bool":
      return true;
    case "string":
      return value.parts.every((part) => typeof part === "string");
    case "list":
      return value.items.every(isConstant);
    case "record":
      return value.fields.every((f) => isConstant(f.value));
    default:
      return false;
  }
}

/** The value of the first pattern that fits a host: `(.*\.)?(key)`, as the files' reader matches. */
function firstMatch(table: unknown, host: string): unknown {
  if (typeof table !== "object" || table === null || Array.isArray(table)) return undefined;
  for (const [pattern, value] of Object.entries(table)) {
    const pinned = pattern.startsWith("^");
    if (matches(pinned ? pattern : `(.*\\.)?(${pattern})`, host)) return value;
  }
  return undefined;
}

function matches(pattern: string, name: string): boolean {
  const regex = compileRegex(pattern);
  return regex.ok && regex.matches(name);
}

/** Whether a host is named: by an expression for whole paths, or by a list of paths or of their last parts. */
export function listsHost(names: unknown, host: string): boolean {
  if (typeof names === "string") return matches(names, host);
  return Array.isArray(names) && names.some((name) => host === name || host.endsWith(`.${name}`));
}

/** What lists of hosts say of an instance: two with the same text stand in the same lists. */
export function listsOf(instance: ModuleValue): string {
  const params = new Set(instance.definition.params.map((p) => patternName(p.pattern)));
  return (entriesOf(instance.definition) ?? [])
    .map(({ value }) => formOf(value, params))
    .map((form) => (form.kind === "hosts_where" ? JSON.stringify(jsonOf(instance.statics.get(form.name) ?? none)) : ""))
    .join();
}

/** The entries of the config that instances of one adapter have in common, and what they say of single hosts. */
export function savedConfig(
  context: (instance: ModuleValue) => Context,
  instances: readonly ModuleValue[],
  nameOf: (instance: ModuleValue) => string,
  listed: (instance: ModuleValue) => string,
): Json {
  const entries: Record<string, unknown> = Object.create(null);
  for (const definition of new Set(instances.map((i) => i.definition))) {
    const own = instances.filter((i) => i.definition === definition);
    const params = new Set(definition.params.map((p) => patternName(p.pattern)));
    for (const { key, value, otherwise } of entriesOf(definition) ?? []) {
      const form = formOf(value, params);
      if (Object.hasOwn(entries, key) && form.kind !== "overrides" && form.kind !== "hosts_where") continue;
      const argument = (instance: ModuleValue) => ("name" in form ? (instance.statics.get(form.name) ?? none) : none);
      if (form.kind === "overrides") {
        const usual = jsonOf(argument(instances.find((i) => i.statics.has(form.name)) ?? own[0]));
        const different = own.filter((i) => !sameJson(jsonOf(argument(i)), usual));
        const table = different.map((i) => [nameOf(i), jsonOf(argument(i))] as const);
        entries[key] = { ...((entries[key] ?? {}) as object), ...Object.fromEntries(table) };
      } else if (form.kind === "hosts_where") {
        const named = own.filter((i) => jsonOf(argument(i)) === true).map((i) => listed(i));
        entries[key] = [...new Set([...((entries[key] ?? []) as string[]), ...named])];
      } else {
        const scope = context(own[0]);
        const said = evaluate(scope, value);
        entries[key] = jsonOf(said.kind === "none" && otherwise !== null ? evaluate(scope, otherwise) : said);
      }
    }
  }
  return entries;
}

/** Computed entries of an instance that the file of it contradicts. */
export function contradicted(scope: Context, instance: ModuleValue, config: Json): Misfit | null {
  const params = new Set(instance.definition.params.map((p) => patternName(p.pattern)));
  for (const { key, value } of entriesOf(instance.definition) ?? []) {
    const found = entryOf(config, key);
    if (found === undefined || found === null || formOf(value, params).kind !== "computed") continue;
    const expected = jsonOf(evaluate(scope, value));
    if (!sameJson(expected, found)) return { key, expected: JSON.stringify(expected), found: shownJson(found) };
  }
  return null;
}

/** A value of the language as JSON; null for what JSON does not have. */
export function jsonOf(value: Value): unknown {
  switch (value.kind) {
    case "number":
    case "bool":
    case "string":
      return value.value;
    case "list":
    case "tuple":
      return value.items.map(jsonOf);
    case "record":
      return Object.fromEntries([...value.fields].map(([k, v]) => [k, jsonOf(v)]));
    default:
      return null;
  }
}

/** Whether two JSON values are the same; the order of an object's keys does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const [left, right] = [Object.entries(a), b as Json];
  return (
    Array.isArray(a) === Array.isArray(b) &&
    left.length === Object.keys(b).length &&
    left.every(([key, value]) => Object.hasOwn(right, key) && sameJson(value, right[key]))
  );
}

function shownJson(value: unknown): string {
  const shown = value === undefined ? "nothing" : JSON.stringify(value);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}
