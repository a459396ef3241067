/**
 * Which definition a name means in which file. In: all parsed files and what a `use` refers to. Out: per file a table of
 * its names, own and imported, with mistakes of names, of `use` and of recursion. The elaborator reads the same table.
 * "Static code always ends": neither files nor definitions may need themselves.
 */
import {
  type Definition,
  type Diagnostic,
  diagnostic,
  type File,
  type Name,
  nearest,
  type Use,
} from "../../grammar/index.js";
import { freeNames } from "./references.js";

/** Where a path of `use` leads: one file, or the files whose definitions together make a module. */
export type Resolved = string | readonly string[] | null;

export interface CheckInput {
  /** Every parsed file, std included, by its path. */
  readonly files: ReadonlyMap<string, File>;
  readonly resolve: (from: string, use: Use) => Resolved;
  /** Modules that could be used (`std.merge`) with their files: for suggestions only. */
  readonly modules?: ReadonlyMap<string, readonly string[]>;
}

/** What a name of a file means. */
export interface Known {
  readonly definition: Definition;
  /** The file that holds the definition. */
  readonly file: string;
  /** The name and statement of the `use` that brought it here; null for the file's own definitions. */
  readonly use: { readonly name: Name; readonly statement: Use } | null;
}

/** Per file: name → meaning. */
export type ModuleTable = ReadonlyMap<string, ReadonlyMap<string, Known>>;

export interface Modules {
  readonly table: ModuleTable;
  readonly diagnostics: readonly Diagnostic[];
}

/** `std.merge`, or the written path of a file. */
export function showModule(use: Use): string {
  if (use.from.kind === "module") return use.from.path.map((n) => n.text).join(".");
  return `"${use.from.path.parts.map((p) => (typeof p === "string" ? p : "…")).join("")}"`;
}

/**
 * Resolves every `use` of every file. Errors: N002 (a name defined twice), N006 (no such module or file), N007 (the
 * module lacks the name), N008 (files or definitions that need themselves); N009 warns of imports nobody uses.
 */
export function resolveModules(input: CheckInput): Modules {
  const diagnostics: Diagnostic[] = [];
  const own = new Map<string, ReadonlyMap<string, Definition>>();
  for (const [path, file] of input.files) own.set(path, ownDefinitions(path, file, diagnostics));

  const table = new Map<string, ReadonlyMap<string, Known>>();
  const needs = new Map<string, { readonly to: string; readonly use: Use }[]>();
  for (const [path, file] of input.files) {
    const names = new Map<string, Known>();
    for (const [name, definition] of own.get(path)!) names.set(name, { definition, file: path, use: null });
    needs.set(path, []);
    for (const use of file.uses) {
      const resolved = input.resolve(path, use);
      const sources = (typeof resolved === "string" ? [resolved] : (resolved ?? [])).filter((s) => own.has(s));
      if (typeof resolved === "string") needs.get(path)!.push({ to: resolved, use });
      if (sources.length === 0) {
        diagnostics.push(noSuchModule(input, path, use));
        continue;
      }
      importNames(path, use, sources, own, names, diagnostics);
    }
    table.set(path, names);
  }
  const free: FreeNames = new Map(
    [...input.files.values()].flatMap((f) => f.definitions.map((d) => [d, freeNames(d)])),
  );
  diagnostics.push(...fileCycles(needs), ...definitionCycles(input, table, free), ...unusedImports(input, table, free));
  return { table, diagnostics };
}

function ownDefinitions(path: string, file: File, diagnostics: Diagnostic[]): ReadonlyMap<string, Definition> {
  const names = new Map<string, Definition>();
  for (const definition of file.definitions) {
    const { text, span } = definition.name;
    const first = names.get(text);
    if (first === undefined) {
      names.set(text, definition);
      continue;
    }
    diagnostics.push(
      diagnostic(
        "N002",
        `\`${text}\` is defined twice in this file`,
        { file: path, span },
        {
          label: "defined again here",
          others: [{ file: path, span: first.name.span, text: "first defined here" }],
          help: "rename one of the two",
        },
      ),
    );
  }
  return names;
}

function noSuchModule(input: CheckInput, path: string, use: Use): Diagnostic {
  const written = showModule(use);
  const span = use.from.kind === "file" ? use.from.path.span : spanOfPath(use);
  const close = use.from.kind === "module" ? nearest(written, [...(input.modules?.keys() ?? [])]) : [];
  return diagnostic(
    "N006",
    `there is no ${use.from.kind === "file" ? "file" : "module"} ${written}`,
    { file: path, span },
    {
      label: "not found",
      help:
        close.length > 0
          ? `did you mean ${close.join(" or ")}?`
          : use.from.kind === "file"
            ? "the path is relative to this file"
            : "modules of the standard library are written std.NAME; a file of your own is written in quotes",
    },
  );
}

function spanOfPath(use: Use) {
  const path = use.from.kind === "module" ? use.from.path : [];
  return path.length > 0 ? { start: path[0].span.start, end: path[path.length - 1].span.end } : use.span;
}

