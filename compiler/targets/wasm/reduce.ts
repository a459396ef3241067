/**
 * Reductions of element values to one number: sums, extremes, the place of the largest. In: the value's vectors, step by
 * step. Out: an f64 (and a position). One `Reducer` serves the roots `accumulate` and `argmax`, over a block, and the row
 * reductions, over a row: the caller says where its four parts stand. Each vector of a step has its own partial result,
 * so the tree is fixed by the positions alone. Sums of f32 are f32 within a strip of 1024 elements and f64 across strips;
 * counts and integer sums are exact.
 */
import type { Lane } from "../../kernels/index.js";
import { type Code, f32x4, f64, f64x2, get, i32, i32x4, type Local, lane, local, op, set } from "./code.js";
import type { Context, Step } from "./context.js";
import { upperPair } from "./math.js";

export const stripLength = 1024;

export interface Reducer {
  /** Before the first element. */
  readonly start: readonly Code[];
  /** Around a strip, for f32 sums. */
  readonly strip: { readonly open: readonly Code[]; readonly close: readonly Code[] } | null;
  /** Takes the vectors of a step. */
  readonly take: (step: Step, vectors: readonly Local[]) => void;
  /** After the last element; then `value` is valid, and for the largest `at` (counted as `origin` counts). */
  readonly finish: readonly Code[];
  readonly value: Code;
  readonly at: Code | null;
}

/** Lanes that count; all of them but in the last step. */
function masked(step: Step, g: number, value: Code, neutral: Code): Code {
  return step.remaining === null ? value : op("v128.bitselect", value, neutral, get(step.masks[g]));
}

function vectorsOf(context: Context): Local[] {
  return Array.from({ length: context.vectors }, () => local(context.fn, "v128"));
}

const lower = (v: Code) => op("f64x2.promote_low_f32x4", v);

/** f64 sum of both lanes. */
function bothLanes(v: Local): Code {
  return op("f64.add", lane("f64x2.extract_lane", 0, get(v)), lane("f64x2.extract_lane", 1, get(v)));
}

function floatSum(context: Context): Reducer {
  const parts = vectorsOf(context);
  const total = local(context.fn, "f64");
  const strip = local(context.fn, "v128");
  const halves = parts.flatMap((p) => [lower(get(p)), lower(upperPair(get(p)))]);
  return {
    start: [set(total, f64(0))],
    strip: {
      open: parts.map((p) => set(p, f32x4(0))),
      close: [
        set(
          strip,
          halves.reduce((a, b) => op("f64x2.add", a, b)),
        ),
        set(total, op("f64.add", get(total), bothLanes(strip))),
      ],
    },
    take(step, vectors) {
      parts.forEach((p, g) => {
        step.out.push(set(p, op("f32x4.add", get(p), masked(step, g, get(vectors[g]), f32x4(0)))));
      });
    },
    finish: [],
    value: get(total),
    at: null,
  };
}

/** i32 and u32: f64 from the start, so that nothing wraps. */
function integerSum(context: Context, of: Lane): Reducer {
  const total = local(context.fn, "v128");
  const widen = op.bind(null, `f64x2.convert_low_i32x4_${of === "u32" ? "u" : "s"}`);
  return {
    start: [set(total, f64x2(0))],
    strip: null,
    take(step, vectors) {
      vectors.forEach((v, g) => {
        const value = masked(step, g, get(v), i32x4(0));
        const both = op("f64x2.add", widen(value), widen(upperPair(value)));
        step.out.push(set(total, op("f64x2.add", get(total), both)));
      });
    },
    finish: [],
    value: bothLanes(total),
    at: null,
  };
}

/** Counts of bool: a mask is -1, so subtracting it counts; a block never has 2^31 elements a lane. */
function count(context: Context): Reducer {
  const parts = vectorsOf(context);
  const total = local(context.fn, "v128");
  const lanes = [0, 1, 2, 3].map((i) => op("f64.convert_i32_u", lane("i32x4.extract_lane", i, get(total))));
  return {
    start: parts.map((p) => set(p, i32x4(0))),
    strip: null,
    take(step, vectors) {
      parts.forEach((p, g) => {
        step.out.push(set(p, op("i32x4.sub", get(p), masked(step, g, get(vectors[g]), i32x4(0)))));
      });
    },
    finish: [
      set(
        total,
        parts.map(get).reduce((a, b) => op("i32x4.add", a, b)),
      ),
    ],
    value: lanes.reduce((a, b) => op("f64.add", a, b)),
    at: null,
  };
}

