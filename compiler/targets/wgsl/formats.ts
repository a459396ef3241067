/**
 * Storage formats in WGSL. A kernel sees every buffer as 32-bit words; an element is first *raw* bits (zero extended;
 * F64 already rounded to the bits of an f32, I64 and U64 their low word) and then a value of a lane. All rounding is
 * integer code, to nearest with ties to even, because unpack2x16float and pack2x16float leave subnormals, overflow and
 * rounding open. The meaning of every case is ir/storage.ts.
 */
import type { StorageDtype } from "../../ir/index.js";
import type { Lane } from "../../kernels/index.js";
import { type Types, typeOf, typesOf, u32, type Width } from "./lanes.js";
import type { Fragment, Library } from "./library.js";

interface SmallFloat {
  readonly mantissa: number;
  readonly bias: number;
  readonly bits: number;
  readonly infinity: number | null;
  readonly limit: number;
  readonly nan: number;
}

const smallFloats = {
  f16: { mantissa: 10, bias: 15, bits: 16, infinity: 0x7c00, limit: 0x7c00, nan: 0x7e00 },
  f8_e4m3: { mantissa: 3, bias: 7, bits: 8, infinity: null, limit: 0x7f, nan: 0x7f },
  f8_e5m2: { mantissa: 2, bias: 15, bits: 8, infinity: 0x7c, limit: 0x7c, nan: 0x7e },
} as const satisfies Record<string, SmallFloat>;

/** Code → bits of the f32. */
function decodeSmall(name: string, f: SmallFloat): Fragment {
  return {
    needs: [],
    code: ({ n, F, U }) => {
      const special =
        f.infinity === null
          ? `${U}(0x7fc00000u)`
          : `select(${U}(0x7fc00000u), ${U}(0x7f800000u), size == ${U}(${u32(f.infinity)}))`;
      return `
fn decode_${name}${n}(code: ${U}) -> ${U} {
  let size = code & ${U}(${u32(2 ** (f.bits - 1) - 1)});
  let sign = (code << ${U}(${32 - f.bits}u)) & ${U}(0x80000000u);
  let normal = (size << ${U}(${23 - f.mantissa}u)) + ${U}(${u32((127 - f.bias) << 23)});
  let subnormal = bitcast<${U}>(${F}(size) * ${F}(${2 ** (1 - f.bias - f.mantissa)}));
  let finite = select(normal, subnormal, size < ${U}(${u32(2 ** f.mantissa)}));
  return sign | select(finite, ${special}, size >= ${U}(${u32(f.limit)}));
}`;
    },
  };
}

/** Bits of an f32 → code. */
function encodeSmall(name: string, f: SmallFloat): Fragment {
  const shift = 23 - f.mantissa;
  return {
    needs: [],
    code: ({ n, U }) => `
fn encode_${name}${n}(b: ${U}) -> ${U} {
  let size = b & ${U}(0x7fffffffu);
  let sign = (b >> ${U}(${32 - f.bits}u)) & ${U}(${u32(2 ** (f.bits - 1))});
  let normal = (size + ((size >> ${U}(${shift}u)) & ${U}(1u)) + ${U}(${u32(2 ** (shift - 1) - 1)}) - ${U}(${u32((127 - f.bias) << 23)})) >> ${U}(${shift}u);
  let shift = min(${U}(${u32(151 - f.bias - f.mantissa)}) - (size >> ${U}(23u)), ${U}(25u));
  let whole = (size & ${U}(0x7fffffu)) | ${U}(0x800000u);
  let kept = whole >> shift;
  let rest = whole - (kept << shift);
  let half = ${U}(1u) << (shift - ${U}(1u));
  let up = (rest > half) | ((rest == half) & ((kept & ${U}(1u)) == ${U}(1u)));
  let subnormal = kept + select(${U}(0u), ${U}(1u), up);
  let code = select(normal, subnormal, size < ${U}(${u32((128 - f.bias) << 23)}));
  let finite = sign | select(code, ${U}(${u32(f.infinity ?? f.nan)}), code >= ${U}(${u32(f.limit)}));
  return select(finite, ${U}(${u32(f.nan)}), size > ${U}(0x7f800000u));
}`,
  };
}

/** Rounds to a whole number within a range, as a store into an integer format does; NaN is 0, -0 is 0. */
const roundInteger = ({ n, F, U }: Types) => `
fn round_integer${n}(x: ${F}, low: f32, high: f32) -> ${F} {
  let r = round(x);
  let bounded = least${n}(greatest${n}(r, ${F}(low)), ${F}(high));
  return select(bounded, ${F}(0.0), is_nan${n}(x) | ((bitcast<${U}>(bounded) << ${U}(1u)) == ${U}(0u)));
}`;

