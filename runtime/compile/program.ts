/**
 * From files to checked definitions. In: the path of a `.peft` file. Out: everything that can be known without its
 * checkpoints: trees, types, and all mistakes of all files, in the order of files and places.
 */
import { networkOf } from "../../compiler/arch/index.js";
import type { CheckResult, ModuleTable } from "../../compiler/check/index.js";
import { check } from "../../compiler/check/index.js";
import type { Definitions } from "../../compiler/elaborate/index.js";
import { type Diagnostic, type File, PeftError, type RecipeDefinition, type Use } from "../../grammar/index.js";
import { definedNames, libraryModule, libraryModules } from "./library.js";
import { readSources, type Sources } from "./sources.js";

/** A program before its recipes are run. */
export interface CheckedProgram {
  readonly file: string;
  readonly text: string;
  /** Grows when files of the library are read that a checkpoint or an adapter asks for. */
  readonly texts: ReadonlyMap<string, string>;
  readonly addText: (name: string, text: string) => void;
  readonly files: ReadonlyMap<string, File>;
  readonly diagnostics: readonly Diagnostic[];
  /** Null when the file could not be read. */
  readonly checked: CheckResult | null;
  readonly definitions: Definitions;
  /** The recipes of the file itself, in their order. */
  readonly recipes: readonly RecipeDefinition[];
}

/** Reads and checks `file` and all it uses. Never throws a PeftError: what cannot be read is a diagnostic. */
export function checkProgram(file: string): CheckedProgram {
  let sources: Sources;
  try {
    sources = readSources(file);
  } catch (error) {
    if (!(error instanceof PeftError)) throw error;
    return {
      file,
      text: "",
      texts: new Map(),
      addText: () => {},
      files: new Map(),
      diagnostics: error.diagnostics,
      checked: null,
      definitions: { find: () => undefined, names: () => [] },
      recipes: [],
    };
  }
  const checked = checkSources(sources);
  const diagnostics = [
    ...sources.diagnostics,
    ...checked.diagnostics.filter((d) => !isEcho(d, sources, checked.diagnostics)),
  ];
  return {
    file,
    text: sources.texts.get(file)!,
    texts: sources.texts,
    addText: sources.addText,
    files: sources.files,
    diagnostics: inOrder(diagnostics, [...sources.files.keys()]),
    checked,
    definitions: definitionsOf(checked.table, sources),
    recipes: sources.files.get(file)!.definitions.filter((d): d is RecipeDefinition => d.kind === "recipe"),
  };
}

function checkSources(sources: Sources): CheckResult {
  const modules = libraryModules();
  const run = () =>
    check({ files: sources.files, resolve: (_from: string, use: Use) => sources.resolve(use), modules });
  const checked = run();
  if (!checked.diagnostics.some((d) => d.code === "N001")) return checked;
  // An unknown name may be one of the library: with all of it at hand the checker can say where it is.
  for (const module of modules.keys()) sources.addModule(module.split("."));
  return run();
}

/** Whether a diagnostic of the checker only repeats or follows from one that is there already; `found` are all of them. */
function isEcho(d: Diagnostic, sources: Sources, found: readonly Diagnostic[]): boolean {
  const start = d.primary.span?.start;
  const broken = sources.diagnostics.some((s) => s.severity === "error" && s.primary.file === d.primary.file);
  switch (d.code) {
    case "N006":
      return [...sources.unread].some((use) => use.from.kind === "file" && use.from.path.span.start === start);
    case "N001":
      return lostDefinition(d, sources) || isLostImport(d, sources, found) || onBrokenLine(d, sources);
    case "N007":
      return lostDefinition(d, sources);
    case "N009":
      // What uses the name may be among what could not be parsed.
      return broken;
    case "N004":
    case "N005":
      return onBrokenLine(d, sources);
    default:
      // What could not be read may be what this misses.
      return /^[TH]/.test(d.code) && inBrokenDefinition(d, sources);
  }
}

/** Where a file could not be read: the places of its syntax errors. */
function breaksOf(file: string, sources: Sources): number[] {
  return sources.diagnostics
    .filter((s) => s.severity === "error" && s.primary.file === file && s.primary.span !== null)
    .map((s) => s.primary.span!.start);
}

