/**
 * The main entry of a kernel: the loops of a workgroup. In: a kernel. Out: the lines of `fn main`.
 *
 * Three shapes. *each*: a flat kernel without partial results; one invocation computes four elements. *segments*: a flat
 * kernel that reduces; one workgroup takes a segment of a block. *rows*: one workgroup takes a row (or a few rows one
 * after the other, when rows share words) and walks it once a stage, and within that once a segment where something is reduced per block.
 */
import { isRowReduction, type Lane, type Root, stagesOf } from "../../kernels/index.js";
import { encode } from "./formats.js";
import { header, word } from "./layout.js";
import { type Place, rawArguments } from "./memory.js";
import {
  type Accumulator,
  declare,
  elementsPerInvocation,
  type Fold,
  finish,
  foldLane,
  update,
  writePartial,
} from "./reductions.js";
import { closureOf, convert, type Generator, isRowLevel, levelOf, nameOf, operand, valueLines } from "./values.js";

export type Schedule = "each" | "segments" | "rows";

export const indent = (lines: readonly string[]) => lines.map((l) => `  ${l}`);

const block = (head: string, lines: readonly string[]) => [`${head} {`, ...indent(lines), "}"];

/** `let` lines for words of the uniform block. */
export function headerLines(names: readonly (keyof typeof header)[]): string[] {
  return names.map((name) => `let ${name} = ${word(header[name])};`);
}

export const valueOfRoot = (root: Root) => (root.kind === "histogram" ? root.key : root.value);

/** Whether a root leaves one partial result a segment (and not one a row, or none). */
export function isSegmented(g: Generator, root: Root): boolean {
  if (root.kind === "argmax") return true;
  return root.kind === "accumulate" && !isRowLevel(g.kernel, root.value);
}

export function scheduleOf(g: Generator): Schedule {
  if (!g.kernel.flat) return "rows";
  return g.kernel.roots.some((root) => isSegmented(g, root)) ? "segments" : "each";
}

const placeOfQuad = (flat: boolean): Place => ({
  width: 4,
  quad: "quad",
  at: "at",
  number: "number",
  row: flat ? "at" : "row",
  column: flat ? "vec4u(0u)" : "column",
  flat,
});

const placeOfRow: Place = {
  width: 1,
  quad: null,
  at: "start",
  number: "(base + start)",
  row: "row",
  column: "0u",
  flat: false,
};
export const placeOfCall: Place = {
  width: 1,
  quad: null,
  at: "0u",
  number: "base",
  row: "0u",
  column: "0u",
  flat: false,
};

/** Lines that feed element values to roots at the current four elements. */
function rootLines(g: Generator, numbers: readonly number[], storeMask: string): string[] {
  const { kernel, layout, lib } = g;
  return numbers.flatMap((n) => {
    const root = kernel.roots[n];
    if (root.kind === "store") {
      const { lane } = kernel.instrs[root.value];
      const raw = encode(lib, kernel.outputs[root.output].dtype, lane, 4, operand(kernel, root.value, 4));
      return [`store${root.output}(quad, ${rawArguments(raw)}, ${storeMask});`];
    }
    if (root.kind !== "histogram") return [];
    const key = operand(kernel, root.key, 4);
    const integer = (i: number) => word(layout.integers + i);
    return [
      ...block("for (var j = 0u; j < 4u; j++)", [
        `let key = ${key}[j];`,
        ...block(`if (inside[j] && key >= ${integer(root.lo)})`, [
          `atomicAdd(&counts[${word(layout.rootOffsets[n])} + min((key - ${integer(root.lo)}) >> (${integer(root.shift)} & 31u), ${root.bins}u)], 1u);`,
        ]),
      ]),
    ];
  });
}

function accumulatorOf(g: Generator, n: number): Accumulator {
  const root = g.kernel.roots[n];
  const value = valueOfRoot(root);
  const fold: Fold = root.kind === "accumulate" ? root.fn : "argmax";
  const lane = fold === "argmax" ? "f32" : foldLane(g.kernel.instrs[value].lane);
  return { name: `p${n}`, fold, value, lane, halves: fold === "sum" && lane !== "f32", position: "at" };
}

/** The body of a loop over groups of four: their positions, their values, then what is done with them. */
function quadBody(
  g: Generator,
  roots: readonly number[],
  accumulators: readonly Accumulator[],
  storeMask: string,
): string[] {
  const { kernel } = g;
  const isElement = (i: number) => levelOf(kernel, i) === "element";
  const seeds = [...roots.map((n) => valueOfRoot(kernel.roots[n])), ...accumulators.map((a) => a.value)];
  return [
    "let at = vec4u(quad * 4u) + vec4u(0u, 1u, 2u, 3u);",
    "let number = vec4u(base) + at;",
    ...(kernel.flat ? [] : ["let column = at - vec4u(start);"]),
    "let inside = (at >= vec4u(low)) & (at < vec4u(high));",
    ...valueLines(g, closureOf(kernel, seeds, isElement), "element", placeOfQuad(kernel.flat)),
    ...accumulators.flatMap((a) => update(g, a)),
    ...rootLines(g, roots, storeMask),
  ];
}

