/**
 * Diagnostics for readers and for machines. In: diagnostics and the texts they point into. Out: frames on stderr with a
 * count at the end; or plain records for `--json`; and the exit code that they mean.
 */
import { type Diagnostic, lineColumn, renderDiagnostic } from "../../grammar/index.js";
import { plural } from "../report/index.js";
import type { Terminal } from "./terminal.js";
import { exitCode } from "./usage.js";

type Texts = ReadonlyMap<string, string>;

/** A diagnostic in the output of `--json`; lines and columns from 1, null where there is no text to point into. */
export interface JsonDiagnostic {
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly endLine: number | null;
  readonly endColumn: number | null;
  readonly help: string | null;
}

/** More frames than this scroll away what matters. */
const framesShown = 50;

/** Prints frames and the number of errors and warnings. */
export function tellDiagnostics(terminal: Terminal, diagnostics: readonly Diagnostic[], texts: Texts): void {
  if (diagnostics.length === 0) return;
  // Errors must not be lost behind many warnings.
  const shown =
    diagnostics.length <= framesShown
      ? diagnostics
      : [...diagnostics].sort((a, b) => Number(isError(b)) - Number(isError(a))).slice(0, framesShown);
  for (const d of shown) terminal.tell(`${renderDiagnostic(d, texts, { color: terminal.color })}\n\n`);
  const hidden = diagnostics.length - shown.length;
  terminal.tell(`${countDiagnostics(diagnostics)}${hidden > 0 ? `, ${hidden} of them not shown` : ""}\n`);
}

/** `2 errors, 1 warning`. */
export function countDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(isError).length;
  const warnings = diagnostics.length - errors;
  const counts = [errors > 0 ? plural(errors, "error") : "", warnings > 0 ? plural(warnings, "warning") : ""];
  return counts.filter((text) => text !== "").join(", ");
}

export function isError(d: Diagnostic): boolean {
  return d.severity === "error";
}

/** Whether a command has to stop: an error, or with `strict` a warning too. */
export function isFatal(diagnostics: readonly Diagnostic[], strict: boolean): boolean {
  return diagnostics.some((d) => strict || isError(d));
}

export function jsonDiagnostics(diagnostics: readonly Diagnostic[], texts: Texts): JsonDiagnostic[] {
  return diagnostics.map((d) => {
    const { file, span } = d.primary;
    const text = texts.get(file);
    const from = span === null || text === undefined ? null : lineColumn(text, span.start);
    const to = span === null || text === undefined ? null : lineColumn(text, span.end);
    return {
      code: d.code,
      severity: d.severity,
      message: d.message,
      file,
      line: from?.line ?? null,
      column: from?.column ?? null,
      endLine: to?.line ?? null,
      endColumn: to?.column ?? null,
      help: d.help,
    };
  });
}

/** Codes that mean: the recipe was fine, the disk was not. X000 to X009 and V say so of threads and devices. */
const diskCodes: ReadonlySet<string> = new Set(["F002", "F055", "F060"]);

/** The exit code of a run that ended with these errors: 3 when a device or a disk failed, else 1. */
export function exitCodeOf(diagnostics: readonly Diagnostic[]): number {
  const failed = diagnostics.some((d) => isError(d) && (/^(X00|V)/.test(d.code) || diskCodes.has(d.code)));
  return failed ? exitCode.failure : exitCode.diagnostics;
}
