/**
 * Storage dtypes in vectors: loads that unpack, stores that pack. In: an address and a dtype. Out: vectors of four lanes.
 * Two phases: *raw* puts each element's bits into a 32-bit lane (sign or zero extended; bf16 in the upper half, f64
 * rounded to f32), *unpacked* turns them into a lane's value. Stores are the same backwards. The float formats follow
 * the codec of ir/storage.ts bit for bit; halves are packed and unpacked in integer arithmetic, with one f32 operation that puts subnormal numbers
 * right (F. Giesen, "float→half variants", 2012, carried over to the
 * 8-bit formats).
 */
import type { StorageDtype } from "../../ir/index.js";
import type { Lane } from "../../kernels/index.js";
import { at, type Code, f32x4, get, i32x4, type Local, lane, op, set, shuffle, storeLane, words } from "./code.js";
import { type Context, keep } from "./context.js";

const zero = () => i32x4(0);

/** Each of the four lower (or upper) 16-bit words of `t` in the upper half of a lane: an interleaving with zeros. */
function upperHalves(t: Code, high: boolean): Code {
  const from = high ? 8 : 0;
  const pair = (i: number) => [from + 2 * i, from + 2 * i + 1];
  return shuffle(
    zero(),
    t,
    [0, 1, 2, 3].flatMap((i) => [...pair(i), ...pair(i + 8)]),
  );
}

const isSigned = (dtype: StorageDtype) => dtype === "I8" || dtype === "I16";

/** Raw vectors of `count` × 4 consecutive elements from `address` on; 1, 2 or 4 vectors. */
export function rawVectors(context: Context, out: Code[], dtype: StorageDtype, address: Code, count: number): Code[] {
  const base = keep(context, out, "i32", address);
  const load = (name: string, offset: number) => at(name, offset, get(base));
  const sign = isSigned(dtype) ? "s" : "u";
  const extend = (t: Local, high: boolean) =>
    dtype === "BF16" ? upperHalves(get(t), high) : op(`i32x4.extend_${high ? "high" : "low"}_i16x8_${sign}`, get(t));
  const each = <T>(f: (i: number) => T) => Array.from({ length: count }, (_, i) => f(i));
  switch (dtype) {
    case "F32":
    case "I32":
    case "U32":
      return each((i) => load("v128.load", 16 * i));
    case "F64":
      return each((i) => {
        const demoted = (offset: number) => op("f32x4.demote_f64x2_zero", load("v128.load", offset));
        return words(demoted(32 * i), demoted(32 * i + 16), 0, 1, 4, 5);
      });
    case "I64":
    case "U64":
      return each((i) => words(load("v128.load", 32 * i), load("v128.load", 32 * i + 16), 0, 2, 4, 6));
    case "F16":
    case "BF16":
    case "I16":
    case "U16": {
      if (count === 1) return [extend(keep(context, out, "v128", load("v128.load64_zero", 0)), false)];
      const pairs = Array.from({ length: count / 2 }, (_, i) => keep(context, out, "v128", load("v128.load", 16 * i)));
      return pairs.flatMap((t) => [extend(t, false), extend(t, true)]);
    }
    case "F8_E4M3":
    case "F8_E5M2":
    case "I8":
    case "U8":
    case "BOOL": {
      if (count === 1) {
        const four = op(`i16x8.extend_low_i8x16_${sign}`, load("v128.load32_zero", 0));
        return [op(`i32x4.extend_low_i16x8_${sign}`, four)];
      }
      const pairs = Array.from({ length: count / 2 }, (_, i) =>
        keep(context, out, "v128", load(`v128.load8x8_${sign}`, 8 * i)),
      );
      return pairs.flatMap((t) => [extend(t, false), extend(t, true)]);
    }
  }
}

/** The raw bits of one element as i32; F64 as the bits of the f32. */
export function rawElement(dtype: StorageDtype, address: Code): Code {
  switch (dtype) {
    case "F64":
      return op("i32.reinterpret_f32", op("f32.demote_f64", at("f64.load", 0, address)));
    case "BF16":
      return op("i32.shl", at("i32.load16_u", 0, address), { op: "i32.const", args: [], immediates: [16] });
    case "F16":
    case "U16":
      return at("i32.load16_u", 0, address);
    case "I16":
      return at("i32.load16_s", 0, address);
    case "I8":
      return at("i32.load8_s", 0, address);
    case "F8_E4M3":
    case "F8_E5M2":
    case "U8":
    case "BOOL":
      return at("i32.load8_u", 0, address);
    default:
      return at("i32.load", 0, address);
  }
}

/** A small float format inside a lane: where its exponent begins and ends, and what unpacking adds to the exponent. */
interface SmallFloat {
  readonly mask: number;
  readonly mantissa: number;
  readonly rebias: number;
  readonly notFinite: number;
}

/**
 * Unpacks a small float whose magnitude lies in the bits `mask` of `raw`. A subnormal number gets the exponent of the
 * smallest normal one and an implicit bit, which is then subtracted; so no f32 operand is ever subnormal (that is slow).
 */
function unpackFloat(context: Context, out: Code[], raw: Code, format: SmallFloat): Code {
  const { mask, mantissa, rebias, notFinite } = format;
  const one = 2 ** 23;
  const bits = keep(context, out, "v128", raw);
  const magnitude = keep(context, out, "v128", op("v128.and", get(bits), i32x4(mask)));
  const small = keep(context, out, "v128", op("i32x4.lt_s", get(magnitude), i32x4(2 ** mantissa)));
  const placed = op("i32x4.add", op("i32x4.shl", get(magnitude), shiftBy(23 - mantissa)), i32x4(rebias * one));
  const lifted = op("i32x4.add", placed, op("v128.and", get(small), i32x4(one)));
  const value = op("f32x4.sub", lifted, op("v128.and", get(small), f32x4(2 ** (rebias + 1 - 127))));
  const special = op("v128.and", op("i32x4.ge_s", get(magnitude), i32x4(notFinite)), i32x4(0x7f800000));
  const sign = op("i32x4.shl", op("v128.andnot", get(bits), i32x4(mask)), shiftBy(mask === 0x7fff ? 16 : 24));
  return op("v128.or", op("v128.or", value, special), sign);
}

