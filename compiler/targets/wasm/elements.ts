/**
 * Values of level `element` and `uniform`: from an instruction to vectors in variables. In: a step (where in the domain,
 * how many vectors). Out: statements that compute what the value needs, once a step, in the order of the instructions.
 * Everything that depends on the place stands here: loads by access, coordinates, random bits, `above`.
 */

import { bytesOf } from "../../ir/index.js";
import type { Access, Instr } from "../../kernels/index.js";
import {
  at,
  type Code,
  f32x4,
  f64x2,
  get,
  i32,
  i32x4,
  i64,
  type Local,
  lane,
  local,
  op,
  set,
  setAll,
  when,
  words,
} from "./code.js";
import { type Context, callHelper, keep, type Step } from "./context.js";
import { writePackedBits, writePhilox } from "./philox.js";
import { rawElement, rawSplat, rawVectors, unpacked } from "./unpack.js";
import { vectorOp } from "./vector.js";

type Strided = Extract<Access, { kind: "strided" }>;

const increasing = (g: number) => i32x4(4 * g, 4 * g + 1, 4 * g + 2, 4 * g + 3);

/** Computes something once a step. */
function once(step: Step, name: string, make: () => readonly Local[]): readonly Local[] {
  const known = step.shared.get(name);
  if (known !== undefined) return known;
  const made = make();
  step.shared.set(name, made);
  return made;
}

/** The tensor-wide number of the step's first element, i64. */
function elementNumber(context: Context, step: Step): Local {
  const make = () => [
    keep(context, step.out, "i64", op("i64.add", get(context.base), op("i64.extend_i32_u", get(step.index)))),
  ];
  return once(step, "number", make)[0];
}

/** Low and high words of the element numbers of vector `g`. */
function numberWords(context: Context, step: Step, g: number): readonly Local[] {
  const number = elementNumber(context, step);
  return once(step, `words ${g}`, () => {
    const start = keep(context, step.out, "v128", op("i32x4.splat", op("i32.wrap_i64", get(number))));
    const low = keep(context, step.out, "v128", op("i32x4.add", get(start), increasing(g)));
    const carry = op("i32x4.lt_u", get(low), get(start));
    const upper = op("i32x4.splat", op("i32.wrap_i64", op("i64.shr_u", get(number), i64(32n))));
    return [low, keep(context, step.out, "v128", op("i32x4.sub", upper, carry))];
  });
}

/** Axes of a strided access without those of length 1, neighbours joined where the strides allow it. */
function compact(access: Strided): { dim: number; stride: number }[] {
  const axes: { dim: number; stride: number }[] = [];
  access.dims.forEach((dim, d) => {
    const stride = access.strides[d];
    const last = axes.at(-1);
    if (dim === 1) return;
    if (last !== undefined && last.stride === stride * dim) axes[axes.length - 1] = { dim: last.dim * dim, stride };
    else axes.push({ dim, stride });
  });
  return axes;
}

/** The position in the buffer that a strided access gives to the flat element number in `n`. */
function stridedPosition(context: Context, out: Code[], access: Strided, n: Local): Code {
  const axes = compact(access);
  const rest = keep(context, out, "i32", get(n));
  let position = i32(access.offset);
  axes.toReversed().forEach(({ dim, stride }, k) => {
    const isOutermost = k === axes.length - 1;
    const coordinate = isOutermost ? get(rest) : op("i32.rem_u", get(rest), i32(dim));
    if (stride !== 0)
      position = get(keep(context, out, "i32", op("i32.add", position, op("i32.mul", coordinate, i32(stride)))));
    if (!isOutermost) out.push(set(rest, op("i32.div_u", get(rest), i32(dim))));
  });
  return position;
}

/** The address of element `position` of an input. */
function addressOf(context: Context, input: number, position: Code): Code {
  const size = bytesOf(context.kernel.inputs[input].dtype);
  const offset = size === 1 ? position : op("i32.shl", position, i32(Math.log2(size)));
  return op("i32.add", get(context.inputs[input]), offset);
}

/** A strided load: one vector load where the four elements lie side by side, else an element at a time. */
function loadStrided(context: Context, out: Code[], input: number, access: Strided, step: Step, g: number): Code {
  const { dtype } = context.kernel.inputs[input];
  const inner = compact(access).at(-1);
  const n = keep(context, out, "i32", op("i32.add", get(step.index), i32(4 * g)));
  const raw = local(context.fn, "v128");
  const gathered: Code[] = [];
  for (let i = 0; i < 4; i++) {
    const ni = keep(context, gathered, "i32", op("i32.add", get(n), i32(i)));
    const element = rawElement(dtype, addressOf(context, input, stridedPosition(context, gathered, access, ni)));
    gathered.push(set(raw, i === 0 ? op("i32x4.splat", element) : lane("i32x4.replace_lane", i, get(raw), element)));
  }
  if (inner === undefined || inner.stride > 1 || inner.stride < 0) {
    out.push(...gathered);
    return get(raw);
  }
  const together: Code[] = [];
  const first = addressOf(context, input, stridedPosition(context, together, access, n));
  if (inner.stride === 0) together.push(rawSplat(dtype, first, raw));
  else together.push(set(raw, rawVectors(context, together, dtype, first, 1)[0]));
  const last = op("i32.add", op("i32.rem_u", get(n), i32(inner.dim)), i32(3));
  out.push(when(op("i32.lt_u", last, i32(inner.dim)), together, gathered));
  return get(raw);
}

