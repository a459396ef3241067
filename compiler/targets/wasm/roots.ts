/**
 * The roots that write to memory element by element: stores, column reductions, histograms. In: a step and the vectors
 * of the root's value. Out: statements of the step. In the last step of a loop only the first `remaining` elements are
 * written, by way of the frame's scratch.
 */

import { bytesOf } from "../../ir/index.js";
import type { Root } from "../../kernels/index.js";
import { at, type Code, get, i32, i32x4, i64, type Local, lane, local, op, set, when } from "./code.js";
import { type Context, keep, type Step } from "./context.js";
import { histogramCopies, histogramStride } from "./frame.js";
import { shift } from "./math.js";
import { asFloat, packed, storeRaw } from "./pack.js";

type Store = Extract<Root, { kind: "store" }>;
type Column = Extract<Root, { kind: "column" }>;
type Histogram = Extract<Root, { kind: "histogram" }>;

const frameAddress: Local = { index: 0, type: "i32" };

function scaled(position: Code, size: number): Code {
  return size === 1 ? position : op("i32.shl", position, i32(Math.log2(size)));
}

/** Writes through `write`: in place, or in the last step to scratch and from there the elements that exist. */
function writeStep(context: Context, step: Step, address: Code, size: number, write: (to: Local) => void): void {
  const { out } = step;
  const place = keep(context, out, "i32", address);
  if (step.remaining === null) {
    write(place);
    return;
  }
  const scratch = keep(context, out, "i32", op("i32.add", get(frameAddress), i32(context.frame.scratch)));
  write(scratch);
  out.push(op("memory.copy", get(place), get(scratch), scaled(get(step.remaining), size)));
}

/** A store with access `full`. */
export function storeElements(context: Context, step: Step, root: Store, vectors: readonly Local[]): void {
  const { dtype } = context.kernel.outputs[root.output];
  const from = context.kernel.instrs[root.value].lane;
  const bits = vectors.map((v) => keep(context, step.out, "v128", packed(context, step.out, dtype, from, get(v))));
  const size = bytesOf(dtype);
  const address = op("i32.add", get(context.outputs[root.output]), scaled(get(step.index), size));
  writeStep(context, step, address, size, (to) => storeRaw(step.out, dtype, from, to, bits));
}

/** A store with access `row`: one element. */
export function storeRow(context: Context, out: Code[], root: Store): void {
  const { dtype } = context.kernel.outputs[root.output];
  const from = context.kernel.instrs[root.value].lane;
  const size = bytesOf(dtype);
  const bits = keep(context, out, "v128", packed(context, out, dtype, from, get(context.splats.get(root.value)!)));
  const scratch = keep(context, out, "i32", op("i32.add", get(frameAddress), i32(context.frame.scratch)));
  storeRaw(out, dtype, from, scratch, [bits, bits]);
  const place = op("i32.add", get(context.outputs[root.output]), scaled(get(context.row), size));
  out.push(op("memory.copy", place, get(scratch), i32(size)));
}

/** Adds a row to the column results of its block. */
export function columnStep(context: Context, step: Step, root: Column, result: Local, vectors: readonly Local[]): void {
  const of = context.kernel.instrs[root.value].lane;
  const operation = root.fn === "sum" ? "f32x4.add" : `f32x4.${root.fn}`;
  const position = op("i32.add", op("i32.mul", get(context.blockIndex), get(context.cols)), get(step.column));
  const address = keep(context, step.out, "i32", op("i32.add", get(result), scaled(position, 4)));
  writeStep(context, step, get(address), 4, (to) =>
    vectors.forEach((v, g) => {
      const sum = op(operation, at("v128.load", 16 * g, get(address)), asFloat(of, get(v)));
      step.out.push(at("v128.store", 16 * g, get(to), sum));
    }),
  );
}

export interface HistogramState {
  readonly root: Histogram;
  readonly lo: Local;
  readonly shift: Local;
  /** Width of the window less one: the largest key - lo that has a bin. */
  readonly reach: Local;
  /** Addresses of the copies. */
  readonly copies: readonly Local[];
  /** Keys from `lo` on, and keys in the window: a count in each lane. */
  readonly reached: Local;
  readonly inside: Local;
}

