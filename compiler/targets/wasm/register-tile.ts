/**
 * The innermost part of a matrix product, for f32 and f64: register tiles of two rows and 64 bytes of columns (eight vectors
 * of sums) walk down a packed panel of the right operand and two rows of the left one. In: where the packed block lies and
 * what becomes of the sums. Out: code that writes or adds every tile of the block. Each element is summed in the order of k. Larger
 * tiles spill in V8 (2026, x86-64, f32: 4 x 8 reaches 30 GFLOP/s, 2 x 16 reaches 35, 4 x 16 and 6 x 8 reach 22 to 25).
 */
import {
  at,
  type Code,
  f32x4,
  f64x2,
  get,
  i32,
  type Local,
  local,
  op,
  repeatWhile,
  set,
  type WasmFunction,
  when,
} from "./code.js";

/** Products summed before the sum goes to memory: a panel of the right operand (16 KiB of f32) stays in the first cache. */
export const blockK = 256;
/** Rows of a register tile. */
export const panelRows = 2;

export const add = (a: Code, b: Code) => op("i32.add", a, b);
export const mul = (a: Code, b: Code) => op("i32.mul", a, b);
export const sub = (a: Code, b: Code) => op("i32.sub", a, b);
export const less = (a: Code, b: Code) => op("i32.lt_u", a, b);
export const advance = (variable: Local, by: Code) => set(variable, add(get(variable), by));
export const smaller = (a: Code, b: Code): Code => ({ op: "select", args: [a, b, less(a, b)], immediates: [] });

/** A floating-point format and its instructions. */
export interface Float {
  readonly scalar: "f32" | "f64";
  readonly vector: "f32x4" | "f64x2";
  readonly splat: "v128.load32_splat" | "v128.load64_splat";
  /** Bytes of an element as a shift. */
  readonly shift: 2 | 3;
  readonly zero: Code;
}

export const floats: Readonly<Record<"f32" | "f64", Float>> = {
  f32: { scalar: "f32", vector: "f32x4", splat: "v128.load32_splat", shift: 2, zero: f32x4(0) },
  f64: { scalar: "f64", vector: "f64x2", splat: "v128.load64_splat", shift: 3, zero: f64x2(0) },
};

/** The columns of a panel. */
export const panelColsOf = ({ shift }: Float) => 64 >> shift;

/** A packed block, m x n of the result, and the frame that has 128 bytes at `edge` for tiles that reach over the edge. */
export interface PackedBlock {
  readonly fn: WasmFunction;
  readonly frame: Local;
  readonly edge: number;
  readonly to: Local;
  readonly toRow: Local;
  readonly m: Local;
  readonly n: Local;
  readonly panels: Local;
  /** Length of the block in k. */
  readonly length: Local;
  readonly rows: Local;
  /** Bytes from row to row of the left operand. */
  readonly rowBytes: Code;
  /** Not 0: sums are added to what is there. */
  readonly keep: Code;
  /** A factor of all sums; null: none. */
  readonly scale: Local | null;
}

