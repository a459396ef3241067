/**
 * Fusion: one kernel from a set of roots. In: the tensor expressions that a task must store or reduce. Out: kernel
 * steps and the temporaries between them. Elementwise operations and views melt into the loop that needs them; a value
 * is materialised only where a loop cannot compute it in place, and every temporary carries the reason.
 */
import { constantOf, inputOf, type Node, opRow, type Shape, type StorageDtype, sizeOf } from "../ir/index.js";
import type { Access, Instr, Kernel, KernelInput, KernelOutput, Lane, Root } from "../kernels/index.js";
import { accessOf, broadcastMap, type IndexMap, identityMap, isIdentity, mapKey, reshapeMap, sliceMap, transposeMap } from "./access.js";
import { type BufferRef, domainOf, type FileTensor, type IntegerRef, type KernelStep, type Mark, type ScalarResult, type Step, type Temp } from "./program.js";

/** What a task wants from its tensors. */
export type Want =
  | { readonly kind: "store"; readonly node: Node; readonly dtype: StorageDtype }
  | { readonly kind: "scalar"; readonly node: Node; readonly of: Node; readonly fn: "sum" | "max" | "min" | "argmax" }
  | { readonly kind: "column"; readonly node: Node; readonly of: Node; readonly fn: "sum" | "max" | "min" }
  | { readonly kind: "histogram"; readonly node: Node; readonly of: Node; readonly part: number }
  | { readonly kind: "equal"; readonly node: Node; readonly of: Node; readonly part: number };

export interface Fused {
  readonly steps: readonly Step[];
  readonly files: readonly FileTensor[];
  readonly reads: readonly ("full" | "row" | "all")[];
  readonly temps: readonly Temp[];
  readonly marks: readonly Mark[];
  readonly whole: boolean;
  readonly flat: boolean;
  readonly rows: number;
  readonly cols: number;
}

/** Registers kernels by their text. */
export interface KernelTable {
  index(kernel: Kernel): number;
}

export const HISTOGRAM_BINS = 65536;

/** Thrown inside a loop when a value must be materialised before it. */
class Materialise {
  constructor(
    readonly node: Node,
    readonly reason: string,
  ) {}
}

interface Leaf {
  readonly ref: BufferRef;
  readonly shape: Shape;
  readonly dtype: StorageDtype;
  readonly lane: Lane;
  /** True if a piece of it is there while a piece of the loop runs. */
  readonly local: boolean;
}

/** Fuses all wants of a task. `columns` are vectors that earlier tasks gave. */
export function fuse(wants: readonly Want[], isColumn: (node: Node) => boolean, table: KernelTable): Fused {
  const task = new TaskBuilder(isColumn, table);
  const groups = new Map<string, Want[]>();
  for (const want of wants) {
    const box = boxOf(want);
    const key = box.join(",");
    groups.set(key, [...(groups.get(key) ?? []), want]);
  }
  for (const [key, group] of groups) task.loop(key === "" ? [] : key.split(",").map(Number), group);
  return task.finish();
}

/** The loop that a want needs: the shape of what it reduces or stores, or of the row reduction that it comes from. */
function boxOf(want: Want): Shape {
  if (want.kind !== "store") return want.of.shape;
  const inner = rowReductionIn(want.node, want.node.shape);
  return inner ?? want.node.shape;
}

/** The shape that is reduced along its last axis to give `shape`, looking through elementwise operations. */
function rowReductionIn(node: Node, shape: Shape): Shape | null {
  const size = sizeOf(shape);
  if (node.shape.length === 0 || sizeOf(node.shape) !== size) return null;
  const row = opRow(node.op);
  if (row.fusion === "reduce") {
    const [arg] = node.args;
    const axes = node.attrs.axes as readonly number[];
    const last = arg.shape.length - 1;
    return axes.length === 1 && axes[0] === last && arg.shape[last] > 1 ? arg.shape : null;
  }
  if (row.fusion !== "elementwise" && node.op !== "reshape") return null;
  for (const arg of node.args) {
    const found = rowReductionIn(arg, shape);
    if (found !== null) return found;
  }
  return null;
}

