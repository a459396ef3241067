/**
 * The ground of the parser: spans, messages, and going on after a mistake.
 *
 * In: laid-out tokens, whose brackets all match. Out: what the rules above this class need to report a mistake once
 * and to resume at the next separator or closing bracket of the same depth. Chevrotain's own recovery stays off: it
 * invents tokens, where a reader wants one message and silence about its consequences. Rules choose by looking at the
 * next tokens instead of by OR, OPTION and MANY: most choices here hang on a word's place, and the tables that those
 * three need cost every start of the compiler 50 ms (Node 20, two cores), the rules alone 10.
 */
import {
  EmbeddedActionsParser,
  EOF,
  type IToken,
  type ParserMethod,
  type TokenType,
  tokenLabel,
  tokenMatcher,
} from "chevrotain";
import { type Diagnostic, type DiagnosticParts, diagnostic } from "./diagnostic.js";
import type { PlacedToken } from "./layout.js";
import * as T from "./tokens.js";
import type { Name, Span } from "./tree.js";

/** A rule of the grammar that takes `A` and gives `R`. */
export type Rule<R, A extends unknown[] = []> = ParserMethod<A, R>;

/** How deep expressions, types and `else if` may nest, brackets or not. */
const depthLimit = 300;
/** How many operators or calls may follow each other in one expression. */
export const chainLimit = 500;

/** A mistake with its own message, thrown to where the parser can go on. No Error: nobody reads its stack. */
class SyntaxMistake {
  constructor(readonly diagnostic: Diagnostic | null) {}
}

/** Names a token for the words "found …". */
export function describe(token: IToken): string {
  switch (token.tokenType) {
    case EOF:
      return "the end of the file";
    case T.Newline:
      return "the end of the line";
    case T.StringToken:
    case T.TemplateOpen:
      return "a string";
    default:
      return token.image.length > 40 ? `\`${token.image.slice(0, 36)}…\`` : `\`${token.image}\``;
  }
}

export abstract class Recovering extends EmbeddedActionsParser {
  /** Found so far in the file being parsed. */
  protected found: Diagnostic[] = [];
  protected path = "";
  protected text = "";
  private depth = 0;

  constructor() {
    super(T.vocabulary, {
      maxLookahead: 1,
      recoveryEnabled: false,
      skipValidations: true,
      errorMessageProvider: {
        buildMismatchTokenMessage: ({ expected, actual }) =>
          `expected ${tokenLabel(expected)}, found ${describe(actual)}`,
        buildNoViableAltMessage: ({ actual }) => `expected something else, found ${describe(actual[0])}`,
        buildNotAllInputParsedMessage: ({ firstRedundant }) => `expected the end, found ${describe(firstRedundant)}`,
        buildEarlyExitMessage: ({ actual }) => `expected more, found ${describe(actual[0])}`,
      },
    });
  }

  /** Defines a rule; its name must be that of the property that holds it. */
  protected rule<R, A extends unknown[]>(name: string, body: (...args: A) => R): Rule<R, A> {
    return this.RULE(name, body) as Rule<R, A>;
  }

  /** The k-th token ahead; 0 is the one just read. */
  protected at(k: number): PlacedToken {
    return this.LA(k) as PlacedToken;
  }

  protected is(k: number, type: TokenType): boolean {
    return tokenMatcher(this.LA(k), type);
  }

  /** Reads the next token if it is of this type. */
  protected skip(type: TokenType): boolean {
    if (!this.is(1, type)) return false;
    this.CONSUME(type);
    return true;
  }

  /** Whether the k-th token ahead is a name with these letters. */
  protected isWord(k: number, word: string): boolean {
    const token = this.LA(k);
    return token.image === word && token.tokenType === T.Identifier;
  }

  /** Where the next token begins. */
  protected mark(): number {
    return this.LA(1).startOffset;
  }

  /** From a mark to the end of the token just read. */
  protected since(start: number): Span {
    const last = this.LA(0);
    return { start, end: Math.max(start, last.endOffset! + 1) };
  }

  protected spanOf(token: IToken): Span {
    return { start: token.startOffset, end: Math.max(token.startOffset, token.endOffset! + 1) };
  }

  protected nameOf(token: IToken): Name {
    return { text: token.image, span: this.spanOf(token) };
  }

  /** Reports a mistake after which parsing goes on as if it were none. */
  protected report(code: string, message: string, span: Span, parts: DiagnosticParts = {}): void {
    this.found.push(diagnostic(code, message, { file: this.path, span }, parts));
  }

