/**
 * String literals: where one ends, what its parts are, and what its escapes mean.
 *
 * In: a text and the offset of a `"`. Out: the end of the literal and its parts, code parts still unread. A string
 * ends on its line, interpolations included, so that a forgotten quote costs one line. The scan keeps its own stack:
 * strings may stand inside interpolations inside strings.
 */
import type { Span } from "./tree.js";

export interface StringPart {
  readonly code: boolean;
  /** Of the text, or of the code between `${` and `}`. */
  readonly span: Span;
}

export interface ScannedString {
  /** Offset after the closing quote; of the end of the line if there is none. */
  readonly end: number;
  readonly closed: boolean;
  readonly parts: readonly StringPart[];
}

const quote = 0x22;
const backslash = 0x5c;
const dollar = 0x24;
const leftBrace = 0x7b;
const rightBrace = 0x7d;

/** Scans the literal that begins at `start`. */
export function scanString(text: string, start: number): ScannedString {
  const parts: StringPart[] = [];
  // One entry for each interpolation that is open: how many braces are open in it.
  const braces: number[] = [];
  // Whether the innermost thing is a string; code otherwise.
  let strings = 1;
  let from = start + 1;
  let at = start + 1;
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === 0x0a || c === 0x0d) break;
    const inString = strings > braces.length;
    if (inString) {
      if (c === backslash) {
        const next = text.charCodeAt(at + 1);
        if (next !== 0x0a && next !== 0x0d) at++;
      } else if (c === quote) {
        strings--;
        if (strings === 0) {
          if (at > from) parts.push({ code: false, span: { start: from, end: at } });
          return { end: at + 1, closed: true, parts };
        }
      } else if (c === dollar && text.charCodeAt(at + 1) === leftBrace) {
        if (braces.length === 0) {
          if (at > from) parts.push({ code: false, span: { start: from, end: at } });
          from = at + 2;
        }
        braces.push(0);
        at++;
      }
    } else if (c === quote) {
      strings++;
    } else if (c === leftBrace) {
      braces[braces.length - 1]++;
    } else if (c === rightBrace) {
      if (braces[braces.length - 1] > 0) {
        braces[braces.length - 1]--;
      } else {
        braces.pop();
        if (braces.length === 0) {
          parts.push({ code: true, span: { start: from, end: at } });
          from = at + 1;
        }
      }
    }
  }
  return { end: Math.min(at, text.length), closed: false, parts };
}

export interface Unescaped {
  readonly value: string;
  /** Escapes that mean nothing, by their spans in the file. */
  readonly mistakes: readonly Span[];
}

const escapes: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["t", "\t"],
  ['"', '"'],
  ["\\", "\\"],
  ["$", "$"],
]);

/** Reads the escapes `\n \t \" \\ \$ \u{…}` of a text part that begins at `offset` of its file. */
export function readEscapes(raw: string, offset: number): Unescaped {
  if (!raw.includes("\\")) return { value: raw, mistakes: [] };
  const mistakes: Span[] = [];
  const value = raw.replace(/\\(u\{[^}"]*\}?|[\s\S]|$)/g, (whole: string, body: string, at: number) => {
    const plain = escapes.get(body);
    if (plain !== undefined) return plain;
    const point = /^u\{([0-9a-fA-F]{1,6})\}$/.exec(body);
    const code = point === null ? Number.NaN : Number.parseInt(point[1], 16);
    if (code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)) return String.fromCodePoint(code);
    mistakes.push({ start: offset + at, end: offset + at + whole.length });
    return "";
  });
  return { value, mistakes };
}
