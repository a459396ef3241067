/**
 * Loads: storage dtypes → vectors of four lanes. Two phases: *raw* puts each element's bits into a 32-bit lane (integers
 * extended by their sign, floats of 16 and 8 bits at the upper end, f64 rounded to f32), *unpacked* turns them into the
 * value of a lane. The formats are those of ir/storage.ts, bit for bit.
 */
import { isFloat, type StorageDtype } from "../../ir/index.js";
import type { Lane } from "../../kernels/index.js";
import { at, type Code, f32x4, get, i32x4, type Local, op, set, shuffle, words } from "./code.js";
import { type Context, keep } from "./context.js";
import { shift } from "./math.js";

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

const isHalf = (dtype: StorageDtype) => dtype === "F16" || dtype === "BF16";
const isByteFloat = (dtype: StorageDtype) => dtype === "F8_E4M3" || dtype === "F8_E5M2";
const isSigned = (dtype: StorageDtype) => dtype === "I8" || dtype === "I16";

/** Raw vectors of `count` × 4 consecutive elements from `address` on; 1, 2 or 4 vectors. */
export function rawVectors(context: Context, out: Code[], dtype: StorageDtype, address: Code, count: number): Code[] {
  const base = keep(context, out, "i32", address);
  const load = (name: string, offset: number) => at(name, offset, get(base));
  const sign = isSigned(dtype) ? "s" : "u";
  const extend = (t: Local, high: boolean) =>
    isHalf(dtype) ? upperHalves(get(t), high) : op(`i32x4.extend_${high ? "high" : "low"}_i16x8_${sign}`, get(t));
  const lifted = (bytes: Code) => (isByteFloat(dtype) ? op("i32x4.shl", bytes, shift(24)) : bytes);
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
        return [lifted(op(`i32x4.extend_low_i16x8_${sign}`, four))];
      }
      const pairs = Array.from({ length: count / 2 }, (_, i) =>
        keep(context, out, "v128", load(`v128.load8x8_${sign}`, 8 * i)),
      );
      return pairs.flatMap((t) => [lifted(extend(t, false)), lifted(extend(t, true))]);
    }
  }
}

/** The raw bits of one element as i32; F64 as the bits of the f32. */
export function rawElement(dtype: StorageDtype, address: Code): Code {
  switch (dtype) {
    case "F64":
      return op("i32.reinterpret_f32", op("f32.demote_f64", at("f64.load", 0, address)));
    case "F16":
    case "BF16":
      return op("i32.shl", at("i32.load16_u", 0, address), shift(16));
    case "F8_E4M3":
    case "F8_E5M2":
      return op("i32.shl", at("i32.load8_u", 0, address), shift(24));
    case "U16":
      return at("i32.load16_u", 0, address);
    case "I16":
      return at("i32.load16_s", 0, address);
    case "I8":
      return at("i32.load8_s", 0, address);
    case "U8":
    case "BOOL":
      return at("i32.load8_u", 0, address);
    default:
      return at("i32.load", 0, address);
  }
}

/** A small float format: what its exponent's width and bias say about unpacking. */
interface SmallFloat {
  /** How far the exponent, from the upper end of the lane, goes down to its place in f32. */
  readonly down: number;
  /** What is added to the exponent. */
  readonly rebias: number;
  /** The first magnitude, in its place in f32, that is not finite. */
  readonly notFinite: number;
}

/**
 * Unpacks a small float from the upper end of each lane. What is not finite gets `rebias` twice, which makes its
 * exponent 255. A subnormal number gets the exponent of the smallest normal one and an implicit bit, which is then
 * subtracted; so no f32 operand is ever subnormal (that is slow).
 */
function unpackFloat(context: Context, out: Code[], raw: Code, format: SmallFloat): Code {
  const one = 2 ** 23;
  const rebias = format.rebias * one;
  const bits = keep(context, out, "v128", raw);
  const absolute = op("v128.and", get(bits), i32x4(0x7fffffff));
  const magnitude = keep(context, out, "v128", op("i32x4.shr_u", absolute, shift(format.down)));
  const small = keep(context, out, "v128", op("i32x4.gt_s", i32x4(one), get(magnitude)));
  const special = op("i32x4.gt_s", get(magnitude), i32x4(format.notFinite - 1));
  const finite = op(
    "i32x4.add",
    op("i32x4.add", get(magnitude), i32x4(rebias)),
    op("v128.and", get(small), i32x4(one)),
  );
  const placed = op("i32x4.add", finite, op("v128.and", special, i32x4(rebias)));
  const value = op("f32x4.sub", placed, op("v128.and", get(small), f32x4(2 ** (format.rebias + 1 - 127))));
  return op("v128.or", value, op("v128.and", get(bits), i32x4(0x80000000)));
}

/** Raw bits of a float dtype → f32. */
function floatOf(context: Context, out: Code[], dtype: StorageDtype, raw: Code): Code {
  switch (dtype) {
    case "F16":
      return unpackFloat(context, out, raw, { down: 3, rebias: 112, notFinite: 31 * 2 ** 23 });
    case "F8_E5M2":
      return unpackFloat(context, out, raw, { down: 3, rebias: 112, notFinite: 31 * 2 ** 23 });
    case "F8_E4M3":
      return unpackFloat(context, out, raw, { down: 4, rebias: 120, notFinite: 0x7f * 2 ** 20 });
    default:
      return raw;
  }
}

/** A raw vector → the value of a load of lane `to`. */
export function unpacked(context: Context, out: Code[], dtype: StorageDtype, to: Lane, raw: Code): Code {
  if (isFloat(dtype)) {
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

/** Sets a variable to a vector with one raw element in all lanes. */
export function rawSplat(dtype: StorageDtype, address: Code, into: Local): Code {
  return set(into, op("i32x4.splat", rawElement(dtype, address)));
}
