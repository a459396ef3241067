/**
 * Kernel → WebAssembly module. In: a kernel. Out: a module with one function `run(frame)` (frame.ts) and the helper
 * functions it calls.
 *
 * A flat kernel is one loop over elements, a step of two vectors (four with packed random bits) at a time; a kernel of
 * rows is, for each row, one such loop a stage, with the row values computed in between. If a root reduces over blocks
 * the loops stand inside one over the call's blocks. What is left at the end of a loop is one more step of the same
 * code, with masks for reductions and partial writes for stores; loads may run past the end. Where a step begins
 * depends only on the place in the block or row, never on addresses, so results do not depend on how calls are cut.
 */
import { isRowReduction, type Kernel, type Root, stagesOf } from "../../kernels/index.js";
import {
  at,
  type Code,
  f64,
  get,
  i32,
  type Local,
  local,
  type Module,
  newFunction,
  op,
  repeatWhile,
  set,
} from "./code.js";
import { type Context, keep } from "./context.js";
import { uniformValues } from "./elements.js";
import { encodeModule } from "./encode.js";
import { frameOf } from "./frame.js";
import { type Consumer, elementLoop } from "./loops.js";
import { printModule } from "./print.js";
import { argmax, type Reducer, reducer } from "./reduce.js";
import {
  closeHistogram,
  columnStep,
  type HistogramState,
  histogramStep,
  openHistogram,
  storeElements,
  storeRow,
} from "./roots.js";
import { keepWide, rowNumber, rowValue } from "./rows.js";

const reducesOverBlocks = (root: Root) =>
  root.kind === "accumulate" || root.kind === "argmax" || root.kind === "column";

function openContext(kernel: Kernel): Context {
  const fn = newFunction("run", ["i32"], []);
  const frame = frameOf(kernel);
  const frameAddress: Local = { index: 0, type: "i32" };
  const field = (offset: number) => keep({ fn }, fn.body, "i32", at("i32.load", offset, get(frameAddress)));
  const packedBits = kernel.instrs.some((instr) => instr.op === "random_bits" && instr.attrs.word === "packed");
  const variable = (type: "i32" | "i64") => local(fn, type);
  const context: Context = {
    kernel,
    frame,
    fn,
    needs: { imports: new Map(), functions: new Map() },
    vectors: packedBits ? 4 : 2,
    base: variable("i64"),
    first: variable("i64"),
    count: variable("i32"),
    cols: variable("i32"),
    block: variable("i32"),
    inputs: kernel.inputs.map((_, i) => field(frame.inputs + 4 * i)),
    outputs: kernel.outputs.map((_, i) => field(frame.outputs + 4 * i)),
    results: kernel.roots.map((_, i) => field(frame.results + 4 * i)),
    row: variable("i32"),
    rowStart: variable("i32"),
    blockIndex: variable("i32"),
    splats: new Map(),
    wide: new Map(),
  };
  fn.body.push(
    set(context.first, at("i64.load", frame.first, get(frameAddress))),
    set(context.count, at("i32.load", frame.count, get(frameAddress))),
    set(context.cols, at("i32.load", frame.cols, get(frameAddress))),
    set(context.block, at("i32.load", frame.block, get(frameAddress))),
    set(context.base, op("i64.mul", get(context.first), op("i64.extend_i32_u", get(context.cols)))),
  );
  return context;
}

/** What a root needs around the loops of a block, and in them. */
interface RootCode {
  readonly consumer: Consumer | null;
  /** Before and after a block. */
  readonly start: readonly Code[];
  readonly finish: readonly Code[];
  /** Once a row, when the value can be used. */
  readonly perRow: (out: Code[]) => void;
}

const nothing: RootCode = { consumer: null, start: [], finish: [], perRow: () => {} };

