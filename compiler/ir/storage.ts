/**
 * The storage codec: one element of a buffer ⇄ a number. It is the definition that the packing code of every target is
 * compared with, and what the host uses for the few numbers that it reads itself.
 *
 * In: bytes as they lie in a file (little endian, any alignment), a dtype, a position. Out: a number (exact for all
 * dtypes but I64 and U64, whose values beyond 2^53 are rounded). Encoding rounds once, to nearest with ties to even:
 * floats beyond the range become infinite (F8_E4M3, which has no infinity, becomes NaN), NaN stays NaN, subnormal
 * numbers are kept; integers saturate and NaN becomes 0; BOOL is 1 for all but 0. F8_E4M3 is the "FN" variant of the
 * OCP 8-bit floating point specification.
 */
import { bytesOf, type StorageDtype } from "./dtype.js";

/** A float format of at most 16 bits. `infinity` is the code of +inf, or null; `limit` is the first code that is not finite. */
interface SmallFloat {
  readonly mantissa: number;
  readonly bias: number;
  readonly sign: number;
  readonly infinity: number | null;
  readonly limit: number;
  readonly nan: number;
}

const smallFloats: Partial<Record<StorageDtype, SmallFloat>> = {
  F16: { mantissa: 10, bias: 15, sign: 0x8000, infinity: 0x7c00, limit: 0x7c00, nan: 0x7e00 },
  BF16: { mantissa: 7, bias: 127, sign: 0x8000, infinity: 0x7f80, limit: 0x7f80, nan: 0x7fc0 },
  F8_E4M3: { mantissa: 3, bias: 7, sign: 0x80, infinity: null, limit: 0x7f, nan: 0x7f },
  F8_E5M2: { mantissa: 2, bias: 15, sign: 0x80, infinity: 0x7c, limit: 0x7c, nan: 0x7e },
};

const integerRanges: Partial<Record<StorageDtype, readonly [number, number]>> = {
  I32: [-(2 ** 31), 2 ** 31 - 1],
  I16: [-(2 ** 15), 2 ** 15 - 1],
  I8: [-(2 ** 7), 2 ** 7 - 1],
  U32: [0, 2 ** 32 - 1],
  U16: [0, 2 ** 16 - 1],
  U8: [0, 2 ** 8 - 1],
};

/** The integer nearest to x, ties to even; keeps NaN, infinities and the sign of zero. */
export function roundToEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  if (!(rest > 0)) return x;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1 || -0;
  return low % 2 === 0 ? low : low + 1 || -0;
}

function decodeSmall(format: SmallFloat, code: number): number {
  const magnitude = code & (format.sign - 1);
  const sign = code & format.sign ? -1 : 1;
  if (magnitude >= format.limit) return magnitude === format.infinity ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  const exponent = magnitude >> format.mantissa;
  const fraction = magnitude & (2 ** format.mantissa - 1);
  if (exponent === 0) return sign * fraction * 2 ** (1 - format.bias - format.mantissa);
  return sign * (2 ** format.mantissa + fraction) * 2 ** (exponent - format.bias - format.mantissa);
}

function encodeSmall(format: SmallFloat, value: number): number {
  if (Number.isNaN(value)) return format.nan;
  const sign = value < 0 || Object.is(value, -0) ? format.sign : 0;
  const size = Math.abs(value);
  // The exponent of the leading bit, clamped to the range of the format; log2 may err by one next to powers of two.
  let exponent = Math.min(Math.max(Math.floor(Math.log2(size)), 1 - format.bias), format.bias + 1);
  if (size < 2 ** exponent && exponent > 1 - format.bias) exponent -= 1;
  else if (size >= 2 ** (exponent + 1) && exponent <= format.bias) exponent += 1;
  const steps = roundToEven(size / 2 ** (exponent - format.mantissa));
  const code = steps + (exponent + format.bias - 1) * 2 ** format.mantissa;
  if (code < format.limit) return sign | code;
  return sign | (format.infinity ?? format.nan);
}

function saturate(value: number, low: number, high: number): number {
  return Number.isNaN(value) ? 0 : Math.min(Math.max(roundToEven(value), low), high);
}