  /** Gives up the smallest unit that can be given up. */
  protected raise(code: string, message: string, token: IToken, parts: DiagnosticParts = {}): never {
    // While Chevrotain records the rules there are no tokens, and nothing is wrong.
    if (this.RECORDING_PHASE) return undefined as never;
    const place = { file: this.path, span: this.spanOf(token) };
    throw new SyntaxMistake(this.isEcho(token) ? null : diagnostic(code, message, place, parts));
  }

  /** Raises the general mistake: something else was expected here. */
  protected unexpected(expected: string, help: string | null = null): never {
    const token = this.LA(1);
    return this.raise("S001", `expected ${expected}, found ${describe(token)}`, token, { help });
  }

  /**
   * Runs `parse`; after a mistake reads on until `stop` and gives `instead`. A caller's `stop` must hold at the
   * bracket that closes what it stands in.
   */
  protected attempt<R>(parse: () => R, stop: (token: PlacedToken) => boolean, instead: (span: Span) => R): R {
    if (this.RECORDING_PHASE) return parse();
    const start = this.mark();
    const depth = this.depth;
    try {
      return parse();
    } catch (error) {
      this.note(error);
      this.depth = depth;
      while (!this.is(1, EOF) && !stop(this.at(1))) this.SKIP_TOKEN();
      return instead(this.since(start));
    }
  }

  /**
   * A bracketed list: elements with commas between them, or new lines too in braces; a comma may stand after the last.
   */
  protected brackets(open: TokenType, close: TokenType, element: () => void, expected?: string): void {
    this.CONSUME(open);
    const separators = open === T.LCurly ? [T.Comma, T.Newline] : [T.Comma];
    this.sequence(separators, expected ?? `\`,\` or ${tokenLabel(close)}`, element);
    this.CONSUME(close);
  }

  /**
   * Elements between an opening bracket, already read, and its closing one, which stays. One separator stands between
   * two elements and may stand after the last. A mistake costs one element.
   */
  protected sequence(separators: readonly TokenType[], expected: string, element: () => void): void {
    if (this.RECORDING_PHASE) return;
    const inside = this.at(0).depth + 1;
    const separates = (token: PlacedToken) => token.depth === inside && separators.includes(token.tokenType);
    const stops = (token: PlacedToken) => token.depth < inside || separates(token);
    for (;;) {
      if (separators.includes(T.Semicolon)) while (separates(this.at(1))) this.SKIP_TOKEN();
      if (this.at(1).depth < inside) return;
      this.attempt(
        () => {
          element();
          if (!stops(this.at(1))) this.unexpected(expected, this.afterElement());
        },
        stops,
        () => {},
      );
      if (!separates(this.at(1))) return;
      this.SKIP_TOKEN();
    }
  }

  /** Advice for a token that can follow no complete expression. */
  private afterElement(): string | null {
    if (this.is(1, T.Equals)) return "to name a value write `let x = …`; to compare write `==`";
    if (this.is(1, T.For)) return "there is no `for` statement; write a list `[e for x in xs]`";
    if (this.is(1, T.Colon) && this.is(-1, T.LCurly))
      return "after `=>` a `{` opens a block; a record there is `({ a: x })`";
    if (this.is(1, T.Colon)) return "types stand after names: in parameters, in records and in `let x: T = …`";
    return null;
  }

  /** Counts one level of nesting for the time of `parse`. */
  protected nested<R>(parse: () => R): R {
    if (this.depth >= depthLimit) {
      this.raise("S008", "this is nested too deeply to read", this.LA(1), { help: "name the inner parts with `let`" });
    }
    this.depth++;
    const result = parse();
    this.depth--;
    return result;
  }

  private note(error: unknown): void {
    if (error instanceof SyntaxMistake) {
      if (error.diagnostic !== null) this.found.push(error.diagnostic);
      return;
    }
    const token = (error as { token?: IToken }).token;
    if (token === undefined) throw error;
    if (!this.isEcho(token)) this.report("S001", (error as Error).message, this.spanOf(token));
  }

  /** Whether a message about this token would only repeat an earlier one. */
  private isEcho(token: IToken): boolean {
    return (
      token.tokenType === T.Broken || this.LA(0).tokenType === T.Broken || (token as PlacedToken).synthetic === true
    );
  }

  protected begin(path: string, text: string): void {
    this.path = path;
    this.text = text;
    this.found = [];
    this.depth = 0;
  }
}