export const formatFragments: readonly (readonly [string, Fragment])[] = [
  ...Object.entries(smallFloats).flatMap(([name, format]): [string, Fragment][] => [
    [`decode_${name}`, decodeSmall(name, format)],
    [`encode_${name}`, encodeSmall(name, format)],
  ]),
  [
    "decode_bf16",
    { needs: [], code: ({ n, U }) => `fn decode_bf16${n}(code: ${U}) -> ${U} { return code << ${U}(16u); }` },
  ],
  [
    "encode_bf16",
    {
      needs: [],
      code: ({ n, U }) => `
fn encode_bf16${n}(b: ${U}) -> ${U} {
  let near = (b + ${U}(0x7fffu) + ((b >> ${U}(16u)) & ${U}(1u))) >> ${U}(16u);
  return select(near, ${U}(0x7fc0u), (b & ${U}(0x7fffffffu)) > ${U}(0x7f800000u));
}`,
    },
  ],
  [
    // The bits of the f32 nearest to an f64: 24 bits of the number, a rounding bit and a sticky bit, moved right below the normal range.
    "decode_f64",
    {
      needs: [],
      code: ({ n, U }) => `
fn decode_f64${n}(low: ${U}, high: ${U}) -> ${U} {
  let sign = high & ${U}(0x80000000u);
  let exponent = (high >> ${U}(20u)) & ${U}(0x7ffu);
  let fraction = ((high & ${U}(0xfffffu)) << ${U}(3u)) | (low >> ${U}(29u));
  let sticky = select(${U}(0u), ${U}(1u), (low & ${U}(0x0fffffffu)) != ${U}(0u));
  let number = ((fraction | ${U}(0x800000u)) << ${U}(2u)) | ((low >> ${U}(27u)) & ${U}(2u)) | sticky;
  let below = select(${U}(0u), min(${U}(897u) - exponent, ${U}(27u)), exponent < ${U}(897u));
  let moved = number >> below;
  let lost = select(${U}(0u), ${U}(1u), (moved << below) != number);
  let guard = (moved & ${U}(3u)) | lost;
  let kept = moved >> ${U}(2u);
  let up = (guard > ${U}(2u)) | ((guard == ${U}(2u)) & ((kept & ${U}(1u)) == ${U}(1u)));
  let base = select(${U}(0u), (exponent - ${U}(897u)) << ${U}(23u), exponent > ${U}(896u));
  let finite = min(base + kept + select(${U}(0u), ${U}(1u), up), ${U}(0x7f800000u));
  let size = select(finite, ${U}(0x7f800000u), exponent > ${U}(1150u));
  let is_nan = (exponent == ${U}(2047u)) & (((high & ${U}(0xfffffu)) | low) != ${U}(0u));
  return select(sign | size, ${U}(0x7fc00000u), is_nan);
}`,
    },
  ],
  [
    // Bits of an f32 → the high word of the f64; the low word is in `encode_f64_low`. Subnormals are normalised first.
    "normal_f64",
    {
      needs: [],
      code: ({ n, U }) => `
fn normal_f64${n}(b: ${U}) -> ${U} {
  let fraction = b & ${U}(0x7fffffu);
  return fraction << (${U}(23u) - firstLeadingBit(fraction | ${U}(1u)));
}`,
    },
  ],
  [
    "encode_f64_high",
    {
      needs: ["normal_f64"],
      code: ({ n, U }) => `
fn encode_f64_high${n}(b: ${U}) -> ${U} {
  let exponent = (b >> ${U}(23u)) & ${U}(0xffu);
  let fraction = b & ${U}(0x7fffffu);
  let normal = ((exponent + ${U}(896u)) << ${U}(20u)) | (fraction >> ${U}(3u));
  let small = ((${U}(874u) + firstLeadingBit(fraction | ${U}(1u))) << ${U}(20u)) | ((normal_f64${n}(b) & ${U}(0x7fffffu)) >> ${U}(3u));
  let finite = select(normal, select(small, ${U}(0u), fraction == ${U}(0u)), exponent == ${U}(0u));
  let special = select(${U}(0x7ff80000u), ${U}(0x7ff00000u), fraction == ${U}(0u));
  return (b & ${U}(0x80000000u)) | select(finite, special, exponent == ${U}(255u));
}`,
    },
  ],
  [
    "encode_f64_low",
    {
      needs: ["normal_f64"],
      code: ({ n, U }) => `
fn encode_f64_low${n}(b: ${U}) -> ${U} {
  let exponent = (b >> ${U}(23u)) & ${U}(0xffu);
  let fraction = select(b, normal_f64${n}(b), exponent == ${U}(0u));
  return select(fraction << ${U}(29u), ${U}(0u), exponent == ${U}(255u));
}`,
    },
  ],
  ["round_integer", { needs: ["least", "greatest", "is_nan"], code: roundInteger }],
  [
    // Low and high word of the 64-bit integer nearest to x, saturated.
    "wide_low",
    {
      needs: ["is_nan"],
      code: ({ n, F, U, I }) => `
fn wide_low${n}(x: ${F}, is_signed: bool) -> ${U} {
  let r = round(x);
  let b = bitcast<${U}>(r);
  let size = b & ${U}(0x7fffffffu);
  let exponent = size >> ${U}(23u);
  let whole = (b & ${U}(0x7fffffu)) | ${U}(0x800000u);
  let large = select(${U}(0u), whole << ((exponent - ${U}(150u)) & ${U}(31u)), exponent < ${U}(182u));
  let small = ${U}(select(bitcast<${F}>(size), ${F}(0.0), exponent > ${U}(149u)));
  let number = select(small, large, exponent > ${U}(149u));
  let negative = bitcast<${I}>(x) < ${I}(0);
  let beyond = select(${U}(191u), ${U}(190u), is_signed);
  let plus = select(number, ${U}(0xffffffffu), exponent >= beyond);
  let minus = select(${U}(0u), select(~number + ${U}(1u), ${U}(0u), exponent >= beyond), is_signed);
  return select(select(plus, minus, negative), ${U}(0u), is_nan${n}(x));
}`,
    },
  ],
  [
    "wide_high",
    {
      needs: ["is_nan", "wide_low"],
      code: ({ n, F, U, I }) => `
fn wide_high${n}(x: ${F}, is_signed: bool) -> ${U} {
  let size = bitcast<${U}>(round(x)) & ${U}(0x7fffffffu);
  let exponent = size >> ${U}(23u);
  let whole = (size & ${U}(0x7fffffu)) | ${U}(0x800000u);
  let straddling = whole >> ((${U}(182u) - exponent) & ${U}(31u));
  let far = whole << ((exponent - ${U}(182u)) & ${U}(31u));
  let large = select(select(${U}(0u), straddling, exponent > ${U}(158u)), far, exponent > ${U}(181u));
  let negative = bitcast<${I}>(x) < ${I}(0);
  let beyond = select(${U}(191u), ${U}(190u), is_signed);
  let plus = select(large, select(${U}(0xffffffffu), ${U}(0x7fffffffu), is_signed), exponent >= beyond);
  let carried = ~large + select(${U}(0u), ${U}(1u), wide_low${n}(x, is_signed) == ${U}(0u));
  let minus = select(${U}(0u), select(carried, ${U}(0x80000000u), exponent >= beyond), is_signed);
  return select(select(plus, minus, negative), ${U}(0u), is_nan${n}(x));
}`,
    },
  ],
];