function shiftBy(bits: number): Code {
  return { op: "i32.const", args: [], immediates: [bits] };
}

/** Raw bits of a float dtype → f32. */
function floatOf(context: Context, out: Code[], dtype: StorageDtype, raw: Code): Code {
  switch (dtype) {
    case "F16":
      return unpackFloat(context, out, raw, { mask: 0x7fff, mantissa: 10, rebias: 112, notFinite: 0x7c00 });
    case "F8_E5M2":
      return unpackFloat(context, out, raw, { mask: 0x7f, mantissa: 2, rebias: 112, notFinite: 0x7c });
    case "F8_E4M3":
      return unpackFloat(context, out, raw, { mask: 0x7f, mantissa: 3, rebias: 120, notFinite: 0x7f });
    default:
      return raw;
  }
}

const isFloatDtype = (dtype: StorageDtype) => dtype.startsWith("F") || dtype === "BF16";

/** A raw vector → the value of a load of lane `to`. */
export function unpacked(context: Context, out: Code[], dtype: StorageDtype, to: Lane, raw: Code): Code {
  if (isFloatDtype(dtype)) {
    const value = floatOf(context, out, dtype, raw);
    if (to === "f32") return value;
    return to === "bool" ? op("f32x4.ne", value, f32x4(0)) : op("i32x4.trunc_sat_f32x4_s", value);
  }
  if ((dtype === "I64" || dtype === "U64") && to !== "i32") throw new Error(`a kernel loads ${dtype} only as i32`);
  if (dtype === "BOOL" && to !== "bool")
    return unpacked(context, out, "I32", to, op("v128.and", op("i32x4.ne", raw, zero()), i32x4(1)));
  if (to === "f32") return op(`f32x4.convert_i32x4_${dtype === "U32" ? "u" : "s"}`, raw);
  return to === "bool" ? op("i32x4.ne", raw, zero()) : raw;
}

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
  const odd = op("v128.and", op("i32x4.shr_u", get(magnitude), shiftBy(drop)), i32x4(1));
  const rebias = 2 ** (drop - 1) - 1 - (127 - bias) * 2 ** 23;
  const normal = op("i32x4.shr_u", op("i32x4.add", op("i32x4.add", get(magnitude), odd), i32x4(rebias)), shiftBy(drop));
  // A number whose last bit is worth one subnormal step: adding it rounds there.
  const magic = 2 ** (1 - bias - mantissa + 23);
  const subnormal = op("i32x4.sub", op("f32x4.add", get(magnitude), f32x4(magic)), f32x4(magic));
  const small = op("i32x4.lt_s", get(magnitude), i32x4((127 - bias + 1) * 2 ** 23));
  const code = op("i32x4.min_u", op("v128.bitselect", subnormal, normal, small), i32x4(limit));
  const isNan = op("f32x4.ne", get(bits), get(bits));
  const kept = limit === nan ? code : op("v128.bitselect", i32x4(nan), code, isNan);
  const sign = op("v128.and", op("i32x4.shr_u", get(bits), shiftBy(31 - Math.log2(signBit))), i32x4(signBit));
  return op("v128.or", kept, sign);
}

/** Rounds f32 to bf16, in the lower half of each lane; a NaN gets its quiet bit. */
function packBfloat(context: Context, out: Code[], value: Code): Code {
  const bits = keep(context, out, "v128", value);
  const odd = op("v128.and", op("i32x4.shr_u", get(bits), shiftBy(16)), i32x4(1));
  const number = keep(context, out, "v128", op("f32x4.eq", get(bits), get(bits)));
  const carry = op("v128.and", op("i32x4.add", odd, i32x4(0x7fff)), get(number));
  const quiet = op("v128.andnot", i32x4(0x00400000), get(number));
  return op("i32x4.shr_u", op("v128.or", op("i32x4.add", get(bits), carry), quiet), shiftBy(16));
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
  if (isFloatDtype(dtype)) return floatCode(context, out, dtype, asFloat(from, value));
  if (dtype === "BOOL") {
    const isTrue =
      from === "f32" ? op("f32x4.ne", value, f32x4(0)) : from === "bool" ? value : op("i32x4.ne", value, zero());
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

/** f32 rounded to a storage dtype and back. */
export function quantized(context: Context, out: Code[], dtype: StorageDtype, value: Code): Code {
  if (dtype === "F32" || dtype === "F64") return value;
  if (!isFloatDtype(dtype)) {
    if (dtype === "BOOL") return op("v128.and", op("f32x4.ne", value, f32x4(0)), f32x4(1));
    const whole = dtype === "I64" || dtype === "U64" ? op("f32x4.nearest", value) : integerOf(dtype, value);
    return unpacked(context, out, dtype, "f32", whole);
  }
  const code = floatCode(context, out, dtype, value);
  return unpacked(context, out, dtype, "f32", dtype === "BF16" ? op("i32x4.shl", code, shiftBy(16)) : code);
}

/** Sets a variable to a vector with one raw element in all lanes. */
export function rawSplat(dtype: StorageDtype, address: Code, into: Local): Code {
  return set(into, op("i32x4.splat", rawElement(dtype, address)));
}