class TaskBuilder {
  private readonly steps: Step[] = [];
  private readonly files: FileTensor[] = [];
  private readonly fileAccess: Set<"full" | "row" | "all">[] = [];
  private readonly fileIndex = new Map<Node, number>();
  private readonly temps: { dtype: StorageDtype; elements: number; reason: string }[] = [];
  private readonly leaves = new Map<Node, Leaf>();
  private main: { rows: number; cols: number; flat: boolean } | null = null;
  private readonly marked: Mark[] = [];
  private whole = false;

  constructor(
    private readonly isColumn: (node: Node) => boolean,
    private readonly table: KernelTable,
  ) {}

  /** A buffer for the elements that equal a threshold's key: read only where a cut must be found. */
  marks(node: Node, part: number, elements: number): BufferRef {
    const temp = this.temps.push({ dtype: "BOOL", elements, reason: "equal keys" }) - 1;
    this.marked.push({ node: node.id, part, temp });
    return { kind: "temp", index: temp };
  }

  /** One kernel over the box that serves all wants; what must be materialised first gets kernels before it. */
  loop(box: Shape, wants: readonly Want[]): void {
    const rank = box.length;
    const split = wants.some((w) => w.kind === "column") ? 1 : Math.max(0, rank - 1);
    const rows = sizeOf(box.slice(0, split));
    const cols = sizeOf(box.slice(split));
    for (;;) {
      const { length } = this.temps;
      try {
        const loop = new LoopBuilder(this, box, rows, cols, split);
        for (const want of wants) loop.want(want);
        this.emit(loop, rows, cols);
        return;
      } catch (request) {
        if (!(request instanceof Materialise)) throw request;
        this.temps.length = length;
        this.marked.length = 0;
        this.materialise(request.node, request.reason, box, rows, cols);
      }
    }
  }

  leafOf(node: Node): Leaf | undefined {
    const known = this.leaves.get(node);
    if (known !== undefined) return known;
    if (node.op === "input") {
      const attrs = inputOf(node);
      const index = this.files.push({ source: attrs.source, name: attrs.name, dtype: attrs.dtype, elements: sizeOf(attrs.shape) }) - 1;
      this.fileAccess.push(new Set());
      this.fileIndex.set(node, index);
      const leaf: Leaf = { ref: { kind: "file", index }, shape: node.shape, dtype: attrs.dtype, lane: laneOf(node), local: true };
      this.leaves.set(node, leaf);
      return leaf;
    }
    if (this.isColumn(node)) {
      const leaf: Leaf = { ref: { kind: "column", node: node.id }, shape: node.shape, dtype: "F32", lane: laneOf(node), local: false };
      this.leaves.set(node, leaf);
      return leaf;
    }
    return undefined;
  }

  /** Notes how a leaf is read; anything but full and row of a local buffer, and col of a vector, needs whole tensors. */
  read(leaf: Leaf, access: Access): void {
    if (leaf.ref.kind === "file") {
      this.fileAccess[leaf.ref.index].add(access.kind === "full" || access.kind === "row" ? access.kind : "all");
      if (access.kind === "strided") this.whole = true;
    } else if (leaf.ref.kind === "temp") {
      if (access.kind !== "full" || !leaf.local) this.whole = true;
    } else if (access.kind !== "col") this.whole = true;
  }

  private temp(node: Node, dtype: StorageDtype, reason: string, local: boolean): number {
    const index = this.temps.push({ dtype, elements: sizeOf(node.shape), reason }) - 1;
    this.leaves.set(node, { ref: { kind: "temp", index }, shape: node.shape, dtype, lane: laneOf(node), local });
    return index;
  }

