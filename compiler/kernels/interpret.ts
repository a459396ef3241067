/**
 * The interpreter of kernels: the oracle that the targets are compared with. Slow and plain on purpose: every value of
 * every point is computed by the definition, on JavaScript numbers.
 *
 * In: a kernel and the arguments of one call. Out: bytes in the output buffers, and the results of the other roots.
 * It also settles what kernel.ts leaves open:
 * - Values of level `uniform` and `element` are f32 (each operation is rounded), values of level `row` are f64 and are
 *   rounded when an element, a store, `quantize` or `order_key` uses them. i32 and u32 wrap. Loads and coordinates of
 *   level `row` are those of column 0, of level `uniform` those of row 0 and column 0.
 * - A flat kernel is one of rows of one column: row = element number, column = 0. `iota` counts from the tensor's start.
 * - min, max and the max/min reductions give NaN when one operand is NaN. argmax passes over NaN; if nothing is greater
 *   than -inf it is the first element.
 * - Sums and extremes of bool count 0 and 1. An `accumulate` of a value of level `row` takes it once a row; every other
 *   root, and a value of level `uniform`, counts once an element.
 * - mod is x - y * floor(x / y), rounded once. imod is the same on integers; idiv by 0 is 0, imod by 0 is the dividend.
 * - to_i32 saturates, NaN is 0. Integer loads of 32 bits keep their bits; bool is "not 0" (NaN is not 0). Stores of i32
 *   and u32 into integers keep the low bits (I64 is sign extended from i32, zero extended from u32), into floats convert
 *   to f32 first; stores of f32 into integers round and saturate (storage.ts).
 * - A histogram bin is (key - lo) >> shift without a sign; `lo` and `shift` are positions in the call's integers.
 */
import {
  bytesOf,
  decodeElement,
  elementBits,
  encodeElement,
  isFloat,
  roundToEven,
  roundToStorage,
  type StorageDtype,
} from "../ir/index.js";
import type { Access, Instr, Kernel, Lane } from "./kernel.js";
import { isRowReduction } from "./stages.js";

/** What a call of the interpreter brings: the fields of a device's kernel call, with plain bytes for buffers. */
export interface KernelArguments {
  readonly kernel: Kernel;
  readonly first: number;
  readonly count: number;
  readonly cols: number;
  readonly block: number;
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
  readonly params: readonly number[];
  readonly integers: readonly number[];
}

/** The results of the roots that are not stores, as a device returns them. */
export interface KernelTotals {
  readonly scalars: Float64Array[];
  readonly columns: Float32Array[];
  readonly histograms: Uint32Array[];
}

/** Coordinate along `axis` of the flat number `n` in the row-major box `dims`. */
function coordinate(n: number, dims: readonly number[], axis: number): number {
  let inner = 1;
  for (const d of dims.slice(axis + 1)) inner *= d;
  return Math.floor(n / inner) % dims[axis];
}

/** Position in the buffer of the point (r, c); r counts from the call's first row. */
function positionOf(access: Access, r: number, c: number, cols: number, first: number): number {
  switch (access.kind) {
    case "full":
      return r * cols + c;
    case "row":
      return r;
    case "col":
      return c;
    case "strided": {
      const n = (first + r) * cols + c;
      return access.dims.reduce((at, _, d) => at + access.strides[d] * coordinate(n, access.dims, d), access.offset);
    }
  }
}

/** Wraps a number to what a lane holds. */
function toLane(x: number, lane: Lane, wide: boolean): number {
  if (lane === "f32") return wide ? x : Math.fround(x);
  if (lane === "i32") return x | 0;
  if (lane === "u32") return x >>> 0;
  return x === 0 ? 0 : 1;
}

function saturateToI32(x: number): number {
  if (Number.isNaN(x)) return 0;
  return Math.min(Math.max(Math.trunc(x), -(2 ** 31)), 2 ** 31 - 1);
}

const floatBits = new DataView(new ArrayBuffer(4));

/** The u32 that orders as the numbers do; both zeros have one key. */
export function orderKey(x: number): number {
  floatBits.setFloat32(0, x + 0);
  const bits = floatBits.getInt32(0);
  return (bits < 0 ? ~bits : bits | 0x80000000) >>> 0;
}

const bit = (x: boolean) => (x ? 1 : 0);