/** Statements before the first element: where the bins lie. */
export function openHistogram(context: Context, out: Code[], root: Histogram, result: Local): HistogramState {
  const integer = (index: number) => at("i32.load", context.frame.integers + 4 * index, get(frameAddress));
  const copies = Array.from({ length: histogramCopies }, (_, i) =>
    keep(context, out, "i32", op("i32.add", get(result), i32(4 * i * histogramStride(root.bins)))),
  );
  const lo = keep(context, out, "i32", integer(root.lo));
  const binShift = keep(context, out, "i32", integer(root.shift));
  // The window ends where the bins do, or with the largest key.
  const width = keep(context, out, "i64", op("i64.shl", i64(BigInt(root.bins)), op("i64.extend_i32_u", get(binShift))));
  const left = keep(context, out, "i64", op("i64.sub", i64(2n ** 32n), op("i64.extend_i32_u", get(lo))));
  const narrower: Code = {
    op: "select",
    immediates: [],
    args: [get(width), get(left), op("i64.lt_u", get(width), get(left))],
  };
  const reach = op("i32.sub", op("i32.wrap_i64", narrower), i32(1));
  return {
    root,
    lo: keep(context, out, "v128", op("i32x4.splat", get(lo))),
    shift: binShift,
    reach: keep(context, out, "v128", op("i32x4.splat", reach)),
    copies,
    reached: keep(context, out, "v128", i32x4(0)),
    inside: keep(context, out, "v128", i32x4(0)),
  };
}

/**
 * Counts the keys of a step. How many reach the window, and how many lie in it, is counted in vectors; only when a key
 * of the step lies in it are the bins touched, and then by all lanes: those that must not count go to slots of their own.
 */
export function histogramStep(context: Context, step: Step, state: HistogramState, vectors: readonly Local[]): void {
  const { bins } = state.root;
  const { out } = step;
  const fresh = (value: Code) => keep(context, out, "v128", value);
  const body: Code[] = [];
  const insides = vectors.map((key, g) => {
    const counts = (mask: Code) => (step.remaining === null ? mask : op("v128.and", mask, get(step.masks[g])));
    const distance = fresh(op("i32x4.sub", get(key), get(state.lo)));
    const inside = fresh(counts(op("i32x4.le_u", get(distance), get(state.reach))));
    out.push(
      set(state.reached, op("i32x4.sub", get(state.reached), counts(op("i32x4.ge_u", get(key), get(state.lo))))),
    );
    out.push(set(state.inside, op("i32x4.sub", get(state.inside), get(inside))));
    const bin = op("i32x4.shr_u", get(distance), get(state.shift));
    const spare = i32x4(bins + 1, bins + 2, bins + 3, bins + 4);
    const slot = keep(context, body, "v128", op("i32x4.shl", op("v128.bitselect", bin, spare, get(inside)), shift(2)));
    for (let i = 0; i < 4; i++) {
      const copy = get(state.copies[i % histogramCopies]);
      const counter = keep(context, body, "i32", op("i32.add", copy, lane("i32x4.extract_lane", i, get(slot))));
      body.push(at("i32.store", 0, get(counter), op("i32.add", at("i32.load", 0, get(counter)), i32(1))));
    }
    return inside;
  });
  out.push(
    when(
      op(
        "v128.any_true",
        insides.map(get).reduce((a, b) => op("v128.or", a, b)),
      ),
      body,
    ),
  );
}

/**
 * Statements after the last element: adds the copies, and the keys past the bins to the slot after them. Nothing is
 * overwritten, so that calls can add up in one memory.
 */
export function closeHistogram(context: Context, out: Code[], state: HistogramState): void {
  const { bins } = state.root;
  const [first, ...others] = state.copies;
  const offset = local(context.fn, "i32");
  const address = (copy: Local) => op("i32.add", get(copy), get(offset));
  const sum = [first, ...others]
    .map((copy) => at("v128.load", 0, address(copy)))
    .reduce((a, b) => op("i32x4.add", a, b));
  const end = 4 * histogramStride(bins);
  const body = [at("v128.store", 0, address(first), sum), set(offset, op("i32.add", get(offset), i32(16)))];
  out.push(set(offset, i32(0)));
  out.push({
    op: "loop",
    args: [],
    immediates: [],
    body: [...body, { op: "br_if", args: [op("i32.lt_u", get(offset), i32(end))], immediates: [0] }],
  });
  const counts = keep(context, out, "v128", op("i32x4.sub", get(state.reached), get(state.inside)));
  const past = [0, 1, 2, 3]
    .map((i) => lane("i32x4.extract_lane", i, get(counts)))
    .reduce((a, b) => op("i32.add", a, b));
  out.push(at("i32.store", 4 * bins, get(first), op("i32.add", at("i32.load", 4 * bins, get(first)), past)));
}
