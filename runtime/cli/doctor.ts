/**
 * `peftc doctor`: what peftc finds on this machine: versions, processor, memory, GPU adapters, its own files. Every device
 * computes something whose result is known. The exit code is 3 when a device gives a wrong number or fails, else 0: a
 * machine without a GPU is no error.
 */
import * as os from "node:os";
import { PeftError, visible } from "../../grammar/index.js";
import { cacheFolder } from "../checkpoint/index.js";
import { type AdapterName, listAdapters, openGpu } from "../device/index.js";
import { packageVersion, standardLibraryFolder } from "../installation/index.js";
import { alignCells, showBytes } from "../report/index.js";
import { type ResidentRunner, residentCpu, wrongElements } from "../resident/index.js";
import type { Arguments } from "./options.js";
import type { Terminal } from "./terminal.js";
import { exitCode } from "./usage.js";
import { isGiven } from "./values.js";

/** What came of the trial product: the number of wrong elements, or why there is none. */
type Trial = { readonly wrong: number } | { readonly problem: string };

interface Findings {
  readonly peftc: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  readonly threads: number;
  readonly memory: number;
  readonly freeMemory: number;
  readonly cpu: Trial;
  readonly adapters: readonly (AdapterName & { readonly trial: Trial })[];
  /** Why the GPU cannot be used; null when it can. */
  readonly gpuProblem: { readonly code: string; readonly message: string; readonly help: string | null } | null;
  readonly standardLibrary: string;
  readonly cache: string;
}

export async function doctor(args: Arguments, terminal: Terminal): Promise<number> {
  const findings = await examine();
  terminal.print(isGiven(args, "json") ? JSON.stringify(findings, null, 2) : linesOf(findings).join("\n"));
  const sound = [findings.cpu, ...findings.adapters.map(({ trial }) => trial)].every(isSound);
  return sound ? exitCode.done : exitCode.failure;
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
    cpu: await tryDevice(async () => residentCpu()),
    ...gpu,
    standardLibrary: standardLibraryFolder(),
    cache: cacheFolder(),
  };
}

async function examineGpu(): Promise<Pick<Findings, "adapters" | "gpuProblem">> {
  try {
    const adapters = [];
    for (const adapter of await listAdapters())
      adapters.push({ ...adapter, trial: await tryDevice(() => openGpu({ adapter: adapter.name })) });
    return { adapters, gpuProblem: null };
  } catch (error) {
    if (!(error instanceof PeftError)) throw error;
    const [{ code, message, help }] = error.diagnostics;
    return { adapters: [], gpuProblem: { code, message, help } };
  }
}

async function tryDevice(open: () => Promise<ResidentRunner>): Promise<Trial> {
  try {
    const runner = await open();
    try {
      return { wrong: await wrongElements(runner) };
    } finally {
      runner.close();
    }
  } catch (error) {
    if (!(error instanceof PeftError)) throw error;
    return { problem: `${error.diagnostics[0].message} (${error.diagnostics[0].code})` };
  }
}

function isSound(trial: Trial): boolean {
  return "wrong" in trial && trial.wrong === 0;
}

function showTrial(trial: Trial): string {
  if ("problem" in trial) return `does not compute: ${trial.problem}`;
  return trial.wrong === 0 ? "computes right" : `computes wrong: ${trial.wrong} elements of a product of 48 x 48`;
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
        : adapters.map(({ backend, name, trial }) => [
            "gpu",
            `${visible(name)} (${visible(backend)}), ${showTrial(trial)}`,
          ]);
  const rows = [
    ["peftc", findings.peftc],
    ["node", `${findings.node} on ${findings.platform}`],
    ["processor", `${findings.processor}, ${findings.threads} threads`],
    ["memory", `${showBytes(findings.memory)}, ${showBytes(findings.freeMemory)} free`],
    ["cpu", showTrial(findings.cpu)],
    ...gpus,
    ["library", findings.standardLibrary],
    ["cache", findings.cache],
  ];
  return alignCells(rows, ["left", "left"]);
}
