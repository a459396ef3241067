/**
 * Stores: vectors of four lanes → storage dtypes. *packed* rounds a value to the element's bits, at the lower end of each
 * lane; *storeRaw* writes them side by side. Rounding is that of ir/storage.ts, bit for bit: in integer arithmetic, and
 * by one f32 addition for what becomes subnormal (F. Giesen, "float→half variants", 2012, carried over to 8 bits).
 */
import { bytesOf, isFloat, type StorageDtype } from "../../ir/index.js";
import type { Lane } from "../../kernels/index.js";
import { at, type Code, f32x4, get, i32x4, type Local, lane, op, storeLane, words } from "./code.js";
import { type Context, keep } from "./context.js";
import { shift } from "./math.js";
import { unpacked } from "./unpack.js";

/** Rounds f32 to a small float: integer rounding of the bits, one addition for what becomes subnormal. */
function packFloat(
  context: Context,
  out: Code[],
  value: Code,
  mantissa: number,
  bias: number,
  limit: number,
  nan: number,
  signBit: number,
): Code {
  const drop = 23 - mantissa;
  const bits = keep(context, out, "v128", value);
  const magnitude = keep(context, out, "v128", op("v128.and", get(bits), i32x4(0x7fffffff)));
  const odd = op("v128.and", op("i32x4.shr_u", get(magnitude), shift(drop)), i32x4(1));
  const rebias = 2 ** (drop - 1) - 1 - (127 - bias) * 2 ** 23;
  const normal = op("i32x4.shr_u", op("i32x4.add", op("i32x4.add", get(magnitude), odd), i32x4(rebias)), shift(drop));
  // A number whose last bit is worth one subnormal step: adding it rounds there.
  const magic = 2 ** (1 - bias - mantissa + 23);
  const subnormal = op("i32x4.sub", op("f32x4.add", get(magnitude), f32x4(magic)), f32x4(magic));
  const small = op("i32x4.lt_s", get(magnitude), i32x4((127 - bias + 1) * 2 ** 23));
  const code = op("i32x4.min_u", op("v128.bitselect", subnormal, normal, small), i32x4(limit));
  const isNan = op("f32x4.ne", get(bits), get(bits));
  const kept = limit === nan ? code : op("v128.bitselect", i32x4(nan), code, isNan);
  const sign = op("v128.and", op("i32x4.shr_u", get(bits), shift(31 - Math.log2(signBit))), i32x4(signBit));
  return op("v128.or", kept, sign);
}

/** Rounds f32 to bf16, in the lower half of each lane; a NaN gets its quiet bit. */
function packBfloat(context: Context, out: Code[], value: Code): Code {
  const bits = keep(context, out, "v128", value);
  const odd = op("v128.and", op("i32x4.shr_u", get(bits), shift(16)), i32x4(1));
  const number = keep(context, out, "v128", op("f32x4.eq", get(bits), get(bits)));
  const carry = op("v128.and", op("i32x4.add", odd, i32x4(0x7fff)), get(number));
  const quiet = op("v128.andnot", i32x4(0x00400000), get(number));
  return op("i32x4.shr_u", op("v128.or", op("i32x4.add", get(bits), carry), quiet), shift(16));
}

/** f32 → the code of a float dtype of at most 16 bits, zero extended in each lane. */
function floatCode(context: Context, out: Code[], dtype: StorageDtype, value: Code): Code {
  switch (dtype) {
    case "BF16":
      return packBfloat(context, out, value);
    case "F16":
      return packFloat(context, out, value, 10, 15, 0x7c00, 0x7e00, 0x8000);
    case "F8_E5M2":
      return packFloat(context, out, value, 2, 15, 0x7c, 0x7e, 0x80);
    case "F8_E4M3":
      return packFloat(context, out, value, 3, 7, 0x7f, 0x7f, 0x80);
    default:
      return value;
  }
}

const ranges: Partial<Record<StorageDtype, readonly [number, number]>> = {
  I8: [-128, 127],
  I16: [-32768, 32767],
  U8: [0, 255],
  U16: [0, 65535],
};

/** f32 → an integer dtype: nearest, ties to even, saturated. */
function integerOf(dtype: StorageDtype, value: Code): Code {
  const nearest = op("f32x4.nearest", value);
  if (dtype === "U32") return op("i32x4.trunc_sat_f32x4_u", nearest);
  const whole = op("i32x4.trunc_sat_f32x4_s", nearest);
  const range = ranges[dtype];
  return range === undefined ? whole : op("i32x4.min_s", op("i32x4.max_s", whole, i32x4(range[0])), i32x4(range[1]));
}