function saturate64(value: number, low: bigint, high: bigint): bigint {
  if (Number.isNaN(value)) return 0n;
  if (!Number.isFinite(value)) return value < 0 ? low : high;
  const whole = BigInt(roundToEven(value));
  return whole < low ? low : whole > high ? high : whole;
}

function read(view: DataView, dtype: StorageDtype, at: number): number {
  switch (dtype) {
    case "F64":
      return view.getFloat64(at, true);
    case "F32":
      return view.getFloat32(at, true);
    case "F16":
    case "BF16":
      return decodeSmall(smallFloats[dtype]!, view.getUint16(at, true));
    case "F8_E4M3":
    case "F8_E5M2":
      return decodeSmall(smallFloats[dtype]!, view.getUint8(at));
    case "I64":
      return Number(view.getBigInt64(at, true));
    case "U64":
      return Number(view.getBigUint64(at, true));
    case "I32":
      return view.getInt32(at, true);
    case "U32":
      return view.getUint32(at, true);
    case "I16":
      return view.getInt16(at, true);
    case "U16":
      return view.getUint16(at, true);
    case "I8":
      return view.getInt8(at);
    case "U8":
      return view.getUint8(at);
    case "BOOL":
      return view.getUint8(at) === 0 ? 0 : 1;
  }
}

function write(view: DataView, dtype: StorageDtype, at: number, value: number): void {
  switch (dtype) {
    case "F64":
      view.setFloat64(at, value, true);
      break;
    case "F32":
      view.setFloat32(at, value, true);
      break;
    case "F16":
    case "BF16":
      view.setUint16(at, encodeSmall(smallFloats[dtype]!, value), true);
      break;
    case "F8_E4M3":
    case "F8_E5M2":
      view.setUint8(at, encodeSmall(smallFloats[dtype]!, value));
      break;
    case "I64":
      view.setBigInt64(at, saturate64(value, -(2n ** 63n), 2n ** 63n - 1n), true);
      break;
    case "U64":
      view.setBigUint64(at, saturate64(value, 0n, 2n ** 64n - 1n), true);
      break;
    case "I32":
    case "U32":
      view.setUint32(at, saturate(value, ...integerRanges[dtype]!), true);
      break;
    case "I16":
    case "U16":
      view.setUint16(at, saturate(value, ...integerRanges[dtype]!), true);
      break;
    case "I8":
    case "U8":
      view.setUint8(at, saturate(value, ...integerRanges[dtype]!));
      break;
    case "BOOL":
      view.setUint8(at, value === 0 ? 0 : 1);
      break;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Element `index` of a buffer of `dtype`. Throws a RangeError outside the buffer. */
export function decodeElement(bytes: Uint8Array, dtype: StorageDtype, index: number): number {
  return read(viewOf(bytes), dtype, index * bytesOf(dtype));
}

/** Writes element `index` of a buffer of `dtype`. Throws a RangeError outside the buffer. */
export function encodeElement(bytes: Uint8Array, dtype: StorageDtype, index: number, value: number): void {
  write(viewOf(bytes), dtype, index * bytesOf(dtype), value);
}

/** Elements `first` .. `first + count` of a buffer of `dtype`. */
export function decodeElements(bytes: Uint8Array, dtype: StorageDtype, first: number, count: number): Float64Array {
  const view = viewOf(bytes);
  const size = bytesOf(dtype);
  return Float64Array.from({ length: count }, (_, i) => read(view, dtype, (first + i) * size));
}

/** Writes numbers into a buffer of `dtype` from element `first` on. */
export function encodeElements(bytes: Uint8Array, dtype: StorageDtype, first: number, values: ArrayLike<number>): void {
  const view = viewOf(bytes);
  const size = bytesOf(dtype);
  for (let i = 0; i < values.length; i++) write(view, dtype, (first + i) * size, values[i]);
}

/** The number of a storage dtype nearest to `value` (what a write and a read give back). */
export function roundToStorage(dtype: StorageDtype, value: number): number {
  const bytes = new Uint8Array(8);
  encodeElement(bytes, dtype, 0, value);
  return decodeElement(bytes, dtype, 0);
}
