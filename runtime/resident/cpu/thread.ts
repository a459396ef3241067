/**
 * A thread of a pool: takes parts of jobs and runs them on the shared memory. In: the memory, the control words and the
 * number of the thread; modules as messages, which it reads when it meets a function that it does not know. It sleeps
 * when there is nothing to do, and ends when the pool says so.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { mathFunctions } from "../../device/cpu/index.js";
import { control, epochOf, takeParts } from "./control.js";

interface ThreadData {
  readonly memory: WebAssembly.Memory;
  readonly words: Int32Array;
  readonly thread: number;
}

const { memory, words, thread } = workerData as ThreadData;
const functions = new Map<number, (frame: number) => void>();

/** How often it looks for work before it sleeps: some ten microseconds. */
const looks = 4000;

function functionOf(fn: number): (frame: number) => void {
  for (;;) {
    const known = functions.get(fn);
    if (known !== undefined) return known;
    const received = receiveMessageOnPort(parentPort!);
    if (received === undefined) continue;
    const { number, module } = received.message as { number: number; module: WebAssembly.Module };
    const instance = new WebAssembly.Instance(module, { m: { memory }, math: mathFunctions });
    functions.set(number, instance.exports.run as (frame: number) => void);
  }
}

let seen = 0;
while (Atomics.load(words, control.stop) === 0) {
  let looked = 0;
  while (epochOf(Atomics.load(words, control.next)) === seen && looked < looks) looked++;
  if (looked === looks) Atomics.wait(words, control.wake, seen);
  else seen = takeParts(words, thread, memory, (fn, frame) => functionOf(fn)(frame));
}
