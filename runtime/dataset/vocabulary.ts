/**
 * The tokens of a tokenizer.json by their text, and the same file with further tokens. In: a file. Out: text → id with the
 * tokens that were added to the model's; or the JSON text with more of them. The algorithm of the tokenizer is not looked at.
 */
import type { AddedToken } from "../../compiler/elaborate/index.js";
import { fail } from "../../grammar/index.js";
import { at, readUtf8 } from "./text.js";

export interface TokenList {
  readonly tokens: ReadonlyMap<string, number>;
  readonly added: ReadonlyMap<string, AddedToken>;
}

type Fields = { readonly [key: string]: unknown };

/** Reads the tokens of a tokenizer.json. Throws PeftError: F001 to F005, D012. */
export function readVocabulary(file: string): TokenList {
  const description = parse(file);
  const model = description.model as Fields | undefined;
  const vocab = model?.vocab;
  const tokens = new Map<string, number>();
  const put = (token: unknown, id: unknown) => {
    if (typeof token !== "string" || typeof id !== "number" || !Number.isInteger(id) || id < 0 || id > 2 ** 31)
      fail("D012", "the tokenizer holds a token without a number", at(file), {
        help: "take the file again from where the model came from",
      });
    tokens.set(token, id);
  };
  // Unigram lists its tokens with their scores, the others have an object of numbers.
  if (Array.isArray(vocab)) for (const [id, entry] of vocab.entries()) put((entry as unknown[] | null)?.[0], id);
  else if (typeof vocab === "object" && vocab !== null) for (const [token, id] of Object.entries(vocab)) put(token, id);
  else
    fail("D012", "the tokenizer holds no vocabulary", at(file), {
      help: "use a tokenizer.json of BPE, WordPiece or Unigram",
    });
  const added = new Map<string, AddedToken>();
  for (const entry of (Array.isArray(description.added_tokens) ? description.added_tokens : []) as Fields[]) {
    put(entry?.content, entry?.id);
    const flag = (key: string) => entry[key] === true;
    added.set(String(entry.content), {
      id: entry.id as number,
      content: String(entry.content),
      single_word: flag("single_word"),
      lstrip: flag("lstrip"),
      rstrip: flag("rstrip"),
      normalized: flag("normalized"),
      special: flag("special"),
    });
  }
  return { tokens, added };
}

/** The text of the file with more tokens. */
export function withTokens(file: string, more: readonly AddedToken[]): string {
  const description = parse(file);
  const old = Array.isArray(description.added_tokens) ? description.added_tokens : [];
  return `${JSON.stringify({ ...description, added_tokens: [...old, ...more] }, null, 2)}\n`;
}

function parse(file: string): Fields {
  try {
    const value: unknown = JSON.parse(readUtf8(file));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return fail("D012", "the tokenizer is not a JSON object", at(file), {
    help: "take the file again from where the model came from",
  });
}
