/**
 * Remembers the digests of tensors that were read before, because hashing a checkpoint can cost more than merging it.
 *
 * In: a weight file. Out: the digests of its tensors, if the file is the one that was hashed: same real path, device,
 * inode, size, and times of last change (of the data and of the inode) in nanoseconds. One small JSON file a weight
 * file, under $PEFTC_CACHE_DIR, $XDG_CACHE_HOME/peftc or ~/.cache/peftc, replaced as a whole by renaming: processes at
 * work side by side can lose each other's additions but never see half a file. A cache that cannot be read or written
 * is no cache, not an error. Take the identity before reading: `put` keeps nothing if the file has changed since, nor
 * for a file changed less than two seconds before (a second change could leave the same times on coarse clocks).
 */
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseJson, plainJson } from "./json.js";

/** What tells a version of a file from another one; all numbers as decimal text. */
export interface FileIdentity {
  readonly path: string;
  readonly key: string;
  readonly settled: boolean;
}

const settledMs = 2000;
const largestEntry = 64 * 1024 * 1024;

/** The identity of a file now; null when there is none. */
export function identifyFile(file: string): FileIdentity | null {
  try {
    const real = fs.realpathSync(file);
    const { dev, ino, size, mtimeNs, ctimeNs } = fs.statSync(real, { bigint: true });
    const key = [dev, ino, size, mtimeNs, ctimeNs].join(" ");
    return { path: real, key, settled: Date.now() - Number(mtimeNs / 1_000_000n) >= settledMs };
  } catch {
    return null;
  }
}

/** The folder of the cache of this user. */
export function cacheFolder(): string {
  const { PEFTC_CACHE_DIR: own, XDG_CACHE_HOME: shared } = process.env;
  if (own) return own;
  return path.join(shared && path.isAbsolute(shared) ? shared : path.join(os.homedir(), ".cache"), "peftc");
}

/** Digests by file and tensor; lives as long as its folder. */
export class DigestCache {
  private readonly folder: string;

  constructor(folder: string = cacheFolder()) {
    this.folder = path.join(folder, "digests");
  }

  /** SHA-256 in hex by tensor name; empty when the file is unknown or has changed. */
  get(identity: FileIdentity): ReadonlyMap<string, string> {
    try {
      const file = this.entry(identity);
      if (fs.statSync(file).size > largestEntry) return new Map();
      return readEntry(fs.readFileSync(file, "utf8"), identity);
    } catch {
      return new Map();
    }
  }

  /** Adds digests of tensors in the file that had `identity` before it was read. */
  put(identity: FileIdentity, digests: ReadonlyMap<string, string>): void {
    if (!identity.settled || identifyFile(identity.path)?.key !== identity.key) return;
    const tensors = [...new Map([...this.get(identity), ...digests])];
    const text = JSON.stringify({ version: 1, path: identity.path, key: identity.key, tensors });
    const fresh = path.join(this.folder, `.${randomBytes(8).toString("hex")}`);
    try {
      fs.mkdirSync(this.folder, { recursive: true });
      fs.writeFileSync(fresh, text, { flag: "wx" });
      fs.renameSync(fresh, this.entry(identity));
    } catch {
      removeQuietly(fresh);
    }
  }

  private entry(identity: FileIdentity): string {
    return path.join(this.folder, createHash("sha256").update(identity.path).digest("hex") + ".json");
  }
}

function removeQuietly(file: string): void {
  try {
    fs.rmSync(file, { force: true });
  } catch {
    // Where nothing can be written, there is nothing to remove.
  }
}

function readEntry(text: string, identity: FileIdentity): ReadonlyMap<string, string> {
  const parsed = parseJson(text);
  const entry = parsed.ok ? plainJson(parsed.value) : null;
  if (entry === null || typeof entry !== "object" || Array.isArray(entry)) return new Map();
  const { version, path: real, key, tensors } = entry as { readonly [key: string]: unknown };
  if (version !== 1 || real !== identity.path || key !== identity.key || !Array.isArray(tensors)) return new Map();
  const valid = tensors.every(
    (pair) => Array.isArray(pair) && typeof pair[0] === "string" && /^[0-9a-f]{64}$/.test(String(pair[1])),
  );
  return valid ? new Map(tensors as [string, string][]) : new Map();
}