  /** Computes a node into a temporary. Rank along rows stays with the piece when the loop has the same rows. */
  private materialise(node: Node, reason: string, box: Shape, rows: number, cols: number): void {
    const same = node.shape.length === box.length && node.shape.every((d, i) => d === box[i]);
    if (node.op === "row_rank") {
      const [arg] = node.args;
      const from = this.store(arg, "order statistic of a row", same);
      const width = node.shape[node.shape.length - 1];
      const to = this.temp(node, "I32", reason, same);
      const local = same && width === cols;
      if (!local) this.whole = true;
      this.steps.push({ kind: "row_rank", rows: sizeOf(node.shape) / Math.max(1, width), cols: width, from, to });
      if (local) this.claim(rows, cols, false);
      return;
    }
    this.whole = true;
    if (node.op === "concat") {
      const axis = node.attrs.axis as number;
      const from = node.args.map((arg) => this.store(arg, "joined with others", false));
      const dtype = storageOf(node);
      const to = this.temp(node, dtype, reason, false);
      this.steps.push({
        kind: "concat",
        outer: sizeOf(node.shape.slice(0, axis)),
        runs: node.args.map((arg) => sizeOf(arg.shape.slice(axis))),
        from,
        to,
        bytes: dtype === "BOOL" ? 1 : 4,
      });
      return;
    }
    if (node.op === "matmul") {
      for (const arg of node.args) if (this.leafOf(arg) === undefined) this.store(arg, "broadcast into a contraction", false);
    }
    this.store(node, reason, false);
  }

  /** Stores a node into a temporary with a kernel of its own, unless it is one already. */
  private store(node: Node, reason: string, local: boolean): number {
    const known = this.leaves.get(node);
    if (known?.ref.kind === "temp") return known.ref.index;
    const dtype = storageOf(node);
    const index = this.temps.length;
    const box = node.op === "matmul" ? [...node.shape, node.args[0].shape[node.args[0].shape.length - 1]] : reductionBox(node);
    // The loop must not see the leaf that it is about to make.
    this.temps.push({ dtype, elements: sizeOf(node.shape), reason });
    this.loopInto(node, box, index, dtype);
    this.leaves.set(node, { ref: { kind: "temp", index }, shape: node.shape, dtype, lane: laneOf(node), local });
    return index;
  }

  private loopInto(node: Node, box: Shape, temp: number, dtype: StorageDtype): void {
    const split = Math.max(0, box.length - 1);
    const rows = sizeOf(box.slice(0, split));
    const cols = sizeOf(box.slice(split));
    for (;;) {
      try {
        const loop = new LoopBuilder(this, box, rows, cols, split);
        loop.storeInto(node, dtype, { kind: "temp", index: temp });
        this.emit(loop, rows, cols);
        return;
      } catch (request) {
        if (!(request instanceof Materialise)) throw request;
        if (request.node === node) throw new Error(`${node.op} cannot be computed by a loop of its own`);
        this.materialise(request.node, request.reason, box, rows, cols);
      }
    }
  }

  private emit(loop: LoopBuilder, rows: number, cols: number): void {
    const { kernel, step } = loop.build();
    const domain = domainOf(kernel.flat, rows, cols);
    this.claim(rows, cols, kernel.flat);
    this.steps.push({ ...step, kernel: this.table.index(kernel), domain });
  }

  /** All loops of a task must have the same rows to be cut into pieces together. */
  private claim(rows: number, cols: number, flat: boolean): void {
    if (this.main === null) this.main = { rows, cols, flat };
    else if (this.main.rows !== rows || this.main.cols !== cols) {
      if (!(this.main.rows * this.main.cols === rows * cols && this.main.flat && flat)) this.whole = true;
    }
    this.main = { ...this.main, flat: this.main.flat && flat };
  }

  finish(): Fused {
    const main = this.main ?? { rows: 1, cols: 1, flat: true };
    // A flat kernel among row kernels walks the same pieces, counted in elements.
    const steps = this.steps.map((step): Step => {
      if (step.kind !== "kernel" || main.flat || !step.domain.flat) return step;
      const rowsABlock = domainOf(false, main.rows, main.cols).block;
      return { ...step, domain: { ...step.domain, block: rowsABlock * main.cols } };
    });
    const whole = this.whole || this.fileAccess.some((kinds) => kinds.size > 1);
    return {
      steps,
      files: this.files,
      reads: this.fileAccess.map((kinds) => (whole ? "all" : [...kinds][0])),
      temps: this.temps,
      marks: this.marked,
      whole,
      flat: main.flat,
      rows: main.rows,
      cols: main.cols,
    };
  }
}

/** The box of a loop that computes a node alone: a reduction runs over its argument with the reduced axes last. */
function reductionBox(node: Node): Shape {
  if (opRow(node.op).fusion === "reduce" && node.op !== "threshold") {
    const [arg] = node.args;
    const axes = node.attrs.axes as readonly number[];
    return [...arg.shape.filter((_, i) => !axes.includes(i)), sizeOf(axes.map((a) => arg.shape[a]))];
  }
  return rowReductionIn(node, node.shape) ?? node.shape;
}

