/**
 * Matrix product of f32 as a WebAssembly module: to = left right for one tile of the result, any strides. In: a frame in
 * memory (below). Out: the tile, each element summed over k in blocks of `blockK`, one product after the other, and the
 * blocks after each other, so that the result does not depend on how a product is cut into tiles.
 *
 * The method is that of Goto and van de Geijn (Anatomy of High-Performance Matrix Multiplication, 2008): of each block of
 * k, the right operand is copied into panels of 16 columns, padded with zeros, and the left one into rows; register tiles
 * (register-tile.ts) then walk down a panel and two rows. Rows of a left operand that lie side by side already are not
 * copied.
 *
 * Frame, u32 each, strides in bytes: the addresses and strides of `matmulFrame`; `panels` is where packed panels go
 * (`matmulPanelBytes`), `edge` 128 bytes for tiles that reach over the edge. Addresses are multiples of 16.
 */
import { at, type Code, get, i32, type Local, type Module, op, repeatWhile, set, when, words } from "./code.js";
import { encodeModule } from "./encode.js";
import { closeTile, fresh, openTile, panelBytesOf, type Tile } from "./product-tile.js";
import { add, advance, blockK, floats, less, mul, panelColsOf, smaller, sub } from "./register-tile.js";

const panelCols = panelColsOf(floats.f32);

export { tileFrame as matmulFrame } from "./product-tile.js";

/** Room for the packed panels and rows of a tile of m x n. */
export const matmulPanelBytes = (m: number, n: number) => panelBytesOf(floats.f32, m, n);

const roundUp = (value: Code, multiple: number) => op("i32.and", add(value, i32(multiple - 1)), i32(-multiple));

/** Copies the block of the right operand into panels: for each k the 16 columns of the panel side by side. */
function packRight(tile: Tile): Code[] {
  const { right, rightRow, rightCol, n, panels } = tile.field;
  const [to, from, column, cols, k, source, c] = Array.from({ length: 7 }, () => fresh(tile));
  const isFull = op("i32.eq", get(cols), i32(panelCols));
  const isUnit = (stride: Local) => op("i32.eq", get(stride), i32(4));
  const next = [advance(from, get(rightRow)), advance(to, i32(64)), advance(k, i32(1))];
  const vectors = [0, 16, 32, 48];
  const alongRows = [
    ...vectors.map((offset) => at("v128.store", offset, get(to), at("v128.load", offset, get(from)))),
    ...next,
  ];
  const oneByOne = [
    set(source, get(from)),
    set(c, i32(0)),
    repeatWhile(less(get(c), get(cols)), [
      at("f32.store", 0, add(get(to), op("i32.shl", get(c), i32(2))), at("f32.load", 0, get(source))),
      advance(source, get(rightCol)),
      advance(c, i32(1)),
    ]),
    repeatWhile(less(get(c), i32(panelCols)), [
      at("i32.store", 0, add(get(to), op("i32.shl", get(c), i32(2))), i32(0)),
      advance(c, i32(1)),
    ]),
    ...next,
  ];
  return [
    set(to, get(panels)),
    set(column, i32(0)),
    repeatWhile(less(get(column), get(n)), [
      set(cols, smaller(sub(get(n), get(column)), i32(panelCols))),
      set(from, add(get(right), add(mul(get(tile.begin), get(rightRow)), mul(get(column), get(rightCol))))),
      set(k, i32(0)),
      when(op("i32.and", isFull, isUnit(rightCol)), [repeatWhile(less(get(k), get(tile.length)), alongRows)]),
      when(op("i32.and", isFull, isUnit(rightRow)), [
        repeatWhile(
          less(add(get(k), i32(3)), get(tile.length)),
          transposeIntoPanel(tile, from, to, source, [
            advance(to, i32(256)),
            advance(from, i32(16)),
            advance(k, i32(4)),
          ]),
        ),
      ]),
      repeatWhile(less(get(k), get(tile.length)), oneByOne),
      advance(column, i32(panelCols)),
    ]),
  ];
}

/** Four k of sixteen columns that lie along k: four transposed squares. */
function transposeIntoPanel(tile: Tile, from: Local, to: Local, source: Local, next: readonly Code[]): Code[] {
  const squares = [0, 1, 2, 3].flatMap((square) =>
    transposeSquare(tile, source, tile.field.rightCol, (k, vector) =>
      at("v128.store", 64 * k + 16 * square, get(to), vector),
    ),
  );
  return [set(source, get(from)), ...squares, ...next];
}

