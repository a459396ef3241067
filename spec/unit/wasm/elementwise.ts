/** One elementwise operation over arrays of f32 through a kernel on the CPU device. */
import type { StorageDtype } from "../../../compiler/ir/index.js";
import type { Instr, Kernel, Lane } from "../../../compiler/kernels/index.js";
import { cpuRunner, runKernel } from "../../../runtime/device/cpu/index.js";

const element = (op: string, args: number[], attrs: Record<string, unknown> = {}, lane: Lane = "f32"): Instr => ({
  op,
  args,
  attrs,
  lane,
  level: "element",
});

/** Applies `op` to the operands, element by element. */
export function applyOp(op: string, ...operands: Float32Array[]): Float32Array {
  const count = operands[0].length;
  const kernel: Kernel = {
    text: op,
    flat: true,
    inputs: operands.map(() => ({ dtype: "F32", access: { kind: "full" } })),
    outputs: [{ dtype: "F32", access: "full" }],
    params: 0,
    integers: 0,
    instrs: [
      ...operands.map((_, input) => element("load", [], { input })),
      element(
        op,
        operands.map((_, i) => i),
      ),
    ],
    roots: [{ kind: "store", value: operands.length, output: 0 }],
  };
  const out = new Float32Array(count);
  const inputs = operands.map((x) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength));
  runKernel(cpuRunner(), {
    kernel,
    first: 0,
    count,
    cols: 1,
    block: count,
    inputs,
    outputs: [new Uint8Array(out.buffer)],
    params: [],
    integers: [],
  });
  return out;
}

/** Copies bytes of one dtype to another through lane f32. */
export function convert(
  from: StorageDtype,
  to: StorageDtype,
  input: Uint8Array,
  output: Uint8Array,
  count: number,
): void {
  const kernel: Kernel = {
    text: `${from} to ${to}`,
    flat: true,
    inputs: [{ dtype: from, access: { kind: "full" } }],
    outputs: [{ dtype: to, access: "full" }],
    params: 0,
    integers: 0,
    instrs: [element("load", [], { input: 0 })],
    roots: [{ kind: "store", value: 0, output: 0 }],
  };
  runKernel(cpuRunner(), {
    kernel,
    first: 0,
    count,
    cols: 1,
    block: count,
    inputs: [input],
    outputs: [output],
    params: [],
    integers: [],
  });
}
