/**
 * Tokenizers. In: the path of a `tokenizer.json`, or of a folder that holds one. Out: text to token ids and back. The
 * algorithms (BPE, WordPiece, Unigram, with their normalizers and pre-tokenizers) are those of @huggingface/tokenizers;
 * here is what a dataset needs to know besides: the size of the vocabulary, the padding token, and which characters a
 * text has that no token covers. Truncation and padding that the file prescribes are not applied: a dataset says its
 * own length.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { fail } from "../../grammar/index.js";
import { quoteName } from "../checkpoint/index.js";
import { at, readUtf8 } from "./text.js";

export interface EncodeOptions {
  /** A second text, as tasks on pairs have it. */
  readonly pair?: string;
  /** Whether the tokens that the file puts around a text ([CLS], <s>) are added; true by default. */
  readonly special?: boolean;
}

export interface TextTokenizer {
  /** Absolute path of tokenizer.json. */
  readonly file: string;
  /** Absolute paths of the files that were read. */
  readonly files: readonly string[];
  /** The largest id and one: how many rows an embedding needs. */
  readonly size: number;
  /** The token that fills rows; null where the files name none. */
  readonly padId: number | null;
  /** The token that stands for what no token covers; null where such characters vanish or cannot occur. */
  readonly unknownId: number | null;
  encode(text: string, options?: EncodeOptions): { readonly ids: readonly number[]; readonly types: readonly number[] };
  decode(ids: readonly number[]): string;
  /** Characters of a text that vanish; empty where every character has a token. */
  vanishing(text: string): readonly string[];
}

/** JSON objects as far as they are looked into here. */
type Fields = { readonly [key: string]: unknown };

const models = ["BPE", "WordPiece", "Unigram"];

/** Opens a tokenizer. Throws PeftError: F001 to F005, D012 (no tokenizer, or of an unknown kind), D013. */
export function openTokenizer(target: string): TextTokenizer {
  const file = path.resolve(isFolder(target) ? path.join(target, "tokenizer.json") : target);
  const description = readObject(file);
  const configFile = path.join(path.dirname(file), "tokenizer_config.json");
  const configured = fs.existsSync(configFile);
  const config = configured ? readObject(configFile) : {};
  const model = fieldsOf(description.model);
  checkModel(file, model);
  let tokenizer: Tokenizer;
  try {
    tokenizer = new Tokenizer(description, config);
  } catch (error) {
    fail("D012", `the tokenizer cannot be used: ${(error as Error).message}`, at(file), {
      help: "use the tokenizer.json of a model from the Hub, saved by a recent version of the tokenizers library",
    });
  }
  const vocabulary = tokenizer.get_vocab(true);
  let size = 0;
  for (const id of vocabulary.values()) size = Math.max(size, id + 1);
  const idOf = (token: string | null): number | null => (token === null ? null : (vocabulary.get(token) ?? null));
  const characters = characterVocabulary(description, model, vocabulary);
  return {
    file,
    files: configured ? [file, configFile] : [file],
    size,
    padId: idOf(tokenText(config.pad_token)) ?? wholeNumber(fieldsOf(description.padding).pad_id),
    unknownId: idOf(tokenText(model.unk_token)) ?? wholeNumber(model.unk_id),
    encode(text, { pair, special = true } = {}) {
      const encoded = tokenizer.encode(text, {
        text_pair: pair ?? null,
        add_special_tokens: special,
        return_token_type_ids: true,
      });
      return { ids: encoded.ids, types: encoded.token_type_ids };
    },
    decode: (ids) => tokenizer.decode([...ids]),
    vanishing: (text) => (characters === null ? [] : [...new Set(text)].filter((one) => !characters.has(one)).sort()),
  };
}

function checkModel(file: string, model: Fields): void {
  const { type } = model;
  // Files of the first versions leave the type out; their parts say what they are.
  if (type === undefined && (Array.isArray(model.merges) || model.vocab !== undefined)) return;
  if (typeof type !== "string" || !models.includes(type))
    fail(
      "D012",
      typeof type === "string"
        ? `expected a tokenizer of the kind ${models.join(", ")}, found ${quoteName(type)}`
        : "the file describes no tokenizer: it has no model",
      at(file),
      { help: "name the tokenizer.json of the model" },
    );
}

/**
 * The vocabulary where characters can vanish without a trace: a BPE without unknown token and bytes, on text as it is.
 * Null where they cannot, or where a normalizer may turn them into others.
 */
function characterVocabulary(
  description: Fields,
  model: Fields,
  vocabulary: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> | null {
  const plain = (description.normalizer ?? null) === null && (description.pre_tokenizer ?? null) === null;
  const lossy = model.type === "BPE" && (model.unk_token ?? null) === null && model.byte_fallback !== true;
  return plain && lossy ? vocabulary : null;
}

function readObject(file: string): Fields {
  const text = readUtf8(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    fail("D012", `the file is not valid JSON: ${(error as Error).message}`, at(file), { help: "download it again" });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    fail("D012", "expected a JSON object that describes a tokenizer", at(file), {
      help: "name the tokenizer.json of the model",
    });
  return value as Fields;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

/** A token is written as a text, or as an object with its content. */
function tokenText(token: unknown): string | null {
  const content = typeof token === "string" ? token : fieldsOf(token).content;
  return typeof content === "string" ? content : null;
}

function wholeNumber(value: unknown): number | null {
  return Number.isInteger(value) ? (value as number) : null;
}

function isFolder(target: string): boolean {
  return fs.statSync(target, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
