/**
 * All files of a program. In: the path of a `.peft` file. Out: it and every file that it uses, parsed; what each `use`
 * leads to; and mistakes of reading and of syntax. A file of the user's is found relative to the file that uses it; of
 * the standard library only the files that define a used name are parsed.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { type Diagnostic, diagnostic, type File, nearest, PeftError, parse, type Use } from "../../grammar/index.js";
import { blamePlace } from "./blame.js";
import { type LibraryFile, libraryModule } from "./library.js";
import { readSource } from "./source.js";

export interface Sources {
  /** By the name that diagnostics use, the program's own file first. */
  readonly files: ReadonlyMap<string, File>;
  readonly texts: ReadonlyMap<string, string>;
  readonly diagnostics: readonly Diagnostic[];
  /** Where a `use` leads; null: nowhere. */
  readonly resolve: (use: Use) => readonly string[] | string | null;
  /** Uses of files that could not be read: their diagnostics are already here. */
  readonly unread: ReadonlySet<Use>;
  /** Adds a text that is no file. */
  readonly addText: (name: string, text: string) => void;
  /** Loads all of the standard library's module with this path too. */
  readonly addModule: (segments: readonly string[]) => void;
}

/** Reads and parses `main` and all it uses. Throws PeftError when `main` itself cannot be read. */
export function readSources(main: string): Sources {
  const files = new Map<string, File>();
  const texts = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  const targets = new Map<Use, readonly string[] | string | null>();
  const unread = new Set<Use>();
  /** Real path → key, so that a file that is reached by two paths is one file. */
  const keys = new Map<string, string>();

  const add = (key: string, text: string): void => {
    const parsed = parse(key, text);
    files.set(key, parsed.file);
    texts.set(key, text);
    diagnostics.push(...parsed.diagnostics);
    for (const use of parsed.file.uses) targets.set(use, follow(key, use));
  };

  const addLibrary = (file: LibraryFile): string => {
    if (!files.has(file.path)) add(file.path, file.text);
    return file.path;
  };

  const follow = (from: string, use: Use): readonly string[] | string | null => {
    if (use.from.kind === "file") return followFile(from, use);
    const module = libraryModule(use.from.path.map((name) => name.text));
    if (module === null) return null;
    const needed = use.names.map(({ name }) => module.fileOf.get(name.text));
    // With a name that the module lacks, all of it is needed to suggest another one.
    const complete = needed.every((file) => file !== undefined) ? [...new Set(needed)] : module.files;
    return complete.map(addLibrary);
  };

  const followFile = (from: string, use: Use): string | null => {
    const written = writtenPath(use);
    const place = { file: from, span: use.from.kind === "file" ? use.from.path.span : use.span };
    const refuse = (found: readonly Diagnostic[]): null => {
      unread.add(use);
      diagnostics.push(...found);
      return null;
    };
    const target = path.isAbsolute(written) ? written : path.join(path.dirname(from), written);
    if (!written.endsWith(".peft")) {
      return refuse([
        diagnostic("N006", `expected a .peft file, found ${JSON.stringify(written)}`, place, {
          help: 'write use "./mine.peft".{name}',
        }),
      ]);
    }
    try {
      const text = readSource(target);
      const real = fs.realpathSync(target);
      const known = keys.get(real);
      if (known !== undefined) return known;
      keys.set(real, target);
      add(target, text);
      return target;
    } catch (error) {
      if (!(error instanceof PeftError)) throw error;
      if (error.diagnostics[0]?.code !== "F001") return refuse(blamePlace(error, place, "used here"));
      return refuse([
        diagnostic("N006", `there is no file ${JSON.stringify(written)}`, place, {
          label: "not found",
          notes: [`looked for ${target}`],
          help: nearbyFiles(written, target) ?? error.diagnostics[0].help,
        }),
      ]);
    }
  };

  const text = readSource(main);
  keys.set(fs.realpathSync(main), main);
  add(main, text);
  return {
    files,
    texts,
    diagnostics,
    resolve: (use) => targets.get(use) ?? null,
    unread,
    addText: (name, text) => texts.set(name, text),
    addModule: (segments) => libraryModule(segments)?.files.forEach(addLibrary),
  };
}

function writtenPath(use: Use): string {
  if (use.from.kind !== "file") return "";
  return use.from.path.parts.map((part) => (typeof part === "string" ? part : "")).join("");
}

/** What a missing file's folder holds instead; null when the folder is missing itself. */
function nearbyFiles(written: string, target: string): string | null {
  const folder = path.dirname(target);
  let names: string[];
  try {
    names = fs.readdirSync(folder).filter((name) => name.endsWith(".peft"));
  } catch {
    return null;
  }
  const show = (name: string) =>
    JSON.stringify(written.slice(0, written.length - path.basename(written).length) + name);
  const close = nearest(path.basename(target), names);
  if (close.length > 0) return `did you mean ${close.map(show).join(" or ")}?`;
  if (names.length === 0) return `${folder} holds no .peft file: the path is relative to this file`;
  return `${folder} holds ${names.sort().slice(0, 5).join(", ")}`;
}
