/**
 * `peftc explain CODE`: the page of a code, with a wrong and a right example; `peftc explain NAME`: what a built-in
 * function or a definition of the standard library is. Without a word, the list of all codes.
 */
import { checkCatalogue } from "../../compiler/check/index.js";
import { adaptersCatalogue, elaborateCatalogue, layersCatalogue } from "../../compiler/elaborate/index.js";
import { irCatalogue } from "../../compiler/ir/index.js";
import { type Catalogue, nearest, syntaxCatalogue } from "../../grammar/index.js";
import { checkpointCatalogue } from "../checkpoint/index.js";
import { compileCatalogue } from "../compile/index.js";
import { datasetCatalogue } from "../dataset/index.js";
import { cpuCatalogue, gpuCatalogue } from "../device/index.js";
import { executeCatalogue } from "../execute/index.js";
import { importCatalogue } from "../import/index.js";
import { type Entry, referenceEntries } from "../reference/index.js";
import { verifyCatalogue } from "./catalogue.js";
import type { Arguments } from "./options.js";
import type { Terminal } from "./terminal.js";
import { exitCode, UsageError } from "./usage.js";
import { isGiven } from "./values.js";

/** The catalogues of all stages, in the order in which a recipe meets them. */
const catalogues: readonly Catalogue[] = [
  syntaxCatalogue,
  checkCatalogue,
  elaborateCatalogue,
  layersCatalogue,
  adaptersCatalogue,
  irCatalogue,
  compileCatalogue,
  checkpointCatalogue,
  datasetCatalogue,
  executeCatalogue,
  importCatalogue,
  cpuCatalogue,
  gpuCatalogue,
  verifyCatalogue,
];

export function explain(args: Arguments, terminal: Terminal): number {
  const pages = new Map(catalogues.flatMap((catalogue) => Object.entries(catalogue)));
  const json = isGiven(args, "json");
  if (args.operands.length === 0) {
    const codes = [...pages].map(([code, { title }]) => ({ code, title }));
    const lines = codes.map(({ code, title }) => `${code}  ${title}`);
    terminal.print(json ? JSON.stringify(codes, null, 2) : lines.join("\n"));
    return exitCode.done;
  }
  const [word] = args.operands;
  const code = word.toUpperCase();
  const found = pages.get(code);
  if (found === undefined) {
    const entries = referenceEntries();
    const named = entries.filter(({ name, module }) => word === name || word === `${module}.${name}`);
    if (named.length === 0) {
      const near = [...nearest(code, pages.keys(), 1), ...nearest(word, new Set(entries.map(({ name }) => name)), 2)];
      throw new UsageError(
        `there is no code, function or definition ${JSON.stringify(word)}`,
        near.length > 0 ? `did you mean ${near.join(" or ")}?` : "peftc explain lists all codes",
      );
    }
    terminal.print(json ? JSON.stringify(named, null, 2) : named.map(pageOf).join("\n\n"));
    return exitCode.done;
  }
  const text = `${code}: ${found.title}\n\n${found.page.trimEnd()}`;
  terminal.print(json ? JSON.stringify({ code, ...found }, null, 2) : text);
  return exitCode.done;
}

function pageOf({ name, module, signature, doc }: Entry): string {
  return [...(module === null ? [] : [`use ${module}.{${name}}`]), signature, "", doc].join("\n");
}
