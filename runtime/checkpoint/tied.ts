/**
 * Tied weights: one matrix that serves as input embedding and as output head.
 *
 * In: the tensors of a checkpoint and its configuration. Out: which tensor is another name of which. The rule: when
 * `tie_word_embeddings` is true (at the top of the configuration or in its `text_config`), and the checkpoint stores an
 * output head and an input embedding of the same dtype and shape, the head is an alias. It is left out of the
 * checkpoint's tensors, as the ecosystem's own writers leave it out, and a reader ties it again. Were both kept, a
 * method would change two copies that must stay one.
 */
import type { Diagnostic } from "../../grammar/index.js";
import { diagnostic } from "../../grammar/index.js";
import { at } from "./access.js";
import type { ConfigFile } from "./config.js";
import type { TensorEntry } from "./header.js";
import type { Json } from "./json.js";
import { quoteName } from "./quote.js";

/** [alias, of] */
export type TiedPair = readonly [string, string];

/** Last parts of the names of output heads. */
const heads = ["lm_head.weight", "embed_out.weight", "predictions.decoder.weight", "lm_head.decoder.weight"];

/** Last parts of the names of input embeddings; the first that fits is the one the head is tied to. */
const embeddings = [
  "shared.weight",
  "embed_tokens.weight",
  "wte.weight",
  "word_embeddings.weight",
  "embed_in.weight",
  "tok_embeddings.weight",
  "embeddings.weight",
];

/** Finds aliases among `tensors`; a head that cannot be one (F047) is reported and kept. */
export function findTied(
  tensors: ReadonlyMap<string, TensorEntry>,
  config: ConfigFile | null,
): { readonly tied: readonly TiedPair[]; readonly warnings: readonly Diagnostic[] } {
  const tied: TiedPair[] = [];
  const warnings: Diagnostic[] = [];
  if (!config || !saysTied(config.value)) return { tied, warnings };
  const sources = embeddings.flatMap((ending) => [...tensors.values()].filter(({ name }) => endsIn(name, ending)));
  for (const head of tensors.values()) {
    if (!heads.some((ending) => endsIn(head.name, ending)) || sources.length === 0) continue;
    const source = sources.find((embedding) => sameFormat(embedding, head));
    if (source) tied.push([head.name, source.name]);
    else warnings.push(cannotTie(head, sources[0], config));
  }
  return { tied, warnings };
}

function saysTied(config: { readonly [key: string]: Json }): boolean {
  if (config.tie_word_embeddings === true) return true;
  const text = config.text_config;
  return isObject(text) && text.tie_word_embeddings === true;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function endsIn(name: string, ending: string): boolean {
  return name === ending || name.endsWith(`.${ending}`);
}

function sameFormat(a: TensorEntry, b: TensorEntry): boolean {
  return (
    a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((length, i) => length === b.shape[i])
  );
}

function cannotTie(head: TensorEntry, embedding: TensorEntry, config: ConfigFile): Diagnostic {
  const [one, other] = [head, embedding].map((t) => `${quoteName(t.name)} is ${t.dtype} [${t.shape.join(", ")}]`);
  return diagnostic(
    "F047",
    `the configuration shares the output head with the embedding, but ${one} and ${other}`,
    at(config.path),
    {
      severity: "warning",
      help: "both are kept; set tie_word_embeddings to false if the head is a matrix of its own",
    },
  );
}