const quadLoop = (lines: readonly string[]) =>
  block("for (var quad = low / 4u + lane; quad * 4u < high; quad += workgroup_size)", lines);
const segmentBounds = [
  `let low = start + segment * (workgroup_size * ${elementsPerInvocation}u);`,
  `let high = min(end, low + workgroup_size * ${elementsPerInvocation}u);`,
];

function eachLines(g: Generator): string[] {
  const roots = g.kernel.roots.map((_, n) => n);
  return [
    ...headerLines(["base", "count", "groups"]),
    ...uniformLines(g, g.kernel.roots.map(valueOfRoot)),
    "let quad = group * workgroup_size + lane;",
    "let low = 0u;",
    "let high = count;",
    ...block("if (group < groups && quad * 4u < count)", quadBody(g, roots, [], "inside")),
  ];
}

function segmentsLines(g: Generator): string[] {
  const { kernel, layout, lib } = g;
  const numbers = kernel.roots.map((_, n) => n);
  const accumulators = numbers.filter((n) => isSegmented(g, kernel.roots[n])).map((n) => accumulatorOf(g, n));
  const others = numbers.filter((n) => !isSegmented(g, kernel.roots[n]));
  return [
    ...headerLines(["base", "count", "block", "segments", "groups"]),
    ...uniformLines(g, kernel.roots.map(valueOfRoot)),
    ...block("if (group < groups)", [
      "let segment = group % segments;",
      "let start = (group / segments) * block;",
      "let end = start + min(block, count - start);",
      ...segmentBounds,
      ...accumulators.flatMap((a) => declare(lib, a)),
      // Four neighbours that reach over the end of a segment are stored where they begin.
      ...quadLoop(quadBody(g, others, accumulators, "(at < vec4u(count)) & vec4<bool>(quad * 4u >= low)")),
      ...accumulators.flatMap((a) => [
        ...finish(lib, a),
        ...writePartial(a, word(layout.rootOffsets[Number(a.name.slice(1))]), "group"),
      ]),
    ]),
  ];
}

function rowsLines(g: Generator): string[] {
  const { kernel } = g;
  const exported = exportedReductions(g);
  const roots = kernel.roots.map((_, n) => n).filter((n) => kernel.roots[n].kind !== "column");
  const wanted = closureOf(kernel, [...roots.map((n) => valueOfRoot(kernel.roots[n])), ...exported], () => true);
  const { of, ofRoot } = stagesOf(kernel);
  const last = Math.max(0, ...[...wanted].map((i) => of[i]), ...roots.map((n) => ofRoot[n]));
  const body: string[] = [];
  for (let stage = 0; stage <= last; stage++) {
    body.push(
      ...stageLines(
        g,
        stage,
        wanted,
        exported,
        roots.filter((n) => ofRoot[n] === stage),
      ),
    );
  }
  return [
    ...headerLines(["base", "count", "cols", "rowsPerGroup", "segments"]),
    ...uniformLines(g, wanted),
    ...block("for (var turn = 0u; turn < rowsPerGroup; turn++)", [
      "let row = group * rowsPerGroup + turn;",
      ...block("if (row < count)", [
        "let start = row * cols;",
        "let end = start + cols;",
        ...body,
        "storageBarrier();",
      ]),
    ]),
  ];
}

