/**
 * The static checker: parsed files in, types and diagnostics out, without any checkpoint. Every definition is checked,
 * called or not. What cannot be known from the text is `unknown` and passes; the elaborator, which has shapes and values,
 * stands behind this. Spec: spec/language.md.
 */
import type { Diagnostic, Expr, Span } from "../../grammar/index.js";
import type { Context, Program } from "./context.js";
import { checkFunction, checkRecipe, recordFrom } from "./definitions.js";
import { infer } from "./expressions.js";
import type { Meaning } from "./meaning.js";
import { readMembers } from "./members.js";
import { type CheckInput, type Known, type ModuleTable, resolveModules } from "./modules.js";
import { instanceOf, type Signature, signatureFrom } from "./signature.js";
import { type Type, unknown } from "./types.js";

export interface CheckResult {
  readonly diagnostics: readonly Diagnostic[];
  /** Per file: what each name means. */
  readonly table: ModuleTable;
  /** The signature of a definition that can be called; null for recipes and records. */
  readonly signatureOf: (known: Known) => Signature | null;
  /** Declared or inferred result of a `def` or `merge`, in its own names; the instance that other definitions give. */
  readonly resultOf: (known: Known) => Type;
  /** What an instance of a module, adapter, router or optimizer offers; null for other definitions. */
  readonly meaningOf: (known: Known) => Meaning | null;
  /** The type of an expression of a checked file. */
  readonly typeOf: (e: Expr) => Type | undefined;
}

interface Checking {
  readonly program: Program;
  readonly signatures: Map<unknown, { readonly signature: Signature; readonly origins: ReadonlyMap<string, Span> }>;
}

function contextFor(
  program: Program,
  file: string,
  origins: Map<string, Span>,
  inRecipe: boolean,
  silent: boolean,
): Context {
  const trials = silent ? 1 : 0;
  return { program, file, inRecipe, body: null, field: "none", silent, trials, depth: { now: 0 }, origins, infer };
}

function startProgram(table: ModuleTable, elsewhere: ReadonlyMap<string, readonly string[]>): Checking {
  const signatures: Checking["signatures"] = new Map();
  const results = new Map<unknown, Type>();
  const records = new Map<unknown, Type>();
  const meanings = new Map<unknown, Meaning>();

  const signed = (known: Known) => {
    const { definition } = known;
    if (definition.kind === "recipe" || definition.kind === "record") return null;
    const before = signatures.get(definition);
    if (before !== undefined) return before;
    const origins = new Map<string, Span>();
    const cx = contextFor(program, known.file, origins, false, false);
    const isModule = "members" in definition;
    const head = signatureFrom(cx, definition.name, definition.params, isModule ? null : definition.result);
    const made = { signature: isModule ? { ...head, result: instanceOf(known, definition, head) } : head, origins };
    signatures.set(definition, made);
    return made;
  };

  const program: Program = {
    table,
    types: new Map(),
    diagnostics: [],
    elsewhere,
    signatureOf: (known) => signed(known)?.signature ?? null,
    recordOf: (known) => {
      const before = records.get(known.definition);
      if (before !== undefined || known.definition.kind !== "record") return before ?? unknown;
      records.set(known.definition, unknown);
      const type = recordFrom(contextFor(program, known.file, new Map(), false, false), known.definition);
      records.set(known.definition, type);
      return type;
    },
    resultOf: (known) => {
      const made = signed(known);
      if (made === null) return unknown;
      if (made.signature.result !== null) return made.signature.result;
      const before = results.get(known.definition);
      if (before !== undefined) return before;
      results.set(known.definition, unknown);
      const { definition } = known;
      if (definition.kind !== "def" && definition.kind !== "merge") return unknown;
      const cx = contextFor(program, known.file, new Map(made.origins), false, true);
      const type = checkFunction(cx, definition, made.signature);
      results.set(known.definition, type);
      return type;
    },
    meaningOf: (known) => {
      const { definition } = known;
      const before = meanings.get(definition);
      if (before !== undefined || !("members" in definition)) return before ?? null;
      const { signature, origins } = signed(known)!;
      const meaning: Meaning = { signature, fields: new Map(), functions: new Map() };
      meanings.set(definition, meaning);
      readMembers(contextFor(program, known.file, new Map(origins), false, false), definition, meaning);
      return meaning;
    },
  };
  return { program, signatures };
}

/** Name → modules of which it could be brought in. */
function namesElsewhere(input: CheckInput): ReadonlyMap<string, readonly string[]> {
  const elsewhere = new Map<string, string[]>();
  for (const [module, files] of input.modules ?? []) {
    for (const path of files) {
      for (const definition of input.files.get(path)?.definitions ?? []) {
        const name = definition.name.text;
        elsewhere.set(name, [...(elsewhere.get(name) ?? []), module]);
      }
    }
  }
  return elsewhere;
}

/**
 * Checks all files. Never throws on any tree the parser gives. The diagnostics are ordered by file (in the order of
 * `files`) and place.
 */
export function check(input: CheckInput): CheckResult {
  const modules = resolveModules(input);
  const { program, signatures } = startProgram(modules.table, namesElsewhere(input));
  for (const [path, file] of input.files) {
    for (const definition of file.definitions) {
      const known: Known = { definition, file: path, use: null };
      if (definition.kind === "record") program.recordOf(known);
      else if ("members" in definition) program.meaningOf(known);
      else if (definition.kind === "recipe") checkRecipe(contextFor(program, path, new Map(), true, false), definition);
      else {
        program.signatureOf(known);
        const made = signatures.get(definition)!;
        checkFunction(contextFor(program, path, new Map(made.origins), false, false), definition, made.signature);
      }
    }
  }
  const order = new Map([...input.files.keys()].map((path, i) => [path, i]));
  const place = (d: Diagnostic) => [order.get(d.primary.file) ?? 0, d.primary.span?.start ?? 0] as const;
  const diagnostics = [...modules.diagnostics, ...program.diagnostics].sort((a, b) => {
    const [fa, sa] = place(a);
    const [fb, sb] = place(b);
    return fa - fb || sa - sb;
  });
  return {
    diagnostics,
    table: modules.table,
    signatureOf: program.signatureOf,
    resultOf: program.resultOf,
    meaningOf: program.meaningOf,
    typeOf: (e) => program.types.get(e),
  };
}
