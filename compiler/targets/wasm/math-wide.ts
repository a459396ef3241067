/**
 * sin, cos, pow and mod of four f32 at once by way of f64, where the reduction of the argument loses nothing. In:
 * vectors. Out: a vector, within 2 units in the last place. Arguments of sin and cos beyond a million, and infinite
 * operands of pow, go lane by lane to JavaScript's functions. The polynomials for sin and cos are those of Cephes.
 */
import { type Code, call, f32x4, f64x2, get, i32x4, i64, op, set, type WasmFunction, when, words } from "./code.js";
import { joined, polynomial, shift, upperPair, vectorFunction } from "./math.js";

/** pi / 2 in two parts; the first has 33 bits, so that its product with a number below 2^20 is exact. */
const quarterHigh = 1.5707963267341256;
const quarterLow = 6.077100506506192e-11;

const choose = (mask: Code, yes: Code, no: Code) => op("v128.bitselect", yes, no, mask);

/** sin (turns = 0) or cos (turns = 1): a quarter turn more. `slow` is the name of the lane-by-lane function. */
export function writeSine(name: string, turns: 0 | 1, slow: string): WasmFunction {
  const { fn, x, keep, result } = vectorFunction(name, 1);
  const parts = [get(x), upperPair(get(x))].map((half) => {
    const wide = keep(op("f64x2.promote_low_f32x4", half));
    const n = keep(op("f64x2.nearest", op("f64x2.mul", get(wide), f64x2(2 / Math.PI))));
    const high = op("f64x2.sub", get(wide), op("f64x2.mul", get(n), f64x2(quarterHigh)));
    return { n, r: op("f64x2.sub", high, op("f64x2.mul", get(n), f64x2(quarterLow))) };
  });
  const r = keep(joined(parts[0].r, parts[1].r));
  const whole = parts.map(({ n }) => op("i32x4.trunc_sat_f64x2_s_zero", get(n)));
  const quadrant = keep(op("i32x4.add", words(whole[0], whole[1], 0, 1, 4, 5), i32x4(turns)));
  const z = keep(op("f32x4.mul", get(r), get(r)));
  const s = op("f32x4.mul", polynomial("f32x4", z, [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]), get(z));
  const sine = op("f32x4.add", op("f32x4.mul", s, get(r)), get(r));
  const c = polynomial("f32x4", z, [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]);
  const correction = op(
    "f32x4.sub",
    op("f32x4.mul", op("f32x4.mul", c, get(z)), get(z)),
    op("f32x4.mul", get(z), f32x4(0.5)),
  );
  const cosine = op("f32x4.add", correction, f32x4(1));
  const isOdd = op("i32x4.ne", op("v128.and", get(quadrant), i32x4(1)), i32x4(0));
  const sign = op("i32x4.shl", op("v128.and", get(quadrant), i32x4(2)), shift(30));
  const value = keep(op("v128.xor", choose(isOdd, cosine, sine), sign));
  // Only the lanes that need it: what a number becomes must not depend on its neighbours.
  const moderate = keep(op("f32x4.lt", op("f32x4.abs", get(x)), f32x4(1e6)));
  const mended = choose(get(moderate), get(value), call(slow, get(x)));
  fn.body.push(when(op("i32.eqz", op("i32x4.all_true", get(moderate))), [set(value, mended)]));
  return result(get(value));
}

/** Positive finite f64x2 → log2: x = 2^e m with m in [sqrt 1/2, sqrt 2), log m = 2 atanh((m - 1) / (m + 1)). */
function log2(keep: (value: Code) => ReturnType<ReturnType<typeof vectorFunction>["keep"]>, x: Code): Code {
  const root = op("i64x2.splat", i64(0x3fe6a09e00000000n));
  const offset = keep(op("i64x2.sub", x, root));
  const e = op("f64x2.convert_low_i32x4_s", op("i32x4.shr_s", words(get(offset), get(offset), 1, 3, 1, 3), shift(20)));
  const fraction = op("v128.and", get(offset), op("i64x2.splat", i64(0x000fffffffffffffn)));
  const m = keep(op("i64x2.add", fraction, root));
  const s = keep(op("f64x2.div", op("f64x2.sub", get(m), f64x2(1)), op("f64x2.add", get(m), f64x2(1))));
  const z = keep(op("f64x2.mul", get(s), get(s)));
  const series = Array.from({ length: 9 }, (_, k) => (2 * Math.LOG2E) / (17 - 2 * k));
  return op("f64x2.add", op("f64x2.mul", polynomial("f64x2", z, series), get(s)), e);
}