/** Stores f64 results of a block side by side. */
function storeResults(context: Context, root: number, values: readonly Code[]): Code[] {
  const position = op("i32.mul", get(context.blockIndex), i32(8 * values.length));
  return values.map((value, i) => at("f64.store", 8 * i, op("i32.add", get(context.results[root]), position), value));
}

/** An `accumulate` of a row value: one number a row, in f64. */
function accumulateRows(context: Context, root: Extract<Root, { kind: "accumulate" }>, number: number): RootCode {
  const total = local(context.fn, "f64");
  const initial = { sum: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY }[root.fn];
  const operation = root.fn === "sum" ? "f64.add" : `f64.${root.fn}`;
  return {
    ...nothing,
    start: [set(total, f64(initial))],
    perRow: (out) => out.push(set(total, op(operation, get(total), rowNumber(context, root.value)))),
    finish: storeResults(context, number, [get(total)]),
  };
}

function rootCode(context: Context, root: Root, number: number, origin: Local, histograms: HistogramState[]): RootCode {
  const consumer = (value: number, take: Consumer["take"]): RootCode => ({
    ...nothing,
    consumer: { value, take, strip: null },
  });
  switch (root.kind) {
    case "store":
      if (context.kernel.outputs[root.output].access === "row" && !context.kernel.flat) {
        return { ...nothing, perRow: (out) => storeRow(context, out, root) };
      }
      return consumer(root.value, (step, vectors) => storeElements(context, step, root, vectors));
    case "column":
      return consumer(root.value, (step, vectors) => columnStep(context, step, root, context.results[number], vectors));
    case "histogram": {
      const state = openHistogram(context, context.fn.body, root, context.results[number]);
      histograms.push(state);
      return consumer(root.key, (step, vectors) => histogramStep(context, step, state, vectors));
    }
    case "accumulate":
    case "argmax": {
      const { lane: of, level } = context.kernel.instrs[root.value];
      if (root.kind === "accumulate" && level === "row") return accumulateRows(context, root, number);
      const made = root.kind === "argmax" ? argmax(context, of, origin) : reducer(context, root.fn, of);
      const place = op(
        "i64.add",
        get(context.base),
        op("i64.extend_i32_u", op("i32.add", get(origin), made.at ?? i32(0))),
      );
      const values = root.kind === "argmax" ? [made.value, op("f64.convert_i64_u", place)] : [made.value];
      return {
        ...nothing,
        consumer: { value: root.value, take: made.take, strip: made.strip },
        start: made.start,
        finish: [...made.finish, ...storeResults(context, number, values)],
      };
    }
  }
}

/** The loops over one row (or, of a flat kernel, over a block) between two columns: a loop a stage. */
function stagesCode(context: Context, roots: readonly RootCode[], begin: Code, end: Local): Code[] {
  const { instrs } = context.kernel;
  const stages = stagesOf(context.kernel);
  const out: Code[] = [];
  for (let stage = 0; stage < stages.count; stage++) {
    instrs.forEach((instr, i) => {
      if (instr.level === "row" && stages.of[i] === stage && !isRowReduction(instr.op)) rowValue(context, out, i);
    });
    const inStage = roots.filter((_, i) => stages.ofRoot[i] === stage);
    for (const root of inStage) root.perRow(out);
    const reductions = instrs.flatMap((instr, i) =>
      isRowReduction(instr.op) && stages.of[i] === stage + 1 ? [i] : [],
    );
    const reducers = reductions.map((i) => rowReducer(context, i));
    out.push(...reducers.flatMap((r) => r.start));
    const consumers = inStage.flatMap((root) => (root.consumer === null ? [] : [root.consumer]));
    const reading = reducers.map(({ take, strip }, k) => ({ value: instrs[reductions[k]].args[0], take, strip }));
    out.push(...elementLoop(context, [...consumers, ...reading], begin, end));
    out.push(...reducers.flatMap((r) => r.finish));
    for (const [k, i] of reductions.entries()) keepReduction(context, out, i, reducers[k]);
  }
  return out;
}

