/**
 * The standard library on disk. In: the path of a module, `std.merge`. Out: which of its files defines which name. A
 * module is all definitions of all files in its folder. An index comes from a scan for the words that begin a
 * definition, so that a recipe that uses one method parses one file of the library and not all of them.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { standardLibraryFolder } from "../installation/index.js";

/** One file of a module. */
export interface LibraryFile {
  /** Its absolute path. */
  readonly path: string;
  readonly text: string;
}

export interface LibraryModule {
  readonly files: readonly LibraryFile[];
  /** The file that defines a name. */
  readonly fileOf: ReadonlyMap<string, LibraryFile>;
}

const root = "std";
const extension = ".peft";
const modules = new Map<string, LibraryModule | null>();

/** The module `std.…` of these path segments; null when the library has none. */
export function libraryModule(segments: readonly string[]): LibraryModule | null {
  if (segments[0] !== root || segments.length < 2) return null;
  const name = segments.join(".");
  let module = modules.get(name);
  if (module === undefined) {
    module = readModule(segments.slice(1));
    modules.set(name, module);
  }
  return module;
}

function readModule(segments: readonly string[]): LibraryModule | null {
  const folder = path.join(standardLibraryFolder(), ...segments);
  const names = definitionFiles(folder);
  if (names.length === 0) return null;
  const files = names.map((name) => ({
    path: path.join(folder, name),
    text: fs.readFileSync(path.join(folder, name), "utf8"),
  }));
  const fileOf = new Map<string, LibraryFile>();
  for (const file of files) for (const name of definedNames(file.text)) fileOf.set(name, file);
  return { files, fileOf };
}

function definitionFiles(folder: string): string[] {
  try {
    return fs
      .readdirSync(folder)
      .filter((name) => name.endsWith(extension))
      .sort();
  } catch {
    return [];
  }
}

/** Names that a text seems to define, without parsing it. */
export function definedNames(text: string): string[] {
  return [
    ...text.matchAll(/^(?:merge|def|record|recipe|module|adapter|router|optimizer|sampler)[ \t]+([A-Za-z_]\w*)/gm),
  ].map((match) => match[1]);
}

/** Every module of the library with the paths of its files, for suggestions. */
export function libraryModules(): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, readonly string[]>();
  const visit = (segments: readonly string[]): void => {
    const folder = path.join(standardLibraryFolder(), ...segments);
    const names = definitionFiles(folder);
    if (segments.length > 0 && names.length > 0) {
      all.set(
        [root, ...segments].join("."),
        names.map((name) => path.join(folder, name)),
      );
    }
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) visit([...segments, entry.name]);
    }
  };
  visit([]);
  return all;
}
