/** Lanes: worker threads of the CPU, or the GPU in this thread. In: a program. Out: something that runs jobs. */
import * as path from "node:path";
import { Worker } from "node:worker_threads";
import type { Program } from "../../compiler/index.js";
import { diagnostic, PeftError } from "../../grammar/index.js";
import type { GpuRunner } from "../device/index.js";
import { packageRoot } from "../installation/index.js";
import { openFiles } from "./files.js";
import type { Job, JobFailure, JobResult, Lane } from "./job.js";
import { runJob } from "./run-job.js";

interface Waiting {
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: unknown) => void;
}

/** A worker thread with a WASM memory of its own. */
export function cpuLane(program: Program): Lane {
  const worker = new Worker(path.join(packageRoot(), "dist", "worker.js"), { workerData: program });
  const waiting = new Map<number, Waiting>();
  const failAll = (error: unknown) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on("message", (message: JobResult | { failure: JobFailure }) => {
    if ("failure" in message) {
      const { id, code, message: words, file, help } = message.failure;
      waiting.get(id)?.reject(new PeftError([diagnostic(code, words, { file, span: null }, { help })]));
      waiting.delete(id);
    } else {
      waiting.get(message.id)?.resolve(message);
      waiting.delete(message.id);
    }
  });
  worker.on("error", failAll);
  worker.on("exit", () =>
    failAll(
      new PeftError([diagnostic("X003", "a worker thread ended before its work was done", { file: "", span: null })]),
    ),
  );
  return {
    kind: "cpu",
    run(job: Job) {
      return new Promise((resolve, reject) => {
        waiting.set(job.id, { resolve, reject });
        worker.postMessage(job);
      });
    },
    async close() {
      worker.postMessage(null);
      await worker.terminate();
    },
  };
}

/** The GPU: jobs one after the other. */
export function gpuLane(program: Program, runner: GpuRunner): Lane {
  const files = openFiles();
  let last: Promise<unknown> = Promise.resolve();
  return {
    kind: "gpu",
    run(job: Job) {
      const next = last.then(() => runJob(program, runner, files, job));
      last = next.catch(() => undefined);
      return next;
    },
    async close() {
      await last;
      files.close();
      runner.close();
    },
  };
}
