/**
 * What every part of the checker needs while it reads one definition: where it is, where findings go, and how to ask
 * about the rest of the program. Reports are silent in trial readings (the first rounds of a `fold`).
 */
import { type Diagnostic, type DiagnosticParts, diagnostic, type Expr, type Span } from "../../grammar/index.js";
import type { Meaning } from "./meaning.js";
import type { Known, ModuleTable } from "./modules.js";
import type { Scope } from "./scope.js";
import type { Signature } from "./signature.js";
import type { Type } from "./types.js";

export interface Program {
  readonly table: ModuleTable;
  readonly types: Map<Expr, Type>;
  readonly diagnostics: Diagnostic[];
  /** Modules of which a missing name could be brought in: name → modules. */
  readonly elsewhere: ReadonlyMap<string, readonly string[]>;
  /** The signature of a definition that can be called; null for recipes. */
  readonly signatureOf: (known: Known) => Signature | null;
  /** Declared or inferred result in the callee's own names. */
  readonly resultOf: (known: Known) => Type;
  readonly recordOf: (known: Known) => Type;
  /** What a module, adapter, router or optimizer offers; null for other definitions. Incomplete while it is read. */
  readonly meaningOf: (known: Known) => Meaning | null;
}

/** What the statements of modules may do where an expression or statement stands. */
export interface ModuleBody {
  /** The names that `<-` takes, with their declared types. */
  readonly assignable: ReadonlyMap<string, Type | null>;
  /** `loss` and `emit` may stand here. */
  readonly adds: boolean;
}

export interface Context {
  readonly program: Program;
  readonly file: string;
  readonly inRecipe: boolean;
  /** null: outside of modules, or in a function without a name inside one. */
  readonly body: ModuleBody | null;
  /** Inside the first value of a field, where initialisers stand; `untyped`: of one whose type is not declared. */
  readonly field: "none" | "typed" | "untyped";
  /** True while a reading is only a trial. */
  readonly silent: boolean;
  /** How many trial readings are around this one. */
  readonly trials: number;
  /** Depth of expressions around this one. */
  readonly depth: { now: number };
  /** Where each dimension name of this definition was first written. */
  readonly origins: Map<string, Span>;
  readonly infer: (cx: Context, scope: Scope, e: Expr, expected?: Type | null) => Type;
}

export function report(cx: Context, code: string, message: string, span: Span, parts: DiagnosticParts = {}): void {
  if (!cx.silent) cx.program.diagnostics.push(diagnostic(code, message, { file: cx.file, span }, parts));
}

/** The same context for a reading whose findings do not count. */
export function onTrial(cx: Context): Context {
  return { ...cx, silent: true, trials: cx.trials + 1 };
}

/** Labels at the places where the names of lengths were first written. */
export function originLabels(cx: Context, names: readonly string[]) {
  return [...new Set(names)].flatMap((name) => {
    const span = cx.origins.get(name);
    return span ? [{ file: cx.file, span, text: `\`${name}\` is declared here` }] : [];
  });
}
