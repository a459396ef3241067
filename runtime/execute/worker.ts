/**
 * A worker thread of the CPU: owns a WASM memory and open files, runs the jobs it is sent, answers with results.
 * In: the program once, then jobs. Out: results, or failures as plain data.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { Program } from "../../compiler/index.js";
import { PeftError } from "../../grammar/index.js";
import { cpuRunner } from "../device/index.js";
import { openFiles } from "./files.js";
import type { Job, JobFailure, JobResult } from "./job.js";
import { runJob } from "./run-job.js";

const program = workerData as Program;
const runner = cpuRunner();
const files = openFiles();

parentPort?.on("message", (job: Job | null) => {
  if (job === null) {
    files.close();
    parentPort?.close();
    return;
  }
  runJob(program, runner, files, job).then(
    (result) => parentPort?.postMessage(result, transfers(result)),
    (error: unknown) => parentPort?.postMessage(failureOf(job.id, error)),
  );
});

/** Large arrays change hands instead of being copied. */
function transfers(result: JobResult): ArrayBuffer[] {
  return [...result.columns.flat(), ...result.histograms.flat()].map((a) => a.buffer as ArrayBuffer);
}

function failureOf(id: number, error: unknown): { readonly failure: JobFailure } {
  if (error instanceof PeftError) {
    const [d] = error.diagnostics;
    return { failure: { id, code: d.code, message: d.message, file: d.primary.file, help: d.help } };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { failure: { id, code: "X000", message, file: "", help: null } };
}
