/**
 * A strict JSON reader for texts that may be hostile.
 *
 * In: a text. Out: a tree in which an object is a Map from key to value and place, or the first problem with its
 * offset. Unlike `JSON.parse` it finds a key that is given twice (of which every reader would take another one), gives
 * keys such as `__proto__` no meaning, refuses strings that no UTF-8 text can hold, bounds the depth, and keeps the
 * place of each member, so that one value of a file can be replaced and every other byte kept. On request it reads the
 * `NaN` and `Infinity` that Python writes into configuration files. Grammar: RFC 8259.
 */

/** A value of a JSON text; the members of an object know their places. */
export type JsonNode = null | boolean | number | string | readonly JsonNode[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonMember>;

/** A member's value is `text.slice(start, end)`. */
export interface JsonMember {
  readonly value: JsonNode;
  readonly start: number;
  readonly end: number;
}

/** A plain value; objects have no prototype, so that every key is an own key. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type JsonResult =
  | { readonly ok: true; readonly value: JsonNode }
  | { readonly ok: false; readonly duplicate: boolean; readonly offset: number; readonly message: string };

export interface JsonOptions {
  /** Accept NaN, Infinity and -Infinity. */
  readonly python?: boolean;
}

const deepest = 64;
const space = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that a JSON string may not hold
const unusual = /[\\\u0000-\u001f\ud800-\udfff]/;
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
const words: ReadonlyMap<string, null | boolean> = new Map<string, null | boolean>([
  ["null", null],
  ["true", true],
  ["false", false],
]);
const pythonNumbers: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

/** Ends the reading at the first problem; never leaves this file. */
class Problem extends Error {
  constructor(
    readonly offset: number,
    message: string,
    readonly duplicate = false,
  ) {
    super(message);
  }
}

/** Reads one JSON value and the whitespace around it; anything after it is a problem. */
export function parseJson(text: string, options: JsonOptions = {}): JsonResult {
  const reader = new Reader(text, options.python ?? false);
  try {
    return { ok: true, value: reader.document() };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { ok: false, duplicate: error.duplicate, offset: error.offset, message: error.message };
  }
}

/** The plain value of a node, without places. */
export function plainJson(node: JsonNode): Json {
  if (isJsonObject(node)) {
    const object: { [key: string]: Json } = Object.create(null);
    for (const [key, member] of node) object[key] = plainJson(member.value);
    return object;
  }
  return isJsonArray(node) ? node.map(plainJson) : node;
}

export function isJsonObject(node: JsonNode | undefined): node is JsonObject {
  return node instanceof Map;
}

export function isJsonArray(node: JsonNode | undefined): node is readonly JsonNode[] {
  return Array.isArray(node);
}

/** What a node is, for messages: "a number", "an object". */
export function kindOfJson(node: JsonNode): string {
  if (node === null) return "null";
  if (isJsonObject(node)) return "an object";
  if (isJsonArray(node)) return "a list";
  return `a ${typeof node}`;
}

/** One pass over a text; lives as long as the pass. */
class Reader {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly python: boolean,
  ) {}

  document(): JsonNode {
    this.space();
    const value = this.value(0);
    this.space();
    if (this.at < this.text.length) throw new Problem(this.at, `expected the end, found ${this.here()}`);
    return value;
  }

  private value(depth: number): JsonNode {
    switch (this.text[this.at]) {
      case "{":
        return this.object(depth);
      case "[":
        return this.array(depth);
      case '"':
        return this.string();
      default:
        return this.scalar();
    }
  }

  private object(depth: number): JsonObject {
    this.enter(depth);
    const members = new Map<string, JsonMember>();
    if (this.close("}")) return members;
    for (;;) {
      const keyAt = this.at;
      if (this.text[keyAt] !== '"') throw new Problem(keyAt, `expected a key in quotes, found ${this.here()}`);
      const key = this.string();
      if (members.has(key)) throw new Problem(keyAt, key, true);
      this.space();
      if (this.text[this.at] !== ":") throw new Problem(this.at, `expected ":", found ${this.here()}`);
      this.at++;
      this.space();
      const start = this.at;
      const value = this.value(depth + 1);
      members.set(key, { value, start, end: this.at });
      if (this.next("}")) return members;
    }
  }

  private array(depth: number): readonly JsonNode[] {
    this.enter(depth);
    const items: JsonNode[] = [];
    if (this.close("]")) return items;
    for (;;) {
      items.push(this.value(depth + 1));
      if (this.next("]")) return items;
    }
  }

  private enter(depth: number): void {
    if (depth >= deepest) throw new Problem(this.at, `nested deeper than ${deepest} levels`);
    this.at++;
    this.space();
  }

  private close(bracket: string): boolean {
    if (this.text[this.at] !== bracket) return false;
    this.at++;
    return true;
  }

  /** After an item: true at the closing bracket, false after a comma. */
  private next(bracket: string): boolean {
    this.space();
    if (this.close(bracket)) return true;
    if (this.text[this.at] !== ",") throw new Problem(this.at, `expected "," or "${bracket}", found ${this.here()}`);
    this.at++;
    this.space();
    return false;
  }

  private string(): string {
    const start = this.at++;
    const end = this.text.indexOf('"', this.at);
    const plain = this.text.slice(this.at, end);
    if (end >= 0 && !unusual.test(plain)) {
      this.at = end + 1;
      return plain;
    }
    return this.unusualString(start);
  }

  /** From after the opening quote on; with escapes, surrogates, or a mistake. */
  private unusualString(start: number): string {
    let value = "";
    for (;;) {
      const character = this.text[this.at];
      if (character === '"') break;
      if (character === undefined) throw new Problem(start, "a string without its closing quote");
      if (character < " ") throw new Problem(this.at, "a control character inside a string");
      if (character === "\\") value += this.escape();
      else {
        value += character;
        this.at++;
      }
    }
    this.at++;
    if (/\p{Surrogate}/u.test(value)) throw new Problem(start, "a string with half of a surrogate pair");
    return value;
  }

  private escape(): string {
    const letter = this.text[this.at + 1];
    if (letter === "u") {
      const digits = this.text.slice(this.at + 2, this.at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new Problem(this.at, "expected four hexadecimal digits after \\u");
      this.at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const character = letter === undefined ? undefined : escapes.get(letter);
    if (character === undefined) throw new Problem(this.at, "an unknown escape in a string");
    this.at += 2;
    return character;
  }

  private scalar(): JsonNode {
    number.lastIndex = this.at;
    const digits = number.exec(this.text);
    if (digits) {
      this.at = number.lastIndex;
      return Number(digits[0]);
    }
    const word = /^-?[A-Za-z]{1,16}/.exec(this.text.slice(this.at, this.at + 17))?.[0] ?? "";
    const value = words.has(word) ? words.get(word)! : this.python ? pythonNumbers.get(word) : undefined;
    if (value === undefined) throw new Problem(this.at, `expected a value, found ${this.here()}`);
    this.at += word.length;
    return value;
  }

  private space(): void {
    if (this.text.charCodeAt(this.at) > 0x20) return;
    space.lastIndex = this.at;
    space.exec(this.text);
    this.at = space.lastIndex;
  }

  private here(): string {
    const code = this.text.codePointAt(this.at);
    return code === undefined ? "the end of the text" : JSON.stringify(String.fromCodePoint(code));
  }
}