/** All register tiles of the block: a panel of the right operand against all pairs of rows of the left one. */
export function multiplyPacked(float: Float, block: PackedBlock): Code[] {
  const { fn, to, toRow, m, n, panels, length, rows, rowBytes, keep, scale } = block;
  const size = 1 << float.shift;
  const panelCols = panelColsOf(float);
  const [column, row, rightPanel, a, a2, b, end, target] = Array.from({ length: 8 }, () => local(fn, "i32"));
  const sums = Array.from({ length: 8 }, () => local(fn, "v128"));
  const [first, second, vector] = Array.from({ length: 3 }, () => local(fn, "v128"));
  const bytes = (count: Code) => op("i32.shl", count, i32(float.shift));
  const plus = (x: Code, y: Code) => op(`${float.vector}.add`, x, y);
  const times = (x: Code, y: Code) => op(`${float.vector}.mul`, x, y);
  const addProduct = (sum: Local, factor: Local) => set(sum, plus(get(sum), times(get(factor), get(vector))));
  // One vector of the panel at a time: sums, factors, vector and product fill the registers.
  const oneK = (k: number): Code[] => [
    set(first, at(float.splat, size * k, get(a))),
    set(second, at(float.splat, size * k, get(a2))),
    ...[0, 1, 2, 3].flatMap((i) => [
      set(vector, at("v128.load", 64 * k + 16 * i, get(b))),
      addProduct(sums[i], first),
      addProduct(sums[4 + i], second),
    ]),
  ];
  const next = (count: number) => [
    advance(a, i32(size * count)),
    advance(a2, i32(size * count)),
    advance(b, i32(64 * count)),
  ];
  const hasSecond = less(add(get(row), i32(1)), get(m));
  const walk: Code[] = [
    ...sums.map((sum) => set(sum, float.zero)),
    set(a, add(get(rows), mul(get(row), rowBytes))),
    // A tile of one row computes it twice.
    set(a2, { op: "select", args: [add(get(a), rowBytes), get(a), hasSecond], immediates: [] }),
    set(b, get(rightPanel)),
    set(end, add(get(a), bytes(get(length)))),
    repeatWhile(less(add(get(a), i32(3 * size)), get(end)), [...[0, 1, 2, 3].flatMap(oneK), ...next(4)]),
    repeatWhile(less(get(a), get(end)), [...oneK(0), ...next(1)]),
    ...(scale === null ? [] : sums.map((sum) => set(sum, times(get(sum), get(scale))))),
  ];
  const place = (i: number) => (i < 4 ? get(target) : add(get(target), get(toRow)));
  const before = (i: number) => at("v128.load", 16 * (i % 4), place(i));
  const whole = when(
    keep,
    sums.map((sum, i) => at("v128.store", 16 * (i % 4), place(i), plus(before(i), get(sum)))),
    sums.map((sum, i) => at("v128.store", 16 * (i % 4), place(i), get(sum))),
  );
  const fits = op("i32.and", hasSecond, op("i32.le_u", add(get(column), i32(panelCols)), get(n)));
  return [
    set(rightPanel, get(panels)),
    set(column, i32(0)),
    repeatWhile(less(get(column), get(n)), [
      set(row, i32(0)),
      repeatWhile(less(get(row), get(m)), [
        ...walk,
        set(target, add(get(to), add(mul(get(row), get(toRow)), bytes(get(column))))),
        when(fits, [whole], overEdge(float, block, sums, { target, row, column })),
        advance(row, i32(panelRows)),
      ]),
      advance(rightPanel, op("i32.shl", get(length), i32(6))),
      advance(column, i32(panelCols)),
    ]),
  ];
}

/** A register tile that reaches over the edge of the result: only what lies inside is written. */
function overEdge(
  float: Float,
  { fn, frame, edge, toRow, m, n, keep }: PackedBlock,
  sums: readonly Local[],
  { target, row, column }: Readonly<Record<"target" | "row" | "column", Local>>,
): Code[] {
  const { scalar } = float;
  const size = i32(1 << float.shift);
  const [r, c, source, to] = Array.from({ length: 4 }, () => local(fn, "i32"));
  const sum = local(fn, scalar);
  const isInside = (position: Local, begin: Local, limit: Local, most: number) =>
    op("i32.and", less(get(position), i32(most)), less(add(get(begin), get(position)), get(limit)));
  return [
    ...sums.map((each, i) => at("v128.store", edge + 16 * i, get(frame), get(each))),
    set(r, i32(0)),
    repeatWhile(isInside(r, row, m, panelRows), [
      set(source, add(get(frame), op("i32.shl", get(r), i32(6)))),
      set(to, add(get(target), mul(get(r), get(toRow)))),
      set(c, i32(0)),
      repeatWhile(isInside(c, column, n, panelColsOf(float)), [
        set(sum, at(`${scalar}.load`, edge, get(source))),
        when(keep, [set(sum, op(`${scalar}.add`, at(`${scalar}.load`, 0, get(to)), get(sum)))]),
        at(`${scalar}.store`, 0, get(to), get(sum)),
        advance(source, size),
        advance(to, size),
        advance(c, i32(1)),
      ]),
      advance(r, i32(1)),
    ]),
  ];
}
