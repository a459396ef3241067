/**
 * Diagnostics are values: every stage returns them, nobody prints. A code names one kind of mistake; its title and its
 * page (`peftc explain CODE`) stand in a catalogue in the folder of the stage that finds it.
 */
import type { Span } from "./tree.js";

/** A span in a named text: a `.peft` file, or the header of a checkpoint (then `span` is null). */
export interface Location {
  readonly file: string;
  readonly span: Span | null;
}

export interface Label extends Location {
  readonly text: string;
}

/** A replacement that would mend the mistake. */
export interface Edit extends Location {
  readonly replacement: string;
}

export interface Diagnostic {
  readonly code: string;
  readonly severity: "error" | "warning";
  /** One sentence, lower case, no full stop: what is wrong here, with expected and found. */
  readonly message: string;
  /** Where; `text` is the short label under the underline and may be empty. */
  readonly primary: Label;
  readonly others: readonly Label[];
  readonly notes: readonly string[];
  /** What to do. */
  readonly help: string | null;
  readonly edits: readonly Edit[];
}

/** An entry of a catalogue: what `peftc explain` prints. */
export interface CodePage {
  readonly title: string;
  readonly page: string;
}

export type Catalogue = Readonly<Record<string, CodePage>>;

/** The parts of a diagnostic that may be left out. */
export interface DiagnosticParts {
  readonly severity?: "error" | "warning";
  readonly label?: string;
  readonly others?: readonly Label[];
  readonly notes?: readonly string[];
  readonly help?: string | null;
  readonly edits?: readonly Edit[];
}

/** Makes a diagnostic from its code, message and place. */
export function diagnostic(code: string, message: string, at: Location, parts: DiagnosticParts = {}): Diagnostic {
  return {
    code,
    severity: parts.severity ?? "error",
    message,
    primary: { ...at, text: parts.label ?? "" },
    others: parts.others ?? [],
    notes: parts.notes ?? [],
    help: parts.help ?? null,
    edits: parts.edits ?? [],
  };
}

/** Carries diagnostics out of a stage that cannot go on. */
export class PeftError extends Error {
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => `${d.code}: ${d.message}`).join("\n"));
    this.name = "PeftError";
  }
}

/** Throws a single diagnostic. */
export function fail(code: string, message: string, at: Location, parts: DiagnosticParts = {}): never {
  throw new PeftError([diagnostic(code, message, at, parts)]);
}
