/**
 * Room and products for the matrix algorithms (compiler/linear) on the CPU. In: sizes and products. Out: arrays in one
 * WebAssembly memory that grows, products by WASM SIMD. The memory is shared in kind, so that arrays stay valid when it
 * grows; it belongs to one thread.
 */
import type { Matrix, Product, Space } from "../../../compiler/linear/index.js";
import {
  emitProduct,
  emitSymmetric,
  productFrame,
  productPanelBytes,
  symmetricFrame,
} from "../../../compiler/targets/wasm/index.js";
import { type Arena, aligned, createArena, reserve } from "./arena.js";

/** Largest tile of one call: its copied rows and panels (512 KiB, 1 MiB) stay in the second cache. */
const mostRows = 256;
const mostCols = 512;

/** A frame, then panels, then rooms. */
const frame = 64;
const panels = aligned(frame + productFrame.bytes);
const firstRoom = panels + productPanelBytes(mostRows, mostCols);

type Run = (frame: number) => void;

/** A space whose rooms live until `work` ends. Throws a PeftError (V050, V051) when memory ends. */
export interface LinearSpace {
  use<T>(work: (space: Space) => T): T;
}

export function linearSpace(): LinearSpace {
  const arena = createArena(true);
  const load = (bytes: Uint8Array): Run => {
    const module = new WebAssembly.Module(bytes);
    return new WebAssembly.Instance(module, { m: { memory: arena.memory } }).exports.run as Run;
  };
  const [product, symmetric] = [load(emitProduct({ shared: true })), load(emitSymmetric({ shared: true }))];
  const within = <T>(work: () => T): T => {
    const { top } = arena;
    try {
      return work();
    } finally {
      arena.top = top;
    }
  };
  const space: Space = {
    within,
    room(count) {
      const address = aligned(arena.top);
      reserve(arena, address + 8 * count);
      arena.top = address + 8 * count;
      return new Float64Array(arena.memory.buffer, address, count).fill(0);
    },
    product: (call) => runProduct(arena, product, call),
    symmetric(n, a, x, xAt, y, yAt) {
      y.fill(0, yAt, yAt + n);
      const words = new Uint32Array(arena.memory.buffer, frame, symmetricFrame.bytes / 4);
      words[symmetricFrame.a / 4] = addressOf(a);
      words[symmetricFrame.row / 4] = 8 * a.row;
      words[symmetricFrame.x / 4] = x.byteOffset + 8 * xAt;
      words[symmetricFrame.y / 4] = y.byteOffset + 8 * yAt;
      words[symmetricFrame.n / 4] = n;
      symmetric(frame);
    },
  };
  arena.top = firstRoom;
  reserve(arena, firstRoom);
  return { use: (work) => within(() => work(space)) };
}

let own: LinearSpace | null = null;

/** The space of this thread, made when it is first asked for. Its memory stays as large as it has been. */
export function threadSpace(): LinearSpace {
  own ??= linearSpace();
  return own;
}

const addressOf = ({ data, at }: Matrix) => data.byteOffset + 8 * at;

function runProduct(arena: Arena, run: Run, { m, n, k, left, right, to, scale, add }: Product): void {
  if (k === 0 && !add) for (let i = 0; i < m; i++) to.data.fill(0, to.at + i * to.row, to.at + i * to.row + n);
  const { buffer } = arena.memory;
  const words = new Uint32Array(buffer, frame, productFrame.bytes / 4);
  new Float64Array(buffer, frame + productFrame.scale, 1)[0] = scale;
  const set = (field: number, value: number) => {
    words[field / 4] = value;
  };
  set(productFrame.leftRow, 8 * left.row);
  set(productFrame.leftCol, 8 * left.col);
  set(productFrame.rightRow, 8 * right.row);
  set(productFrame.rightCol, 8 * right.col);
  set(productFrame.toRow, 8 * to.row);
  set(productFrame.k, k);
  set(productFrame.panels, panels);
  set(productFrame.add, add ? 1 : 0);
  for (let row = 0; row < m; row += mostRows) {
    for (let col = 0; col < n; col += mostCols) {
      set(productFrame.left, addressOf(left) + 8 * row * left.row);
      set(productFrame.right, addressOf(right) + 8 * col * right.col);
      set(productFrame.to, addressOf(to) + 8 * (row * to.row + col));
      set(productFrame.m, Math.min(mostRows, m - row));
      set(productFrame.n, Math.min(mostCols, n - col));
      run(frame);
    }
  }
}
