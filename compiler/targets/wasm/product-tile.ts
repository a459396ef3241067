/**
 * The function of a matrix product, for f32 and f64: it reads a frame in memory, cuts k into blocks, has each block of the
 * operands packed, and walks the packed block with register tiles. In: how a product packs its operands. Out: the function.
 */
import { at, type Code, get, i32, type Local, local, newFunction, param, repeatWhile, set, type Type } from "./code.js";
import { advance, blockK, type Float, less, multiplyPacked, panelColsOf, smaller, sub } from "./register-tile.js";

/** Offsets of the fields of a frame: u32, strides in bytes. */
export const tileFrame = {
  left: 0,
  leftRow: 4,
  leftCol: 8,
  right: 12,
  rightRow: 16,
  rightCol: 20,
  to: 24,
  toRow: 28,
  m: 32,
  n: 36,
  k: 40,
  panels: 44,
  edge: 64,
  bytes: 192,
} as const;

/** Room for the packed panels and rows of a tile of m x n. */
export function panelBytesOf(float: Float, m: number, n: number): number {
  const cols = panelColsOf(float);
  return 2 ** float.shift * blockK * (m + Math.ceil(n / cols) * cols);
}

/** Variables of the function, with the fields of the frame. */
export interface Tile {
  readonly fn: ReturnType<typeof newFunction>;
  readonly frame: Local;
  readonly field: Readonly<Record<Exclude<keyof typeof tileFrame, "edge" | "bytes">, Local>>;
  /** The block of k: where it begins, and its length. */
  readonly begin: Local;
  readonly length: Local;
  /** Where the block's rows of the left operand lie: its own, or copies. */
  readonly rows: Local;
}

export function openTile(): Tile {
  const fn = newFunction("run", ["i32"], []);
  const frame = param(fn, 0);
  const { edge: _edge, bytes: _bytes, ...offsets } = tileFrame;
  const field = Object.fromEntries(
    Object.entries(offsets).map(([name, offset]) => [name, loaded(fn, frame, offset)]),
  ) as Tile["field"];
  const variable = () => local(fn, "i32");
  return { fn, frame, field, begin: variable(), length: variable(), rows: variable() };
}

/** A variable with a u32 of the frame. */
export function loaded(fn: Tile["fn"], frame: Local, offset: number): Local {
  const variable = local(fn, "i32");
  fn.body.push(set(variable, at("i32.load", offset, get(frame))));
  return variable;
}

/** A fresh variable of the tile's function. */
export const fresh = (tile: Tile, type: Type = "i32") => local(tile.fn, type);

/** What differs between products; see `PackedBlock`. */
export interface Packing {
  /** Code that copies the block of both operands. */
  readonly pack: readonly Code[];
  readonly rowBytes: Code;
  readonly keep: Code;
  readonly scale: Local | null;
}

/** Ends the function: blocks of k after each other. k = 0 writes nothing. */
export function closeTile(float: Float, tile: Tile, { pack, ...rest }: Packing): void {
  const { k, ...field } = tile.field;
  tile.fn.body.push(
    set(tile.begin, i32(0)),
    repeatWhile(less(get(tile.begin), get(k)), [
      set(tile.length, smaller(sub(get(k), get(tile.begin)), i32(blockK))),
      ...pack,
      ...multiplyPacked(float, { ...tile, ...field, ...rest, edge: tileFrame.edge }),
      advance(tile.begin, i32(blockK)),
    ]),
  );
}
