/**
 * Where this program is installed. In: nothing. Out: the folder of the package, its version, and the folder of the
 * standard library. The package is found by walking up from the running module, so that bundles, tests and sources
 * find the same files. Nothing heavy is loaded here: `peftc --version` must cost no more than reading one small file.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";

export const packageName = "peftc";

interface Installation {
  readonly root: string;
  readonly version: string;
}

let found: Installation | null = null;

function installation(): Installation {
  found ??= findInstallation(path.dirname(fileURLToPath(import.meta.url)));
  return found;
}

function findInstallation(start: string): Installation {
  for (let folder = start; ; folder = path.dirname(folder)) {
    const manifest = readManifest(path.join(folder, "package.json"));
    if (manifest?.name === packageName) return { root: folder, version: String(manifest.version) };
    if (path.dirname(folder) === folder) {
      throw new Error(`the installation is incomplete: no package.json of ${packageName} above ${start}`);
    }
  }
}

function readManifest(file: string): { name?: unknown; version?: unknown } | null {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

/** The folder that holds package.json. Throws when the installation is incomplete. */
export function packageRoot(): string {
  return installation().root;
}

/** The version in package.json, such as "0.1.0". */
export function packageVersion(): string {
  return installation().version;
}

/** The folder of the standard library: one folder a module, one `.peft` file or several in each. */
export function standardLibraryFolder(): string {
  return path.join(installation().root, "compiler", "std");
}