function laneOf(node: Node): Lane {
  return node.dtype === "bool" ? "bool" : node.dtype === "i32" || node.dtype === "i64" ? "i32" : "f32";
}

function storageOf(node: Node): StorageDtype {
  const lane = laneOf(node);
  return lane === "bool" ? "BOOL" : lane === "i32" ? "I32" : "F32";
}

type Level = Instr["level"];
const higher = (a: Level, b: Level): Level => (a === "element" || b === "element" ? "element" : a === "row" || b === "row" ? "row" : "uniform");

class LoopBuilder {
  private readonly instrs: Instr[] = [];
  private readonly memo = new Map<string, number>();
  private readonly inputs: KernelInput[] = [];
  private readonly inputRefs: BufferRef[] = [];
  private readonly outputs: KernelOutput[] = [];
  private readonly outputRefs: BufferRef[] = [];
  private readonly params: number[] = [];
  private readonly integers: IntegerRef[] = [];
  private readonly roots: Root[] = [];
  private readonly scalars: ScalarResult[] = [];
  private readonly columns: { node: number; fn: "sum" | "max" | "min" }[] = [];
  private readonly histograms: { node: number; part: number }[] = [];

  constructor(
    private readonly task: TaskBuilder,
    private readonly box: Shape,
    private readonly rows: number,
    private readonly cols: number,
    private readonly split: number,
  ) {}

  want(want: Want): void {
    switch (want.kind) {
      case "store":
        return this.storeInto(want.node, want.dtype, { kind: "output" });
      case "scalar": {
        const value = this.element(this.lower(want.of, this.mapFor(want.of)));
        if (want.fn === "argmax") this.roots.push({ kind: "argmax", value });
        else this.roots.push({ kind: "accumulate", fn: want.fn, value });
        this.scalars.push({ node: want.node.id, fn: want.fn });
        return;
      }
      case "column":
        this.roots.push({ kind: "column", fn: want.fn, value: this.element(this.lower(want.of, this.mapFor(want.of))) });
        this.columns.push({ node: want.node.id, fn: want.fn });
        return;
      case "histogram": {
        const key = this.key(want.of);
        const lo = this.integers.push({ kind: "low", node: want.node.id }) - 1;
        const shift = this.integers.push({ kind: "shift", node: want.node.id }) - 1;
        this.roots.push({ kind: "histogram", key, lo, shift, bins: HISTOGRAM_BINS });
        this.histograms.push({ node: want.node.id, part: want.part });
        return;
      }
      case "equal": {
        const key = this.key(want.of);
        const limit = this.integer({ kind: "limit", node: want.node.id });
        const equal = this.push("eq", [key, limit], "bool");
        this.roots.push({ kind: "accumulate", fn: "sum", value: this.push("to_f32", [equal], "f32") });
        this.scalars.push({ node: want.node.id, fn: "sum", part: want.part });
        this.outputs.push({ dtype: "BOOL", access: "full" });
        this.outputRefs.push(this.task.marks(want.node, want.part, this.rows * this.cols));
        this.roots.push({ kind: "store", value: equal, output: this.outputs.length - 1 });
      }
    }
  }

  storeInto(node: Node, dtype: StorageDtype, ref: BufferRef): void {
    const map = this.mapFor(node);
    let value = node.op === "matmul" ? this.product(node) : opRow(node.op).fusion === "reduce" ? this.reduction(node) : this.lower(node, map);
    const full = sizeOf(node.shape) === this.rows * this.cols;
    if (full && this.instrs[value].level !== "element") value = this.element(value);
    if (this.instrs[value].lane === "i32" && /^(F|BF)/.test(dtype)) value = this.push("to_f32", [value], "f32");
    if (!full && this.instrs[value].level === "uniform") value = this.push(this.instrs[value].lane === "bool" ? "or" : "add", [value, this.zeroRow(this.instrs[value].lane)], this.instrs[value].lane, "row");
    this.outputs.push({ dtype, access: full ? "full" : "row" });
    this.outputRefs.push(ref);
    this.roots.push({ kind: "store", value, output: this.outputs.length - 1 });
  }

