/**
 * The products of the matrix algorithms (compiler/linear) as WebAssembly modules, in f64. In: a frame in memory. Out: one
 * tile of to = scale * left right, or added to what is there, for any strides of the operands; and y = a x for the upper
 * triangle of a symmetric a. As in matmul.ts blocks of k are copied into panels (8 columns, 64 bytes for each k) and rows,
 * and a register tile of 2 x 8 walks down both. Every element is summed in the order of k within a block.
 *
 * Strides are bytes. `panels` has room for `productPanelBytes`, `edge` holds a tile that reaches over the edge.
 */
import {
  at,
  type Code,
  f64x2,
  get,
  i32,
  type Local,
  lane,
  local,
  newFunction,
  op,
  param,
  repeatWhile,
  set,
  when,
} from "./code.js";
import { encodeModule } from "./encode.js";
import { closeTile, fresh, loaded, openTile, panelBytesOf, type Tile, tileFrame } from "./product-tile.js";
import { add, advance, blockK, floats, less, mul, panelColsOf, smaller, sub } from "./register-tile.js";

const panelCols = panelColsOf(floats.f64);

/** Offsets of the fields of a product's frame: u32, and `scale` an f64. */
export const productFrame = {
  ...tileFrame,
  /** 1 to add. */
  add: 48,
  scale: 56,
} as const;

/** Offsets of the fields of a symmetric product's frame, u32; `row` is the stride of a's rows. */
export const symmetricFrame = { a: 0, row: 4, x: 8, y: 12, n: 16, bytes: 64 } as const;

/** Room for the panels and rows of a tile of m x n. */
export const productPanelBytes = (m: number, n: number) => panelBytesOf(floats.f64, m, n);

const times8 = (a: Code) => op("i32.shl", a, i32(3));

/** Copies the block of the right operand into panels of 8 columns, zeros beyond the last. */
function packRight(tile: Tile): Code[] {
  const { right, rightRow, rightCol, n, panels } = tile.field;
  const [to, start, column, cols, k, source, c] = Array.from({ length: 7 }, () => fresh(tile));
  const isWhole = op("i32.and", op("i32.eq", get(cols), i32(panelCols)), op("i32.eq", get(rightCol), i32(8)));
  const next = [advance(start, get(rightRow)), advance(to, i32(64)), advance(k, i32(1))];
  const vectors = [0, 16, 32, 48].map((o) => at("v128.store", o, get(to), at("v128.load", o, get(start))));
  const elements = [
    set(source, get(start)),
    set(c, i32(0)),
    repeatWhile(less(get(c), get(cols)), [
      at("f64.store", 0, add(get(to), times8(get(c))), at("f64.load", 0, get(source))),
      advance(source, get(rightCol)),
      advance(c, i32(1)),
    ]),
    repeatWhile(less(get(c), i32(panelCols)), [
      at("i64.store", 0, add(get(to), times8(get(c))), { op: "i64.const", args: [], immediates: [0n] }),
      advance(c, i32(1)),
    ]),
  ];
  return [
    set(to, get(panels)),
    set(column, i32(0)),
    repeatWhile(less(get(column), get(n)), [
      set(cols, smaller(sub(get(n), get(column)), i32(panelCols))),
      set(start, add(get(right), add(mul(get(tile.begin), get(rightRow)), mul(get(column), get(rightCol))))),
      set(k, i32(0)),
      when(
        isWhole,
        [repeatWhile(less(get(k), get(tile.length)), [...vectors, ...next])],
        [repeatWhile(less(get(k), get(tile.length)), [...elements, ...next])],
      ),
      advance(column, i32(panelCols)),
    ]),
  ];
}

/** Copies the block of the left operand, row by row. */
function packLeft(tile: Tile): Code[] {
  const { left, leftRow, leftCol, m, n, panels } = tile.field;
  const [to, source, row, k] = Array.from({ length: 4 }, () => fresh(tile));
  const panelBytes = mul(op("i32.and", add(get(n), i32(panelCols - 1)), i32(-panelCols)), i32(8 * blockK));
  return [
    set(tile.rows, add(get(panels), panelBytes)),
    set(row, i32(0)),
    repeatWhile(less(get(row), get(m)), [
      set(to, add(get(tile.rows), mul(get(row), i32(8 * blockK)))),
      set(source, add(get(left), add(mul(get(row), get(leftRow)), mul(get(tile.begin), get(leftCol))))),
      set(k, i32(0)),
      repeatWhile(less(get(k), get(tile.length)), [
        at("f64.store", 0, get(to), at("f64.load", 0, get(source))),
        advance(source, get(leftCol)),
        advance(to, i32(8)),
        advance(k, i32(1)),
      ]),
      advance(row, i32(1)),
    ]),
  ];
}

