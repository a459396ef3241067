/**
 * The kernel program: one fused loop nest, the last level before target code.
 *
 * In: made by `schedule` from a tensor graph. Out: read by the targets (WASM, WGSL) and by the interpreter that the
 * tests compare them with. A kernel knows no sizes and no hyperparameters: sizes, pointers and numbers arrive with the
 * call, so that one compiled kernel serves all layers and all values.
 *
 * **Domain.** A *flat* kernel runs over `count` elements of a contiguous tensor. A kernel that is not flat runs over
 * `count` rows of `cols` elements. The domain is cut into *blocks* of a fixed number of elements (flat) or rows, counted
 * from the start of the tensor; a call covers whole blocks (but for the tensor's last). Every reduction that leaves the
 * kernel is reduced per block in a fixed order, so results do not depend on how blocks are spread over calls.
 *
 * **Levels.** An instruction has the level `uniform` (one value a call), `row` (one value a row) or `element`. A row
 * reduction turns an element value into a row value, after a loop over the row; `stageOf` (stages.ts) tells in which of
 * the successive loops over a row a value is available. Values of level `row` may be computed in wider precision.
 */
import type { StorageDtype } from "../ir/index.js";

/** What a register holds. `u32` is used for order keys and random bits. */
export type Lane = "f32" | "i32" | "u32" | "bool";

/**
 * Which element of a buffer belongs to a point (row r, column c) of the domain.
 * `full`: r * cols + c relative to the first element of the call (flat kernels: the element's number).
 * `row`: r relative to the first row of the call. `col`: c.
 * `strided`: i = sum over d of strides[d] * x[d] + offset, where x are the coordinates of the flat element number
 * (r * cols + c, counted from the tensor's start) in the row-major box `dims`; only in calls that cover the whole tensor.
 */
export type Access =
  | { readonly kind: "full" }
  | { readonly kind: "row" }
  | { readonly kind: "col" }
  | {
      readonly kind: "strided";
      readonly dims: readonly number[];
      readonly strides: readonly number[];
      readonly offset: number;
    };

export interface KernelInput {
  /** Integer storage dtypes load into lane `i32` (8, 16 and 32 bits) and BOOL and U8 masks into whatever the load's lane says. */
  readonly dtype: StorageDtype;
  readonly access: Access;
}

export interface KernelOutput {
  readonly dtype: StorageDtype;
  readonly access: "full" | "row";
}

/**
 * One instruction; its number is its position in `Kernel.instrs`, `args` are numbers of earlier ones.
 *
 * Besides the elementwise operations of the op registry (`add`, `where`, `exp`, `lt`, ...; see ELEMENT_OPS) there are
 * - `load` {input}: one element of an input. Lane f32, i32, or bool (non-zero).
 * - `param` {index}: an f32 of the call. `integer` {index}: a u32 of the call. `literal` {value}: a constant of its lane.
 * - `iota` {axis, dims}: the coordinate along `axis` of this point in the row-major box `dims` (i32); `row`/`col` when dims is absent: axis 0 is the row, axis 1 the column.
 * - `row_sum`, `row_max`, `row_min`, `row_argmax` (first of equals): element value → row value.
 * - `order_key`: f32 → u32 that orders as the numbers do; -0 and +0 have one key. b = bits(x + 0); b < 0 ? ~b : b | 2^31.
 * - `above` args [key, limit, cut] (key element u32; limit, cut uniform u32): key > limit or (key == limit and flat element number < cut).
 * - `random_bits` {word} args [k0, k1] (uniform u32): Philox4x32-10 with key (k0, k1), see philox.ts for the counter of each element. Lane u32.
 * - `unit` : u32 → f32 in [0, 1): (x >> 8) * 2^-24.
 * - `quantize` {dtype}: rounds f32 to the nearest (ties to even) number of a storage dtype and back to f32.
 */
export interface Instr {
  readonly op: string;
  readonly args: readonly number[];
  readonly lane: Lane;
  readonly level: "uniform" | "row" | "element";
  readonly attrs: Readonly<Record<string, unknown>>;
}

export type Root =
  /** Writes a value (level element for access full, row for access row). f32 is rounded to nearest even; bool is stored as 0/1. */
  | { readonly kind: "store"; readonly value: number; readonly output: number }
  /** One f64 a block. Sums: f32 within strips of at most 1024 elements, f64 across strips. */
  | { readonly kind: "accumulate"; readonly fn: "sum" | "max" | "min"; readonly value: number }
  /** Two f64 a block: the largest value and the flat element number of its first occurrence. */
  | { readonly kind: "argmax"; readonly value: number }
  /** `cols` f32 a block: reduction over the block's rows, top to bottom. Not in flat kernels. */
  | { readonly kind: "column"; readonly fn: "sum" | "max" | "min"; readonly value: number }
  /**
   * Counts a u32 key (level element) in `bins` bins of width 2^shift from `lo` (both integers of the call):
   * bin = (key - lo) >> shift; keys below lo are left out, keys past the last bin count in the extra last slot.
   */
  | {
      readonly kind: "histogram";
      readonly key: number;
      readonly lo: number;
      readonly shift: number;
      readonly bins: number;
    };

export interface Kernel {
  /** Canonical text; equal texts are equal kernels. */
  readonly text: string;
  readonly flat: boolean;
  readonly inputs: readonly KernelInput[];
  readonly outputs: readonly KernelOutput[];
  /** How many f32 and u32 numbers a call brings. */
  readonly params: number;
  readonly integers: number;
  readonly instrs: readonly Instr[];
  readonly roots: readonly Root[];
}

/**
 * Elementwise operations of kernels: name → lanes. The registry (ir/ops) has the same names with their meaning; this
 * table is what a target must provide. T is f32 or i32 (the lane of the first argument).
 */
export const ELEMENT_OPS = {
  // T, T → T
  add: 2,
  sub: 2,
  mul: 2,
  min: 2,
  max: 2,
  // f32, f32 → f32
  div: 2,
  pow: 2,
  atan2: 2,
  mod: 2,
  // i32, i32 → i32 (floor division and its remainder)
  idiv: 2,
  imod: 2,
  // T → T
  neg: 1,
  abs: 1,
  // f32 → f32 (round: nearest, ties to even)
  sqrt: 1,
  floor: 1,
  ceil: 1,
  trunc: 1,
  round: 1,
  exp: 1,
  log: 1,
  sin: 1,
  cos: 1,
  acos: 1,
  tanh: 1,
  // T, T → bool (u32 for eq, ne, lt, le, gt, ge on keys)
  eq: 2,
  ne: 2,
  lt: 2,
  le: 2,
  gt: 2,
  ge: 2,
  // bool
  and: 2,
  or: 2,
  not: 1,
  // bool, T, T → T
  where: 3,
  // conversions: i32 → f32, f32 → i32 (toward zero), bool → f32 / i32
  to_f32: 1,
  to_i32: 1,
  // f32 → bool: neither NaN nor infinite
  is_finite: 1,
} as const;

export type ElementOp = keyof typeof ELEMENT_OPS;
