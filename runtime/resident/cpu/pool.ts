/**
 * A pool of threads on one shared memory; the thread that owns it works too. In: modules, jobs. Out: all parts of a job
 * done when `run` returns. Which thread takes which part is left to chance: parts write to places of their own.
 */
import * as path from "node:path";
import { Worker } from "node:worker_threads";
import type { Arena } from "../../device/cpu/index.js";
import { mathFunctions } from "../../device/cpu/index.js";
import { packageRoot } from "../../installation/index.js";
import { control, type Job, mostParts, takeParts, writeJob } from "./control.js";

/** How often the owner looks whether the others are done before it sleeps. */
const looks = 20000;

export class Pool {
  private readonly words = new Int32Array(new SharedArrayBuffer(control.bytes));
  private readonly workers: readonly Worker[];
  private readonly functions: ((frame: number) => void)[] = [];
  private epoch = 0;

  /** `threads` counts the owner. */
  constructor(
    private readonly arena: Arena,
    readonly threads: number,
  ) {
    this.workers = Array.from({ length: threads - 1 }, (_, i) => {
      const workerData = { memory: arena.memory, words: this.words, thread: i + 1 };
      const worker = new Worker(path.join(packageRoot(), "dist", "thread.js"), { workerData });
      // A forgotten pool does not keep the process alive.
      worker.unref();
      return worker;
    });
  }

  /** Makes a module's function `run` known to all threads. Returns its number. */
  add(bytes: Uint8Array): number {
    const module = new WebAssembly.Module(bytes);
    const instance = new WebAssembly.Instance(module, { m: { memory: this.arena.memory }, math: mathFunctions });
    const number = this.functions.push(instance.exports.run as (frame: number) => void) - 1;
    for (const worker of this.workers) worker.postMessage({ number, module });
    return number;
  }

  /** Runs all parts of a job. */
  run(job: Job): void {
    if (job.parts > mostParts) {
      const rest = { ...job, parts: job.parts - mostParts, first: job.first + mostParts * job.stride };
      this.run({ ...job, parts: mostParts });
      this.run(rest);
      return;
    }
    const { words } = this;
    this.epoch = (this.epoch + 1) & 0x7fff;
    writeJob(words, this.epoch, job);
    Atomics.store(words, control.done, 0);
    Atomics.store(words, control.next, this.epoch << 16);
    if (job.parts > 1 && this.workers.length > 0) {
      Atomics.store(words, control.wake, this.epoch);
      Atomics.notify(words, control.wake);
    }
    takeParts(words, 0, this.arena.memory, (fn, frame) => this.functions[fn](frame));
    for (let looked = 0; looked < looks; looked++) if (Atomics.load(words, control.done) === job.parts) return;
    for (let done = Atomics.load(words, control.done); done < job.parts; done = Atomics.load(words, control.done)) {
      Atomics.wait(words, control.done, done);
    }
  }

  /** Ends the threads. */
  close(): void {
    Atomics.store(this.words, control.stop, 1);
    Atomics.store(this.words, control.wake, -1);
    Atomics.notify(this.words, control.wake);
    for (const worker of this.workers) void worker.terminate();
  }
}