/** Four vectors, `stride` apart from `source` on (which moves past them), transposed: `store` gets each with its number. */
function transposeSquare(tile: Tile, source: Local, stride: Local, store: (i: number, vector: Code) => Code): Code[] {
  const vectors = Array.from({ length: 4 }, () => fresh(tile, "v128"));
  const halves = Array.from({ length: 4 }, () => fresh(tile, "v128"));
  const [a, b, c, d] = vectors.map(get);
  const pairs = [words(a, b, 0, 4, 1, 5), words(c, d, 0, 4, 1, 5), words(a, b, 2, 6, 3, 7), words(c, d, 2, 6, 3, 7)];
  const [low, high, low2, high2] = halves.map(get);
  const rows = [
    words(low, high, 0, 1, 4, 5),
    words(low, high, 2, 3, 6, 7),
    words(low2, high2, 0, 1, 4, 5),
    words(low2, high2, 2, 3, 6, 7),
  ];
  return [
    ...vectors.flatMap((vector) => [set(vector, at("v128.load", 0, get(source))), advance(source, get(stride))]),
    ...pairs.map((pair, i) => set(halves[i], pair)),
    ...rows.map((row, i) => store(i, row)),
  ];
}

/** Copies the block of the left operand row by row, unless each row lies side by side already. */
function packLeft(tile: Tile, rowBytes: Local): Code[] {
  const { left, leftRow, leftCol, m, n, panels } = tile.field;
  const [to, from, row, k, source, target] = Array.from({ length: 6 }, () => fresh(tile));
  const begin = add(get(left), mul(get(tile.begin), get(leftCol)));
  const isUnit = (stride: Local) => op("i32.eq", get(stride), i32(4));
  // Four rows of a transposed operand lie side by side: squares of 4 x 4.
  const square = [
    set(source, get(from)),
    set(target, get(to)),
    set(k, i32(0)),
    repeatWhile(
      less(add(get(k), i32(3)), get(tile.length)),
      transposeSquare(tile, source, leftCol, (i, vector) =>
        at("v128.store", 4 * blockK * i, get(target), vector),
      ).concat([advance(target, i32(16)), advance(k, i32(4))]),
    ),
    repeatWhile(less(get(k), get(tile.length)), [
      ...[0, 1, 2, 3].map((i) => at("i32.store", 4 * blockK * i, get(target), at("i32.load", 4 * i, get(source)))),
      advance(source, get(leftCol)),
      advance(target, i32(4)),
      advance(k, i32(1)),
    ]),
  ];
  const rowByRow = [
    set(from, add(begin, mul(get(row), get(leftRow)))),
    set(k, i32(0)),
    repeatWhile(less(get(k), get(tile.length)), [
      at("i32.store", 0, get(to), at("i32.load", 0, get(from))),
      advance(from, get(leftCol)),
      advance(to, i32(4)),
      advance(k, i32(1)),
    ]),
  ];
  const rowStart = add(get(tile.rows), mul(get(row), i32(4 * blockK)));
  return [
    when(
      isUnit(leftCol),
      [set(tile.rows, begin), set(rowBytes, get(leftRow))],
      [
        set(tile.rows, add(get(panels), mul(roundUp(get(n), panelCols), i32(4 * blockK)))),
        set(rowBytes, i32(4 * blockK)),
        set(row, i32(0)),
        when(isUnit(leftRow), [
          repeatWhile(less(add(get(row), i32(3)), get(m)), [
            set(from, add(begin, mul(get(row), get(leftRow)))),
            set(to, rowStart),
            ...square,
            advance(row, i32(4)),
          ]),
        ]),
        repeatWhile(less(get(row), get(m)), [set(to, rowStart), ...rowByRow, advance(row, i32(1))]),
      ],
    ),
  ];
}

function matmulModule(): Module {
  const tile = openTile();
  const rowBytes = fresh(tile);
  closeTile(floats.f32, tile, {
    pack: [...packRight(tile), ...packLeft(tile, rowBytes)],
    rowBytes: get(rowBytes),
    keep: get(tile.begin),
    scale: null,
  });
  return { imports: [], functions: [tile.fn] };
}

/** The WebAssembly binary of the product; `run(frame)` computes one tile. With `shared` its memory is shared by threads. */
export function emitMatmul(options: { readonly shared?: boolean } = {}): Uint8Array {
  return encodeModule(matmulModule(), options);
}
