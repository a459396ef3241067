/**
 * Text to tree.
 *
 * In: a path, for the messages, and the text of a file. Out: its tree and every mistake in it, in order of place. The
 * grammar is the chain of rule classes below (types, literals, expressions, control, statements, definitions); the
 * parser is built once, at the first file. Never throws: what cannot be read is reported and left out of the tree.
 */

import { EOF } from "chevrotain";
import { commentOf, docBefore } from "./comments.js";
import { DefinitionRules } from "./definitions.js";
import { type Diagnostic, diagnostic } from "./diagnostic.js";
import { layout } from "./layout.js";
import type { Rule } from "./recovery.js";
import * as T from "./tokens.js";
import type { Comment, Expr, File } from "./tree.js";

/** More mistakes than this are not worth reading. */
const diagnosticLimit = 100;

class Parser extends DefinitionRules {
  private comments: readonly Comment[] = [];

  constructor() {
    super();
    this.performSelfAnalysis();
  }

  parse(path: string, text: string): { file: File; diagnostics: Diagnostic[] } {
    const laid = layout(path, text);
    this.comments = laid.comments.map(commentOf);
    this.begin(path, text);
    this.foreignDefinitions = [];
    this.input = laid.tokens;
    const { uses, definitions } = this.file();
    this.reportOpenRanges();
    const file: File = { path, text, uses, definitions, comments: this.comments };
    const kept = laid.diagnostics.filter((d) => !this.isForeign(d));
    return { file, diagnostics: inOrder([...kept, ...this.found]) };
  }

  private isForeign(d: Diagnostic): boolean {
    const at = d.primary.span?.start ?? -1;
    const aboutSigns = d.code === "S004" || d.code === "S011";
    return aboutSigns && this.foreignDefinitions.some((span) => span.start <= at && at < span.end);
  }

  parseExpression(path: string, text: string): { expr: Expr | null; diagnostics: Diagnostic[] } {
    const laid = layout(path, text);
    this.comments = [];
    this.begin(path, text);
    this.foreignDefinitions = [];
    this.input = laid.tokens;
    const expr = this.lone();
    this.reportOpenRanges();
    return { expr, diagnostics: inOrder([...laid.diagnostics, ...this.found]) };
  }

  /** One expression and nothing else. */
  private readonly lone: Rule<Expr | null> = this.rule("lone", () =>
    this.attempt<Expr | null>(
      () => {
        const value = this.SUBRULE(this.value);
        while (this.skip(T.Newline));
        if (!this.RECORDING_PHASE && !this.is(1, EOF)) this.unexpected("the end of the value");
        return value;
      },
      () => false,
      () => null,
    ),
  );

  protected docBefore(offset: number): string | null {
    return docBefore(this.comments, this.text, offset);
  }
}

function inOrder(diagnostics: Diagnostic[]): Diagnostic[] {
  const start = (d: Diagnostic) => d.primary.span?.start ?? 0;
  return diagnostics.sort((a, b) => start(a) - start(b)).slice(0, diagnosticLimit);
}

let parser: Parser | null = null;

/** Parses one file. `path` only names it in diagnostics; nothing is read. */
export function parse(path: string, text: string): { file: File; diagnostics: Diagnostic[] } {
  return shallow(
    () => (parser ??= new Parser()).parse(path, text),
    (diagnostics) => ({ file: { path, text, uses: [], definitions: [], comments: [] }, diagnostics }),
    path,
  );
}

/** Parses one expression, as a value given on a command line is; null after a mistake. */
export function parseExpression(path: string, text: string): { expr: Expr | null; diagnostics: Diagnostic[] } {
  return shallow(
    () => (parser ??= new Parser()).parseExpression(path, text),
    (diagnostics) => ({ expr: null, diagnostics }),
    path,
  );
}

/** Runs a parse; gives `failed` of one diagnostic when the stack does not suffice. */
function shallow<R>(parse: () => R, failed: (diagnostics: Diagnostic[]) => R, path: string): R {
  try {
    return parse();
  } catch (error) {
    // The limits on nesting keep the stack shallow; a caller deep in its own stack can still exhaust it.
    if (!(error instanceof RangeError)) throw error;
    parser = null;
    const tooDeep = diagnostic(
      "S008",
      "this file is nested too deeply to read",
      { file: path, span: null },
      {
        help: "name the inner parts with `let`",
      },
    );
    return failed([tooDeep]);
  }
}
