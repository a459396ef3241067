/**
 * exp, log, tanh and acos of four f32 at once, as helper functions of the module. In: a vector. Out: a vector, at
 * most 2 units in the last place from the true value, with the right infinities, NaN and subnormal numbers.
 * The f32 polynomials are the minimax ones of Cephes (S. Moshier, `expf`, `logf`, `tanhf`, `asinf`), with the usual
 * two-part constants for the argument reduction. sin, cos and pow are in math-wide.ts.
 */
import {
  type Code,
  f32x4,
  f64x2,
  get,
  i32x4,
  type Local,
  lane,
  local,
  newFunction,
  op,
  param,
  set,
  type WasmFunction,
  words,
} from "./code.js";
import { callMath, type Needs } from "./context.js";

/** A function of vectors being written: `keep` holds a value in a variable. */
export interface VectorFunction {
  readonly fn: WasmFunction;
  readonly x: Local;
  readonly y: Local;
  keep(value: Code): Local;
  result(value: Code): WasmFunction;
}

export function vectorFunction(name: string, operands: number): VectorFunction {
  const fn = newFunction(name, operands === 1 ? ["v128"] : ["v128", "v128"], ["v128"]);
  return {
    fn,
    x: param(fn, 0),
    y: param(fn, operands - 1),
    keep(value) {
      const variable = local(fn, "v128");
      fn.body.push(set(variable, value));
      return variable;
    },
    result(value) {
      fn.body.push(value);
      return fn;
    },
  };
}

export const shift = (bits: number): Code => ({ op: "i32.const", args: [], immediates: [bits] });
const add = (a: Code, b: Code) => op("f32x4.add", a, b);
const sub = (a: Code, b: Code) => op("f32x4.sub", a, b);
const mul = (a: Code, b: Code) => op("f32x4.mul", a, b);
const choose = (mask: Code, yes: Code, no: Code) => op("v128.bitselect", yes, no, mask);

/** A polynomial by Horner's rule; coefficients from the highest power down. */
export function polynomial(kind: "f32x4" | "f64x2", x: Local, coefficients: readonly number[]): Code {
  const number = kind === "f32x4" ? f32x4 : f64x2;
  const [highest, ...rest] = coefficients;
  return rest.reduce((sum, c) => op(`${kind}.add`, op(`${kind}.mul`, sum, get(x)), number(c)), number(highest));
}

/** 2^n for whole numbers n in -126 .. 127, from i32 lanes. */
function powerOfTwo(n: Code): Code {
  return op("i32x4.shl", op("i32x4.add", n, i32x4(127)), shift(23));
}

/** e^x = 2^n e^r with |r| <= ln 2 / 2; the scaling is done in two steps so that it reaches subnormal numbers. */
export function writeExp(): WasmFunction {
  const { x, keep, result } = vectorFunction("exp", 1);
  const bounded = keep(op("f32x4.pmax", op("f32x4.pmin", get(x), f32x4(89)), f32x4(-105)));
  // Adding 1.5 * 2^23 rounds to a whole number, which then stands in the low bits.
  const magic = f32x4(1.5 * 2 ** 23);
  const shifted = keep(add(mul(get(bounded), f32x4(Math.LOG2E)), magic));
  const n = keep(sub(get(shifted), magic));
  const high = keep(sub(get(bounded), mul(get(n), f32x4(0.693359375))));
  const r = keep(sub(get(high), mul(get(n), f32x4(-2.1219444e-4))));
  const p = polynomial(
    "f32x4",
    r,
    [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5],
  );
  const value = add(add(mul(mul(get(r), get(r)), p), get(r)), f32x4(1));
  const whole = keep(op("i32x4.sub", get(shifted), magic));
  const half = keep(op("i32x4.shr_s", get(whole), shift(1)));
  const rest = op("i32x4.sub", get(whole), get(half));
  return result(mul(mul(value, powerOfTwo(get(half))), powerOfTwo(rest)));
}

