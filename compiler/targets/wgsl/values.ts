/**
 * Instructions as WGSL expressions. In: a kernel, a set of instructions that are wanted and a place. Out: `let` lines,
 * named u_{n} (uniform level), r_{n} (row level) and v_{n} (element level). Row values of a flat kernel are element values.
 */
import type { StorageDtype } from "../../ir/index.js";
import { type Instr, isRowReduction, type Kernel, type Lane } from "../../kernels/index.js";
import { boolTo, quantize } from "./formats.js";
import { typeOf, typesOf, u32, type Width } from "./lanes.js";
import { header, type WgslLayout, word } from "./layout.js";
import type { Library } from "./library.js";
import { coordinate, loadAt, type Place } from "./memory.js";

/** What every part of the generator needs to know. */
export interface Generator {
  readonly kernel: Kernel;
  readonly layout: WgslLayout;
  readonly lib: Library;
}

/** The level at which an instruction is computed. */
export function levelOf(kernel: Kernel, i: number): Instr["level"] {
  const { level } = kernel.instrs[i];
  return kernel.flat && level === "row" ? "element" : level;
}

/** Whether a value exists once a row of a kernel that has rows. */
export function isRowLevel(kernel: Kernel, i: number): boolean {
  return levelOf(kernel, i) === "row";
}

export function nameOf(kernel: Kernel, i: number): string {
  return `${{ uniform: "u", row: "r", element: "v" }[levelOf(kernel, i)]}_${i}`;
}

/** Instructions that the seeds need, seeds included; `enter` says whether to go on to an instruction's arguments. */
export function closureOf(kernel: Kernel, seeds: Iterable<number>, enter: (i: number) => boolean): Set<number> {
  const found = new Set<number>();
  const stack = [...seeds];
  while (stack.length > 0) {
    const i = stack.pop()!;
    if (found.has(i)) continue;
    found.add(i);
    if (enter(i)) stack.push(...kernel.instrs[i].args);
  }
  return found;
}

/** An instruction's value as an operand of something of a width. */
export function operand(kernel: Kernel, i: number, width: Width): string {
  const name = nameOf(kernel, i);
  return width === 4 && levelOf(kernel, i) !== "element" ? `${typeOf(kernel.instrs[i].lane, 4)}(${name})` : name;
}

/** A value converted to another lane. */
export function convert(lib: Library, from: Lane, to: Lane, width: Width, value: string): string {
  if (from === to) return value;
  if (from === "bool") return boolTo(to, width, value);
  if (to === "bool") return `(${value} != ${typeOf(from, width)}(0))`;
  if (from === "f32")
    return to === "i32"
      ? lib.call("to_i32", width, value)
      : `bitcast<${typeOf(to, width)}>(${lib.call("to_i32", width, value)})`;
  return to === "f32" ? `${typeOf(to, width)}(${value})` : `bitcast<${typeOf(to, width)}>(${value})`;
}

function literal(lib: Library, lane: Lane, value: unknown): string {
  const x = Number(value);
  if (lane === "bool") return String(x !== 0);
  if (lane === "u32") return u32(x);
  if (lane === "i32") return `bitcast<i32>(${u32(x | 0)})`;
  const rounded = Math.fround(x);
  const ordinary = Number.isFinite(rounded) && (Math.abs(rounded) >= 2 ** -126 || Object.is(rounded, 0));
  if (ordinary) return `f32(${Number.isInteger(rounded) && Math.abs(rounded) < 1e21 ? rounded.toFixed(1) : rounded})`;
  return lib.call("from_bits", 1, u32(new Uint32Array(Float32Array.of(rounded).buffer)[0]));
}

const infix: Readonly<Record<string, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
  and: "&",
  or: "|",
};
const floatOnly = new Set(["eq", "ne", "lt", "le", "gt", "ge"]);
/** Operations on floats that are a function of the library or of WGSL. */
const floatFunctions: Readonly<Record<string, string>> = {
  div: "divide",
  pow: "power",
  atan2: "arc_tangent",
  mod: "modulo",
  min: "least",
  max: "greatest",
  neg: "flip_sign",
  abs: "magnitude",
  exp: "exponential",
  log: "logarithm",
  sin: "sine",
  cos: "cosine",
  acos: "arc_cosine",
  tanh: "hyperbolic_tangent",
  is_finite: "is_finite",
  order_key: "order_key",
};
const builtins = new Set(["sqrt", "floor", "ceil", "trunc", "round"]);
const integerFunctions: Readonly<Record<string, string>> = {
  idiv: "floor_divide",
  imod: "floor_modulo",
  mod: "floor_modulo",
};