  private zeroRow(lane: Lane): number {
    return this.push("literal", [], lane, "uniform", { value: lane === "bool" ? false : 0 });
  }

  /** How the loop sees a node that it stores or reduces: over its box, or over the rows of its box. */
  private mapFor(node: Node): IndexMap {
    const identity = identityMap(node.shape);
    if (node.shape.length === this.box.length && node.shape.every((d, i) => d === this.box[i])) return identity;
    const leading = this.box.slice(0, this.split);
    const solid = node.shape.filter((d) => d !== 1);
    if (sizeOf(node.shape) === this.rows) {
      const rowAxes = leading.flatMap((d, i) => (d === 1 ? [] : [i]));
      if (rowAxes.length === solid.length && rowAxes.every((axis, i) => this.box[axis] === solid[i])) {
        let next = 0;
        return { box: this.box, axes: node.shape.map((d) => ({ axis: d === 1 ? -1 : rowAxes[next++], offset: 0 })) };
      }
    }
    if (sizeOf(node.shape) === this.rows * this.cols) return identity;
    throw new Error(`a loop over [${this.box}] cannot give [${node.shape}]`);
  }

  private key(of: Node): number {
    const value = this.float(this.lower(of, this.mapFor(of)));
    return this.push("order_key", [this.element(value)], "u32", "element");
  }

  private push(op: string, args: readonly number[], lane: Lane, level?: Level, attrs: Instr["attrs"] = {}): number {
    const own = level ?? args.reduce<Level>((l, a) => higher(l, this.instrs[a].level), "uniform");
    const key = `!${op}|${args.join(",")}|${lane}|${own}|${JSON.stringify(attrs)}`;
    const known = this.memo.get(key);
    if (known !== undefined) return known;
    const at = this.instrs.push({ op, args, lane, level: own, attrs }) - 1;
    this.memo.set(key, at);
    return at;
  }

  /** A value that is the same along the row is spread over its elements. */
  private element(value: number): number {
    const { lane, level } = this.instrs[value];
    if (level === "element") return value;
    const truth = this.push("literal", [], "bool", "uniform", { value: true });
    return this.push("where", [truth, value, value], lane, "element");
  }

  private float(value: number): number {
    return this.instrs[value].lane === "f32" ? value : this.push("to_f32", [value], "f32");
  }

  private integer(ref: IntegerRef): number {
    const found = this.integers.findIndex((r) => JSON.stringify(r) === JSON.stringify(ref));
    const index = found >= 0 ? found : this.integers.push(ref) - 1;
    return this.push("integer", [], "u32", "uniform", { index });
  }

  private lower(node: Node, map: IndexMap): number {
    const key = `${node.id}|${mapKey(map)}`;
    const known = this.memo.get(key);
    if (known !== undefined) return known;
    const at = this.lowerNew(node, map);
    this.memo.set(key, at);
    return at;
  }

  private lowerNew(node: Node, map: IndexMap): number {
    if (node.shape.length === 0) return this.hostValue(node);
    const leaf = this.task.leafOf(node);
    if (leaf !== undefined) return this.load(leaf, map, node.shape);
    switch (node.op) {
      case "broadcast":
        return this.lower(node.args[0], broadcastMap(map, node.args[0].shape, node.shape));
      case "reshape":
        return this.reshape(node, map);
      case "transpose":
        return this.lower(node.args[0], transposeMap(map, node.attrs.perm as readonly number[]));
      case "slice":
        return this.lower(node.args[0], sliceMap(map, node.attrs.start as readonly number[]));
      case "iota":
        return this.iota(node, map);
      case "uniform":
      case "normal":
      case "randint":
        return this.random(node, map);
      case "above": {
        const key = this.push("order_key", [this.float(this.lower(node.args[0], map))], "u32");
        if (this.instrs[key].level !== "element" || !isIdentity(map, node.shape)) throw new Materialise(node, "order statistic seen through a view");
        const limit = this.integer({ kind: "limit", node: node.args[1].id });
        const cut = this.integer({ kind: "cut", node: node.args[1].id, part: node.attrs.part as number });
        return this.push("above", [key, limit, cut], "bool");
      }
      case "row_rank":
        throw new Materialise(node, "order statistic");
      case "concat":
        throw new Materialise(node, "concatenation");
      case "matmul":
        throw new Materialise(node, "contraction");
    }
    const { fusion } = opRow(node.op);
    if (fusion === "reduce") return this.rowReduction(node, map);
    if (fusion === "elementwise") return this.elementwise(node, map);
    throw new Error(`${node.op} was not lowered`);
  }

