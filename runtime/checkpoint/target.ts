/**
 * May this path be written? In: the target of an output, whether it may replace what is there, and what must survive.
 * Out: the first diagnostic, or nothing; nothing is changed on disk. An empty folder may always be taken. With `force` a
 * file takes the place of a file, and a folder is replaced only if a writer of models made it (it holds peftc.json or .safetensors files), and never a folder
 * that holds an input, the working directory or the home directory.
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { type Diagnostic, diagnostic } from "../../grammar/index.js";
import { at, describe, isSystemError, kindAt } from "./access.js";
import { namesOneFile, type OutputPlan } from "./layout.js";
import { quoteName } from "./quote.js";

export interface TargetOptions {
  /** Replace an output that is already there. */
  readonly force: boolean;
  /** Files and folders that the run reads: none of them may be replaced. */
  readonly inputs?: readonly string[];
}

/** What keeps `target` (absolute) from being written: F051 to F053, F050, F055; null when nothing does. */
export function checkTarget(target: string, options: TargetOptions): Diagnostic | null {
  try {
    return wrongPlace(target) ?? wrongParent(target) ?? occupied(target, options);
  } catch (error) {
    return writeFailure(target, error);
  }
}

/** F056 when the disk that holds the target has less room than the output needs; otherwise null. */
export function checkSpace(plan: OutputPlan): Diagnostic | null {
  const carried = plan.carry.reduce(
    (sum, { from }) => sum + (fs.statSync(from, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  const needed = plan.totalBytes + carried;
  let free: number;
  try {
    const disk = fs.statfsSync(existingAncestor(plan.to));
    free = disk.bavail * disk.bsize;
  } catch (error) {
    return writeFailure(plan.to, error);
  }
  if (needed <= free) return null;
  return diagnostic("F056", `the output needs ${needed} bytes, but the disk has ${free} free`, at(plan.to), {
    notes: [`${needed - free} bytes are missing`],
    help: "free some space, save to another disk, or save in a smaller dtype (dtype = bf16)",
  });
}

/** The diagnostic for an operating system's refusal to write (F055); anything else is thrown again. */
export function writeFailure(target: string, error: unknown): Diagnostic {
  if (!isSystemError(error)) throw error;
  switch (error.code) {
    case "ENOSPC":
    case "EDQUOT":
      return diagnostic("F060", "the disk (or your share of it) is full", at(target), {
        help: "free some space or save to another disk; what was written so far is removed",
      });
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return diagnostic("F055", `you may not write here: ${error.message}`, at(target), {
        help: "save to a folder that you may write to",
      });
    default:
      return diagnostic("F055", `the output cannot be written: ${error.message}`, at(target), {
        help: "check the path and the disk, then run again",
      });
  }
}

/** The nearest folder above `target` that exists. */
export function existingAncestor(target: string): string {
  let place = path.dirname(target);
  while (kindAt(place) === null && path.dirname(place) !== place) place = path.dirname(place);
  return place;
}

function wrongPlace(target: string): Diagnostic | null {
  const places: [string, string][] = [
    [os.homedir(), "your home directory"],
    [process.cwd(), "the working directory"],
  ];
  const real = realPath(target);
  if (path.dirname(real) === real)
    return diagnostic("F052", "expected a folder to save to, found the root of the file system", at(target), {
      help: 'name a new folder, such as to = "out/merged"',
    });
  for (const [place, what] of places)
    if (holds(real, realPath(place)))
      return diagnostic("F052", `saving to ${quoteName(target)} would replace ${what}`, at(target), {
        help: 'name a new folder, such as to = "out/merged"',
      });
  return null;
}

function wrongParent(target: string): Diagnostic | null {
  const parent = existingAncestor(target);
  if (kindAt(parent) !== "folder")
    return diagnostic("F053", `${quoteName(parent)} is a file, so nothing can be saved inside it`, at(target), {
      help: "save to another folder",
    });
  fs.accessSync(parent, fs.constants.W_OK | fs.constants.X_OK);
  return null;
}

function occupied(target: string, { force, inputs = [] }: TargetOptions): Diagnostic | null {
  const around = inputs.find((file) => realPath(file) !== realPath(target) && holds(realPath(file), realPath(target)));
  if (around !== undefined)
    return diagnostic(
      "F052",
      `saving to ${quoteName(target)} would write inside the input ${quoteName(around)}`,
      at(target),
      { help: "save to a folder of its own" },
    );
  const stat = fs.lstatSync(target, { throwIfNoEntry: false });
  if (!stat) return null;
  if (namesOneFile(target)) return occupiedFile(target, stat, force, inputs);
  if (!stat.isDirectory())
    return diagnostic("F053", `expected a folder to save to, found ${describe(stat)}`, at(target), {
      help: "save to another path, or remove it",
    });
  const input = inputs.find((file) => holds(realPath(target), realPath(file)));
  if (input !== undefined)
    return diagnostic(
      "F052",
      `saving to ${quoteName(target)} would replace the input ${quoteName(input)}`,
      at(target),
      {
        help: "save to another folder",
      },
    );
  const names = fs.readdirSync(target);
  if (names.length === 0) return null;
  if (!force)
    return diagnostic("F050", `${quoteName(target)} exists already`, at(target), {
      help: "save to another folder, or run with --force to replace it",
    });
  if (names.includes("peftc.json") || names.some((name) => name.endsWith(".safetensors"))) return null;
  return diagnostic("F051", `${quoteName(target)} holds no model, so it is not replaced`, at(target), {
    notes: [`it holds ${[...names].sort().slice(0, 5).map(quoteName).join(", ")}`],
    help: "save to another folder, or remove it yourself",
  });
}

/** What keeps an output that is one file from taking the place of what `stat` describes. */
function occupiedFile(target: string, stat: fs.Stats, force: boolean, inputs: readonly string[]): Diagnostic | null {
  if (!stat.isFile())
    return diagnostic("F053", `expected a file to save to, found ${describe(stat)}`, at(target), {
      help: "save to another path, or remove it",
    });
  if (inputs.some((file) => holds(realPath(file), realPath(target))))
    return diagnostic("F052", `saving to ${quoteName(target)} would replace an input`, at(target), {
      help: "save to another file",
    });
  if (force) return null;
  return diagnostic("F050", `${quoteName(target)} exists already`, at(target), {
    help: "save to another file, or run with --force to replace it",
  });
}

/** True when `inner` is `outer` or lies inside it. */
function holds(outer: string, inner: string): boolean {
  const relative = path.relative(outer, inner);
  return relative === "" || (relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative));
}

/** Without links as far as the path exists; the rest as written. */
function realPath(file: string): string {
  const resolved = path.resolve(file);
  try {
    return fs.realpathSync(resolved);
  } catch {
    const parent = path.dirname(resolved);
    return parent === resolved ? resolved : path.join(realPath(parent), path.basename(resolved));
  }
}