/** Names of the code functions of the floats that are narrower than 32 bits. */
const narrow: Partial<Record<StorageDtype, string>> = {
  BF16: "bf16",
  F16: "f16",
  F8_E4M3: "f8_e4m3",
  F8_E5M2: "f8_e5m2",
};

/** Ranges of the integer formats, as the f32 numbers nearest to their ends. */
const ranges: Partial<Record<StorageDtype, readonly [string, string]>> = {
  I8: ["-128.0", "127.0"],
  I16: ["-32768.0", "32767.0"],
  I32: ["-2147483648.0", "2147483648.0"],
  I64: ["-9223372036854775808.0", "9223372036854775808.0"],
  U8: ["0.0", "255.0"],
  U16: ["0.0", "65535.0"],
  U32: ["0.0", "4294967296.0"],
  U64: ["0.0", "18446744073709551616.0"],
};

/** Expression of a lane's value from an element's raw bits. */
export function decode(lib: Library, dtype: StorageDtype, lane: Lane, width: Width, raw: string): string {
  const t = typesOf(width);
  const floats = dtype === "F32" || dtype === "F64" || narrow[dtype] !== undefined;
  if (floats) {
    const name = narrow[dtype];
    const x = `bitcast<${t.F}>(${name === undefined ? raw : lib.call(`decode_${name}`, width, raw)})`;
    if (lane === "f32") return x;
    if (lane === "bool") return `((bitcast<${t.U}>(${x}) << ${t.U}(1u)) != ${t.U}(0u))`;
    const integer = lib.call("to_i32", width, x);
    return lane === "i32" ? integer : `bitcast<${t.U}>(${integer})`;
  }
  if (dtype === "BOOL") return boolTo(lane, width, `(${raw} != ${t.U}(0u))`);
  if (lane === "bool") return `(${raw} != ${t.U}(0u))`;
  const missing = dtype === "I8" ? 24 : dtype === "I16" ? 16 : 0;
  const bits = `bitcast<${t.I}>(${raw})`;
  const integer = missing === 0 ? bits : `((bitcast<${t.I}>(${raw} << ${t.U}(${missing}u))) >> ${t.U}(${missing}u))`;
  if (lane === "i32") return integer;
  if (lane === "u32") return `bitcast<${t.U}>(${integer})`;
  return dtype === "U32" || dtype === "U64" ? `${t.F}(${raw})` : `${t.F}(${integer})`;
}

