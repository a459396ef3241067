/**
 * Kernel → WGSL module. In: a kernel and how many storage buffers a shader may bind. Out: the text, its entries in the
 * order in which they run, and the layout of its arguments (`call.ts` fills it). The text needs no extension: no f16,
 * no subgroups. Sizes, offsets, params and integers are in the uniform block; `workgroup_size` is an override.
 */
import type { Kernel } from "../../kernels/index.js";
import { arithmeticFragments } from "./arithmetic.js";
import { columnsEntry, columnsWorkgroupSize } from "./columns.js";
import { formatFragments } from "./formats.js";
import { guaranteedStorageBuffers, layoutOf, type WgslLayout } from "./layout.js";
import { library } from "./library.js";
import { loadFunctions, storeFunctions } from "./memory.js";
import { randomFragments } from "./random.js";
import { reductionFragments } from "./reductions.js";
import { exportedReductions, hasMain, mainEntry, type Schedule, scheduleOf } from "./schedule.js";
import { transcendentalFragments } from "./transcendental.js";
import { type Generator, levelOf } from "./values.js";

export interface WgslProgram {
  readonly kernel: Kernel;
  readonly code: string;
  /** The shape of the loops of `main`. */
  readonly schedule: Schedule;
  /** Entries in the order in which they run; the second sees what the first wrote. `main` takes the override `workgroup_size`. */
  readonly entries: readonly { readonly name: "main" | "columns"; readonly workgroupSize: number | "override" }[];
  readonly layout: WgslLayout;
  /** Number of row values that the main entry leaves for the columns entry. */
  readonly exported: number;
}

const fragments = new Map([
  ...arithmeticFragments,
  ...transcendentalFragments,
  ...randomFragments,
  ...formatFragments,
  ...reductionFragments,
]);

function bindings(kernel: Kernel, layout: WgslLayout): string[] {
  const at = (binding: number, rest: string) => `@group(0) @binding(${binding}) var${rest};`;
  return [
    at(0, `<uniform> call: array<vec4u, ${layout.words / 4}>`),
    ...[...new Set(layout.inputBindings)].map((b) => at(b, `<storage, read> input${b}: array<u32>`)),
    ...kernel.outputs.map((_, n) =>
      at(layout.outputBindings[n], `<storage, read_write> output${layout.outputBindings[n]}: array<u32>`),
    ),
    ...(layout.results === null ? [] : [at(layout.results, "<storage, read_write> results: array<u32>")]),
    ...(layout.counts === null ? [] : [at(layout.counts, "<storage, read_write> counts: array<atomic<u32>>")]),
  ];
}

/** Refuses a program that breaks the contract of kernel.ts. */
function check(kernel: Kernel): void {
  for (const root of kernel.roots) {
    if (root.kind === "column" && kernel.flat) throw new Error("a flat kernel has no column roots");
  }
  kernel.instrs.forEach((instr, i) => {
    if (kernel.flat && instr.op.startsWith("row_")) throw new Error("a flat kernel has no row reductions");
    if (instr.op === "random_bits" && instr.args.some((a) => levelOf(kernel, a) !== "uniform")) {
      throw new Error(`the key of random_bits %${i} must be uniform`);
    }
  });
}

/**
 * The WGSL of a kernel. `storageBuffers` is the device's maxStorageBuffersPerShaderStage. Throws a RangeError when the
 * outputs alone are more than that, an Error for a kernel that breaks the contract of kernel.ts.
 */
export function emitWgsl(kernel: Kernel, storageBuffers: number = guaranteedStorageBuffers): WgslProgram {
  check(kernel);
  const layout = layoutOf(kernel, storageBuffers);
  const lib = library(fragments);
  const g: Generator = { kernel, layout, lib };
  const main = hasMain(g) ? mainEntry(g) : [];
  const columns = columnsEntry(g);
  const memory = [
    ...kernel.inputs.flatMap((_, n) => loadFunctions(lib, kernel, layout, n)),
    ...kernel.outputs.flatMap((_, n) => storeFunctions(kernel, layout, n)),
  ];
  const parts = [
    ["override workgroup_size: u32 = 256u;", ...bindings(kernel, layout)],
    lib.print(),
    memory,
    main,
    columns,
  ];
  return {
    kernel,
    code: `${parts
      .filter((lines) => lines.length > 0)
      .map((lines) => lines.join("\n"))
      .join("\n\n")}\n`,
    schedule: scheduleOf(g),
    entries: [
      ...(main.length > 0 ? [{ name: "main" as const, workgroupSize: "override" as const }] : []),
      ...(columns.length > 0 ? [{ name: "columns" as const, workgroupSize: columnsWorkgroupSize }] : []),
    ],
    layout,
    exported: exportedReductions(g).length,
  };
}
