/**
 * A matrix product cut into tiles of the result that threads can take. In: a call. Out: frames of the product's module
 * (targets/wasm/matmul.ts), one a tile. The tiles depend on the sizes alone.
 */
import { matmulFrame, matmulPanelBytes } from "../../../compiler/targets/wasm/index.js";
import type { MatmulCall } from "../matmul.js";
import type { Region } from "../runner.js";
import { type Arena, aligned, type Place, reserve } from "./arena.js";

/** Frames one after the other, `stride` bytes apart. */
export interface Frames {
  readonly first: number;
  readonly stride: number;
  readonly parts: number;
}

export interface PlacedProduct {
  readonly frames: Frames;
  /** Where each thread has its panels: the first address, and bytes a thread. */
  readonly panels: { readonly first: number; readonly stride: number };
}

/** Largest tile: its packed panels (256 KiB of the left, 512 KiB of the right operand) stay in the second cache. */
const mostRows = 256;
const mostCols = 512;
/** Tiles that a large product should at least have, and the multiplications that a tile is worth. */
const fewestTiles = 8;
const tileWork = 1 << 20;

/** Rows and columns of the tiles of one product. */
function tileSize({ batch, m, k, n }: MatmulCall): { readonly rows: number; readonly cols: number } {
  let rows = Math.min(m, mostRows);
  let cols = Math.min(n, mostCols);
  const products = batch.reduce((a, b) => a * b, 1);
  const tiles = () => products * Math.ceil(m / rows) * Math.ceil(n / cols);
  const half = (size: number, grain: number) => Math.ceil(size / 2 / grain) * grain;
  while (tiles() < fewestTiles && rows * cols * k > 2 * tileWork) {
    if (cols > rows && cols > 32) cols = half(cols, 16);
    else if (rows > 16) rows = half(rows, 2);
    else break;
  }
  return { rows, cols };
}

const addressOf = (region: Region) => (region.memory as Place).address + region.offset;

/** Writes the frames of a product behind the arena's last buffer, and leaves room for the panels of each thread. */
export function placeProduct(arena: Arena, call: MatmulCall, threads: number): PlacedProduct {
  const { batch, m, k, n, left, right, to } = call;
  const { rows, cols } = tileSize(call);
  const products = batch.reduce((a, b) => a * b, 1);
  const parts = products * Math.ceil(m / rows) * Math.ceil(n / cols);
  const first = aligned(arena.top);
  const stride = matmulFrame.bytes;
  const panels = { first: aligned(first + parts * stride), stride: aligned(matmulPanelBytes(rows, cols)) };
  reserve(arena, panels.first + threads * panels.stride);
  const words = new Uint32Array(arena.memory.buffer);
  const base = { left: addressOf(left.region), right: addressOf(right.region), to: addressOf(to) };
  const index = new Array<number>(batch.length).fill(0);
  let frame = first / 4;
  for (let product = 0; product < products; product++) {
    const offset = (strides: readonly number[]) => strides.reduce((sum, s, i) => sum + s * index[i], 0);
    const [leftAt, rightAt] = [base.left + 4 * offset(left.batch), base.right + 4 * offset(right.batch)];
    for (let row = 0; row < m; row += rows) {
      for (let col = 0; col < n; col += cols) {
        words[frame + matmulFrame.left / 4] = leftAt + 4 * row * left.row;
        words[frame + matmulFrame.leftRow / 4] = 4 * left.row;
        words[frame + matmulFrame.leftCol / 4] = 4 * left.col;
        words[frame + matmulFrame.right / 4] = rightAt + 4 * col * right.col;
        words[frame + matmulFrame.rightRow / 4] = 4 * right.row;
        words[frame + matmulFrame.rightCol / 4] = 4 * right.col;
        words[frame + matmulFrame.to / 4] = base.to + 4 * ((product * m + row) * n + col);
        words[frame + matmulFrame.toRow / 4] = 4 * n;
        words[frame + matmulFrame.m / 4] = Math.min(rows, m - row);
        words[frame + matmulFrame.n / 4] = Math.min(cols, n - col);
        words[frame + matmulFrame.k / 4] = k;
        frame += stride / 4;
      }
    }
    for (let axis = batch.length - 1; axis >= 0; axis--) {
      if (++index[axis] < batch[axis]) break;
      index[axis] = 0;
    }
  }
  return { frames: { first, stride, parts }, panels };
}
