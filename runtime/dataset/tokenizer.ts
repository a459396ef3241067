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

/** What a tokenizer.json may leave out. */
const optionalParts = { added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };

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
    tokenizer = new Tokenizer({ ...optionalParts, ...description }, config);
  } catch (error) {
    fail("D012", `the tokenizer cannot be used: ${(error as Error).message}`, at(file), {
      help: "use the tokenizer.json of a model from the Hub, saved by a recent version of the tokenizers library",
    });
  }
  const vocabulary = tokenizer.get_vocab(true);
  let size = 0;
  for (const id of vocabulary.values()) size = Math.max(size, id + 1);
  const idOf = (token: string | null): number | null => (token === null ? null : (vocabulary.get(token) ?? null));
  // Where nothing is put around texts, the package loses the second text of a pair, or its type.
  const after = fieldsOf(description.post_processor).type;
  const joinsPairs = after !== undefined && after !== "ByteLevel";
  const characters = characterVocabulary(description, model, vocabulary);
  // Characters alone need no merging: a table does in a twentieth of the time what the package does (1.1 MB: 3.4 s).
  const lookUp = characters !== null && isEmpty(model.merges) && isEmpty(description.added_tokens ?? []);
  return {
    file,
    files: configured ? [file, configFile] : [file],
    size,
    padId: idOf(tokenText(config.pad_token)) ?? wholeNumber(fieldsOf(description.padding).pad_id),
    unknownId: idOf(tokenText(model.unk_token)) ?? wholeNumber(model.unk_id),
    encode(text, { pair, special = true } = {}) {
      if (lookUp && !special && pair === undefined) {
        const ids = Array.from(text, (one) => vocabulary.get(one)).filter((id): id is number => id !== undefined);
        return { ids, types: ids.map(() => 0) };
      }
      if (pair !== undefined && !joinsPairs) {
        const [first, second] = [text, pair].map((one) => tokenizer.encode(one, { add_special_tokens: special }).ids);
        return { ids: [...first, ...second], types: [...first.map(() => 0), ...second.map(() => 1)] };
      }
      const encoded = encodeWhole(tokenizer, file, text, pair ?? null, special);
      return { ids: encoded.ids, types: encoded.token_type_ids };
    },
    decode: (ids) => (ids.length === 0 ? "" : tokenizer.decode([...ids])),
    vanishing: (text) => (characters === null ? [] : [...new Set(text)].filter((one) => !characters.has(one)).sort()),
  };
}

/** Kinds that do not cut a text into words go through it in one piece, which the package can do up to a length only. */
function encodeWhole(tokenizer: Tokenizer, file: string, text: string, pair: string | null, special: boolean) {
  try {
    return tokenizer.encode(text, { text_pair: pair, add_special_tokens: special, return_token_type_ids: true });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    fail("D018", `a text of ${text.length} characters is too long for this tokenizer`, at(file), {
      help: 'put each paragraph into a line of a JSONL file: {"text": "…"}',
    });
  }
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

function isEmpty(list: unknown): boolean {
  return Array.isArray(list) && list.length === 0;
}

function wholeNumber(value: unknown): number | null {
  return Number.isInteger(value) ? (value as number) : null;
}

function isFolder(target: string): boolean {
  return fs.statSync(target, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
