/**
 * How far the WGSL target may be from the exact result of each kernel operation on exact f32 operands: `ulp` units in the last
 * place of the result or `abs`, whichever is larger. Operations that are not listed give the nearest f32 (add, sub, mul,
 * conversions, floor, ...) or are exact (comparisons, bits, integers). Two things are outside the table because WGSL
 * leaves them open: a product and a sum may be fused into one rounding, and numbers below 2^-126 may become 0.
 * Divisions and square roots are WGSL's own (2.5 ulp and about 3 allowed) with one correction step for divisions.
 */
export interface WgslTolerance {
  readonly ulp: number;
  readonly abs: number;
}

export const wgslTolerance: Readonly<Record<string, WgslTolerance>> = {
  div: { ulp: 3, abs: 0 },
  mod: { ulp: 4, abs: 1e-6 },
  sqrt: { ulp: 3, abs: 0 },
  exp: { ulp: 4, abs: 0 },
  log: { ulp: 4, abs: 0 },
  /** For results between 2^-20 and 2^20; an ulp more for each unit of |y log2 x| beyond. */
  pow: { ulp: 24, abs: 0 },
  /** For |x| up to 10^4; beyond it the reduction loses bits, results stay in -1 .. 1. */
  sin: { ulp: 4, abs: 3e-7 },
  cos: { ulp: 4, abs: 3e-7 },
  acos: { ulp: 4, abs: 5e-7 },
  atan2: { ulp: 8, abs: 0 },
  tanh: { ulp: 6, abs: 0 },
  row_sum: { ulp: 64, abs: 1e-6 },
  accumulate: { ulp: 64, abs: 1e-6 },
};

const exact: WgslTolerance = { ulp: 0, abs: 0 };

/** The tolerance of a kernel operation. */
export function toleranceOf(op: string): WgslTolerance {
  return Object.hasOwn(wgslTolerance, op) ? wgslTolerance[op] : exact;
}