/** A bool as a value of another lane. */
export function boolTo(lane: Lane, width: Width, condition: string): string {
  const type = typeOf(lane, width);
  return lane === "bool" ? condition : `select(${type}(0), ${type}(1), ${condition})`;
}

/** Raw bits of an element, in one word or in two. */
export interface Raw {
  readonly low: string;
  readonly high: string | null;
}

/** Expression of the raw bits that a store of a lane's value writes. Narrow formats may leave bits above the element. */
export function encode(lib: Library, dtype: StorageDtype, lane: Lane, width: Width, value: string): Raw {
  const t = typesOf(width);
  const one = (low: string): Raw => ({ low, high: null });
  if (dtype === "BOOL") {
    const zero =
      lane === "f32"
        ? `((bitcast<${t.U}>(${value}) << ${t.U}(1u)) != ${t.U}(0u))`
        : `(${value} != ${typeOf(lane, width)}(0))`;
    return one(boolTo("u32", width, lane === "bool" ? value : zero));
  }
  const name = narrow[dtype];
  if (dtype === "F32" || dtype === "F64" || name !== undefined) {
    const x = lane === "f32" ? value : lane === "bool" ? boolTo("f32", width, value) : `${t.F}(${value})`;
    const bits = `bitcast<${t.U}>(${x})`;
    if (dtype === "F64")
      return { low: lib.call("encode_f64_low", width, bits), high: lib.call("encode_f64_high", width, bits) };
    return one(name === undefined ? bits : lib.call(`encode_${name}`, width, bits));
  }
  const wide = dtype === "I64" || dtype === "U64";
  if (lane === "f32") {
    if (wide) {
      const signed = String(dtype === "I64");
      return { low: lib.call("wide_low", width, value, signed), high: lib.call("wide_high", width, value, signed) };
    }
    if (dtype === "U32") return one(lib.call("to_u32", width, `round(${value})`));
    if (dtype === "I32") return one(`bitcast<${t.U}>(${lib.call("to_i32", width, `round(${value})`)})`);
    return one(`bitcast<${t.U}>(${t.I}(${lib.call("round_integer", width, value, ...ranges[dtype]!)}))`);
  }
  if (lane === "bool") return { low: boolTo("u32", width, value), high: wide ? `${t.U}(0u)` : null };
  const low = lane === "u32" ? value : `bitcast<${t.U}>(${value})`;
  if (!wide) return one(low);
  return { low, high: lane === "u32" ? `${t.U}(0u)` : `bitcast<${t.U}>(${value} >> ${t.U}(31u))` };
}

/** Expression of `quantize`: the f32 number that a store and a load give back. */
export function quantize(lib: Library, dtype: StorageDtype, width: Width, value: string): string {
  const t = typesOf(width);
  const name = narrow[dtype];
  if (dtype === "F32" || dtype === "F64") return value;
  if (dtype === "BOOL") return boolTo("f32", width, `((bitcast<${t.U}>(${value}) << ${t.U}(1u)) != ${t.U}(0u))`);
  if (name === undefined) return lib.call("round_integer", width, value, ...ranges[dtype]!);
  return `bitcast<${t.F}>(${lib.call(`decode_${name}`, width, lib.call(`encode_${name}`, width, `bitcast<${t.U}>(${value})`))})`;
}
