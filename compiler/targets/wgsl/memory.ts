/**
 * Loads and stores of one kernel in WGSL: functions that fetch the raw bits of an element or of four neighbours, and
 * that write four neighbours. Buffers are arrays of 32-bit words; where two invocations could meet in one word (the
 * ends of a row that is not a whole number of words) the schedules keep them in one workgroup with a barrier between,
 * so a store may read the word, change its part and write it back.
 */
import { bytesOf } from "../../ir/index.js";
import type { Kernel, KernelInput } from "../../kernels/index.js";
import { decode, type Raw } from "./formats.js";
import { typesOf, type Width } from "./lanes.js";
import { type WgslLayout, word } from "./layout.js";
import type { Library } from "./library.js";

/** Words from byte-sized parts: four elements of `size` bytes as raw bits. */
function quadOf(buffer: string, offset: string, size: number): string[] {
  const at = (n: number) => `${buffer}[w + ${n}u]`;
  switch (size) {
    case 1:
      return [`let w = ${offset} + q;`, `return (vec4u(${buffer}[w]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(0xffu);`];
    case 2:
      return [
        `let w = ${offset} + q * 2u;`,
        `let pair = vec2u(${at(0)}, ${at(1)});`,
        "return (pair.xxyy >> vec4u(0u, 16u, 0u, 16u)) & vec4u(0xffffu);",
      ];
    default:
      return [`let w = ${offset} + q * 4u;`, `return vec4u(${at(0)}, ${at(1)}, ${at(2)}, ${at(3)});`];
  }
}

function oneOf(buffer: string, offset: string, size: number): string {
  switch (size) {
    case 1:
      return `return (${buffer}[${offset} + (i >> 2u)] >> ((i & 3u) * 8u)) & 0xffu;`;
    case 2:
      return `return (${buffer}[${offset} + (i >> 1u)] >> ((i & 1u) * 16u)) & 0xffffu;`;
    default:
      return `return ${buffer}[${offset} + i];`;
  }
}

/** `load{n}_quad(q)`, `load{n}_one(i)` and `load{n}_each(i)`: raw bits of elements 4q .. 4q+3, of i, and of four numbers i. */
export function loadFunctions(lib: Library, kernel: Kernel, layout: WgslLayout, n: number): string[] {
  const { dtype } = kernel.inputs[n];
  const buffer = `input${layout.inputBindings[n]}`;
  const offset = word(layout.inputOffsets[n]);
  const size = bytesOf(dtype);
  const each = `fn load${n}_each(i: vec4u) -> vec4u { return vec4u(load${n}_one(i.x), load${n}_one(i.y), load${n}_one(i.z), load${n}_one(i.w)); }`;
  if (size < 8) {
    return [
      `fn load${n}_quad(q: u32) -> vec4u {\n  ${quadOf(buffer, offset, size).join("\n  ")}\n}`,
      `fn load${n}_one(i: u32) -> u32 { ${oneOf(buffer, offset, size)} }`,
      each,
    ];
  }
  const at = `${offset} + i * 2u`;
  const value =
    dtype === "F64" ? lib.call("decode_f64", 1, `${buffer}[${at}]`, `${buffer}[${at} + 1u]`) : `${buffer}[${at}]`;
  return [
    `fn load${n}_one(i: u32) -> u32 { return ${value}; }`,
    each,
    `fn load${n}_quad(q: u32) -> vec4u { return load${n}_each(vec4u(q * 4u) + vec4u(0u, 1u, 2u, 3u)); }`,
  ];
}

/** Where a point is, as WGSL texts. `at` and `number` count elements from the call's and from the tensor's start. */
export interface Place {
  readonly width: Width;
  /** Number of the group of four that the point's lanes are, when they begin at a multiple of four. */
  readonly quad: string | null;
  readonly at: string;
  readonly number: string;
  /** Row from the call's start: the type of `at` in flat kernels, else a u32. */
  readonly row: string;
  readonly column: string;
  readonly flat: boolean;
}

/** Element of an input at a place, decoded to a lane; `scalar` when it is the same for all lanes of the place. */
export function loadAt(
  lib: Library,
  input: KernelInput,
  n: number,
  lane: Parameters<typeof decode>[2],
  place: Place,
): { text: string; scalar: boolean } {
  const { access } = input;
  const wide = place.width === 4;
  const one = (index: string) => ({ text: decode(lib, input.dtype, lane, 1, `load${n}_one(${index})`), scalar: wide });
  const each = (index: string) =>
    wide ? { text: decode(lib, input.dtype, lane, 4, `load${n}_each(${index})`), scalar: false } : one(index);
  switch (access.kind) {
    case "row":
      if (!place.flat) return one(place.row);
      break;
    case "col":
      return place.flat ? one("0u") : each(place.column);
    case "strided":
      return each(stridedIndex(access.dims, access.strides, access.offset, place));
    case "full":
      break;
  }
  if (place.quad === null) return each(place.at);
  return { text: decode(lib, input.dtype, lane, 4, `load${n}_quad(${place.quad})`), scalar: false };
}

