/**
 * `peftc doctor`: what peftc finds on this machine: versions, processor, memory, GPU adapters, its own files. Nothing
 * here is an error of the reader's: the exit code is 0 unless the installation is broken.
 */
import * as os from "node:os";
import { PeftError, visible } from "../../grammar/index.js";
import { cacheFolder } from "../checkpoint/index.js";
import { type AdapterName, listAdapters } from "../device/index.js";
import { packageVersion, standardLibraryFolder } from "../installation/index.js";
import { alignCells, showBytes } from "../report/index.js";
import type { Arguments } from "./options.js";
import type { Terminal } from "./terminal.js";
import { exitCode } from "./usage.js";
import { isGiven } from "./values.js";

interface Findings {
  readonly peftc: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  readonly threads: number;
  readonly memory: number;
  readonly freeMemory: number;
  readonly adapters: readonly AdapterName[];
  /** Why the GPU cannot be used; null when it can. */
  readonly gpuProblem: { readonly code: string; readonly message: string; readonly help: string | null } | null;
  readonly standardLibrary: string;
  readonly cache: string;
}

export async function doctor(args: Arguments, terminal: Terminal): Promise<number> {
  const findings = await examine();
  terminal.print(isGiven(args, "json") ? JSON.stringify(findings, null, 2) : linesOf(findings).join("\n"));
  return exitCode.done;
}

async function examine(): Promise<Findings> {
  const gpu = await examineGpu();
  return {
    peftc: packageVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: os.cpus()[0]?.model.trim() ?? "unknown",
    threads: os.availableParallelism(),
    memory: os.totalmem(),
    freeMemory: os.freemem(),
    ...gpu,
    standardLibrary: standardLibraryFolder(),
    cache: cacheFolder(),
  };
}

async function examineGpu(): Promise<Pick<Findings, "adapters" | "gpuProblem">> {
  try {
    const adapters = await listAdapters();
    return { adapters, gpuProblem: null };
  } catch (error) {
    if (!(error instanceof PeftError)) throw error;
    const [{ code, message, help }] = error.diagnostics;
    return { adapters: [], gpuProblem: { code, message, help } };
  }
}

function linesOf(findings: Findings): string[] {
  const { adapters, gpuProblem } = findings;
  const gpus =
    gpuProblem !== null
      ? [
          ["gpu", `none: ${gpuProblem.message} (${gpuProblem.code})`],
          ...(gpuProblem.help === null ? [] : [["", gpuProblem.help]]),
        ]
      : adapters.length === 0
        ? [["gpu", "none: Dawn finds no adapter"]]
        : adapters.map(({ backend, name }) => ["gpu", `${visible(name)} (${visible(backend)})`]);
  const rows = [
    ["peftc", findings.peftc],
    ["node", `${findings.node} on ${findings.platform}`],
    ["processor", `${findings.processor}, ${findings.threads} threads`],
    ["memory", `${showBytes(findings.memory)}, ${showBytes(findings.freeMemory)} free`],
    ...gpus,
    ["library", findings.standardLibrary],
    ["cache", findings.cache],
  ];
  return alignCells(rows, ["left", "left"]);
}
