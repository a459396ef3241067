/**
 * The columns entry: reductions over the rows of a block, top to bottom. One invocation takes one column of one block
 * and computes one element at a time. Row reductions that the values need were left in `results` by the main entry.
 */
import { isRowReduction } from "../../kernels/index.js";
import { word } from "./layout.js";
import type { Place } from "./memory.js";
import { combine, foldLane } from "./reductions.js";
import { exportedReductions, headerLines, indent, scratchIndex, uniformLines, valueOfRoot } from "./schedule.js";
import { closureOf, convert, type Generator, nameOf, valueLines } from "./values.js";

const place: Place = {
  width: 1,
  quad: null,
  at: "at",
  number: "(base + at)",
  row: "row",
  column: "column",
  flat: false,
};
const placeOfRow: Place = { ...place, at: "(row * cols)", number: "(base + row * cols)", column: "0u" };

export const columnsWorkgroupSize = 64;

/** The lines of the columns entry, none when the kernel has no column root. */
export function columnsEntry(g: Generator): string[] {
  const { kernel, layout, lib } = g;
  const numbers = kernel.roots.map((_, n) => n).filter((n) => kernel.roots[n].kind === "column");
  if (numbers.length === 0) return [];
  const exported = exportedReductions(g);
  const seeds = numbers.map((n) => valueOfRoot(kernel.roots[n]));
  const wanted = closureOf(kernel, seeds, (i) => !isRowReduction(kernel.instrs[i].op));

  const rowValues = exported.map((i) => {
    const { lane } = kernel.instrs[i];
    const word = `results[${scratchIndex(exported, i)}]`;
    return `let ${nameOf(kernel, i)} = ${lane === "bool" ? `${word} != 0u` : `bitcast<${lane}>(${word})`};`;
  });
  const folds = numbers.map((n) => {
    const root = kernel.roots[n];
    if (root.kind !== "column") throw new Error("not a column root");
    const value = convert(lib, kernel.instrs[root.value].lane, "f32", 1, nameOf(kernel, root.value));
    const initial = {
      sum: "f32(0.0)",
      max: lib.call("from_bits", 1, "0xff800000u"),
      min: lib.call("from_bits", 1, "0x7f800000u"),
    }[root.fn];
    return {
      declare: `var c${n} = ${initial};`,
      update: `c${n} = ${combine(lib, root.fn, foldLane("f32"), 1, `c${n}`, value)};`,
      write: `results[${word(layout.rootOffsets[n])} + job] = bitcast<u32>(c${n});`,
    };
  });
  return [
    `@compute @workgroup_size(${columnsWorkgroupSize})`,
    "fn columns(@builtin(workgroup_id) at_group: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) lane: u32) {",
    ...indent([
      ...headerLines(["base", "count", "cols", "block"]),
      ...uniformLines(g, wanted),
      `let job = (at_group.y * grid.x + at_group.x) * ${columnsWorkgroupSize}u + lane;`,
      "let first_row = (job / cols) * block;",
      "let column = job % cols;",
      "if (first_row >= count) { return; }",
      ...folds.map((f) => f.declare),
      "for (var row = first_row; row < first_row + min(block, count - first_row); row++) {",
      ...indent([
        "let at = row * cols + column;",
        ...rowValues,
        ...valueLines(g, wanted, "row", placeOfRow),
        ...valueLines(g, wanted, "element", place),
        ...folds.map((f) => f.update),
      ]),
      "}",
      ...folds.map((f) => f.write),
    ]),
    "}",
  ];
}