function inBrokenDefinition({ primary: { file, span } }: Diagnostic, sources: Sources): boolean {
  const definitions = sources.files.get(file)?.definitions ?? [];
  const around = definitions.find((d) => span !== null && isWithin(span.start, d.span));
  return around !== undefined && breaksOf(file, sources).some((at) => around.span.start <= at && at <= around.span.end);
}

/** Whether a name stands on a line with a syntax error, or would come from a \`let\` on such a line. */
function onBrokenLine({ primary: { file, span } }: Diagnostic, sources: Sources): boolean {
  const text = sources.texts.get(file);
  if (span === null || text === undefined) return false;
  const name = text.slice(span.start, span.end);
  return breaksOf(file, sources).some((at) => {
    const start = text.lastIndexOf("\n", at - 1) + 1;
    const end = text.indexOf("\n", at) < 0 ? text.length : text.indexOf("\n", at);
    if (start <= span.start && span.start <= end) return true;
    const words = text.slice(start, end).match(/\w+/g) ?? [];
    return words[0] === "let" && words[1] === name;
  });
}

/** Whether the unknown name would come from a \`use\` that failed. */
function isLostImport(
  { primary: { file, span } }: Diagnostic,
  sources: Sources,
  found: readonly Diagnostic[],
): boolean {
  if (span === null) return false;
  const name = sources.texts.get(file)?.slice(span.start, span.end);
  const failed = found.filter((f) => (f.code === "N006" || f.code === "N007") && f.primary.file === file);
  const uses = sources.files.get(file)?.uses ?? [];
  return uses.some(
    (use) =>
      use.names.some((imported) => (imported.as ?? imported.name).text === name) &&
      failed.some(({ primary }) => primary.span !== null && isWithin(primary.span.start, use.span)),
  );
}

function isWithin(at: number, span: { readonly start: number; readonly end: number }): boolean {
  return span.start <= at && at < span.end;
}

/** Whether the unknown name is that of a definition which stands in a text but could not be parsed. */
function lostDefinition(d: Diagnostic, sources: Sources): boolean {
  const { file, span } = d.primary;
  if (span === null) return false;
  const name = sources.texts.get(file)?.slice(span.start, span.end);
  return [...sources.texts].some(
    ([key, text]) =>
      definedNames(text).some((defined) => defined === name) &&
      !sources.files.get(key)!.definitions.some((definition) => definition.name.text === name),
  );
}

/** By file, in the order of `files`, then by place; what is in no file stands last. */
export function inOrder(diagnostics: readonly Diagnostic[], files: readonly string[]): Diagnostic[] {
  const rank = new Map(files.map((file, i) => [file, i]));
  const fileOf = (d: Diagnostic) => rank.get(d.primary.file) ?? files.length;
  const startOf = (d: Diagnostic) => d.primary.span?.start ?? 0;
  return [...diagnostics].sort((a, b) => fileOf(a) - fileOf(b) || startOf(a) - startOf(b));
}

/** Where the library has its adapters. */
const adapterModule = ["std", "adapter"];

/** What the elaborator finds by name. A network is read and checked when the first checkpoint asks for it. */
function definitionsOf(known: ModuleTable, sources: Sources): Definitions {
  let table = known;
  return {
    find: (file, name) => table.get(file)?.get(name),
    names: (file) => [...(table.get(file)?.keys() ?? [])],
    adapters(file) {
      const seen = [...(table.get(file)?.values() ?? [])];
      const module = libraryModule(adapterModule);
      if (module !== null && !module.files.every((f) => table.has(f.path))) {
        sources.addModule(adapterModule);
        table = checkSources(sources).table;
      }
      const library = (module?.files ?? []).flatMap((f) => [...(table.get(f.path)?.values() ?? [])]);
      return seen
        .concat(library)
        .flatMap(({ definition, file: from }) => (definition.kind === "adapter" ? [{ definition, file: from }] : []));
    },
    architecture(modelType, architectures) {
      const network = networkOf(modelType, architectures);
      const file = network === null ? undefined : libraryModule(network.module)?.fileOf.get(network.name)?.path;
      if (network === null || file === undefined) return null;
      if (!table.has(file)) {
        sources.addModule(network.module);
        table = checkSources(sources).table;
      }
      const found = table.get(file)?.get(network.name);
      return found?.definition.kind === "module" ? { definition: found.definition, file: found.file } : null;
    },
  };
}
