/**
 * Random kernels from a seed, and single-operation kernels, for the tests of the WGSL target. Kernels are built from
 * operations whose result on every target is exact, so whole graphs can be compared bit for bit; the functions with a
 * tolerance are tested one at a time.
 */
import type { StorageDtype } from "../../../compiler/ir/index.js";
import { storageDtypes } from "../../../compiler/ir/index.js";
import type { Access, Instr, Kernel, KernelInput, KernelOutput, Lane, Root } from "../../../compiler/kernels/index.js";

/** A small generator of numbers (mulberry32). */
export function randomSource(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Builder {
  readonly inputs: KernelInput[];
  readonly outputs: KernelOutput[];
  readonly roots: Root[];
  readonly instrs: Instr[];
  params: number;
  integers: number;
  /** Appends an instruction; its level is the highest of its arguments unless given. */
  add(op: string, args: readonly number[], lane: Lane, attrs?: Record<string, unknown>, level?: Instr["level"]): number;
  input(dtype: StorageDtype, access?: Access, lane?: Lane): number;
  store(value: number, dtype: StorageDtype, access?: "full" | "row"): void;
  kernel(flat: boolean): Kernel;
}

const order = { uniform: 0, row: 1, element: 2 } as const;

export function builder(): Builder {
  const b: Builder = {
    inputs: [],
    outputs: [],
    roots: [],
    instrs: [],
    params: 0,
    integers: 0,
    add(op, args, lane, attrs = {}, level) {
      const highest = args
        .map((a) => b.instrs[a].level)
        .reduce<Instr["level"]>((x, y) => (order[y] > order[x] ? y : x), "uniform");
      b.instrs.push({ op, args, lane, level: level ?? (op.startsWith("row_") ? "row" : highest), attrs });
      return b.instrs.length - 1;
    },
    input(dtype, access = { kind: "full" }, lane) {
      b.inputs.push({ dtype, access });
      const natural: Lane = storageDtypes[dtype].float ? "f32" : dtype === "BOOL" ? "bool" : "i32";
      return b.add(
        "load",
        [],
        lane ?? natural,
        { input: b.inputs.length - 1 },
        access.kind === "row" ? "row" : "element",
      );
    },
    store(value, dtype, access = "full") {
      b.outputs.push({ dtype, access });
      b.roots.push({ kind: "store", value, output: b.outputs.length - 1 });
    },
    kernel(flat) {
      const body = {
        flat,
        inputs: b.inputs,
        outputs: b.outputs,
        params: b.params,
        integers: b.integers,
        instrs: b.instrs,
        roots: b.roots,
      };
      return { text: JSON.stringify(body), ...body };
    },
  };
  return b;
}

export const allDtypes = Object.keys(storageDtypes) as StorageDtype[];

const floatUnary = ["neg", "abs", "floor", "ceil", "trunc", "round"];
const floatBinary = ["min", "max"];
const compares = ["eq", "ne", "lt", "le", "gt", "ge"];

/**
 * A kernel of about 25 instructions over `seed`. `rows` makes it a row kernel with row reductions (of extremes and
 * positions, which are exact) and every kind of root.
 */
export function randomKernel(seed: number, rows: boolean): Kernel {
  const random = randomSource(seed);
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(xs: readonly T[]): T => xs[below(xs.length)];
  const b = builder();
  const of = (lane: Lane) => b.instrs.map((_, i) => i).filter((i) => b.instrs[i].lane === lane);
  const any = (lane: Lane): number => pick(of(lane));

  for (let i = 0; i < 2 + below(2); i++)
    b.input(
      pick(allDtypes),
      rows && random() < 0.4 ? pick([{ kind: "row" }, { kind: "col" }] as const) : { kind: "full" },
    );
  b.input(pick(["F32", "BF16", "F16", "F8_E4M3", "F8_E5M2"]));
  b.input(pick(["I32", "I16", "I8", "U8", "U16"]));
  b.input(pick(["BOOL", "U8"]), { kind: "full" }, "bool");
  b.add("param", [], "f32", { index: b.params++ });
  b.add("integer", [], "u32", { index: b.integers++ });
  b.add("integer", [], "u32", { index: b.integers++ });
  b.add("literal", [], "f32", { value: pick([0, -0, 1.5, -3, 1e20, Number.POSITIVE_INFINITY, Number.NaN, 0.1]) });
  b.add("literal", [], "i32", { value: pick([0, -7, 3, 2147483647, -2147483648]) });
  b.add("iota", [], "i32", rows ? { axis: below(2) } : { axis: 0 }, "element");
  b.add(
    "random_bits",
    [pickUniform(b, below), pickUniform(b, below)],
    "u32",
    { word: pick(["packed", 0, 1]) },
    "element",
  );

  for (let n = 0; n < 22; n++) {
    const choice = random();
    if (choice < 0.2) b.add(pick(floatUnary), [any("f32")], "f32");
    else if (choice < 0.35) b.add(pick(floatBinary), [any("f32"), any("f32")], "f32");
    else if (choice < 0.5)
      b.add(pick(["add", "sub", "mul", "min", "max", "idiv", "imod"]), [any("i32"), any("i32")], "i32");
    else if (choice < 0.55) b.add(pick(["neg", "abs"]), [any("i32")], "i32");
    else if (choice < 0.65) {
      const lane = pick(["f32", "i32", "u32"] as const);
      b.add(pick(compares), [any(lane), any(lane)], "bool");
    } else if (choice < 0.7) b.add(pick(["and", "or"]), [any("bool"), any("bool")], "bool");
    else if (choice < 0.73) b.add("not", [any("bool")], "bool");
    else if (choice < 0.8) {
      const lane = pick(["f32", "i32", "u32"] as const);
      b.add("where", [any("bool"), any(lane), any(lane)], lane);
    } else if (choice < 0.84) b.add("to_f32", [any(pick(["i32", "bool"] as const))], "f32");
    else if (choice < 0.88) b.add("to_i32", [any(pick(["f32", "bool"] as const))], "i32");
    else if (choice < 0.9) b.add("is_finite", [any("f32")], "bool");
    else if (choice < 0.92) keyOf(b, any("f32"));
    else if (choice < 0.94) b.add("unit", [any("u32")], "f32");
    else if (choice < 0.96) b.add("quantize", [any("f32")], "f32", { dtype: pick(allDtypes) });
    else if (choice < 0.98) {
      const keys = of("u32").filter((i) => b.instrs[i].level === "element");
      b.add("above", [pick(keys), pickUniform(b, below), pickUniform(b, below)], "bool");
    } else if (rows) b.add(pick(["row_max", "row_min"]), [any("f32")], "f32");
  }
  if (rows) {
    b.add("max", [b.add("row_max", [any("f32")], "f32"), any("f32")], "f32");
    b.add("row_argmax", [any("f32")], "i32");
    b.add("row_sum", [b.add("to_i32", [any("bool")], "i32")], "i32");
    b.add("row_min", [any("i32")], "i32");
  }

  for (let i = 0; i < 2 + below(2); i++) b.store(any(pick(["f32", "i32", "bool"] as const)), pick(allDtypes));
  const perRow = b.instrs.map((_, i) => i).filter((i) => b.instrs[i].level === "row" && b.instrs[i].lane !== "u32");
  if (rows && perRow.length > 0) b.store(pick(perRow), pick(allDtypes), "row");
  b.roots.push({ kind: "accumulate", fn: pick(["max", "min"]), value: any(pick(["f32", "i32", "bool"] as const)) });
  b.roots.push({ kind: "accumulate", fn: "sum", value: any(pick(["i32", "bool"] as const)) });
  b.roots.push({ kind: "argmax", value: any("f32") });
  const keys = of("u32").filter((i) => b.instrs[i].level === "element");
  b.integers += 2;
  b.roots.push({ kind: "histogram", key: pick(keys), lo: b.integers - 2, shift: b.integers - 1, bins: 64 });
  if (rows) b.roots.push({ kind: "column", fn: pick(["max", "min"]), value: any("f32") });
  return b.kernel(!rows);
}

/** The order key of a number; NaN, whose key is left open, becomes 0. */
export function keyOf(b: Builder, x: number): number {
  const zero = b.add("literal", [], "f32", { value: 0 });
  const isNumber = b.add("eq", [x, x], "bool");
  return b.add("order_key", [b.add("where", [isNumber, x, zero], "f32")], "u32");
}

function pickUniform(b: Builder, below: (n: number) => number): number {
  const uniform = b.instrs
    .map((_, i) => i)
    .filter((i) => b.instrs[i].level === "uniform" && b.instrs[i].lane === "u32");
  return uniform[below(uniform.length)];
}