/** An elementwise operation on numbers of the arguments' lanes; the caller rounds or wraps the result. */
function elementwise(instr: Instr, of: Lane, x: readonly number[]): number {
  const [a, b, c] = x;
  const float = of === "f32";
  switch (instr.op) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return float ? a * b : Math.imul(a, b);
    case "div":
      return a / b;
    case "min":
      return Math.min(a, b);
    case "max":
      return Math.max(a, b);
    case "pow":
      return a ** b;
    case "atan2":
      return Math.atan2(a, b);
    case "mod":
      return a - b * Math.floor(a / b);
    case "idiv":
      return b === 0 ? 0 : Math.floor(a / b);
    case "imod":
      return b === 0 ? a : a - b * Math.floor(a / b);
    case "neg":
      return -a;
    case "abs":
      return Math.abs(a);
    case "sqrt":
    case "floor":
    case "ceil":
    case "trunc":
    case "exp":
    case "log":
    case "sin":
    case "cos":
    case "acos":
    case "tanh":
      return Math[instr.op](a);
    case "round":
      return roundToEven(a);
    case "eq":
      return bit(a === b);
    case "ne":
      return bit(a !== b);
    case "lt":
      return bit(a < b);
    case "le":
      return bit(a <= b);
    case "gt":
      return bit(a > b);
    case "ge":
      return bit(a >= b);
    case "and":
      return a & b;
    case "or":
      return a | b;
    case "not":
      return 1 - a;
    case "where":
      return a !== 0 ? b : c;
    case "to_f32":
      return a;
    case "to_i32":
      return float ? saturateToI32(a) : a;
    case "is_finite":
      return bit(Number.isFinite(a));
    case "order_key":
      return orderKey(a);
    case "unit":
      return (a >>> 8) * 2 ** -24;
    case "quantize":
      return roundToStorage(instr.attrs.dtype as StorageDtype, a);
    default:
      throw new Error(`a kernel has no operation ${instr.op}`);
  }
}

/** Stores a value of a lane. */
function store(bytes: Uint8Array, dtype: StorageDtype, at: number, value: number, lane: Lane): void {
  if (lane === "f32" || lane === "bool" || isFloat(dtype) || dtype === "BOOL") {
    encodeElement(bytes, dtype, at, Math.fround(value));
    return;
  }
  const size = bytesOf(dtype);
  const low = new DataView(new ArrayBuffer(8));
  low.setBigInt64(0, BigInt(value), true);
  bytes.set(new Uint8Array(low.buffer, 0, size), at * size);
}

type Reduce = "sum" | "max" | "min";
const initial = { sum: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY };

function combine(fn: Reduce, a: number, b: number): number {
  return fn === "sum" ? a + b : Math[fn](a, b);
}

