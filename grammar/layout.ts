/**
 * From words to lines: the newline rule, and brackets that always match.
 *
 * In: the tokens of a file. Out: the tokens that the parser reads, each with its bracket depth: newlines only where
 * they end something, strings with `${…}` opened, every bracket closed. A bracket that was never closed is reported
 * here and closed before the next line that cannot be inside it; a closer without a partner is reported and dropped.
 * So the parser can always skip to the next comma, line or bracket of the same depth, and one mistake stays one
 * message. Source: spec/language.md, "Surface".
 */
import type { IToken, TokenType } from "chevrotain";
import { EOF } from "chevrotain";
import { type Diagnostic, diagnostic } from "./diagnostic.js";
import { adviseForeign } from "./foreign.js";
import { beginsDefinition, continuesLine, goesOn } from "./lineends.js";
import { scanString } from "./strings.js";
import * as T from "./tokens.js";

/** Brackets deeper than this are refused; the parser and all later stages are recursive. */
export const nestingLimit = 200;

/** A token as the parser sees it. */
export interface PlacedToken extends IToken {
  /** How many brackets are open around it; a bracket and its partner have the depth of what is around them. */
  depth: number;
  /** First on its line: there a `(` or `[` is never a call or an index. */
  lineStart: boolean;
  /** Made by recovery: a message about it would repeat an earlier one. */
  synthetic: boolean;
}

export interface Layout {
  readonly tokens: PlacedToken[];
  readonly comments: readonly IToken[];
  readonly diagnostics: readonly Diagnostic[];
}

interface OpenBracket {
  readonly token: PlacedToken;
  readonly close: TokenType;
}

const partners: ReadonlyMap<TokenType, TokenType> = new Map([
  [T.LParen, T.RParen],
  [T.LSquare, T.RSquare],
  [T.LCurly, T.RCurly],
  [T.HoleOpen, T.HoleClose],
]);
const closers: ReadonlySet<TokenType> = new Set(partners.values());
const signOf: ReadonlyMap<TokenType, string> = new Map([
  [T.RParen, ")"],
  [T.RSquare, "]"],
  [T.RCurly, "}"],
  [T.HoleClose, "}"],
]);

/** Lays out one file. */
export function layout(path: string, text: string): Layout {
  const lexed = T.tokenize(text);
  const run = new LayoutRun(path, text);
  run.read(withBroken(lexed.tokens, lexed.errors, path, text, run.diagnostics), 0);
  return { tokens: run.finish(), comments: lexed.groups.comments, diagnostics: run.diagnostics };
}

/** Puts a Broken token wherever characters began no token, and reports them. */
function withBroken(
  tokens: IToken[],
  errors: readonly { readonly offset: number; readonly length: number }[],
  path: string,
  text: string,
  diagnostics: Diagnostic[],
  base = 0,
): IToken[] {
  if (errors.length === 0) return tokens;
  const broken = errors.map((error) => {
    const start = base + error.offset;
    const span = { start, end: start + error.length };
    diagnostics.push(unknownCharacter(text, path, span));
    return instance(T.Broken, error.offset, error.offset + error.length, text.slice(span.start, span.end));
  });
  return [...tokens, ...broken].sort((a, b) => a.startOffset - b.startOffset);
}

/** Signs that a word processor or a keyboard puts in the place of those of the language. */
const lookAlikes: ReadonlyMap<string, string> = new Map([
  ...[..."‐‑‒–—−"].map((dash) => [dash, "-"] as const),
  ...[..."“”„«»″"].map((quote) => [quote, '"'] as const),
  ["×", "*"],
  ["·", "*"],
  ["÷", "/"],
  ["≤", "<="],
  ["≥", ">="],
  ["≠", "!="],
  ["→", "->"],
  ["⇒", "=>"],
  ["←", "<-"],
  ["…", ".."],
  ["，", ","],
  ["；", ";"],
  ["：", ":"],
  ["（", "("],
  ["）", ")"],
]);

function unknownCharacter(text: string, file: string, span: { start: number; end: number }): Diagnostic {
  const point = text.codePointAt(span.start) ?? 0;
  const shown = point > 0x20 && point < 0xd800 && point !== 0x7f ? `\`${String.fromCodePoint(point)}\`` : "character";
  const meant = lookAlikes.get(String.fromCodePoint(point));
  const code = `U+${point.toString(16).toUpperCase().padStart(4, "0")}`;
  return diagnostic(
    "S004",
    `unexpected ${shown} (${code})`,
    { file, span },
    {
      help:
        point === 0
          ? "this looks like a binary file; a `.peft` file is UTF-8 text"
          : meant !== undefined
            ? `write \`${meant}\``
            : "remove it; names use the letters a-z, A-Z, digits and `_`",
    },
  );
}

