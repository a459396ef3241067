/**
 * WGSL types of the lanes of a kernel. Element values are computed four at a time (`vec4f`, ...), so that a packed
 * output of four elements is a whole number of 32-bit words; row and uniform values, and the elements of a column
 * reduction, one at a time.
 */
import type { Lane } from "../../kernels/index.js";

export type Width = 1 | 4;

/** The type names of one width: F floats, I and U integers, B booleans; `n` is the suffix of the
 * functions of this width. */
export interface Types {
  readonly n: string;
  readonly F: string;
  readonly I: string;
  readonly U: string;
  readonly B: string;
}

const scalars: Types = { n: "_x1", F: "f32", I: "i32", U: "u32", B: "bool" };
const quads: Types = { n: "_x4", F: "vec4f", I: "vec4i", U: "vec4u", B: "vec4<bool>" };

export function typesOf(width: Width): Types {
  return width === 1 ? scalars : quads;
}

/** The WGSL type of a lane. */
export function typeOf(lane: Lane, width: Width): string {
  const t = typesOf(width);
  return { f32: t.F, i32: t.I, u32: t.U, bool: t.B }[lane];
}

/** WGSL text of a u32. */
export function u32(value: number): string {
  return `0x${(value >>> 0).toString(16)}u`;
}