/** One walk along a row: the row values that are known by now, then a loop over the elements and what it reduces. */
function stageLines(
  g: Generator,
  stage: number,
  wanted: ReadonlySet<number>,
  exported: readonly number[],
  roots: readonly number[],
): string[] {
  const { kernel, layout, lib } = g;
  const { of } = stagesOf(kernel);
  const here = new Set([...wanted].filter((i) => of[i] === stage));
  const lines = valueLines(g, here, "row", placeOfRow);

  const perRow = roots.filter((n) => isPerRow(g, kernel.roots[n]));
  if (perRow.length > 0)
    lines.push(
      ...block(
        "if (lane == 0u)",
        perRow.flatMap((n) => perRowLines(g, n)),
      ),
    );

  const inner = roots.filter((n) => !perRow.includes(n));
  const segmented = inner.filter((n) => isSegmented(g, kernel.roots[n])).map((n) => accumulatorOf(g, n));
  const reductions = [...wanted]
    .filter((i) => isRowReduction(kernel.instrs[i].op) && of[i] === stage + 1)
    .sort((a, b) => a - b)
    .map((i): Accumulator => {
      const { op, lane, args } = kernel.instrs[i];
      const fold = op.slice("row_".length) as Fold;
      return {
        name: `a${i}`,
        fold,
        value: args[0],
        lane: fold === "argmax" ? "f32" : foldLane(lane),
        halves: false,
        position: "column",
      };
    });
  if (inner.length === 0 && reductions.length === 0) return lines;

  const loop = quadLoop(
    quadBody(
      g,
      inner.filter((n) => !isSegmented(g, kernel.roots[n])),
      [...reductions, ...segmented],
      "inside",
    ),
  );
  lines.push(...reductions.flatMap((a) => declare(lib, a)));
  if (segmented.length === 0) lines.push(...block("", ["let low = start;", "let high = end;", ...loop]));
  else {
    lines.push(
      ...block("for (var segment = 0u; segment < segments; segment++)", [
        ...segmentBounds,
        ...segmented.flatMap((a) => declare(lib, a)),
        ...loop,
        ...segmented.flatMap((a) => [
          ...finish(lib, a),
          ...writePartial(a, word(layout.rootOffsets[Number(a.name.slice(1))]), "(row * segments + segment)"),
        ]),
        "storageBarrier();",
      ]),
    );
  }
  for (const a of reductions) {
    const i = Number(a.name.slice(1));
    lines.push(...finish(lib, a));
    const found = a.fold === "argmax" ? `select(${a.name}_all.y, 0u, ${a.name}_all.y == 0xffffffffu)` : `${a.name}_all`;
    const from = a.fold === "argmax" ? "u32" : a.lane;
    lines.push(`let ${nameOf(kernel, i)} = ${convert(lib, from, kernel.instrs[i].lane, 1, found)};`);
    if (exported.includes(i)) {
      lines.push(
        `if (lane == 0u) { results[${scratchIndex(exported, i)}] = ${bitsOf(kernel.instrs[i].lane, nameOf(kernel, i))}; }`,
      );
    }
  }
  return lines;
}

const bitsOf = (lane: Lane, value: string) => (lane === "bool" ? `select(0u, 1u, ${value})` : `bitcast<u32>(${value})`);

/** Whether a root is fed once a row. */
function isPerRow(g: Generator, root: Root): boolean {
  if (root.kind === "store") return g.kernel.outputs[root.output].access === "row";
  return root.kind === "accumulate" && isRowLevel(g.kernel, root.value);
}

function perRowLines(g: Generator, n: number): string[] {
  const { kernel, layout, lib } = g;
  const root = kernel.roots[n];
  const value = valueOfRoot(root);
  const name = nameOf(kernel, value);
  const { lane } = kernel.instrs[value];
  if (root.kind === "store") {
    return [
      `store${root.output}_one(row, ${rawArguments(encode(lib, kernel.outputs[root.output].dtype, lane, 1, name))});`,
    ];
  }
  const to = foldLane(lane);
  const x = convert(lib, lane, to, 1, name);
  const offset = word(layout.rootOffsets[n]);
  if (to === "f32" || root.kind !== "accumulate" || root.fn !== "sum")
    return [`results[${offset} + row] = bitcast<u32>(${x});`];
  return [
    `results[${offset} + row * 2u] = bitcast<u32>(${x}) & 0xffffu;`,
    `results[${offset} + row * 2u + 1u] = bitcast<u32>(${x} >> 16u);`,
  ];
}

/** Row reductions that the columns entry reads, in program order. */
export function exportedReductions({ kernel }: Generator): number[] {
  const seeds = kernel.roots.filter((r) => r.kind === "column").map(valueOfRoot);
  const reached = closureOf(kernel, seeds, (i) => !isRowReduction(kernel.instrs[i].op));
  return [...reached].filter((i) => isRowReduction(kernel.instrs[i].op)).sort((a, b) => a - b);
}

/** Position in `results` of an exported reduction of the current row. */
export function scratchIndex(exported: readonly number[], i: number): string {
  return `${word(header.scratch)} + ${exported.indexOf(i)}u * count + row`;
}

/** The uniform values that some instructions need. */
export function uniformLines(g: Generator, seeds: Iterable<number>): string[] {
  return valueLines(
    g,
    closureOf(g.kernel, seeds, () => true),
    "uniform",
    placeOfCall,
  );
}

/** Whether the kernel has anything for the main entry to do. */
export function hasMain(g: Generator): boolean {
  return g.kernel.roots.some((r) => r.kind !== "column") || exportedReductions(g).length > 0;
}

/** The lines of the main entry. */
export function mainEntry(g: Generator): string[] {
  const lines = { each: eachLines, segments: segmentsLines, rows: rowsLines }[scheduleOf(g)](g);
  return [
    "@compute @workgroup_size(workgroup_size)",
    ...block(
      "fn main(@builtin(workgroup_id) at_group: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) lane: u32)",
      ["let group = at_group.y * grid.x + at_group.x;", ...lines],
    ),
  ];
}
