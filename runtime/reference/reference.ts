/**
 * What the language offers by name: built-in functions, and the definitions of the standard library with the comments
 * that stand above them. In: the table of built-ins and the library's files. Out: entries for `peftc explain NAME`, and
 * the chapter spec/library.md.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { builtins, showBuiltin } from "../../compiler/check/index.js";
import { type Definition, parse } from "../../grammar/index.js";
import { standardLibraryFolder } from "../installation/index.js";

export interface Entry {
  readonly name: string;
  /** `std.merge` for what `use` brings in; null for what is always there. */
  readonly module: string | null;
  /** As written in a definition's head: `merge linear(models: …) -> Weight[*s]`. */
  readonly signature: string;
  readonly doc: string;
}

/** All entries: built-ins in the order of their table, then the library by module and name. */
export function referenceEntries(): readonly Entry[] {
  const inBuilt = [...builtins.values()].map(
    (row): Entry => ({ name: row.name, module: null, signature: showBuiltin(row), doc: row.doc }),
  );
  const root = standardLibraryFolder();
  const files = fs
    .readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".peft"))
    .map((name) => name.split(path.sep).join("/"))
    .sort();
  const library = files.flatMap((name) => entriesOf(name, fs.readFileSync(path.join(root, name), "utf8")));
  return inBuilt.concat(library.sort((a, b) => order(a.module ?? "", b.module ?? "") || order(a.name, b.name)));
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The definitions of a file that have a comment: the others are parts of them. */
function entriesOf(file: string, text: string): Entry[] {
  const module = ["std", ...file.split("/").slice(0, -1)].join(".");
  return parse(file, text).file.definitions.flatMap((definition) =>
    definition.doc === null
      ? []
      : [
          {
            name: definition.name.text,
            module,
            signature: headOf(definition, text),
            doc: definition.doc.trim(),
          },
        ],
  );
}

/** The text of a definition before its body, on one line. */
function headOf(definition: Definition, text: string): string {
  const head = text.slice(definition.span.start, headEnd(definition, text));
  return head
    .replace(/\/\/.*$/gm, "")
    .replace(/\s+/g, " ")
    .replace(/\( /g, "(")
    .replace(/,? \)/g, ")")
    .replace(/ +:/g, ":")
    .trim();
}

function headEnd(definition: Definition, text: string): number {
  if (definition.kind === "record" || definition.kind === "recipe") return definition.name.span.end;
  const after = "on" in definition ? (definition.result ?? definition.on) : definition.result;
  if (after !== null) return after.span.end;
  const last = definition.params.at(-1)?.span.end ?? definition.name.span.end;
  return text.indexOf(")", last) + 1;
}

/** The chapter of the library, as Markdown. */
export function libraryText(): string {
  const entries = referenceEntries();
  const modules = [...new Set(entries.map(({ module }) => module))];
  const sections = modules.map((module) => {
    const rows = entries
      .filter((entry) => entry.module === module)
      .map(({ signature, doc }) => `| ${cell(`\`${signature}\``)} | ${cell(firstSentence(doc))} |`);
    const title = module === null ? "## Built-in functions" : `## ${module}`;
    return [title, "", "| | |", "|---|---|", ...rows].join("\n");
  });
  return `# Library

What recipes and definitions can call. Written from the compiler's table and the comments of \`compiler/std\`;
\`peftc explain NAME\` shows an entry whole. Built-in functions are always there, the rest comes with
\`use std.merge.{ties}\`.

${sections.join("\n\n")}
`;
}

function firstSentence(doc: string): string {
  const [paragraph] = doc.split(/\n\s*\n/);
  const line = paragraph.replace(/\s+/g, " ");
  return /^.*?[.:](?= [A-Z(]|$)/.exec(line)?.[0] ?? line;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
