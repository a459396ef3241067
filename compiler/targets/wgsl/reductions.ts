/**
 * Reductions in WGSL. Each invocation folds its own groups of four lane by lane, then the four lanes, then a tree over
 * the workgroup in shared memory: an order that depends only on positions, so results are the same in every run and
 * for every cut into calls. Integers that leave the kernel are summed in two halves of 16 bits, exactly.
 */
import type { Kernel, Lane } from "../../kernels/index.js";
import { typeOf } from "./lanes.js";
import type { Fragment, Library } from "./library.js";
import { convert, type Generator, operand } from "./values.js";

export type Fold = "sum" | "max" | "min" | "argmax";
type Number = Exclude<Lane, "bool">;

/** Elements that one workgroup folds into one partial result: `workgroup_size` invocations times this many. */
export const elementsPerInvocation = 64;

const identities: Record<"max" | "min", Record<Number, string>> = {
  max: { f32: "from_bits_x1(0xff800000u)", i32: "i32(-2147483647 - 1)", u32: "0u" },
  min: { f32: "from_bits_x1(0x7f800000u)", i32: "2147483647", u32: "0xffffffffu" },
};

function identity(lib: Library, fold: "sum" | "max" | "min", lane: Number): string {
  if (fold === "sum") return `${lane}(0)`;
  if (lane === "f32") lib.call("from_bits", 1);
  return identities[fold][lane];
}

/** Text that folds two values. */
export function combine(
  lib: Library,
  fold: "sum" | "max" | "min",
  lane: Number,
  width: 1 | 4,
  a: string,
  b: string,
): string {
  if (fold === "sum") return `${a} + ${b}`;
  if (lane === "f32") return lib.call(fold === "max" ? "greatest" : "least", width, a, b);
  return `${fold}(${a}, ${b})`;
}

const tree = (fold: "sum" | "max" | "min", lane: Number): [string, Fragment] => {
  const both = {
    sum: "a + b",
    max: lane === "f32" ? "greatest_x1(a, b)" : "max(a, b)",
    min: lane === "f32" ? "least_x1(a, b)" : "min(a, b)",
  }[fold];
  const callee = fold === "max" ? "greatest" : "least";
  return [
    `workgroup_${fold}_${lane}`,
    {
      needs: [`shared_${lane}`, ...(lane === "f32" && fold !== "sum" ? [callee] : [])],
      code: () => `
fn workgroup_${fold}_${lane}_x1(lane: u32, x: ${lane}) -> ${lane} {
  workgroupBarrier();
  shared_${lane}[lane] = x;
  workgroupBarrier();
  for (var step = workgroup_size / 2u; step > 0u; step = step >> 1u) {
    if (lane < step) {
      let a = shared_${lane}[lane];
      let b = shared_${lane}[lane + step];
      shared_${lane}[lane] = ${both};
    }
    workgroupBarrier();
  }
  return shared_${lane}[0];
}`,
    },
  ];
};

const lanes: readonly Number[] = ["f32", "i32", "u32"];

export const reductionFragments: readonly (readonly [string, Fragment])[] = [
  ...lanes.map((lane): [string, Fragment] => [
    `shared_${lane}`,
    { needs: [], code: () => `var<workgroup> shared_${lane}: array<${lane}, workgroup_size>;` },
  ]),
  ...lanes.flatMap((lane) => [tree("sum", lane), tree("max", lane), tree("min", lane)]),
  [
    // Bits and position of the larger value; of equal values the one that comes first.
    "larger",
    {
      needs: ["gt", "eq"],
      code: () => `
fn larger_x1(x: f32, at: u32, y: f32, other: u32) -> vec2u {
  let take = gt_x1(y, x) | (eq_x1(y, x) & (other < at));
  return select(vec2u(bitcast<u32>(x), at), vec2u(bitcast<u32>(y), other), take);
}`,
    },
  ],
  [
    "larger_of_four",
    {
      needs: ["larger"],
      code: () => `
fn larger_of_four_x1(x: vec4f, at: vec4u) -> vec2u {
  let a = larger_x1(x.x, at.x, x.y, at.y);
  let b = larger_x1(bitcast<f32>(a.x), a.y, x.z, at.z);
  return larger_x1(bitcast<f32>(b.x), b.y, x.w, at.w);
}`,
    },
  ],
  [
    "workgroup_argmax",
    {
      needs: ["larger", "shared_f32", "shared_u32"],
      code: () => `
fn workgroup_argmax_x1(lane: u32, mine: vec2u) -> vec2u {
  workgroupBarrier();
  shared_f32[lane] = bitcast<f32>(mine.x);
  shared_u32[lane] = mine.y;
  workgroupBarrier();
  for (var step = workgroup_size / 2u; step > 0u; step = step >> 1u) {
    if (lane < step) {
      let best = larger_x1(shared_f32[lane], shared_u32[lane], shared_f32[lane + step], shared_u32[lane + step]);
      shared_f32[lane] = bitcast<f32>(best.x);
      shared_u32[lane] = best.y;
    }
    workgroupBarrier();
  }
  return vec2u(bitcast<u32>(shared_f32[0]), shared_u32[0]);
}`,
    },
  ],
];