/** The position of the one element that a load of level `uniform` or `row` (or of equal columns) reads. */
function singlePosition(context: Context, out: Code[], access: Access, level: Instr["level"]): Code {
  const row = level === "uniform" ? i32(0) : get(context.row);
  switch (access.kind) {
    case "full":
      return level === "uniform" ? i32(0) : get(context.rowStart);
    case "row":
      return row;
    case "col":
      return i32(0);
    case "strided":
      return stridedPosition(
        context,
        out,
        access,
        keep(context, out, "i32", level === "uniform" ? i32(0) : get(context.rowStart)),
      );
  }
}

/** One element in all lanes, unpacked. */
export function loadSplat(context: Context, out: Code[], instr: Instr): Code {
  const input = instr.attrs.input as number;
  const { dtype, access } = context.kernel.inputs[input];
  const raw = local(context.fn, "v128");
  out.push(rawSplat(dtype, addressOf(context, input, singlePosition(context, out, access, instr.level)), raw));
  return unpacked(context, out, dtype, instr.lane, get(raw));
}

function loadElements(context: Context, step: Step, instr: Instr): readonly Local[] {
  const { out } = step;
  const input = instr.attrs.input as number;
  const { dtype, access } = context.kernel.inputs[input];
  const { flat } = context.kernel;
  const vectors = Array.from({ length: context.vectors }, (_, g) => g);
  const isSingle = flat ? access.kind === "col" : access.kind === "row";
  if (isSingle) {
    const level = flat ? "uniform" : "row";
    const splat = keep(context, out, "v128", loadSplat(context, out, { ...instr, level }));
    return vectors.map(() => splat);
  }
  const keepUnpacked = (raw: Code) => keep(context, out, "v128", unpacked(context, out, dtype, instr.lane, raw));
  if (access.kind === "strided")
    return vectors.map((g) => keepUnpacked(loadStrided(context, out, input, access, step, g)));
  const position = access.kind === "col" ? step.column : step.index;
  return rawVectors(context, out, dtype, addressOf(context, input, get(position)), context.vectors).map(keepUnpacked);
}

/** Coordinates along an axis of a box, from the flat number; f64 division rounds down exactly below 2^48. */
function boxCoordinate(
  context: Context,
  out: Code[],
  number: Code,
  dims: readonly number[],
  axis: number,
  g: number,
): Code {
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const start = keep(context, out, "v128", op("f64x2.splat", op("f64.convert_i64_u", number)));
  const halves = [0, 2].map((i) => {
    const n = op("f64x2.add", get(start), f64x2(4 * g + i, 4 * g + i + 1));
    const outer = keep(context, out, "v128", op("f64x2.floor", op("f64x2.div", n, f64x2(inner))));
    const turns = op("f64x2.floor", op("f64x2.div", get(outer), f64x2(dims[axis])));
    return op("i32x4.trunc_sat_f64x2_s_zero", op("f64x2.sub", get(outer), op("f64x2.mul", turns, f64x2(dims[axis]))));
  });
  return words(halves[0], halves[1], 0, 1, 4, 5);
}

/** The coordinate of a row (its column is 0), or of the vector `g` of a step. */
export function coordinate(context: Context, out: Code[], instr: Instr, step: Step | null, g: number): Code {
  const axis = instr.attrs.axis as number;
  const dims = instr.attrs.dims as readonly number[] | undefined;
  const rowNumber = () => op("i64.add", get(context.base), op("i64.extend_i32_u", get(context.rowStart)));
  if (dims !== undefined) {
    if (dims[axis] <= 1) return i32x4(0);
    return boxCoordinate(context, out, step === null ? rowNumber() : get(elementNumber(context, step)), dims, axis, g);
  }
  const isRow = axis === 0;
  if (context.kernel.flat) return isRow && step !== null ? get(numberWords(context, step, g)[0]) : i32x4(0);
  if (isRow) return op("i32x4.splat", op("i32.add", op("i32.wrap_i64", get(context.first)), get(context.row)));
  return step === null ? i32x4(0) : op("i32x4.add", op("i32x4.splat", get(step.column)), increasing(g));
}