  /** Rank-0 values are parameters; small whole constants stand in the text. */
  private hostValue(node: Node): number {
    if (node.op === "const") {
      const value = constantOf(node);
      if (typeof value === "boolean") return this.push("literal", [], "bool", "uniform", { value });
      if (Number.isInteger(value) && Math.abs(value) <= 2) return this.push("literal", [], "f32", "uniform", { value });
    }
    const found = this.params.indexOf(node.id);
    const index = found >= 0 ? found : this.params.push(node.id) - 1;
    const param = this.push("param", [], "f32", "uniform", { index });
    if (node.dtype !== "bool") return param;
    return this.push("ne", [param, this.push("literal", [], "f32", "uniform", { value: 0 })], "bool");
  }

  private load(leaf: Leaf, map: IndexMap, shape: Shape): number {
    const access = accessOf(map, shape, this.rows, this.cols);
    this.task.read(leaf, access);
    let input = this.inputs.findIndex((k, i) => JSON.stringify(k.access) === JSON.stringify(access) && JSON.stringify(this.inputRefs[i]) === JSON.stringify(leaf.ref));
    if (input < 0) {
      input = this.inputs.push({ dtype: leaf.dtype, access }) - 1;
      this.inputRefs.push(leaf.ref);
    }
    return this.push("load", [], leaf.lane, access.kind === "row" ? "row" : "element", { input });
  }

  private reshape(node: Node, map: IndexMap): number {
    const [arg] = node.args;
    const through = reshapeMap(map, arg.shape, node.shape);
    if (through !== null) return this.lower(arg, through);
    const leaf = this.task.leafOf(arg);
    if (leaf === undefined) throw new Materialise(arg, "reshaped and read in another order");
    return this.load(leaf, map, node.shape);
  }

  private iota(node: Node, map: IndexMap): number {
    const { axis, offset } = map.axes[node.attrs.axis as number];
    if (axis < 0) return this.push("literal", [], "i32", "uniform", { value: offset });
    const counter = this.push("iota", [], "i32", "element", { axis, dims: [...map.box] });
    if (offset === 0) return counter;
    return this.push("add", [counter, this.push("literal", [], "i32", "uniform", { value: offset })], "i32");
  }

  private random(node: Node, map: IndexMap): number {
    if (!isIdentity(map, node.shape)) throw new Materialise(node, "random draw seen through a view");
    const [k0, k1] = node.attrs.key as readonly [number, number];
    const keys = [this.integer({ kind: "value", value: k0 }), this.integer({ kind: "value", value: k1 })];
    const unit = (word: "packed" | 0 | 1) => this.push("unit", [this.push("random_bits", keys, "u32", "element", { word })], "f32");
    const literal = (value: number) => this.push("literal", [], "f32", "uniform", { value });
    if (node.op === "uniform") return unit("packed");
    if (node.op === "randint") {
      const n = node.attrs.n as number;
      const scaled = this.push("to_i32", [this.push("floor", [this.push("mul", [unit("packed"), literal(n)], "f32")], "f32")], "i32");
      return this.push("min", [scaled, this.push("literal", [], "i32", "uniform", { value: n - 1 })], "i32");
    }
    const radius = this.push("sqrt", [this.push("mul", [literal(-2), this.push("log", [this.push("sub", [literal(1), unit(0)], "f32")], "f32")], "f32")], "f32");
    const angle = this.push("cos", [this.push("mul", [literal(Math.fround(2 * Math.PI)), unit(1)], "f32")], "f32");
    return this.push("mul", [radius, angle], "f32");
  }