/** log x = e ln 2 + log m with m in [sqrt 1/2, sqrt 2). */
export function writeLog(): WasmFunction {
  const { x, keep, result } = vectorFunction("log", 1);
  const isTiny = keep(op("f32x4.lt", get(x), f32x4(2 ** -126)));
  const scaled = keep(choose(get(isTiny), mul(get(x), f32x4(2 ** 23)), get(x)));
  // The bits relative to sqrt(1/2): the exponent is then the shift, and the rest a number in [sqrt 1/2, sqrt 2).
  const root = 0x3f3504f3;
  const offset = keep(op("i32x4.sub", get(scaled), i32x4(root)));
  const exponent = op("i32x4.sub", op("i32x4.shr_s", get(offset), shift(23)), op("v128.and", get(isTiny), i32x4(23)));
  const e = keep(op("f32x4.convert_i32x4_s", exponent));
  const mantissa = op("i32x4.add", op("v128.and", get(offset), i32x4(0x007fffff)), i32x4(root));
  const m = keep(sub(mantissa, f32x4(1)));
  const square = keep(mul(get(m), get(m)));
  const p = polynomial(
    "f32x4",
    m,
    [
      7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
      2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    ],
  );
  const cubic = mul(mul(p, get(m)), get(square));
  const low = sub(add(cubic, mul(get(e), f32x4(-2.1219444e-4))), mul(get(square), f32x4(0.5)));
  const value = keep(add(add(get(m), low), mul(get(e), f32x4(0.693359375))));
  const finite = keep(choose(op("f32x4.lt", get(x), f32x4(Number.POSITIVE_INFINITY)), get(value), get(x)));
  const atZero = choose(op("f32x4.eq", get(x), f32x4(0)), f32x4(Number.NEGATIVE_INFINITY), f32x4(Number.NaN));
  return result(choose(op("f32x4.gt", get(x), f32x4(0)), get(finite), atZero));
}

/** An odd polynomial near 0, else 1 - 2 / (e^2x + 1), with the sign of x. `exp` is the helper's call. */
export function writeTanh(exp: (x: Code) => Code): WasmFunction {
  const { x, keep, result } = vectorFunction("tanh", 1);
  const size = keep(op("f32x4.abs", get(x)));
  const square = keep(mul(get(x), get(x)));
  const p = polynomial(
    "f32x4",
    square,
    [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1],
  );
  const near = keep(add(mul(mul(p, get(square)), get(x)), get(x)));
  const doubled = exp(add(get(size), get(size)));
  const far = sub(f32x4(1), op("f32x4.div", f32x4(2), add(doubled, f32x4(1))));
  const sign = op("v128.and", get(x), i32x4(0x80000000));
  return result(choose(op("f32x4.lt", get(size), f32x4(0.625)), get(near), op("v128.or", far, sign)));
}

/** asin by a polynomial up to 1/2; beyond it acos x = 2 asin sqrt((1 - x) / 2). */
export function writeAcos(): WasmFunction {
  const { x, keep, result } = vectorFunction("acos", 1);
  const size = keep(op("f32x4.abs", get(x)));
  const isFar = keep(op("f32x4.gt", get(size), f32x4(0.5)));
  const folded = keep(mul(sub(f32x4(1), get(size)), f32x4(0.5)));
  const z = keep(choose(get(isFar), get(folded), mul(get(x), get(x))));
  const s = keep(choose(get(isFar), op("f32x4.sqrt", get(folded)), get(x)));
  const p = polynomial(
    "f32x4",
    z,
    [4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1],
  );
  const asin = keep(add(mul(mul(p, get(z)), get(s)), get(s)));
  const twice = keep(add(get(asin), get(asin)));
  // pi and pi/2 in two parts, so that the subtraction keeps the digits of the result.
  const fromPi = add(sub(f32x4(Math.fround(Math.PI)), get(twice)), f32x4(Math.PI - Math.fround(Math.PI)));
  const far = choose(op("f32x4.lt", get(x), f32x4(0)), fromPi, get(twice));
  const half = Math.fround(Math.PI / 2);
  const near = sub(f32x4(half), sub(get(asin), f32x4(Math.PI / 2 - half)));
  return result(op("v128.or", choose(get(isFar), far, near), outside(size)));
}

/** All bits where |x| > 1 (or NaN): or-ing them gives NaN. */
function outside(size: Local): Code {
  return op("v128.not", op("f32x4.le", get(size), f32x4(1)));
}

/** Calls a function of JavaScript for every lane; for what is rare or has many special cases. */
export function writeLanes(needs: Needs, name: string, math: string, operands: number): WasmFunction {
  const { fn, x, y, result } = vectorFunction(name, operands);
  const one = (i: number) => {
    const wide = [x, y].slice(0, operands).map((v) => op("f64.promote_f32", lane("f32x4.extract_lane", i, get(v))));
    return op("f32.demote_f64", callMath(needs, math, ...wide));
  };
  const sum = local(fn, "v128");
  fn.body.push(set(sum, op("f32x4.splat", one(0))));
  for (let i = 1; i < 4; i++) fn.body.push(set(sum, lane("f32x4.replace_lane", i, get(sum), one(i))));
  return result(get(sum));
}

/** The two upper lanes of f32x4 in the lower places. */
export function upperPair(v: Code): Code {
  return words(v, v, 2, 3, 2, 3);
}

/** Two f64x2 rounded into one f32x4. */
export function joined(low: Code, high: Code): Code {
  return words(op("f32x4.demote_f64x2_zero", low), op("f32x4.demote_f64x2_zero", high), 0, 1, 4, 5);
}
