/**
 * The keys that say which vocabulary the output has. In: `tokenizer_source` or `tokenizer` of a mergekit file. Out: where
 * the vocabulary comes from, what single tokens are made of, and to what number its rows are padded.
 * Source: mergekit/tokenizer/config.py (0.1.5).
 */
import { fail, nearest, type Span } from "../../grammar/index.js";
import type { ModelRef } from "./mergekit.js";
import type { Entry, Item, Mapping } from "./yaml.js";

/** Where the row of a token comes from. */
export type TokenSource =
  | { readonly kind: "zero" }
  | { readonly kind: "model"; readonly model: ModelRef; readonly token: string | number | null };

export interface Tokens {
  /** `union`, `base`, or the model that has the vocabulary. */
  readonly source: "union" | "base" | ModelRef;
  readonly tokens: readonly { readonly token: string; readonly source: TokenSource | null; readonly force: boolean }[];
  readonly multiple: number | null;
  readonly span: Span;
}

/** Reads the two keys, of which one may be given; null where neither is. */
export function tokensOf(
  file: string,
  legacy: Entry | undefined,
  section: Entry | undefined,
  ref: (item: Item) => ModelRef,
): Tokens | null {
  const stop = (message: string, span: Span): never => fail("M003", message, { file, span });
  if (legacy !== undefined && section !== undefined)
    return stop("tokenizer and tokenizer_source exclude each other", section.at);
  const source = (item: Item): Tokens["source"] =>
    item.kind === "scalar" && (item.value === "union" || item.value === "base") ? item.value : ref(item);
  if (legacy !== undefined) return { source: source(legacy.value), tokens: [], multiple: null, span: legacy.at };
  if (section === undefined) return null;
  const keys = keysOf(file, section.value, ["source", "tokens", "pad_to_multiple_of"], "tokenizer");
  const multiple = keys.get("pad_to_multiple_of")?.value;
  const rows = multiple?.kind === "scalar" ? multiple.value : null;
  if (rows !== null && !(typeof rows === "number" && Number.isInteger(rows) && rows > 0))
    return stop("pad_to_multiple_of is a whole number above 0", multiple!.span);
  const tokens = keys.get("tokens")?.value;
  if (tokens !== undefined && tokens.kind !== "map") return stop("tokens are keys with values", tokens.span);
  return {
    source: keys.has("source") ? source(keys.get("source")!.value) : "union",
    tokens: (tokens as Mapping | undefined)?.entries.map((e) => tokenOf(file, e, ref)) ?? [],
    multiple: rows,
    span: section.at,
  };
}

function tokenOf(file: string, entry: Entry, ref: (item: Item) => ModelRef): Tokens["tokens"][number] {
  const keys = keysOf(file, entry.value, ["source", "force"], "a token");
  const force = keys.get("force")?.value;
  const given = keys.get("source")?.value;
  return {
    token: entry.key,
    source: given === undefined ? null : sourceOf(file, given, ref),
    force: force?.kind === "scalar" && force.value === true,
  };
}

function sourceOf(file: string, item: Item, ref: (item: Item) => ModelRef): TokenSource {
  const kind = item.kind === "map" ? item.entries.find((e) => e.key === "kind")?.value : undefined;
  if (kind === undefined || kind.kind !== "scalar") return { kind: "model", model: ref(item), token: null };
  if (kind.value === "zero") return { kind: "zero" };
  if (kind.value !== "model_token")
    return fail("M003", `a token comes from \`zero\` or a \`model_token\`, found ${kind.text}`, {
      file,
      span: kind.span,
    });
  const keys = keysOf(file, item, ["kind", "model", "token", "token_id"], "the source of a token");
  const model = keys.get("model");
  const token = keys.get("token")?.value ?? keys.get("token_id")?.value;
  if (model === undefined || token?.kind !== "scalar" || token.value === null || typeof token.value === "boolean")
    return fail("M003", "a model_token has a model and a token or token_id", { file, span: item.span });
  return { kind: "model", model: ref(model.value), token: keys.has("token") ? String(token.value) : token.value };
}

function keysOf(file: string, item: Item, known: readonly string[], what: string): ReadonlyMap<string, Entry> {
  if (item.kind !== "map") return fail("M003", `expected ${what} as keys and values`, { file, span: item.span });
  for (const { key, at } of item.entries) {
    if (known.includes(key)) continue;
    const [near] = nearest(key, known);
    return fail(
      "M002",
      `${what} has no key \`${key}\``,
      { file, span: at },
      {
        help: near === undefined ? `its keys are ${known.join(", ")}` : `did you mean ${near}?`,
      },
    );
  }
  return new Map(item.entries.map((e) => [e.key, e]));
}