  /** A reduction along the columns of this loop, used again on its rows. */
  private rowReduction(node: Node, map: IndexMap): number {
    const [arg] = node.args;
    const axes = node.attrs.axes as readonly number[];
    const trailing = this.box.map((_, i) => i).filter((i) => i >= this.split);
    const own = arg.shape.length === this.box.length && arg.shape.every((d, i) => d === this.box[i]);
    const sameAxes = axes.length === trailing.length && trailing.every((a) => axes.includes(a));
    const kept = node.attrs.keep === true;
    const rowMap = map.box.length === this.box.length && map.box.every((d, i) => d === this.box[i]);
    const straight = map.axes.every((a, i) => {
      const axis = i; // the kept axes come first, with or without the reduced ones after them
      return a.offset === 0 && (a.axis === axis || (a.axis === -1 && (node.shape[i] === 1 || (kept && axes.includes(i)))));
    });
    if (!own || !sameAxes || !rowMap || !straight) throw new Materialise(node, "reduction");
    return this.rowInstr(node, this.lower(arg, identityMap(arg.shape)));
  }

  private rowInstr(node: Node, value: number): number {
    const op = node.op.replace("reduce_", "row_");
    const lane = laneOf(node);
    let operand = this.element(value);
    if (lane === "f32") operand = this.element(this.float(operand));
    return this.push(op, [operand], lane, "row");
  }

  /** A reduction that has this loop to itself: the reduced axes are its columns. */
  private reduction(node: Node): number {
    const [arg] = node.args;
    const axes = node.attrs.axes as readonly number[];
    const kept = arg.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const trailing = axes.every((a) => a >= arg.shape.length - axes.length);
    if (trailing && this.box.length === arg.shape.length && this.box.every((d, i) => d === arg.shape[i]) && axes.length === 1) {
      return this.rowInstr(node, this.lower(arg, identityMap(arg.shape)));
    }
    // The box is [kept.., reduced]; the reduced axes are told apart again in a finer box of the same order.
    const finer = [...kept.map((i) => arg.shape[i]), ...axes.map((i) => arg.shape[i])];
    const position = (i: number) => (axes.includes(i) ? kept.length + axes.indexOf(i) : kept.indexOf(i));
    const inner: IndexMap = { box: finer, axes: arg.shape.map((d, i) => ({ axis: d === 1 ? -1 : position(i), offset: 0 })) };
    return this.rowInstr(node, this.lower(arg, inner));
  }

  /** A matrix product by itself: the loop runs over [.., m, n, k] and sums along k. */
  private product(node: Node): number {
    const [a, b] = node.args;
    const rank = node.shape.length;
    // `own` is the operand's axis that survives (m of the left, n of the right), `at` its axis in the product.
    const operand = (arg: Node, own: number, at: number): number => {
      const lead = arg.shape.length - 2;
      const axisOf = (i: number) => (i < lead ? rank - 2 - lead + i : i === own ? at : rank);
      const axes = arg.shape.map((d, i) => ({ axis: d === 1 ? -1 : axisOf(i), offset: 0 }));
      return this.element(this.float(this.lower(arg, { box: this.box, axes })));
    };
    const left = operand(a, a.shape.length - 2, rank - 2);
    const right = operand(b, b.shape.length - 1, rank - 1);
    return this.push("row_sum", [this.push("mul", [left, right], "f32")], "f32", "row");
  }

  private elementwise(node: Node, map: IndexMap): number {
    const args = node.args.map((arg) => this.lower(arg, broadcastMap(map, arg.shape, node.shape)));
    const lanes = args.map((a) => this.instrs[a].lane);
    const result = laneOf(node);
    const floats = () => args.map((a) => this.float(a));
    const ints = () => args.map((a) => this.asInt(a));
    const allInt = node.args.every((a) => a.dtype === "i32" || a.dtype === "i64") && node.args.some((a) => a.dtype === "i32");
    switch (node.op) {
      case "cast":
        return this.cast(args[0], node.attrs.to as string);
      case "quantize":
        return this.push("quantize", floats(), "f32", undefined, { dtype: node.attrs.dtype });
      case "and":
      case "or":
      case "not":
        return this.push(node.op, args.map((a) => this.truth(a)), "bool");
      case "eq":
      case "ne":
      case "lt":
      case "le":
      case "gt":
      case "ge":
        if (lanes.every((l) => l === "bool")) return this.push(node.op, args.map((a) => this.push("to_i32", [a], "i32")), "bool");
        return this.push(node.op, allInt ? ints() : floats(), "bool");
      case "is_finite":
        return this.push("is_finite", floats(), "bool");
      case "where": {
        const [c, a, b] = args;
        const cast = (x: number) => (result === "bool" ? this.truth(x) : result === "i32" ? this.asInt(x) : this.float(x));
        return this.push("where", [this.truth(c), cast(a), cast(b)], result);
      }
      case "floor_div":
        if (result === "i32") return this.push("idiv", ints(), "i32");
        return this.push("floor", [this.push("div", floats(), "f32")], "f32");
      case "mod":
        return result === "i32" ? this.push("imod", ints(), "i32") : this.push("mod", floats(), "f32");
      default:
        if (result === "i32" && ["add", "sub", "mul", "min", "max", "neg", "abs"].includes(node.op)) return this.push(node.op, ints(), "i32");
        if (result === "i32") return this.push("to_i32", [this.push(node.op, floats(), "f32")], "i32");
        return this.push(node.op, floats(), "f32");
    }
  }

