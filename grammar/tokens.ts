/**
 * Text to words: the Chevrotain lexer and the kinds of token.
 *
 * In: the text of one file (or of one interpolation). Out: tokens with UTF-16 offsets, newlines included; comments
 * apart. Only the words that no program may use as a name are keywords here; `merge`, `input`, `by`, `where` and the
 * like are plain names that the parser reads by their place. Signs of other languages are lexed too, so that each of
 * them gets its own advice. Source: spec/language.md, "Surface".
 */
import { createToken, type ILexingResult, Lexer, type TokenType } from "chevrotain";
import { scanString } from "./strings.js";

/** Any name or keyword: what may follow a `.`. */
export const Word = createToken({ name: "Word", pattern: Lexer.NA, label: "a name" });
/** Anything that may stand between two operands. */
export const Infix = createToken({ name: "Infix", pattern: Lexer.NA, label: "an operator" });

const digits = [..."0123456789"];
const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"];

// The lists of first characters spare the lexer the analysis of its patterns at every start of the compiler.
export const Identifier = createToken({
  name: "Identifier",
  label: "a name",
  pattern: /[A-Za-z_][A-Za-z0-9_]*/,
  start_chars_hint: letters,
  categories: [Word],
});

/** What an adapter puts in the place of its host's weight. */
export const NewTensor = createToken({
  name: "NewTensor",
  label: "`weight'`",
  pattern: /(?:weight|bias)'/,
  start_chars_hint: ["w", "b"],
});

function keyword(name: string, word: string, categories: TokenType[] = [Word]): TokenType {
  return createToken({ name, label: `\`${word}\``, pattern: word, longer_alt: Identifier, categories });
}

export const If = keyword("If", "if");
export const Then = keyword("Then", "then");
export const Else = keyword("Else", "else");
export const Match = keyword("Match", "match");
export const For = keyword("For", "for");
export const Let = keyword("Let", "let");
export const Return = keyword("Return", "return");
export const True = keyword("True", "true");
export const False = keyword("False", "false");
export const None = keyword("None", "none");
export const Not = keyword("Not", "not");
export const And = keyword("And", "and", [Word, Infix]);
export const Or = keyword("Or", "or", [Word, Infix]);
/** Operators by place only: `in` and `matches` are also names of dimensions, fields and arguments. */
export const In = keyword("In", "in", [Identifier, Infix]);
export const Matches = keyword("Matches", "matches", [Identifier, Infix]);

function sign(name: string, text: string, categories: TokenType[] = []): TokenType {
  return createToken({ name, label: `\`${text}\``, pattern: text, categories });
}

export const LParen = sign("LParen", "(");
/** A `(` whose partner is followed by `=>`; the layout step tells them apart. */
export const LambdaParen = createToken({
  name: "LambdaParen",
  label: "`(`",
  pattern: Lexer.NA,
  categories: [LParen],
});
export const RParen = sign("RParen", ")");
export const LSquare = sign("LSquare", "[");
export const RSquare = sign("RSquare", "]");
export const LCurly = sign("LCurly", "{");
export const RCurly = sign("RCurly", "}");
export const Comma = sign("Comma", ",");
export const Semicolon = sign("Semicolon", ";");
export const Colon = sign("Colon", ":");
export const Ellipsis = sign("Ellipsis", "...");
export const DotDot = sign("DotDot", "..", [Infix]);
export const Dot = sign("Dot", ".");
export const FatArrow = sign("FatArrow", "=>");
export const Arrow = sign("Arrow", "->");
/** Assigns to a state; between two operands it is reported and read as `<`. */
export const LeftArrow = sign("LeftArrow", "<-", [Infix]);
export const EqualEqual = sign("EqualEqual", "==", [Infix]);
export const NotEqual = sign("NotEqual", "!=", [Infix]);
export const LessEqual = sign("LessEqual", "<=", [Infix]);
export const GreaterEqual = sign("GreaterEqual", ">=", [Infix]);
export const Less = sign("Less", "<", [Infix]);
export const Greater = sign("Greater", ">", [Infix]);
export const Equals = sign("Equals", "=");
export const QuestionQuestion = sign("QuestionQuestion", "??", [Infix]);
export const Question = sign("Question", "?");
export const PlusPlus = sign("PlusPlus", "++", [Infix]);
export const Plus = sign("Plus", "+", [Infix]);
export const Minus = sign("Minus", "-", [Infix]);
export const Star = sign("Star", "*", [Infix]);
export const Slash = sign("Slash", "/", [Infix]);
export const Percent = sign("Percent", "%", [Infix]);
export const Caret = sign("Caret", "^", [Infix]);
export const At = sign("At", "@", [Infix]);
/** Between types; between values it is reported and read as `or`. */
export const Pipe = sign("Pipe", "|", [Infix]);

