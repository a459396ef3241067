/**
 * Random kernels for tests of the targets: in a seed, out a kernel with arguments for a call. Every elementwise
 * operation whose result is exactly defined, every dtype, access and root occurs; operations with a tolerance are left
 * to tests of their own. The generator never asks for what is undefined: keys are made from finite numbers, f32 row sums
 * are of whole numbers.
 */
import { bytesOf, encodeElements, isFloat, type StorageDtype, storageDtypes } from "../../../compiler/ir/index.js";
import type {
  Access,
  Instr,
  Kernel,
  KernelArguments,
  KernelInput,
  Lane,
  Root,
} from "../../../compiler/kernels/index.js";

export type Random = () => number;

/** Numbers in [0, 1) from a seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)];

const special = [
  0,
  -0,
  1,
  -1,
  0.5,
  1.5,
  2.5,
  -2.5,
  Infinity,
  -Infinity,
  NaN,
  1e-40,
  -1e-45,
  3e38,
  65504,
  65520,
  448,
  465,
  2 ** -24,
  2 ** -9,
  1e-6,
];

/** `count` elements of a dtype: mostly ordinary numbers, now and then a special one. */
export function randomBytes(random: Random, dtype: StorageDtype, count: number): Uint8Array {
  const bytes = new Uint8Array(count * bytesOf(dtype));
  if (!isFloat(dtype))
    return bytes.map(() => (dtype === "BOOL" ? Math.floor(random() * 3) : Math.floor(random() * 256)));
  const values = Array.from({ length: count }, () => {
    if (random() < 0.02) return pick(random, special);
    return (random() + random() - 1) * 2 ** Math.floor(random() * 6 - 3);
  });
  encodeElements(bytes, dtype, 0, values);
  return bytes;
}

const loadable = Object.keys(storageDtypes).filter((d) => d !== "I64" && d !== "U64") as StorageDtype[];
const storable = Object.keys(storageDtypes) as StorageDtype[];

export interface Case {
  readonly kernel: Kernel;
  readonly args: KernelArguments;
  /** A strided access: only a call for the whole tensor is allowed. */
  readonly whole: boolean;
}

interface Writer {
  readonly instrs: Instr[];
  readonly add: (
    op: string,
    lane: Lane,
    args?: number[],
    attrs?: Record<string, unknown>,
    level?: Instr["level"],
  ) => number;
}

function writer(): Writer {
  const instrs: Instr[] = [];
  const rank = { uniform: 0, row: 1, element: 2 };
  return {
    instrs,
    add(op, lane, args = [], attrs = {}, level) {
      const inherited = args
        .map((a) => instrs[a].level)
        .reduce((x, y) => (rank[x] > rank[y] ? x : y), "uniform" as Instr["level"]);
      instrs.push({ op, lane, args, attrs, level: level ?? inherited });
      return instrs.length - 1;
    },
  };
}

/** A row-major box with `count` points. */
function boxOf(random: Random, count: number): number[] {
  const divisors = [2, 3, 4, 5, 8].filter((d) => count % d === 0);
  if (divisors.length === 0) return random() < 0.5 ? [count] : [1, count];
  const d = pick(random, divisors);
  return random() < 0.5 ? [count / d, d] : [d, 1, count / d];
}

function randomAccess(
  random: Random,
  flat: boolean,
  points: number,
): { access: Access; elements: (rows: number, cols: number) => number } {
  const kind = pick(random, ["full", "full", "full", "row", "col", "strided"] as const);
  if (kind === "full") return { access: { kind }, elements: (rows, cols) => rows * cols };
  if (kind === "row") return { access: { kind }, elements: (rows) => rows };
  if (kind === "col") return { access: { kind }, elements: (_, cols) => (flat ? 1 : cols) };
  const dims = boxOf(random, points);
  const style = random();
  let size = 1;
  const strides = dims.map(() => 0);
  const order = style < 0.5 ? dims.map((_, d) => d).reverse() : dims.map((_, d) => d);
  for (const d of order) {
    if (random() < 0.3) continue;
    strides[d] = size;
    size *= dims[d];
  }
  return { access: { kind, dims, strides, offset: 3 }, elements: () => size + 3 };
}