function rowReducer(context: Context, i: number): Reducer {
  const { op: name, args } = context.kernel.instrs[i];
  const of = context.kernel.instrs[args[0]].lane;
  if (name === "row_argmax") return argmax(context, of, context.rowStart);
  return reducer(context, name.slice("row_".length) as "sum" | "max" | "min", of);
}

/** Keeps the result of a row reduction as a row value of its lane. */
function keepReduction(context: Context, out: Code[], i: number, made: Reducer): void {
  const instr = context.kernel.instrs[i];
  if (instr.lane === "f32") {
    keepWide(context, out, i, made.at === null ? made.value : op("f64.convert_i32_u", made.at));
    return;
  }
  const whole = made.at ?? op("i32.wrap_i64", op("i64.trunc_sat_f64_s", made.value));
  context.splats.set(i, keep(context, out, "v128", op("i32x4.splat", whole)));
}

/** The rows `begin` .. `end` of the call. */
function rowsCode(context: Context, roots: readonly RootCode[], begin: Local, end: Local): Code[] {
  const body = stagesCode(context, roots, i32(0), context.cols);
  const next = [
    set(context.row, op("i32.add", get(context.row), i32(1))),
    set(context.rowStart, op("i32.add", get(context.rowStart), get(context.cols))),
  ];
  return [
    set(context.row, get(begin)),
    set(context.rowStart, op("i32.mul", get(begin), get(context.cols))),
    repeatWhile(op("i32.lt_u", get(context.row), get(end)), [...body, ...next]),
  ];
}

/** The blocks of the call, one after the other; without a root that reduces over blocks all of them are one. */
function blocksCode(context: Context, roots: readonly RootCode[], origin: Local): Code[] {
  const { fn, kernel } = context;
  const begin = local(fn, "i32");
  const end = local(fn, "i32");
  const inside = kernel.flat ? stagesCode(context, roots, get(begin), end) : rowsCode(context, roots, begin, end);
  if (!kernel.roots.some(reducesOverBlocks)) return [set(end, get(context.count)), ...inside];
  const left = op("i32.sub", get(context.count), get(begin));
  const blockEnd: Code = {
    op: "select",
    immediates: [],
    args: [op("i32.add", get(begin), get(context.block)), get(context.count), op("i32.gt_u", left, get(context.block))],
  };
  const body = [
    set(end, blockEnd),
    set(origin, op("i32.mul", get(begin), get(context.cols))),
    ...roots.flatMap((r) => r.start),
    ...inside,
    ...roots.flatMap((r) => r.finish),
    set(context.blockIndex, op("i32.add", get(context.blockIndex), i32(1))),
    set(begin, get(end)),
  ];
  return [repeatWhile(op("i32.lt_u", get(begin), get(context.count)), body)];
}

/** The module of a kernel. Throws an Error for a program that breaks the contract of kernel.ts. */
function kernelModule(kernel: Kernel): Module {
  const context = openContext(kernel);
  const { body } = context.fn;
  uniformValues(context, body);
  const origin = local(context.fn, "i32");
  const histograms: HistogramState[] = [];
  const roots = kernel.roots.map((root, i) => rootCode(context, root, i, origin, histograms));
  body.push(...blocksCode(context, roots, origin));
  for (const state of histograms) closeHistogram(context, body, state);
  const { imports, functions } = context.needs;
  return { imports: [...imports.values()], functions: [context.fn, ...functions.values()] };
}

/** The WebAssembly binary of a kernel; frame.ts says how to call it. With `shared` its memory is shared by threads. */
export function emitWasm(kernel: Kernel, options: { readonly shared?: boolean } = {}): Uint8Array {
  return encodeModule(kernelModule(kernel), options);
}

/** The same module as text. */
export function printWasm(kernel: Kernel): string {
  return printModule(kernelModule(kernel));
}