/** A fold of an element value over the points that a workgroup visits. */
export interface Accumulator {
  /** Name of its variable. */
  readonly name: string;
  readonly fold: Fold;
  readonly value: number;
  /** Lane in which it folds. */
  readonly lane: Number;
  /** Integer sums in two exact halves. */
  readonly halves: boolean;
  /** What argmax reports: the position in the row, or from the call's start. */
  readonly position: "column" | "at";
}

/** Lane in which a value is folded: bool counts as 0 and 1. */
export function foldLane(lane: Lane): Number {
  return lane === "bool" ? "i32" : lane;
}

/** 32-bit words of one partial result. */
export function partialWords(kernel: Kernel, root: Kernel["roots"][number]): number {
  if (root.kind === "argmax") return 2;
  return root.kind === "accumulate" && root.fn === "sum" && kernel.instrs[root.value].lane !== "f32" ? 2 : 1;
}

/** The variables of an accumulator, empty. */
export function declare(lib: Library, a: Accumulator): string[] {
  if (a.fold === "argmax") {
    return [`var ${a.name} = vec4f(${identity(lib, "max", "f32")});`, `var ${a.name}_at = vec4u(0xffffffffu);`];
  }
  if (a.halves) return [`var ${a.name} = vec4u(0u);`, `var ${a.name}_high = vec4i(0);`];
  return [`var ${a.name} = ${typeOf(a.lane, 4)}(${identity(lib, a.fold, a.lane)});`];
}

/** Folds the current four elements in, where `inside` is true. */
export function update({ kernel, lib }: Generator, a: Accumulator): string[] {
  const x = convert(lib, kernel.instrs[a.value].lane, a.lane, 4, operand(kernel, a.value, 4));
  if (a.fold === "argmax") {
    return [
      `let ${a.name}_better = inside & ${lib.call("gt", 4, x, a.name)};`,
      `${a.name} = select(${a.name}, ${x}, ${a.name}_better);`,
      `${a.name}_at = select(${a.name}_at, ${a.position}, ${a.name}_better);`,
    ];
  }
  if (a.halves) {
    return [
      `let ${a.name}_new = select(${typeOf(a.lane, 4)}(0), ${x}, inside);`,
      `${a.name} += bitcast<vec4u>(${a.name}_new) & vec4u(0xffffu);`,
      `${a.name}_high += bitcast<vec4i>(${a.name}_new >> vec4u(16u));`,
    ];
  }
  if (a.fold === "sum") return [`${a.name} += select(${typeOf(a.lane, 4)}(0), ${x}, inside);`];
  return [`${a.name} = select(${a.name}, ${combine(lib, a.fold, a.lane, 4, a.name, x)}, inside);`];
}

function overLanes(lib: Library, fold: "sum" | "max" | "min", lane: Number, v: string): string {
  const pair = (a: string, b: string) => `(${combine(lib, fold, lane, 1, a, b)})`;
  return pair(pair(`${v}.x`, `${v}.y`), pair(`${v}.z`, `${v}.w`));
}

/** Folds over the workgroup; the result is in `{name}_all` (argmax: bits and position), and for halves in `{name}_high_all` too. */
export function finish(lib: Library, a: Accumulator): string[] {
  if (a.fold === "argmax") {
    const mine = lib.call("larger_of_four", 1, a.name, `${a.name}_at`);
    return [`let ${a.name}_all = ${lib.call("workgroup_argmax", 1, "lane", mine)};`];
  }
  const { fold } = a;
  const all = (name: string, lane: Number) =>
    `let ${name}_all = ${lib.call(`workgroup_${fold}_${lane}`, 1, "lane", overLanes(lib, fold, lane, name))};`;
  return a.halves ? [all(a.name, "u32"), all(`${a.name}_high`, "i32")] : [all(a.name, a.lane)];
}

/** Writes a finished accumulator as partial result number `index` from the word `offset` on. */
export function writePartial(a: Accumulator, offset: string, index: string): string[] {
  const at = a.fold === "argmax" || a.halves ? `${offset} + ${index} * 2u` : `${offset} + ${index}`;
  const words =
    a.fold === "argmax"
      ? [`${a.name}_all.x`, `${a.name}_all.y`]
      : a.halves
        ? [`${a.name}_all`, `bitcast<u32>(${a.name}_high_all)`]
        : [`bitcast<u32>(${a.name}_all)`];
  return ["if (lane == 0u) {", ...words.map((w, i) => `  results[${at}${i === 0 ? "" : " + 1u"}] = ${w};`), "}"];
}