function instance(type: TokenType, start: number, end: number, image: string): IToken {
  return { image, startOffset: start, endOffset: end - 1, tokenType: type, tokenTypeIdx: type.tokenTypeIdx! };
}

/** One walk over the tokens of a file; lives as long as the call of `layout`. */
class LayoutRun {
  readonly diagnostics: Diagnostic[] = [];
  private readonly out: PlacedToken[] = [];
  private readonly open: OpenBracket[] = [];
  /** A definition has begun and has not reached its `{` or `=`. */
  private inHeader = false;
  private tooDeep = false;
  /** Offset of the first token of the current line. */
  private lineBegin = 0;
  /** The opener of the bracket that was closed last. */
  private lastClosed: PlacedToken | null = null;
  /** How many tokens had been placed when a closer without a partner was last dropped. */
  private strayAfter = -1;

  constructor(
    private readonly path: string,
    private readonly text: string,
  ) {}

  /** Lays out tokens whose offsets are relative to `base`. */
  read(tokens: readonly IToken[], base: number): void {
    let newline = base === 0;
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i];
      if (token.tokenType === T.Newline) {
        newline = true;
        continue;
      }
      token.startOffset += base;
      token.endOffset = token.endOffset! + base;
      if (newline) {
        this.lineBegin = token.startOffset;
        this.startLine(token, tokens[i + 1]);
      }
      const lineStart = newline;
      newline = false;
      if (partners.has(token.tokenType) && this.open.length >= nestingLimit) {
        i = this.skipDeep(tokens, i, base);
      } else {
        this.place(token, lineStart);
      }
    }
  }

  finish(): PlacedToken[] {
    this.closeDownTo(0, this.text.length);
    const end = instance(EOF, this.text.length, this.text.length, "");
    this.out.push({ ...end, depth: 0, lineStart: true, synthetic: false });
    return this.out;
  }

  private startLine(token: IToken, next: IToken | undefined): void {
    const definition = beginsDefinition(token, next);
    if (definition && this.open.length > 0 && this.atMargin(token)) {
      this.closeDownTo(0, token.startOffset);
    } else if (token.tokenType === T.Let || token.tokenType === T.Return) {
      this.closeDownTo(this.open.findLastIndex((bracket) => bracket.close === T.RCurly) + 1, token.startOffset);
    }
    const previous = this.out.at(-1);
    if (previous === undefined) {
      if (definition) this.inHeader = token.image !== "use";
      return;
    }
    if (this.open.length > 0 && this.innermost() !== T.RCurly) return;
    if (this.open.length === 0) {
      if (definition) this.inHeader = token.image !== "use";
      else if (this.inHeader || token.tokenType === T.LCurly) return;
    }
    if (!definition && (goesOn(previous, this.out.at(-2)) || continuesLine(token, next))) return;
    // A newline stands where the line before it ended.
    const at = previous.endOffset! + 1;
    this.push(instance(T.Newline, at, at, "\n"), false, false);
  }

  private place(token: IToken, lineStart: boolean): void {
    const type = token.tokenType;
    const close = partners.get(type);
    if (close !== undefined) {
      if (type === T.LCurly && this.open.length === 0) this.inHeader = false;
      this.open.push({ token: this.push(token, lineStart, false), close });
    } else if (closers.has(type)) {
      this.close(token);
    } else if (type === T.StringToken) {
      this.placeString(token, lineStart);
    } else if (type === T.Foreign) {
      const advice = adviseForeign(this.path, token);
      this.diagnostics.push(advice.diagnostic);
      if (advice.readAs !== null)
        this.push(instance(advice.readAs, token.startOffset, token.endOffset! + 1, token.image), lineStart, false);
    } else {
      if (type === T.Equals && this.open.length === 0) this.inHeader = false;
      // `(…) =>` is a lambda: its `(` is renamed as soon as the arrow is seen.
      if (type === T.FatArrow) this.markLambda();
      this.push(token, lineStart, false);
    }
  }

  private markLambda(): void {
    const opener = this.lastClosed;
    if (opener === null || this.out.at(-1)?.tokenType !== T.RParen) return;
    opener.tokenType = T.LambdaParen;
    opener.tokenTypeIdx = T.LambdaParen.tokenTypeIdx!;
  }

  private close(token: IToken): void {
    const fits = this.open.findLastIndex((bracket) => bracket.close === token.tokenType);
    const barrier = this.open.findLastIndex((bracket) => bracket.close === T.HoleClose);
    if (fits < 0 || fits < barrier) {
      // A row of stray closers is one mistake.
      if (this.strayAfter === this.out.length) return;
      this.strayAfter = this.out.length;
      const span = { start: token.startOffset, end: token.endOffset! + 1 };
      this.diagnostics.push(
        diagnostic(
          "S003",
          `\`${token.image}\` closes nothing`,
          { file: this.path, span },
          {
            help: "remove it, or write the opening bracket that it belongs to",
          },
        ),
      );
      return;
    }
    this.closeDownTo(fits + 1, token.startOffset);
    this.lastClosed = this.open.pop()!.token;
    this.push(token, false, false);
  }

  /** Closes brackets until `count` are open, and reports them in one message. */
  private closeDownTo(count: number, at: number): void {
    const left = this.open.slice(count).reverse();
    while (this.open.length > count) this.closeInnermost(at);
    if (left.length === 0 || this.tooDeep) return;
    const place = ({ token }: OpenBracket) => {
      return { file: this.path, span: { start: token.startOffset, end: token.endOffset! + 1 } };
    };
    this.diagnostics.push(
      diagnostic("S002", `this \`${left[0].token.image}\` is never closed`, place(left[0]), {
        label: "opened here",
        others: left.slice(1, 4).map((bracket) => ({ ...place(bracket), text: "nor is this" })),
        help: `close it with \`${signOf.get(left[0].close)}\``,
      }),
    );
  }

  private closeInnermost(at: number): void {
    const bracket = this.open.pop()!;
    this.lastClosed = bracket.token;
    this.push(instance(bracket.close, at, at, signOf.get(bracket.close)!), false, true);
  }

  private placeString(token: IToken, lineStart: boolean): void {
    const start = token.startOffset;
    const scanned = scanString(this.text, start);
    if (!scanned.closed) {
      this.diagnostics.push(
        diagnostic(
          "S005",
          'this string has no closing `"` on its line',
          { file: this.path, span: { start, end: start + 1 } },
          {
            label: "opened here",
            help: 'close it; inside a string write a line break as `\\n` and a quote as `\\"`',
          },
        ),
      );
      this.push(instance(T.Broken, start, scanned.end, token.image), lineStart, true);
      // What the lost quote swallowed includes the closers of this line.
      while (this.innermost() === T.RParen || this.innermost() === T.RSquare) {
        if (this.open.at(-1)!.token.startOffset < this.lineBegin) break;
        this.closeInnermost(scanned.end);
      }
      return;
    }
    if (!scanned.parts.some((part) => part.code)) {
      this.push(token, lineStart, false);
      return;
    }
    if (this.open.length >= nestingLimit) {
      this.reportDeep(start, scanned.end);
      return;
    }
    this.push(instance(T.TemplateOpen, start, start + 1, '"'), lineStart, false);
    for (const part of scanned.parts) {
      const { start: from, end } = part.span;
      if (!part.code) {
        this.push(instance(T.TemplateText, from, end, this.text.slice(from, end)), false, false);
        continue;
      }
      this.place(instance(T.HoleOpen, from - 2, from, "${"), false);
      const lexed = T.tokenize(this.text.slice(from, end));
      this.read(withBroken(lexed.tokens, lexed.errors, this.path, this.text, this.diagnostics, from), from);
      this.close(instance(T.HoleClose, end, end + 1, "}"));
    }
    this.push(instance(T.TemplateClose, scanned.end - 1, scanned.end, '"'), false, false);
  }

  /** Replaces a bracket that is too deep, with all it holds, by one Broken token. Returns the index of its last token. */
  private skipDeep(tokens: readonly IToken[], from: number, base: number): number {
    let depth = 0;
    let i = from;
    for (; i < tokens.length; i++) {
      if (partners.has(tokens[i].tokenType)) depth++;
      else if (closers.has(tokens[i].tokenType)) depth--;
      if (depth === 0) break;
    }
    const last = Math.min(i, tokens.length - 1);
    const end = last === from ? tokens[last].endOffset! + 1 : tokens[last].endOffset! + 1 + base;
    this.reportDeep(tokens[from].startOffset, end);
    return last;
  }

  private reportDeep(start: number, end: number): void {
    if (!this.tooDeep) {
      this.tooDeep = true;
      this.diagnostics.push(
        diagnostic(
          "S008",
          `brackets are nested more than ${nestingLimit} deep`,
          { file: this.path, span: { start, end: start + 1 } },
          {
            help: "name the inner parts with `let`",
          },
        ),
      );
    }
    this.push(instance(T.Broken, start, end, this.text.slice(start, start + 1)), false, true);
  }

  private innermost(): TokenType | undefined {
    return this.open.at(-1)?.close;
  }

  private atMargin(token: IToken): boolean {
    const before = this.text.charCodeAt(token.startOffset - 1);
    return token.startOffset === 0 || before === 0x0a || before === 0x0d;
  }

  private push(token: IToken, lineStart: boolean, synthetic: boolean): PlacedToken {
    const placed = token as PlacedToken;
    placed.depth = this.open.length;
    placed.lineStart = lineStart;
    placed.synthetic = synthetic;
    this.out.push(placed);
    return placed;
  }
}