function importNames(
  path: string,
  use: Use,
  sources: readonly string[],
  own: ReadonlyMap<string, ReadonlyMap<string, Definition>>,
  names: Map<string, Known>,
  diagnostics: Diagnostic[],
): void {
  for (const { name, as } of use.names) {
    const file = sources.find((s) => own.get(s)!.has(name.text));
    if (file === undefined) {
      const close = nearest(
        name.text,
        sources.flatMap((s) => [...own.get(s)!.keys()]),
      );
      diagnostics.push(
        diagnostic(
          "N007",
          `${showModule(use)} has no \`${name.text}\``,
          { file: path, span: name.span },
          {
            label: "not defined there",
            help: close.length > 0 ? `did you mean ${close.map((c) => `\`${c}\``).join(" or ")}?` : null,
          },
        ),
      );
      continue;
    }
    const local = as ?? name;
    const before = names.get(local.text);
    if (before !== undefined) {
      const first = before.use === null ? before.definition.name.span : before.use.name.span;
      diagnostics.push(
        diagnostic(
          "N002",
          `\`${local.text}\` already has a meaning in this file`,
          { file: path, span: local.span },
          {
            label: "brought in here",
            others: [{ file: path, span: first, text: before.use === null ? "defined here" : "brought in here first" }],
            help: `give it another name: \`${name.text} as other_${name.text}\``,
          },
        ),
      );
      continue;
    }
    names.set(local.text, { definition: own.get(file)!.get(name.text)!, file, use: { name: local, statement: use } });
  }
}

/** Edges of a graph with the diagnostic that an edge closing a cycle gives; each cycle is reported once. */
function cycles<Node>(
  nodes: Iterable<Node>,
  edgesOf: (node: Node) => readonly { readonly to: Node; readonly report: (path: readonly Node[]) => Diagnostic }[],
): Diagnostic[] {
  const found: Diagnostic[] = [];
  const done = new Set<Node>();
  for (const start of nodes) {
    if (done.has(start)) continue;
    const path: { readonly node: Node; next: number }[] = [{ node: start, next: 0 }];
    const open = new Set<Node>([start]);
    while (path.length > 0) {
      const top = path[path.length - 1];
      const edges = edgesOf(top.node);
      if (top.next >= edges.length) {
        path.pop();
        open.delete(top.node);
        done.add(top.node);
        continue;
      }
      const edge = edges[top.next++];
      if (open.has(edge.to)) {
        const from = path.findIndex((p) => p.node === edge.to);
        found.push(edge.report(path.slice(from).map((p) => p.node)));
      } else if (!done.has(edge.to)) {
        path.push({ node: edge.to, next: 0 });
        open.add(edge.to);
      }
    }
  }
  return found;
}

function fileCycles(needs: ReadonlyMap<string, readonly { readonly to: string; readonly use: Use }[]>): Diagnostic[] {
  return cycles(needs.keys(), (path) =>
    (needs.get(path) ?? []).map(({ to, use }) => ({
      to,
      report: (round) =>
        diagnostic(
          "N008",
          `files use each other in a circle: ${[...round, round[0]].join(" → ")}`,
          { file: path, span: use.span },
          {
            label: "this closes the circle",
            help: "move what both need into a third file",
          },
        ),
    })),
  );
}

type FreeNames = ReadonlyMap<Definition, readonly Name[]>;

function definitionCycles(input: CheckInput, table: ModuleTable, free: FreeNames): Diagnostic[] {
  const edges = new Map<Definition, { to: Definition; report: (path: readonly Definition[]) => Diagnostic }[]>();
  for (const [path, file] of input.files) {
    for (const definition of file.definitions) {
      const needed = new Map<Definition, Name>();
      for (const name of free.get(definition)!) {
        const known = table.get(path)!.get(name.text);
        if (known !== undefined && !needed.has(known.definition)) needed.set(known.definition, name);
      }
      edges.set(
        definition,
        [...needed].map(([to, name]) => ({ to, report: (round) => recursion(path, name, round) })),
      );
    }
  }
  return cycles(edges.keys(), (definition) => edges.get(definition) ?? []);
}

function recursion(path: string, name: Name, round: readonly Definition[]): Diagnostic {
  const names = round.map((d) => `\`${d.name.text}\``);
  const message =
    names.length === 1
      ? `${names[0]} uses itself`
      : `definitions use each other in a circle: ${[...names, names[0]].join(" → ")}`;
  return diagnostic(
    "N008",
    message,
    { file: path, span: name.span },
    {
      label: "this closes the circle",
      notes: ["the text of a definition is followed while the graph is built, so it has to end"],
      help: "repeat over a list instead: fold(xs, init, (state, x) => …)",
    },
  );
}

/** The definition that an adapter wraps is mentioned, but not needed. */
function hostOf(definition: Definition): readonly Name[] {
  return "members" in definition && definition.on?.kind ? [definition.on.kind] : [];
}

function unusedImports(input: CheckInput, table: ModuleTable, free: FreeNames): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const [path, file] of input.files) {
    const used = new Set(file.definitions.flatMap((d) => [...free.get(d)!, ...hostOf(d)].map((n) => n.text)));
    for (const [name, known] of table.get(path)!) {
      if (known.use === null || used.has(name)) continue;
      diagnostics.push(
        diagnostic(
          "N009",
          `\`${name}\` is brought in but never used`,
          { file: path, span: known.use.name.span },
          {
            severity: "warning",
            label: "not used in this file",
            help: "take it out of the `use`",
          },
        ),
      );
    }
  }
  return diagnostics;
}