/** Coordinate along an axis of an element number in the row-major box `dims`. */
export function coordinate(number: string, dims: readonly number[], axis: number, width: Width): string {
  const { U } = typesOf(width);
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const quotient = inner === 1 ? number : `(${number} / ${U}(${inner}u))`;
  return axis === 0 ? quotient : `(${quotient} % ${U}(${dims[axis]}u))`;
}

function stridedIndex(dims: readonly number[], strides: readonly number[], offset: number, place: Place): string {
  const { U } = typesOf(place.width);
  const terms = dims.flatMap((_, d) => {
    if (strides[d] === 0) return [];
    const x = coordinate(place.number, dims, d, place.width);
    return [strides[d] === 1 ? x : `${x} * ${U}(${strides[d] >>> 0}u)`];
  });
  return [...terms, `${U}(${offset >>> 0}u)`].join(" + ");
}

/** `store{n}(q, raw, inside)`: writes those of the elements 4q .. 4q+3 whose lane of `inside` is true; 8-byte dtypes take a low and a high word. */
export function storeFunctions(kernel: Kernel, layout: WgslLayout, n: number): string[] {
  const size = bytesOf(kernel.outputs[n].dtype);
  const buffer = `output${layout.outputBindings[n]}`;
  const offset = word(layout.outputOffsets[n]);
  const lanes = ["x", "y", "z", "w"];
  if (size === 8) {
    return [
      `fn store${n}(q: u32, low: vec4u, high: vec4u, inside: vec4<bool>) {
  let w = ${offset} + q * 8u;
${lanes.map((l, i) => `  if (inside.${l}) { ${buffer}[w + ${2 * i}u] = low.${l}; ${buffer}[w + ${2 * i + 1}u] = high.${l}; }`).join("\n")}
}`,
      `fn store${n}_one(i: u32, low: u32, high: u32) { let w = ${offset} + i * 2u; ${buffer}[w] = low; ${buffer}[w + 1u] = high; }`,
    ];
  }
  if (size === 4) {
    return [
      `fn store${n}(q: u32, raw: vec4u, inside: vec4<bool>) {
  let w = ${offset} + q * 4u;
${lanes.map((l, i) => `  if (inside.${l}) { ${buffer}[w + ${i}u] = raw.${l}; }`).join("\n")}
}`,
      `fn store${n}_one(i: u32, raw: u32) { ${buffer}[${offset} + i] = raw; }`,
    ];
  }
  const merge = `fn merge${n}(w: u32, bits: u32, mask: u32) {
  if (mask == 0xffffffffu) { ${buffer}[w] = bits; }
  else if (mask != 0u) { ${buffer}[w] = (${buffer}[w] & ~mask) | (bits & mask); }
}`;
  if (size === 2) {
    return [
      merge,
      `fn store${n}(q: u32, raw: vec4u, inside: vec4<bool>) {
  let w = ${offset} + q * 2u;
  let bits = raw & vec4u(0xffffu);
  let mask = select(vec4u(0u), vec4u(0xffffu), inside);
  merge${n}(w, bits.x | (bits.y << 16u), mask.x | (mask.y << 16u));
  merge${n}(w + 1u, bits.z | (bits.w << 16u), mask.z | (mask.w << 16u));
}`,
      `fn store${n}_one(i: u32, raw: u32) { let s = (i & 1u) * 16u; merge${n}(${offset} + (i >> 1u), (raw & 0xffffu) << s, 0xffffu << s); }`,
    ];
  }
  return [
    merge,
    `fn store${n}(q: u32, raw: vec4u, inside: vec4<bool>) {
  let bits = (raw & vec4u(0xffu)) << vec4u(0u, 8u, 16u, 24u);
  let mask = select(vec4u(0u), vec4u(0xffu), inside) << vec4u(0u, 8u, 16u, 24u);
  merge${n}(${offset} + q, bits.x | bits.y | bits.z | bits.w, mask.x | mask.y | mask.z | mask.w);
}`,
    `fn store${n}_one(i: u32, raw: u32) { let s = (i & 3u) * 8u; merge${n}(${offset} + (i >> 2u), (raw & 0xffu) << s, 0xffu << s); }`,
  ];
}

/** Arguments of a store function. */
export function rawArguments(raw: Raw): string {
  return raw.high === null ? raw.low : `${raw.low}, ${raw.high}`;
}
