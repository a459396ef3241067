/**
 * Tokens of the text form of the tensor graph. In: text. Out: tokens with their spans, the last one `end`. Blanks,
 * newlines and `//` comments separate tokens and mean nothing else.
 */
import { fail, type Span } from "../../grammar/index.js";

export interface Token {
  readonly kind: "node" | "word" | "number" | "string" | "mark" | "end";
  readonly text: string;
  readonly span: Span;
}

/** Where text stands, for messages. */
export interface Source {
  readonly file: string;
  readonly text: string;
}

const patterns = [
  ["blank", /[ \t\r\n]+|\/\/[^\n]*/y],
  ["node", /%[A-Za-z0-9_.]+/y],
  ["number", /-?(?:inf\b|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/y],
  ["word", /[A-Za-z_][A-Za-z0-9_]*/y],
  ["string", /"(?:[^"\\\n]|\\[^\n])*"/y],
  ["mark", /[{}[\],:=]/y],
] as const;

/** Cuts the text into tokens; throws PeftError (I001) at a character that begins none. */
export function tokensOf(source: Source): Token[] {
  const { text } = source;
  const tokens: Token[] = [];
  let at = 0;
  scan: while (at < text.length) {
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = at;
      const match = pattern.exec(text);
      if (match === null) continue;
      const span = { start: at, end: pattern.lastIndex };
      if (kind !== "blank") tokens.push({ kind, text: match[0], span });
      at = span.end;
      continue scan;
    }
    const found =
      text[at] === '"'
        ? "a string without its closing quote"
        : JSON.stringify(String.fromCodePoint(text.codePointAt(at)!));
    refuse(source, "I001", `expected a node, word, number, string or one of { } [ ] , : =, found ${found}`, {
      start: at,
      end: at + 1,
    });
  }
  tokens.push({ kind: "end", text: "", span: { start: text.length, end: text.length } });
  return tokens;
}

/** Throws PeftError with the line and column (both from 1) of the span in its message. */
export function refuse(source: Source, code: string, message: string, span: Span, help: string | null = null): never {
  const before = source.text.slice(0, span.start);
  const line = before.split("\n").length;
  const column = span.start - before.lastIndexOf("\n");
  fail(code, `line ${line}, column ${column}: ${message}`, { file: source.file, span }, { help });
}