function elementwise(lib: Library, instr: Instr, of: Lane, width: Width, a: readonly string[]): string {
  const t = typesOf(width);
  const { op } = instr;
  if (op === "where") return `select(${a[2]}, ${a[1]}, ${a[0]})`;
  if (op === "not") return `!${a[0]}`;
  if (op === "to_f32") return convert(lib, of, "f32", width, a[0]);
  if (op === "to_i32") return convert(lib, of, "i32", width, a[0]);
  if (op === "unit") return `${t.F}(${a[0]} >> ${t.U}(8u)) * ${t.F}(${2 ** -24})`;
  if (op === "quantize") return quantize(lib, instr.attrs.dtype as StorageDtype, width, a[0]);
  if (of === "f32") {
    if (floatOnly.has(op)) return lib.call(op, width, ...a);
    if (Object.hasOwn(floatFunctions, op)) return lib.call(floatFunctions[op], width, ...a);
    if (builtins.has(op)) return `${op}(${a[0]})`;
  } else {
    if (Object.hasOwn(integerFunctions, op)) return lib.call(integerFunctions[op], width, ...a);
    if (op === "min" || op === "max" || op === "abs") return `${op}(${a.join(", ")})`;
    if (op === "neg") return `-${a[0]}`;
  }
  if (Object.hasOwn(infix, op)) return `${a[0]} ${infix[op]} ${a[1]}`;
  throw new Error(`the WGSL target has no operation ${op} on ${of}`);
}

function expression(g: Generator, i: number, place: Place): string {
  const { kernel, layout, lib } = g;
  const { width } = place;
  const { U, I } = typesOf(width);
  const instr = kernel.instrs[i];
  const args = instr.args.map((a) => operand(kernel, a, width));
  switch (instr.op) {
    case "param":
      return `bitcast<f32>(${word(layout.params + Number(instr.attrs.index))})`;
    case "integer": {
      const text = word(layout.integers + Number(instr.attrs.index));
      return convert(lib, "u32", instr.lane, 1, text);
    }
    case "literal":
      return literal(lib, instr.lane, instr.attrs.value);
    case "load": {
      const n = Number(instr.attrs.input);
      const { text, scalar } = loadAt(lib, kernel.inputs[n], n, instr.lane, place);
      return scalar ? `${typeOf(instr.lane, width)}(${text})` : text;
    }
    case "iota": {
      const axis = Number(instr.attrs.axis);
      const dims = instr.attrs.dims as readonly number[] | undefined;
      if (dims !== undefined) return `bitcast<${I}>(${coordinate(place.number, dims, axis, width)})`;
      return axis === 0
        ? `bitcast<${I}>(${U}(${word(header.first)}) + ${U}(${place.row}))`
        : `bitcast<${I}>(${U}(${place.column}))`;
    }
    case "above":
      return `(${args[0]} > ${args[1]}) | ((${args[0]} == ${args[1]}) & (${place.number} < ${args[2]}))`;
    case "random_bits": {
      const key = instr.args.map((a) => nameOf(kernel, a));
      const at = instr.attrs.word;
      if (at === "packed") return lib.call("packed_bits", width, place.number, ...key);
      return lib.call("philox", width, place.number, `${U}(${Number(at)}u)`, ...key);
    }
    default:
      return elementwise(lib, instr, kernel.instrs[instr.args[0]].lane, width, args);
  }
}

/** The `let` lines of those instructions of `wanted` that have `level` and are no row reductions, in program order. */
export function valueLines(g: Generator, wanted: ReadonlySet<number>, level: Instr["level"], place: Place): string[] {
  return g.kernel.instrs.flatMap((instr, i) =>
    wanted.has(i) && levelOf(g.kernel, i) === level && !isRowReduction(instr.op)
      ? [`let ${nameOf(g.kernel, i)} = ${expression(g, i, place)};`]
      : [],
  );
}
