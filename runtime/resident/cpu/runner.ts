/**
 * The CPU as a device of the resident machine: WASM kernels and products on a memory that threads share. In: calls. Out:
 * bytes in memory; every call is done when it returns, and the bytes are the same for any number of threads.
 */
import { emitMatmul, emitWasm, matmulFrame } from "../../../compiler/targets/wasm/index.js";
import { allocate, createArena, placeProduct } from "../../device/cpu/index.js";
import type { KernelCall, KernelResult, MatmulCall, Memory } from "../../device/index.js";
import type { ResidentRunner } from "../runner.js";
import { placeCall, resultsOf } from "./parts.js";
import { Pool } from "./pool.js";

export interface ResidentCpu extends ResidentRunner {
  readonly kind: "cpu";
  download(memory: Memory): void;
  run(call: KernelCall): KernelResult;
  matmul(call: MatmulCall): void;
}

/**
 * A device with this many threads, the calling one among them. `allocate` and calls throw a PeftError (V050, V051) when
 * memory ends. Close it when it is no longer needed.
 */
export function residentCpu(options: { readonly threads?: number } = {}): ResidentCpu {
  const arena = createArena(true);
  const pool = new Pool(arena, Math.max(1, options.threads ?? 1));
  const kernels = new Map<string, number>();
  let product: number | null = null;
  const none = { ownField: -1, ownFirst: 0, ownStride: 0 };
  return {
    kind: "cpu",
    allocate: (bytes) => allocate(arena, bytes),
    counts: () => null,
    reset() {
      arena.top = 64;
    },
    upload() {},
    download() {},
    run(call) {
      let fn = kernels.get(call.kernel.text);
      if (fn === undefined) {
        fn = pool.add(emitWasm(call.kernel, { shared: true }));
        kernels.set(call.kernel.text, fn);
      }
      const placed = placeCall(arena, call);
      pool.run({ fn, ...placed.frames, ...none });
      return resultsOf(arena, call.kernel, placed, call.cols);
    },
    matmul(call) {
      product ??= pool.add(emitMatmul({ shared: true }));
      const { frames, panels } = placeProduct(arena, call, pool.threads);
      pool.run({
        fn: product,
        ...frames,
        ownField: matmulFrame.panels,
        ownFirst: panels.first,
        ownStride: panels.stride,
      });
    },
    close: () => pool.close(),
  };
}