  private cast(value: number, to: string): number {
    if (to === "float") return this.float(value);
    return to === "int" ? this.asInt(value) : this.truth(value);
  }

  private asInt(value: number): number {
    const { lane, op, attrs } = this.instrs[value];
    if (lane === "i32") return value;
    if (op === "literal" && lane === "f32" && Number.isInteger(attrs.value)) return this.push("literal", [], "i32", "uniform", { value: attrs.value });
    return this.push("to_i32", [value], "i32");
  }

  private truth(value: number): number {
    const { lane } = this.instrs[value];
    if (lane === "bool") return value;
    return this.push("ne", [value, this.push("literal", [], lane, "uniform", { value: 0 })], "bool");
  }

  build(): { kernel: Kernel; step: Omit<KernelStep, "kernel" | "domain"> } {
    const rowLevel = this.instrs.some((i) => i.level === "row") || this.outputs.some((o) => o.access === "row");
    const straight = this.inputs.every((i) => i.access.kind === "full" || i.access.kind === "strided");
    const flat = !rowLevel && straight && this.columns.length === 0;
    const shape = { flat, inputs: this.inputs, outputs: this.outputs, params: this.params.length, integers: this.integers.length, instrs: this.instrs, roots: this.roots };
    return {
      kernel: { ...shape, text: kernelText(shape) },
      step: {
        kind: "kernel",
        inputs: this.inputRefs,
        outputs: this.outputRefs,
        params: this.params,
        integers: this.integers,
        scalars: this.scalars,
        columns: this.columns,
        histograms: this.histograms,
      },
    };
  }
}

/** The canonical text of a kernel: what `emit --stage kernels` prints and what makes two kernels equal. */
function kernelText(kernel: Omit<Kernel, "text">): string {
  const attrsText = (attrs: Instr["attrs"]) => {
    const keys = Object.keys(attrs).sort();
    return keys.length === 0 ? "" : ` {${keys.map((k) => `${k}: ${JSON.stringify(attrs[k])}`).join(", ")}}`;
  };
  const accessText = (access: Access) =>
    access.kind === "strided" ? `strided dims [${access.dims.join(", ")}] strides [${access.strides.join(", ")}] offset ${access.offset}` : access.kind;
  const rootText = (root: Root): string => {
    switch (root.kind) {
      case "store":
        return `store %${root.value} -> out${root.output}`;
      case "accumulate":
        return `accumulate ${root.fn} %${root.value}`;
      case "argmax":
        return `argmax %${root.value}`;
      case "column":
        return `column ${root.fn} %${root.value}`;
      case "histogram":
        return `histogram %${root.key} from i${root.lo} shift i${root.shift} bins ${root.bins}`;
    }
  };
  return [
    `kernel ${kernel.flat ? "flat" : "rows"}, ${kernel.params} params, ${kernel.integers} integers`,
    ...kernel.inputs.map((input, i) => `  in${i}: ${input.dtype} ${accessText(input.access)}`),
    ...kernel.outputs.map((output, i) => `  out${i}: ${output.dtype} ${output.access}`),
    ...kernel.instrs.map((instr, i) => `  %${i} = ${instr.op}${instr.args.map((a) => ` %${a}`).join("")}${attrsText(instr.attrs)} : ${instr.lane} ${instr.level}`),
    ...kernel.roots.map((root) => `  ${rootText(root)}`),
  ].join("\n");
}
