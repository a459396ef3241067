/**
 * Opening files that somebody else named. In: a path. Out: an open regular file, its text, or a diagnostic that says
 * what is there instead. Nothing here waits for a pipe, follows a loop of links or reads a file of unexpected size.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { type Diagnostic, diagnostic, fail, type Location, nearest, PeftError } from "../../grammar/index.js";
import { quoteName } from "./quote.js";

/** The place of a diagnostic about a file on disk. */
export function at(file: string): Location {
  return { file, span: null };
}

/** Follows links; fails with F001 to F004 when nothing can be read at `file`. */
export function statPath(file: string): fs.Stats {
  checkPath(file);
  try {
    return fs.statSync(file);
  } catch (error) {
    throw new PeftError([readFailure(file, error)]);
  }
}

/** Refuses a path that no file system can hold. */
export function checkPath(file: string): void {
  if (file === "")
    fail("F004", "expected a path, found an empty string", at(file), { help: "name a file or a folder" });
  if (file.includes("\0"))
    fail("F004", `the path ${quoteName(file)} contains a NUL character`, at(file), {
      help: "remove the character: no file can have this name",
    });
}

/** Opens a regular file, calls `use` with its descriptor and size in bytes, and closes it. */
export function withFile<T>(file: string, use: (fd: number, bytes: number) => T): T {
  requireFile(file, statPath(file));
  let fd: number;
  try {
    // Were the file swapped for a pipe just now, O_NONBLOCK keeps the open from waiting for a writer.
    fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    throw new PeftError([readFailure(file, error)]);
  }
  try {
    const stat = fs.fstatSync(fd);
    requireFile(file, stat);
    return use(fd, stat.size);
  } catch (error) {
    if (error instanceof PeftError || !isSystemError(error)) throw error;
    throw new PeftError([readFailure(file, error)]);
  } finally {
    fs.closeSync(fd);
  }
}

/** Reads `bytes` bytes from `offset`; fewer when the file ends before. */
export function readRange(fd: number, offset: number, bytes: number): Uint8Array {
  const buffer = new Uint8Array(bytes);
  let done = 0;
  while (done < bytes) {
    const count = fs.readSync(fd, buffer, done, bytes - done, offset + done);
    if (count === 0) return buffer.subarray(0, done);
    done += count;
  }
  return buffer;
}

/** The text of a small UTF-8 file, or null when it is not UTF-8. Refuses files above `limit` bytes with F005. */
export function readText(file: string, limit: number): string | null {
  return withFile(file, (fd, bytes) => {
    if (bytes > limit)
      fail("F005", `expected a text of at most ${limit} bytes, found a file of ${bytes} bytes`, at(file), {
        help: "check that this is the file you mean",
      });
    return decodeUtf8(readRange(fd, 0, bytes));
  });
}

/** Bytes to text; null when they are not UTF-8. A byte order mark stays in the text. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The names in a folder, sorted; fails when it cannot be read. */
export function listFolder(folder: string): readonly string[] {
  try {
    return fs.readdirSync(folder).sort();
  } catch (error) {
    throw new PeftError([readFailure(folder, error)]);
  }
}

/** What is at a path; null when there is nothing or it cannot be reached. Follows links. */
export function kindAt(file: string): "file" | "folder" | "other" | null {
  try {
    const stat = fs.statSync(file);
    if (stat.isFile()) return "file";
    return stat.isDirectory() ? "folder" : "other";
  } catch {
    return null;
  }
}

/** True for errors that the operating system reports (they have a code). */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === "string";
}

/** The diagnostic for a path that cannot be read. */
export function readFailure(file: string, error: unknown): Diagnostic {
  if (!isSystemError(error)) throw error;
  switch (error.code) {
    case "ENOENT":
    case "ENOTDIR":
      return missing(file);
    case "ELOOP":
      return diagnostic("F003", "expected a file or a folder, found links that lead in a circle", at(file), {
        help: "make the link point to the file itself",
      });
    case "EACCES":
    case "EPERM":
      return diagnostic("F002", "you may not read this path", at(file), {
        help: "change its permissions (`chmod u+r`), or run as a user who may read it",
      });
    case "ENAMETOOLONG":
      return diagnostic("F004", `the path has ${file.length} characters, more than the file system allows`, at(file), {
        help: "use a shorter path",
      });
    default:
      return diagnostic("F002", `the path cannot be read: ${error.message}`, at(file), {
        help: "check the disk and the path, then run again",
      });
  }
}

function requireFile(file: string, stat: fs.Stats): void {
  if (stat.isFile()) return;
  fail("F003", `expected a file, found ${describe(stat)}`, at(file), { help: "name a regular file" });
}

/** What a path is, in words. */
export function describe(stat: fs.Stats): string {
  if (stat.isDirectory()) return "a folder";
  if (stat.isFIFO()) return "a pipe";
  if (stat.isSocket()) return "a socket";
  if (stat.isCharacterDevice() || stat.isBlockDevice()) return "a device";
  if (stat.isSymbolicLink()) return "a link";
  return "a file";
}

/** F001: names the first part of the path that is missing, and what is there with nearly that name. */
function missing(file: string): Diagnostic {
  let lost = path.resolve(file);
  while (path.dirname(lost) !== lost && kindAt(path.dirname(lost)) === null) lost = path.dirname(lost);
  const folder = path.dirname(lost);
  if (kindAt(folder) !== "folder")
    return diagnostic("F001", `${quoteName(folder)} is a file, so nothing can be inside it`, at(file), {
      help: "name the file itself",
    });
  const link = fs.lstatSync(lost, { throwIfNoEntry: false });
  if (link?.isSymbolicLink())
    return diagnostic("F001", `the link ${quoteName(lost)} points to something that does not exist`, at(file), {
      help: "download the missing file or mend the link",
    });
  const names = namesIn(folder);
  const near = nearest(path.basename(lost), names).map((name) => quoteName(path.join(folder, name)));
  return diagnostic("F001", `${quoteName(lost)} does not exist`, at(file), {
    help: near.length > 0 ? `did you mean ${near.join(" or ")}?` : `check the path; ${folder} holds ${listing(names)}`,
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}

function listing(names: readonly string[]): string {
  if (names.length === 0) return "nothing";
  const shown = [...names].sort().slice(0, 6).map(quoteName).join(", ");
  return names.length > 6 ? `${shown} and ${names.length - 6} more` : shown;
}