/** Signs that other languages have and this one has not. */
export const Foreign = createToken({
  name: "Foreign",
  label: "a sign of another language",
  pattern:
    /&&|\|\||\*\*|\+=|-=|\*=|\/=|:=|===|&|!(?!=)|#[^\r\n]*|'[^'\r\n]*'?|`[^`\r\n]*`?|\$|~|\/\*[\s\S]*?(?:\*\/|$)/,
  start_chars_hint: [..."&|*+-/:=!#'`$~"],
  line_breaks: true,
});

/** Digits with everything glued to them: `1_000`, `1e-4`, `12.5%`, `64MiB`, and the mistakes `12abc`, `1__0`. */
export const NumberToken = createToken({
  name: "Number",
  label: "a number",
  start_chars_hint: digits,
  pattern: /\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?(?:%|[A-Za-z_][A-Za-z0-9_]*)?/,
});

/** A whole string literal; interpolations stay inside until the layout step opens them. */
export const StringToken = createToken({
  name: "String",
  label: "a string",
  pattern: (text: string, offset: number) => {
    if (text.charCodeAt(offset) !== 0x22) return null;
    return [text.slice(offset, scanString(text, offset).end)] as unknown as RegExpExecArray;
  },
  start_chars_hint: ['"'],
  line_breaks: false,
});

/** Made by the layout step from a string with `${…}`: open, then text and `${ … }` in turn, then close. */
export const TemplateOpen = createToken({ name: "TemplateOpen", label: "a string", pattern: Lexer.NA });
export const TemplateText = createToken({ name: "TemplateText", label: "the rest of the string", pattern: Lexer.NA });
export const HoleOpen = createToken({ name: "HoleOpen", label: "`${`", pattern: Lexer.NA });
export const HoleClose = createToken({ name: "HoleClose", label: "`}`", pattern: Lexer.NA });
export const TemplateClose = createToken({ name: "TemplateClose", label: "the end of the string", pattern: Lexer.NA });

/** Stands for text that an earlier step has already reported. */
export const Broken = createToken({ name: "Broken", pattern: Lexer.NA });

export const Newline = createToken({
  name: "Newline",
  label: "the end of the line",
  pattern: /\r\n|\n|\r/,
  start_chars_hint: ["\r", "\n"],
  line_breaks: true,
});
const Space = createToken({
  name: "Space",
  pattern: /[ \t\f\v\u00a0\ufeff]+/,
  start_chars_hint: [..." \t\f\v\u00a0\ufeff"],
  group: Lexer.SKIPPED,
});
const CommentToken = createToken({
  name: "Comment",
  pattern: /\/\/[^\r\n]*/,
  start_chars_hint: ["/"],
  group: "comments",
});

/** Longest first where one sign begins another. */
const lexed: TokenType[] = [
  Newline,
  Space,
  CommentToken,
  Foreign,
  StringToken,
  NumberToken,
  If,
  Then,
  Else,
  Matches,
  Match,
  For,
  Let,
  Return,
  True,
  False,
  None,
  Not,
  And,
  Or,
  In,
  NewTensor,
  Identifier,
  FatArrow,
  Arrow,
  LeftArrow,
  Ellipsis,
  DotDot,
  Dot,
  EqualEqual,
  NotEqual,
  LessEqual,
  GreaterEqual,
  Less,
  Greater,
  Equals,
  QuestionQuestion,
  Question,
  PlusPlus,
  Plus,
  Minus,
  Star,
  Slash,
  Percent,
  Caret,
  At,
  Pipe,
  LParen,
  RParen,
  LSquare,
  RSquare,
  LCurly,
  RCurly,
  Comma,
  Semicolon,
  Colon,
];

/** The vocabulary of the parser. */
export const vocabulary: TokenType[] = [
  Word,
  Infix,
  LambdaParen,
  TemplateOpen,
  TemplateText,
  HoleOpen,
  HoleClose,
  TemplateClose,
  Broken,
  ...lexed,
];

const lexer = new Lexer(lexed, {
  positionTracking: "onlyOffset",
  skipValidations: true,
  ensureOptimizations: false,
});

/** Splits a text into tokens. Characters that begin no token come back in `errors`. */
export function tokenize(text: string): ILexingResult {
  const result = lexer.tokenize(text);
  for (const token of result.tokens) token.endOffset = token.startOffset + token.image.length - 1;
  for (const comment of result.groups.comments) comment.endOffset = comment.startOffset + comment.image.length - 1;
  return result;
}
