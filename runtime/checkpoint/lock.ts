/**
 * Who is writing where. A run writes into a hidden folder beside its target, `.NAME.peftc-<random>`, which holds a lock
 * (host, process and the process's start) and, inside, the folder that will be renamed to NAME.
 *
 * In: a target. Out: a fresh folder of this kind, after the folders of dead runs for the same target were removed; or a
 * diagnostic when another run is writing. A run that died between moving the old output away and moving the new one in
 * has left the old one inside its folder: that is put back first.
 */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fail } from "../../grammar/index.js";
import { at, kindAt } from "./access.js";
import { isJsonObject, parseJson } from "./json.js";
import { quoteName } from "./quote.js";

const lockName = "peftc-writing.json";
/** Where the old output waits inside a staging folder while the new one takes its place. */
export const replacedName = "replaced";
/** A folder without a readable lock is given this long to get one. */
const lockGraceMs = 10_000;

interface Owner {
  readonly host: string;
  readonly pid: number;
  /** When the process began, in the kernel's ticks, where the system tells; pids are used again. */
  readonly started: string | null;
}

/** True for a staging folder and for the folder inside it. */
export function isUnfinished(folder: string): boolean {
  const inside = path.resolve(folder);
  return [inside, path.dirname(inside)].some((place) => kindAt(path.join(place, lockName)) !== null);
}

/** Makes and locks a staging folder for `target` (absolute, its parent exists). Throws PeftError (F054). */
export function createStaging(target: string): string {
  const prefix = stagingPrefix(target);
  const staging = path.join(path.dirname(target), prefix + randomBytes(6).toString("hex"));
  fs.mkdirSync(staging, { mode: 0o777 });
  const owner: Owner = { host: os.hostname(), pid: process.pid, started: startOf(process.pid) };
  fs.writeFileSync(path.join(staging, lockName), JSON.stringify(owner), { flag: "wx" });
  try {
    // Looking only after the own lock is in place: of two runs at once at least one sees the other.
    for (const name of fs.readdirSync(path.dirname(target)))
      if (name.startsWith(prefix) && name !== path.basename(staging)) clearStale(target, name);
  } catch (error) {
    removeStaging(staging);
    throw error;
  }
  return staging;
}

/** Removes a staging folder and what is in it; the lock goes last. */
export function removeStaging(staging: string): void {
  for (const name of namesIn(staging))
    if (name !== lockName) fs.rmSync(path.join(staging, name), { recursive: true, force: true });
  fs.rmSync(staging, { recursive: true, force: true });
}

function stagingPrefix(target: string): string {
  return `.${path.basename(target)}.peftc-`;
}

function clearStale(target: string, name: string): void {
  const staging = path.join(path.dirname(target), name);
  if (!/^[0-9a-f]{12}$/.test(name.slice(stagingPrefix(target).length))) return;
  if (!fs.lstatSync(staging, { throwIfNoEntry: false })?.isDirectory()) return;
  const owner = readOwner(staging);
  if (isAlive(staging, owner))
    fail("F054", `another run is writing ${quoteName(target)}`, at(target), {
      notes: owner ? [`process ${owner.pid} on ${owner.host}, in ${staging}`] : [],
      help: `wait for it; if it is dead, remove ${quoteName(staging)}`,
    });
  const replaced = path.join(staging, replacedName);
  if (kindAt(replaced) === "folder" && !fs.lstatSync(target, { throwIfNoEntry: false }))
    fs.renameSync(replaced, target);
  removeStaging(staging);
}

function readOwner(staging: string): Owner | null {
  let text: string;
  try {
    text = fs.readFileSync(path.join(staging, lockName), "utf8");
  } catch {
    return null;
  }
  const parsed = parseJson(text);
  if (!parsed.ok || !isJsonObject(parsed.value)) return null;
  const [host, pid, started] = ["host", "pid", "started"].map(
    (key) => parsed.value instanceof Map && parsed.value.get(key)?.value,
  );
  if (typeof host !== "string" || !Number.isSafeInteger(pid) || (pid as number) < 1) return null;
  return { host, pid: pid as number, started: typeof started === "string" ? started : null };
}

/** When in doubt (another host, no lock yet, no start time), a run counts as alive. */
function isAlive(staging: string, owner: Owner | null): boolean {
  if (!owner) return Date.now() - (fs.statSync(staging, { throwIfNoEntry: false })?.mtimeMs ?? 0) < lockGraceMs;
  if (owner.host !== os.hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const started = startOf(owner.pid);
  return owner.started === null || started === null || owner.started === started;
}

/** The start of a process: field 22 of /proc/PID/stat, counted after the name, which may hold anything. */
function startOf(pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}