/** A value of a lane as f32. */
export function asFloat(lane: Lane, value: Code): Code {
  if (lane === "f32") return value;
  if (lane === "bool") return op("v128.and", value, f32x4(1));
  return op(`f32x4.convert_i32x4_${lane === "u32" ? "u" : "s"}`, value);
}

/** A value → what `storeRaw` writes: the element's bits in each lane. */
export function packed(context: Context, out: Code[], dtype: StorageDtype, from: Lane, value: Code): Code {
  if (isFloat(dtype)) return floatCode(context, out, dtype, asFloat(from, value));
  if (dtype === "BOOL") {
    const isTrue =
      from === "f32" ? op("f32x4.ne", value, f32x4(0)) : from === "bool" ? value : op("i32x4.ne", value, i32x4(0));
    return op("v128.and", isTrue, i32x4(1));
  }
  if (from === "bool") return op("v128.and", value, i32x4(1));
  const whole = from === "f32" && dtype !== "I64" && dtype !== "U64" ? integerOf(dtype, value) : value;
  if (dtype === "I8" || dtype === "U8") return op("v128.and", whole, i32x4(0xff));
  return dtype === "I16" || dtype === "U16" ? op("v128.and", whole, i32x4(0xffff)) : whole;
}

/** f32 lanes `i` and `i` + 1 as saturated 64-bit integers. */
function wideIntegers(value: Local, i: number, sign: string): Code {
  const one = (index: number) =>
    op(`i64.trunc_sat_f32_${sign}`, op("f32.nearest", lane("f32x4.extract_lane", index, get(value))));
  return lane("i64x2.replace_lane", 1, op("i64x2.splat", one(i)), one(i + 1));
}

/** Writes packed vectors (2 or 4) side by side from `address` on. */
export function storeRaw(
  out: Code[],
  dtype: StorageDtype,
  from: Lane,
  address: Local,
  vectors: readonly Local[],
): void {
  const put = (offset: number, value: Code) => out.push(at("v128.store", offset, get(address), value));
  const sixteen = (i: number) => op("i16x8.narrow_i32x4_u", get(vectors[i]), get(vectors[i + 1] ?? vectors[i]));
  switch (dtype) {
    case "F32":
    case "I32":
    case "U32":
      for (const [i, v] of vectors.entries()) put(16 * i, get(v));
      break;
    case "F64":
      vectors.forEach((v, i) => {
        put(32 * i, op("f64x2.promote_low_f32x4", get(v)));
        put(32 * i + 16, op("f64x2.promote_low_f32x4", words(get(v), get(v), 2, 3, 2, 3)));
      });
      break;
    case "I64":
    case "U64":
      vectors.forEach((v, i) => {
        const sign = from === "i32" || (from === "f32" && dtype === "I64") ? "s" : "u";
        const low = from === "f32" ? wideIntegers(v, 0, sign) : op(`i64x2.extend_low_i32x4_${sign}`, get(v));
        const high = from === "f32" ? wideIntegers(v, 2, sign) : op(`i64x2.extend_high_i32x4_${sign}`, get(v));
        put(32 * i, low);
        put(32 * i + 16, high);
      });
      break;
    case "F16":
    case "BF16":
    case "I16":
    case "U16":
      for (let i = 0; i < vectors.length; i += 2) put(8 * i, sixteen(i));
      break;
    default:
      if (vectors.length <= 2) {
        const eight = op("i8x16.narrow_i16x8_u", sixteen(0), sixteen(0));
        out.push(storeLane("v128.store64_lane", 0, 0, get(address), eight));
        break;
      }
      for (let i = 0; i < vectors.length; i += 4) put(4 * i, op("i8x16.narrow_i16x8_u", sixteen(i), sixteen(i + 2)));
  }
}

/** f32 rounded to a storage dtype and back. Throws an Error for 64-bit integers, which f32 cannot tell apart. */
export function quantized(context: Context, out: Code[], dtype: StorageDtype, value: Code): Code {
  if (dtype === "F32" || dtype === "F64") return value;
  if (dtype === "I64" || dtype === "U64") throw new Error(`a kernel does not round to ${dtype}`);
  if (dtype === "BOOL") return op("v128.and", op("f32x4.ne", value, f32x4(0)), f32x4(1));
  if (!isFloat(dtype)) return unpacked(context, out, dtype, "f32", integerOf(dtype, value));
  const upper = 32 - 8 * bytesOf(dtype);
  return unpacked(context, out, dtype, "f32", op("i32x4.shl", floatCode(context, out, dtype, value), shift(upper)));
}