/** A kernel with a call of `count` elements (flat) or of `count` rows of `cols` elements. */
export function randomCase(seed: number, count: number, cols: number | null, block: number, first: number): Case {
  const random = randomFrom(seed);
  const flat = cols === null;
  const columns = cols ?? 1;
  const w = writer();
  const inputs: KernelInput[] = [];
  const buffers: Uint8Array[] = [];
  let whole = false;
  const values: Record<Lane, number[]> = { f32: [], i32: [], u32: [], bool: [] };
  const keep = (i: number) => {
    values[w.instrs[i].lane].push(i);
    return i;
  };
  const some = (lane: Lane) => pick(random, values[lane]);

  for (let i = 0; i < 4; i++) {
    const dtype = pick(random, i === 0 ? (["F32", "BF16"] as const) : loadable);
    const { access, elements } =
      i === 0
        ? { access: { kind: "full" } as const, elements: (r: number, c: number) => r * c }
        : randomAccess(random, flat, count * columns);
    whole ||= access.kind === "strided";
    inputs.push({ dtype, access });
    buffers.push(randomBytes(random, dtype, elements(count, columns)));
    const level = access.kind === "row" && !flat ? "row" : access.kind === "col" && flat ? "uniform" : "element";
    const lane = isFloat(dtype) ? "f32" : pick(random, ["i32", "f32", "bool"] as const);
    keep(w.add("load", i === 0 ? "f32" : lane, [], { input: i }, random() < 0.2 ? "element" : level));
  }
  const key0 = w.add("integer", "u32", [], { index: 0 });
  const key1 = w.add("integer", "u32", [], { index: 1 });
  keep(w.add("param", "f32", [], { index: 0 }));
  keep(w.add("literal", "f32", [], { value: pick(random, [2, 0.5, -0, 0, 0, 1e10, NaN]) }));
  keep(w.add("literal", "bool", [], { value: random() < 0.5 }));
  keep(w.add("literal", "i32", [], { value: pick(random, [0, 3, -7]) }));
  const points = (first + count) * columns;
  keep(
    w.add(
      "iota",
      "i32",
      [],
      {
        axis: 0,
        ...(random() < 0.5 ? { dims: points < 2 ** 31 ? [points] : [Math.ceil(points / 2 ** 24), 2 ** 24] } : {}),
      },
      "element",
    ),
  );
  if (first === 0) {
    const dims = boxOf(random, points);
    keep(w.add("iota", "i32", [], { axis: Math.floor(random() * dims.length), dims }, "element"));
  }
  keep(w.add("iota", "i32", [], { axis: 1 }, "element"));
  keep(w.add("random_bits", "u32", [key0, key1], { word: pick(random, ["packed", 0, 1] as const) }, "element"));
  keep(w.add("unit", "f32", [values.u32[0]]));
  const finiteKey = (x: number) =>
    w.add("order_key", "u32", [
      w.add("where", "f32", [w.add("is_finite", "bool", [x]), x, w.add("literal", "f32", [], { value: 0 })]),
    ]);
  keep(finiteKey(some("f32")));

  const makers: (() => number)[] = [
    ...(["add", "sub", "mul", "div", "min", "max", "mod"] as const).map(
      (op) => () => w.add(op, "f32", [some("f32"), some("f32")]),
    ),
    ...(["neg", "abs", "sqrt", "floor", "ceil", "trunc", "round"] as const).map(
      (op) => () => w.add(op, "f32", [some("f32")]),
    ),
    ...(["add", "sub", "mul", "min", "max", "idiv", "imod"] as const).map(
      (op) => () => w.add(op, "i32", [some("i32"), some("i32")]),
    ),
    ...(["neg", "abs"] as const).map((op) => () => w.add(op, "i32", [some("i32")])),
    ...(["eq", "ne", "lt", "le", "gt", "ge"] as const).map((op) => () => {
      const lane = pick(random, ["f32", "i32", "u32"] as const);
      return w.add(op, "bool", [some(lane), some(lane)]);
    }),
    ...(["and", "or"] as const).map((op) => () => w.add(op, "bool", [some("bool"), some("bool")])),
    () => w.add("not", "bool", [some("bool")]),
    () => w.add("is_finite", "bool", [some("f32")]),
    () => {
      const lane = pick(random, ["f32", "i32", "bool", "u32"] as const);
      return w.add("where", lane, [some("bool"), some(lane), some(lane)]);
    },
    () => w.add("to_f32", "f32", [some(pick(random, ["i32", "bool", "u32"] as const))]),
    () => w.add("to_i32", "i32", [some(pick(random, ["f32", "bool"] as const))]),
    () =>
      w.add("quantize", "f32", [some("f32")], {
        dtype: pick(
          random,
          storable.filter((d) => isFloat(d)),
        ),
      }),
    () => w.add("above", "bool", [finiteKey(some("f32")), key0, key1], {}, "element"),
    () => finiteKey(some("f32")),
  ];
  const rowMakers: (() => number)[] = [
    () => w.add(pick(random, ["row_max", "row_min"] as const), "f32", [some("f32")], {}, "row"),
    () => w.add("row_argmax", "i32", [some(pick(random, ["f32", "i32"] as const))], {}, "row"),
    () => w.add("row_sum", "i32", [some(pick(random, ["i32", "bool"] as const))], {}, "row"),
    () => w.add("row_sum", "f32", [w.add("to_f32", "f32", [some("bool")])], {}, "row"),
    () => w.add(pick(random, ["row_max", "row_min"] as const), "i32", [some("i32")], {}, "row"),
  ];
  for (let i = 0; i < 14; i++) keep(pick(random, !flat && i % 3 === 2 ? rowMakers : makers)());

  const roots: Root[] = [];
  const outputs: { dtype: StorageDtype; access: "full" | "row" }[] = [];
  for (let i = 0; i < 3; i++) {
    const value = pick(random, [...values.f32, ...values.i32, ...values.bool, ...values.u32]);
    const isRow = !flat && w.instrs[value].level !== "element" && random() < 0.7;
    outputs.push({ dtype: pick(random, storable), access: isRow ? "row" : "full" });
    roots.push({ kind: "store", value, output: i });
  }
  const numbers = [...values.f32, ...values.i32, ...values.bool];
  roots.push({ kind: "accumulate", fn: pick(random, ["max", "min"] as const), value: pick(random, numbers) });
  roots.push({ kind: "accumulate", fn: "sum", value: pick(random, [...values.i32, ...values.bool]) });
  if (random() < 0.5) roots.push({ kind: "argmax", value: pick(random, [...values.f32, ...values.i32]) });
  if (random() < 0.5)
    roots.push({ kind: "histogram", key: some("u32"), lo: 2, shift: 3, bins: pick(random, [1, 16, 1000]) });
  if (!flat && random() < 0.5)
    roots.push({ kind: "column", fn: pick(random, ["sum", "max", "min"] as const), value: pick(random, numbers) });

  const kernel: Kernel = {
    text: `random ${seed} ${flat}`,
    flat,
    inputs,
    outputs,
    params: 1,
    integers: 4,
    instrs: w.instrs,
    roots,
  };
  const out = outputs.map(
    ({ dtype, access }) => new Uint8Array(bytesOf(dtype) * (access === "row" ? count : count * columns)),
  );
  const window = pick(random, [
    [0x80000000, 21],
    [0xbf000000, 12],
    [0, 24],
    [0xfffffff0, 3],
    [0x40000000, 31],
  ]);
  const integers = [Math.floor(random() * 2 ** 32), pick(random, [5, 0xbf800000]), ...window];
  return {
    kernel,
    whole,
    args: {
      kernel,
      first: whole ? 0 : first,
      count,
      cols: columns,
      block,
      inputs: buffers,
      outputs: out,
      params: [1.25],
      integers,
    },
  };
}
