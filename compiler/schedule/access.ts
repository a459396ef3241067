/**
 * Index maps. While a root is fused, every node is seen through a map from the coordinates of the loop (a row-major
 * box) to its own coordinates. Views only change the map; at a leaf it becomes an access: full, row, col or strided.
 */
import { type Shape, sizeOf, stridesOf } from "../ir/index.js";
import type { Access } from "../kernels/index.js";

/** Coordinate i of the node is x[axis] + offset, or offset alone where axis is -1. */
export interface AxisMap {
  readonly axis: number;
  readonly offset: number;
}

export interface IndexMap {
  /** The loop's coordinates: those of the flat element number in this box. */
  readonly box: Shape;
  readonly axes: readonly AxisMap[];
}

export function identityMap(shape: Shape): IndexMap {
  return { box: shape, axes: shape.map((d, axis) => ({ axis: d === 1 ? -1 : axis, offset: 0 })) };
}

export function isIdentity(map: IndexMap, shape: Shape): boolean {
  if (shape.length !== map.box.length || shape.some((d, i) => d !== map.box[i])) return false;
  return map.axes.every((a, i) => a.offset === 0 && (a.axis === i || (a.axis === -1 && shape[i] === 1)));
}

export function mapKey(map: IndexMap): string {
  return `${map.box.join(",")}:${map.axes.map((a) => `${a.axis}+${a.offset}`).join(",")}`;
}

/** The map of an argument that broadcasts into a node. */
export function broadcastMap(map: IndexMap, from: Shape, to: Shape): IndexMap {
  const skip = to.length - from.length;
  return { box: map.box, axes: from.map((d, i) => (d === 1 ? { axis: -1, offset: 0 } : map.axes[i + skip])) };
}

export function transposeMap(map: IndexMap, perm: readonly number[]): IndexMap {
  const axes = new Array<AxisMap>(perm.length);
  perm.forEach((p, i) => {
    axes[p] = map.axes[i];
  });
  return { box: map.box, axes };
}

export function sliceMap(map: IndexMap, start: readonly number[]): IndexMap {
  return { box: map.box, axes: map.axes.map((a, i) => ({ axis: a.axis, offset: a.offset + start[i] })) };
}

/** The map of the argument of a reshape, if it is a map: unit axes come and go freely, other changes need the identity. */
export function reshapeMap(map: IndexMap, from: Shape, to: Shape): IndexMap | null {
  const solid = (shape: Shape) => shape.flatMap((d, i) => (d === 1 ? [] : [i]));
  const a = solid(from);
  const b = solid(to);
  if (a.length === b.length && a.every((axis, i) => from[axis] === to[b[i]])) {
    // A slice of one element may have left an offset on a unit axis of the result: it has no counterpart to carry it.
    if (to.some((d, i) => d === 1 && map.axes[i].offset !== 0)) return null;
    const axes: AxisMap[] = from.map(() => ({ axis: -1, offset: 0 }));
    a.forEach((axis, i) => {
      axes[axis] = map.axes[b[i]];
    });
    return { box: map.box, axes };
  }
  return isIdentity(map, to) ? identityMap(from) : null;
}

/** Where an element of a contiguous buffer of this shape lies: strides for the coordinates of the map's box, and an offset. */
export function affineMap(map: IndexMap, shape: Shape): { readonly strides: number[]; readonly offset: number } {
  const own = stridesOf(shape);
  const strides = new Array<number>(map.box.length).fill(0);
  let offset = 0;
  map.axes.forEach((a, i) => {
    if (a.axis >= 0) strides[a.axis] += own[i];
    offset += own[i] * a.offset;
  });
  return { strides, offset };
}

/** The access of a contiguous buffer of this shape; rows and cols are those of the loop. */
export function accessOf(map: IndexMap, shape: Shape, rows: number, cols: number): Access {
  const { strides, offset } = affineMap(map, shape);
  const box = stridesOf(map.box);
  const like = (from: number, to: number, expected: readonly number[]) => {
    for (let i = from; i < to; i++) if (map.box[i] !== 1 && strides[i] !== expected[i]) return false;
    return true;
  };
  const zero = new Array<number>(map.box.length).fill(0);
  const rank = map.box.length;
  if (offset === 0) {
    if (like(0, rank, box)) return { kind: "full" };
    for (let p = 0; p <= rank; p++) {
      const leading = map.box.slice(0, p);
      if (sizeOf(leading) !== rows || rows * cols !== sizeOf(map.box)) continue;
      const rowStrides = [...stridesOf(leading), ...zero];
      if (like(0, p, rowStrides) && like(p, rank, zero)) return { kind: "row" };
      if (like(0, p, zero) && like(p, rank, box)) return { kind: "col" };
    }
  }
  return { kind: "strided", dims: [...map.box], strides, offset };
}