/** Runs a kernel over the domain of one call. Throws an Error for a program that breaks the contract of kernel.ts. */
export function interpretKernel(call: KernelArguments): KernelTotals {
  const { kernel, first, count, cols, block } = call;
  const { instrs } = kernel;
  const known: (number | undefined)[] = new Array(instrs.length).fill(undefined);
  const forget = (level: Instr["level"]) => {
    for (let i = 0; i < instrs.length; i++) if (instrs[i].level === level) known[i] = undefined;
  };
  let r = 0;
  let c = 0;

  /** The value of an instruction at the point (r, c), as an operand of something that is of level `row` or not. */
  function operand(i: number, wide: boolean): number {
    const x = valueAt(i);
    return instrs[i].lane === "f32" && !wide ? Math.fround(x) : x;
  }

  function valueAt(i: number): number {
    if (known[i] === undefined) known[i] = toLane(compute(i), instrs[i].lane, instrs[i].level === "row");
    return known[i];
  }

  function load(instr: Instr): number {
    const input = kernel.inputs[instr.attrs.input as number];
    const row = instr.level === "uniform" ? 0 : r;
    const column = instr.level === "element" ? c : 0;
    const at = positionOf(input.access, row, column, cols, first);
    const x = decodeElement(call.inputs[instr.attrs.input as number], input.dtype, at);
    if (instr.lane === "f32") return Math.fround(x);
    if (instr.lane === "bool") return bit(x !== 0);
    return isFloat(input.dtype) ? saturateToI32(x) : Number(BigInt.asIntN(32, BigInt(x)));
  }

  function compute(i: number): number {
    const instr = instrs[i];
    const n = (first + r) * cols + (instr.level === "element" ? c : 0);
    const wide = instr.level === "row" && instr.op !== "quantize" && instr.op !== "order_key";
    switch (instr.op) {
      case "load":
        return load(instr);
      case "param":
        return call.params[instr.attrs.index as number];
      case "integer":
        return call.integers[instr.attrs.index as number];
      case "literal":
        return Number(instr.attrs.value);
      case "iota": {
        const axis = instr.attrs.axis as number;
        if (instr.attrs.dims !== undefined) return coordinate(n, instr.attrs.dims as number[], axis);
        return axis === 0 ? first + r : c;
      }
      case "above": {
        const [key, limit, cut] = instr.args.map((a) => valueAt(a));
        return bit(key > limit || (key === limit && n < cut));
      }
      case "random_bits":
        return elementBits(n, instr.attrs.word as "packed" | 0 | 1, [valueAt(instr.args[0]), valueAt(instr.args[1])]);
      default:
        if (isRowReduction(instr.op)) return reduceRow(instr);
        return elementwise(
          instr,
          instrs[instr.args[0]].lane,
          instr.args.map((a) => operand(a, wide)),
        );
    }
  }

  /** Walks the row and comes back to the point where it was asked for. */
  function reduceRow(instr: Instr): number {
    const here = c;
    const values: number[] = [];
    for (c = 0; c < cols; c++) {
      forget("element");
      values.push(operand(instr.args[0], false));
    }
    c = here;
    forget("element");
    if (instr.op === "row_argmax") return firstLargest(values).at;
    const fn = instr.op.slice(4) as Reduce;
    return values.reduce((a, b) => combine(fn, a, b), initial[fn]);
  }

  const blocks = Math.ceil(count / block);
  const totals: KernelTotals = { scalars: [], columns: [], histograms: [] };
  for (const root of kernel.roots) {
    if (root.kind === "accumulate") totals.scalars.push(new Float64Array(blocks).fill(initial[root.fn]));
    else if (root.kind === "argmax") totals.scalars.push(new Float64Array(blocks * 2).fill(Number.NEGATIVE_INFINITY));
    else if (root.kind === "column") totals.columns.push(new Float32Array(blocks * cols).fill(initial[root.fn]));
    else if (root.kind === "histogram") totals.histograms.push(new Uint32Array(root.bins + 1));
  }

  /** Feeds the roots at the point (r, c). */
  function visit(): void {
    const b = Math.floor(r / block);
    let [scalar, column, histogram] = [0, 0, 0];
    for (const root of kernel.roots) {
      switch (root.kind) {
        case "store": {
          const output = kernel.outputs[root.output];
          const at = output.access === "row" ? r : r * cols + c;
          if (output.access === "row" && c > 0) break;
          store(call.outputs[root.output], output.dtype, at, operand(root.value, false), instrs[root.value].lane);
          break;
        }
        case "accumulate": {
          const into = totals.scalars[scalar++];
          if (instrs[root.value].level === "row" && c > 0) break;
          into[b] = combine(root.fn, into[b], valueAt(root.value));
          break;
        }
        case "argmax": {
          const into = totals.scalars[scalar++];
          const x = operand(root.value, false);
          const isFirst = r === b * block && c === 0;
          if (isFirst || x > into[2 * b]) into[2 * b + 1] = (first + r) * cols + c;
          if (x > into[2 * b]) into[2 * b] = x;
          break;
        }
        case "column": {
          const into = totals.columns[column++];
          into[b * cols + c] = combine(root.fn, into[b * cols + c], Math.fround(operand(root.value, false)));
          break;
        }
        case "histogram": {
          const into = totals.histograms[histogram++];
          const key = valueAt(root.key);
          const lo = call.integers[root.lo] >>> 0;
          if (key < lo) break;
          const bin = (key - lo) >>> call.integers[root.shift];
          into[Math.min(bin, root.bins)]++;
          break;
        }
      }
    }
  }

  for (r = 0; r < count; r++) {
    forget("row");
    for (c = 0; c < cols; c++) {
      forget("element");
      visit();
    }
  }
  return totals;
}

/** The largest number and the position of its first occurrence; NaN is passed over. */
function firstLargest(values: readonly number[]): { value: number; at: number } {
  let best = { value: Number.NEGATIVE_INFINITY, at: 0 };
  values.forEach((value, at) => {
    if (value > best.value) best = { value, at };
  });
  return best;
}