/** The module of a product; `run(frame)` computes one tile. k = 0 writes nothing. */
export function emitProduct(options: { readonly shared?: boolean } = {}): Uint8Array {
  const tile = openTile();
  const { fn, frame } = tile;
  const added = loaded(fn, frame, productFrame.add);
  const scale = local(fn, "v128");
  fn.body.push(set(scale, at("v128.load64_splat", productFrame.scale, get(frame))));
  closeTile(floats.f64, tile, {
    pack: [...packRight(tile), ...packLeft(tile)],
    rowBytes: i32(8 * blockK),
    keep: op("i32.or", get(added), get(tile.begin)),
    scale,
  });
  return encodeModule({ imports: [], functions: [fn] }, options);
}

/**
 * The module of a symmetric product; `run(frame)` adds to y, which begins with zeros. Each row of the triangle is read
 * once: it gives its own element of y, and its share of the elements after it.
 */
export function emitSymmetric(options: { readonly shared?: boolean } = {}): Uint8Array {
  const fn = newFunction("run", ["i32"], []);
  const frame = param(fn, 0);
  const [a, row, x, y, n] = Array.from({ length: 5 }, () => local(fn, "i32"));
  const [line, px, py, end] = Array.from({ length: 4 }, () => local(fn, "i32"));
  const [own, sum, sum2, vector, vector2] = Array.from({ length: 5 }, () => local(fn, "v128"));
  const [element, total] = Array.from({ length: 2 }, () => local(fn, "f64"));
  const { bytes: _bytes, ...offsets } = symmetricFrame;
  [a, row, x, y, n].forEach((variable, i) => {
    fn.body.push(set(variable, at("i32.load", Object.values(offsets)[i], get(frame))));
  });
  const pair = (offset: number, loaded: Local, into: Local): Code[] => [
    set(loaded, at("v128.load", offset, get(line))),
    set(into, op("f64x2.add", get(into), op("f64x2.mul", get(loaded), at("v128.load", offset, get(px))))),
    at(
      "v128.store",
      offset,
      get(py),
      op("f64x2.add", at("v128.load", offset, get(py)), op("f64x2.mul", get(loaded), get(own))),
    ),
  ];
  const on = (bytes: number) => [line, px, py].map((pointer) => advance(pointer, i32(bytes)));
  const xFirst = lane("f64x2.extract_lane", 0, get(own));
  fn.body.push(
    repeatWhile(get(n), [
      set(line, get(a)),
      set(px, get(x)),
      set(py, get(y)),
      set(end, add(get(x), times8(get(n)))),
      set(own, at("v128.load64_splat", 0, get(x))),
      set(sum, f64x2(0)),
      set(sum2, f64x2(0)),
      set(total, op("f64.mul", at("f64.load", 0, get(line)), xFirst)),
      ...on(8),
      repeatWhile(less(add(get(px), i32(24)), get(end)), [
        ...pair(0, vector, sum),
        ...pair(16, vector2, sum2),
        ...on(32),
      ]),
      repeatWhile(less(get(px), get(end)), [
        set(element, at("f64.load", 0, get(line))),
        set(total, op("f64.add", get(total), op("f64.mul", get(element), at("f64.load", 0, get(px))))),
        at("f64.store", 0, get(py), op("f64.add", at("f64.load", 0, get(py)), op("f64.mul", get(element), xFirst))),
        ...on(8),
      ]),
      set(sum, op("f64x2.add", get(sum), get(sum2))),
      set(total, op("f64.add", get(total), lane("f64x2.extract_lane", 0, get(sum)))),
      set(total, op("f64.add", get(total), lane("f64x2.extract_lane", 1, get(sum)))),
      at("f64.store", 0, get(y), op("f64.add", at("f64.load", 0, get(y)), get(total))),
      // The triangle that is left.
      set(a, add(get(a), add(get(row), i32(8)))),
      advance(x, i32(8)),
      advance(y, i32(8)),
      set(n, sub(get(n), i32(1))),
    ]),
  );
  return encodeModule({ imports: [], functions: [fn] }, options);
}
