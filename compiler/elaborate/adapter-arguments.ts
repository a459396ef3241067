/**
 * The arguments that the config of a saved adapter gives to a definition, from the text alone: no model is loaded. In: a
 * definition with a `config { .. }` and the entries of a file. Out: arguments by name and the keys that were understood, or
 * null where a constant of the definition is not the file's. adapter-config.ts does the same for a host at hand.
 */
import type { Expr, ModuleDefinition } from "../../grammar/index.js";
import { entriesOf, entryOf } from "./adapter-config.js";
import { patternName } from "./statements.js";

export interface AdapterArguments {
  readonly given: ReadonlyMap<string, unknown>;
  /** Keys of the file that the definition knows. */
  readonly keys: ReadonlySet<string>;
  /** Keys that say something of single hosts, which a call does not. */
  readonly perHost: readonly string[];
}

/** Arguments for a definition, or null if the file is of another one. */
export function adapterArguments(
  definition: ModuleDefinition,
  config: Readonly<Record<string, unknown>>,
): AdapterArguments | null {
  const entries = entriesOf(definition);
  if (entries === null) return null;
  const params = new Set(definition.params.map((p) => patternName(p.pattern)));
  const given = new Map<string, unknown>();
  const perHost: string[] = [];
  for (const { key, value, otherwise } of entries) {
    const found = entryOf(config, key);
    const constant = constantOf(value);
    if (value.kind === "none") continue;
    if (value.kind === "name" && params.has(value.name.text)) {
      const said = found ?? (otherwise === null ? undefined : constantOf(otherwise)?.value);
      if (said !== undefined && said !== null) given.set(value.name.text, said);
    } else if (value.kind === "call") {
      if (!isNothing(found)) perHost.push(key);
    } else if (constant !== null) {
      const same = JSON.stringify(found ?? null) === JSON.stringify(constant.value);
      if (!same && !(isNothing(found) && isNothing(constant.value))) return null;
    }
  }
  return { given, keys: new Set(entries.map((e) => e.key)), perHost };
}

/** Absent, no, or none of them. */
function isNothing(value: unknown): boolean {
  return value == null || value === false || (typeof value === "object" && Object.keys(value).length === 0);
}

/** The value of a literal; null for anything that has to be computed. */
function constantOf(e: Expr): { readonly value: unknown } | null {
  switch (e.kind) {
    case "number":
    case "bool":
      return { value: e.value };
    case "none":
      return { value: null };
    case "string":
      return e.parts.every((p) => typeof p === "string") ? { value: e.parts.join("") } : null;
    case "list": {
      const items = e.items.map(constantOf);
      return items.every((i) => i !== null) ? { value: items.map((i) => i.value) } : null;
    }
    default:
      return null;
  }
}