/** 2^t for f64x2 t, saturated far outside the range of f32. */
function exp2(keep: (value: Code) => ReturnType<ReturnType<typeof vectorFunction>["keep"]>, t: Code): Code {
  const bounded = keep(op("f64x2.max", op("f64x2.min", t, f64x2(1000)), f64x2(-1000)));
  const n = keep(op("f64x2.nearest", get(bounded)));
  const rest = keep(op("f64x2.mul", op("f64x2.sub", get(bounded), get(n)), f64x2(Math.LN2)));
  const factorials = [362880, 40320, 5040, 720, 120, 24, 6, 2, 1, 1].map((f) => 1 / f);
  const whole = op("i64x2.extend_low_i32x4_s", op("i32x4.trunc_sat_f64x2_s_zero", get(n)));
  const power = op("i64x2.shl", op("i64x2.add", whole, op("i64x2.splat", i64(1023n))), shift(52));
  return op("f64x2.mul", polynomial("f64x2", rest, factorials), power);
}

/** x ^ y as 2^(y log2 |x|), with the sign of odd powers; 0 and negative numbers by selection, infinite ones slowly. */
export function writePow(slow: string): WasmFunction {
  const { fn, x, y, keep, result } = vectorFunction("pow", 2);
  const size = keep(op("f32x4.abs", get(x)));
  const halves = [(v: Code) => v, upperPair].map((half) => {
    const exponent = op("f64x2.promote_low_f32x4", half(get(y)));
    return exp2(keep, op("f64x2.mul", log2(keep, op("f64x2.promote_low_f32x4", half(get(size)))), exponent));
  });
  const positive = keep(joined(halves[0], halves[1]));
  const zero = f32x4(0);
  const ofZero = choose(
    op("f32x4.lt", get(y), zero),
    f32x4(Number.POSITIVE_INFINITY),
    op("v128.and", op("f32x4.eq", get(y), zero), f32x4(1)),
  );
  const magnitude = keep(choose(op("f32x4.eq", get(size), zero), ofZero, get(positive)));
  const halfY = keep(op("f32x4.mul", get(y), f32x4(0.5)));
  const isWhole = keep(op("f32x4.eq", op("f32x4.trunc", get(y)), get(y)));
  const isOdd = op("v128.and", get(isWhole), op("f32x4.ne", op("f32x4.trunc", get(halfY)), get(halfY)));
  const sign = op("v128.and", op("v128.and", get(x), isOdd), i32x4(0x80000000));
  const noPower = op("v128.andnot", op("f32x4.lt", get(x), zero), get(isWhole));
  const value = keep(op("v128.or", op("v128.or", get(magnitude), sign), noPower));
  const infinity = f32x4(Number.POSITIVE_INFINITY);
  const isOrdinary = keep(
    op("v128.and", op("f32x4.lt", get(size), infinity), op("f32x4.lt", op("f32x4.abs", get(y)), infinity)),
  );
  const mended = choose(get(isOrdinary), get(value), call(slow, get(x), get(y)));
  fn.body.push(when(op("i32.eqz", op("i32x4.all_true", get(isOrdinary))), [set(value, mended)]));
  return result(get(value));
}

/** x - y floor(x / y), rounded once. */
export function writeMod(): WasmFunction {
  const { x, y, keep, result } = vectorFunction("mod", 2);
  const halves = [(v: Code) => v, upperPair].map((half) => {
    const a = keep(op("f64x2.promote_low_f32x4", half(get(x))));
    const b = keep(op("f64x2.promote_low_f32x4", half(get(y))));
    return op("f64x2.sub", get(a), op("f64x2.mul", get(b), op("f64x2.floor", op("f64x2.div", get(a), get(b)))));
  });
  return result(joined(halves[0], halves[1]));
}

/** Floor division of i32; 0 where the divisor is 0. The f64 quotient is exact enough to round down. */
export function writeIdiv(): WasmFunction {
  const { x, y, keep, result } = vectorFunction("idiv", 2);
  const halves = [(v: Code) => v, upperPair].map((half) => {
    const a = op("f64x2.convert_low_i32x4_s", half(get(x)));
    const b = op("f64x2.convert_low_i32x4_s", half(get(y)));
    return op("i32x4.trunc_sat_f64x2_s_zero", op("f64x2.floor", op("f64x2.div", a, b)));
  });
  const quotient = keep(words(halves[0], halves[1], 0, 1, 4, 5));
  // -2^31 / -1 wraps.
  const wrapped = keep(choose(op("i32x4.eq", get(y), i32x4(-1)), op("i32x4.neg", get(x)), get(quotient)));
  return result(op("v128.and", get(wrapped), op("i32x4.ne", get(y), i32x4(0))));
}