function randomBits(context: Context, step: Step, instr: Instr): readonly Local[] {
  const { out } = step;
  const { needs } = context;
  const key = instr.args.map((a) => get(context.splats.get(a)!));
  const philox = (low: Code, high: Code) => callHelper(needs, "philox", writePhilox, low, high, ...key);
  const fresh = () => local(context.fn, "v128");
  const word = instr.attrs.word as "packed" | 0 | 1;
  if (word !== "packed") {
    return Array.from({ length: context.vectors }, (_, g) => {
      const [low, high] = numberWords(context, step, g);
      const made = once(step, `philox ${g} ${instr.args.join(" ")}`, () => {
        const outputs = [fresh(), fresh(), fresh(), fresh()];
        out.push(...setAll(outputs, philox(get(low), get(high))));
        return outputs;
      });
      return made[word];
    });
  }
  const number = elementNumber(context, step);
  const bits = [fresh(), fresh(), fresh(), fresh()];
  const block = keep(context, out, "i64", op("i64.and", op("i64.shr_u", get(number), i64(2n)), i64(~3n)));
  const low = op("i32x4.add", op("i32x4.splat", op("i32.wrap_i64", get(block))), i32x4(0, 1, 2, 3));
  const high = op("i32x4.splat", op("i32.wrap_i64", op("i64.shr_u", get(block), i64(32n))));
  const aligned = setAll(bits, philox(low, high));
  const anywhere: Code[] = [];
  const start = { ...step, out: anywhere, shared: new Map([["number", [number]]]) };
  for (let g = 0; g < context.vectors; g++) {
    const numbers = numberWords(context, start, g).map(get);
    anywhere.push(set(bits[g], callHelper(needs, "packed_bits", writePackedBits, ...numbers, ...key)));
  }
  out.push(when(op("i64.eqz", op("i64.and", get(number), i64(15n))), aligned, anywhere));
  return bits;
}

/** key > limit or (key == limit and the element's number < cut). */
function above(context: Context, step: Step, operands: readonly Local[], g: number): Code {
  const [key, limit, cut] = operands;
  const [low, high] = numberWords(context, step, g);
  const isEarly = op("v128.and", op("i32x4.lt_u", get(low), get(cut)), op("i32x4.eq", get(high), i32x4(0)));
  const isTie = op("v128.and", op("i32x4.eq", get(key), get(limit)), isEarly);
  return op("v128.or", op("i32x4.gt_u", get(key), get(limit)), isTie);
}

/** The vectors of a value in a step; row and uniform values are the same vector in all places. */
export function elementValue(context: Context, step: Step, instr: number): readonly Local[] {
  const splat = context.splats.get(instr);
  if (splat !== undefined) return Array.from({ length: context.vectors }, () => splat);
  const known = step.values.get(instr);
  if (known !== undefined) return known;
  const made = computeElements(context, step, context.kernel.instrs[instr]);
  step.values.set(instr, made);
  return made;
}

function computeElements(context: Context, step: Step, instr: Instr): readonly Local[] {
  if (instr.op === "load") return loadElements(context, step, instr);
  const operands = instr.args.map((a) => elementValue(context, step, a));
  if (instr.op === "random_bits") return randomBits(context, step, instr);
  return Array.from({ length: context.vectors }, (_, g) => {
    const own = operands.map((vectors) => vectors[g]);
    const value =
      instr.op === "iota"
        ? coordinate(context, step.out, instr, step, g)
        : instr.op === "above"
          ? above(context, step, own, g)
          : vectorOp(context, step.out, instr, own);
    return keep(context, step.out, "v128", value);
  });
}

function literal(instr: Instr): Code {
  const value = Number(instr.attrs.value);
  if (instr.lane === "f32") return f32x4(value);
  return instr.lane === "bool" ? i32x4(value !== 0 ? -1 : 0) : i32x4(value);
}

/** Statements that compute all values of level `uniform` and keep them for the call. */
export function uniformValues(context: Context, out: Code[]): void {
  const frame = { index: 0, type: "i32" as const };
  context.kernel.instrs.forEach((instr, i) => {
    if (instr.level !== "uniform") return;
    const index = 4 * (instr.attrs.index as number);
    const value = (): Code => {
      switch (instr.op) {
        case "literal":
          return literal(instr);
        case "param":
          return at("v128.load32_splat", context.frame.params + index, get(frame));
        case "integer":
          return at("v128.load32_splat", context.frame.integers + index, get(frame));
        case "load":
          return loadSplat(context, out, instr);
        default:
          return vectorOp(
            context,
            out,
            instr,
            instr.args.map((a) => context.splats.get(a)!),
          );
      }
    };
    context.splats.set(i, keep(context, out, "v128", value()));
  });
}
