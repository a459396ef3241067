/**
 * A Vulkan driver for tests on bare Linux machines: SwiftShader, a GPU in software, out of the npm package
 * @sparticuz/chromium (64 MB, so it is fetched when a test first needs it and not a dependency). In: nothing. Out: the
 * environment in which a new process finds the driver; Vulkan looks at it when the process starts, so tests that need it
 * start themselves again. The driver and its loader (15 MB) stay in .tools/swiftshader.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

const packageName = "@sparticuz/chromium@123.0.1";
const archiveSha1 = "eb016d419b82c40aca59d02464560bab53694641";
const folder = resolve(".tools/swiftshader");
const driver = join(folder, "vk_swiftshader_icd.json");

/** The environment of the driver, or the reason why there is none. */
export type SoftwareVulkan = { readonly env: Record<string, string> } | { readonly reason: string };

/** The files of a tar archive, by name. */
function filesOfTar(tar: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const text = (from: number, length: number) =>
      String.fromCharCode(...tar.subarray(at + from, at + from + length)).replace(/\0.*$/, "");
    const size = Number.parseInt(text(124, 12), 8);
    if (text(156, 1) === "0" || text(156, 1) === "") files.set(text(0, 100), tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** Fetches the package and unpacks the driver. Returns null, or what went wrong. */
function install(): string | null {
  const work = mkdtempSync(join(tmpdir(), "swiftshader-"));
  try {
    const packed = spawnSync("npm", ["pack", packageName, "--pack-destination", work, "--silent"], {
      encoding: "utf8",
      timeout: 300_000,
    });
    const archive = readdirSync(work).find((name) => name.endsWith(".tgz"));
    if (archive === undefined)
      return `npm pack ${packageName} failed: ${(packed.stderr ?? "").trim().split("\n")[0] || packed.error?.message || "no output"}`;
    const bytes = new Uint8Array(readFileSync(join(work, archive)));
    if (createHash("sha1").update(bytes).digest("hex") !== archiveSha1)
      return `${packageName} is not the archive that was expected`;
    const inner = filesOfTar(new Uint8Array(gunzipSync(bytes))).get("package/bin/swiftshader.tar.br");
    if (inner === undefined) return `${packageName} has no SwiftShader`;
    const unpacked = join(work, "swiftshader");
    mkdirSync(unpacked);
    for (const [name, data] of filesOfTar(new Uint8Array(brotliDecompressSync(inner)))) {
      if (/^(libvk_swiftshader\.so|libvulkan\.so\.1|vk_swiftshader_icd\.json)$/.test(name))
        writeFileSync(join(unpacked, name), data);
    }
    mkdirSync(resolve(".tools"), { recursive: true });
    // Another process may have been quicker; its files are the same.
    const staged = `${folder}.${process.pid}`;
    mkdirSync(staged, { recursive: true });
    for (const name of readdirSync(unpacked))
      writeFileSync(join(staged, name), new Uint8Array(readFileSync(join(unpacked, name))));
    if (existsSync(driver)) rmSync(staged, { recursive: true });
    else renameSync(staged, folder);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Finds the driver, fetching it when it is not there yet. */
export function softwareVulkan(): SoftwareVulkan {
  if (process.platform !== "linux" || process.arch !== "x64")
    return { reason: "the software driver is for Linux on x64 only" };
  if (!existsSync(driver)) {
    const problem = install();
    if (problem !== null) return { reason: problem };
  }
  return {
    env: {
      LD_LIBRARY_PATH: [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":"),
      VK_DRIVER_FILES: driver,
      VK_ICD_FILENAMES: driver,
    },
  };
}

/** The environment of the driver, or null. */
export function softwareVulkanEnv(): Record<string, string> | null {
  const found = softwareVulkan();
  return "env" in found ? found.env : null;
}
