/**
 * The memory of the CPU device: one WebAssembly memory of at most 4 GiB, handed out from its start, given back all at
 * once. In: sizes. Out: places in it; what a kernel may read beyond the last one is memory too.
 */
import { readAhead } from "../../../compiler/targets/wasm/index.js";
import { diagnostic, PeftError } from "../../../grammar/index.js";
import type { Memory } from "../runner.js";

const pageBytes = 65536;
const largest = 4 * 2 ** 30;

/** Memory that grows; addresses are bytes from its start. */
export interface Arena {
  readonly memory: WebAssembly.Memory;
  /** First free byte. */
  top: number;
}

export interface Place extends Memory {
  readonly address: number;
}

export const aligned = (address: number) => Math.ceil(address / 64) * 64;

/** An empty memory; with `shared` other threads may be given it. */
export function createArena(shared = false): Arena {
  return { memory: new WebAssembly.Memory({ initial: 1, maximum: largest / pageBytes, shared }), top: 64 };
}

/** The functions of JavaScript that kernels call. */
export const mathFunctions = {
  exp: Math.exp,
  log: Math.log,
  sin: Math.sin,
  cos: Math.cos,
  acos: Math.acos,
  tanh: Math.tanh,
  pow: Math.pow,
  atan2: Math.atan2,
};

/** Makes bytes up to `end`, and what a kernel may read beyond, part of the memory. */
export function reserve(arena: Arena, end: number): void {
  const have = arena.memory.buffer.byteLength;
  const need = end + readAhead;
  if (need <= have) return;
  if (need > largest) {
    const message = `the CPU device needs ${need} bytes of memory for one piece of work, and a thread has at most ${largest}`;
    const help = "set a smaller --memory, so that tensors are worked on in smaller pieces, or use --device gpu";
    throw new PeftError([diagnostic("V050", message, { file: "", span: null }, { help })]);
  }
  try {
    arena.memory.grow(Math.ceil((need - have) / pageBytes));
  } catch {
    const message = `the system gives no more memory to the CPU device: ${need} bytes were asked for`;
    const help = "close other programs, or set a smaller --memory or fewer --threads";
    throw new PeftError([diagnostic("V051", message, { file: "", span: null }, { help })]);
  }
}

export function allocate(arena: Arena, bytes: number): Place {
  const address = aligned(arena.top);
  reserve(arena, address + bytes);
  arena.top = address + bytes;
  return {
    address,
    bytes,
    get host() {
      return new Uint8Array(arena.memory.buffer, address, bytes);
    },
  };
}