/** The smallest element of a lane's order for max, the largest for min. */
function neutralOf(fn: "max" | "min", of: Lane): Code {
  if (of === "f32") return f32x4(fn === "max" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
  if (of === "u32") return i32x4(fn === "max" ? 0 : -1);
  return i32x4(fn === "max" ? -(2 ** 31) : 2 ** 31 - 1);
}

/** One lane as f64. */
function laneAsWide(of: Lane, v: Local, i: number): Code {
  if (of === "f32") return op("f64.promote_f32", lane("f32x4.extract_lane", i, get(v)));
  return op(`f64.convert_i32_${of === "u32" ? "u" : "s"}`, lane("i32x4.extract_lane", i, get(v)));
}

const asNumbers = (of: Lane, v: Local) => (of === "bool" ? op("v128.and", get(v), i32x4(1)) : get(v));

function extreme(context: Context, fn: "max" | "min", of: Lane): Reducer {
  const parts = vectorsOf(context);
  const best = of === "f32" ? `f32x4.${fn}` : `i32x4.${fn}_${of === "u32" ? "u" : "s"}`;
  const neutral = neutralOf(fn, of);
  const [first] = parts;
  const lanes = [0, 1, 2, 3].map((i) => laneAsWide(of, first, i));
  return {
    start: parts.map((p) => set(p, neutral)),
    strip: null,
    take(step, vectors) {
      parts.forEach((p, g) => {
        step.out.push(set(p, op(best, get(p), masked(step, g, asNumbers(of, vectors[g]), neutral))));
      });
    },
    finish: [
      set(
        first,
        parts.map(get).reduce((a, b) => op(best, a, b)),
      ),
    ],
    value: lanes.reduce((a, b) => op(`f64.${fn}`, a, b)),
    at: null,
  };
}

/** The reduction of an `accumulate` root or a row reduction that is not argmax. */
export function reducer(context: Context, fn: "sum" | "max" | "min", of: Lane): Reducer {
  if (fn !== "sum") return extreme(context, fn, of);
  if (of === "f32") return floatSum(context);
  return of === "bool" ? count(context) : integerSum(context, of);
}

/**
 * The largest value and its first position, counted in elements of the call minus `origin`: an i32 that is set before
 * `start`. A lane takes a value only if it is greater, so it keeps the first of equals; the lowest position among the
 * lanes with the largest value is the answer.
 */
export function argmax(context: Context, of: Lane, origin: Local): Reducer {
  const values = vectorsOf(context);
  const places = vectorsOf(context);
  const value = local(context.fn, "f64");
  const place = local(context.fn, "i32");
  const neutral = neutralOf("max", of);
  const greater = of === "f32" ? "f32x4.gt" : `i32x4.gt_${of === "u32" ? "u" : "s"}`;
  const candidate = local(context.fn, "f64");
  const candidatePlace = local(context.fn, "i32");
  const finish: Code[] = [set(value, f64(Number.NEGATIVE_INFINITY)), set(place, i32(0))];
  values.forEach((v, g) => {
    for (let i = 0; i < 4; i++) {
      const isBetter = op("f64.gt", get(candidate), get(value));
      const isEarlier = op(
        "i32.and",
        op("f64.eq", get(candidate), get(value)),
        op("i32.lt_u", get(candidatePlace), get(place)),
      );
      finish.push(
        set(candidate, laneAsWide(of, v, i)),
        set(candidatePlace, lane("i32x4.extract_lane", i, get(places[g]))),
        {
          op: "if",
          args: [op("i32.or", isBetter, isEarlier)],
          immediates: [],
          body: [set(value, get(candidate)), set(place, get(candidatePlace))],
        },
      );
    }
  });
  return {
    start: [...values.map((v) => set(v, neutral)), ...places.map((p) => set(p, i32x4(0)))],
    strip: null,
    take(step, vectors) {
      const here = op("i32x4.splat", op("i32.sub", get(step.index), get(origin)));
      values.forEach((v, g) => {
        const x = local(context.fn, "v128");
        const isGreater = local(context.fn, "v128");
        const number = op("i32x4.add", here, i32x4(4 * g, 4 * g + 1, 4 * g + 2, 4 * g + 3));
        step.out.push(
          set(x, masked(step, g, asNumbers(of, vectors[g]), neutral)),
          set(isGreater, op(greater, get(x), get(v))),
          set(places[g], op("v128.bitselect", number, get(places[g]), get(isGreater))),
          set(v, op("v128.bitselect", get(x), get(v), get(isGreater))),
        );
      });
    },
    finish,
    value: get(value),
    at: get(place),
  };
}
