/**
 * Fusion: one kernel from a set of roots. In: the tensor expressions that a task must store or reduce. Out: kernel
 * steps and the temporaries between them. Elementwise operations and views melt into the loop that needs them; a value
 * is materialised only where a loop cannot compute it in place, and every temporary carries the reason.
 */
import { inputOf, type Node, opRow, type Shape, type StorageDtype, sizeOf } from "../ir/index.js";
import type { Access, Kernel } from "../kernels/index.js";
import { laneOf } from "./arithmetic.js";
import { type Leaf, LoopBuilder, type LoopScope, Materialise, storageOf } from "./loop.js";
import {
  type BufferRef,
  domainOf,
  type EvaluateArgument,
  type FileTensor,
  type Mark,
  type Step,
  type Temp,
  type TempMatrix,
} from "./program.js";
import { stridedView } from "./views.js";

/** What a task wants from its tensors. */
export type Want =
  | { readonly kind: "store"; readonly node: Node; readonly dtype: StorageDtype }
  /** A result for later tasks, for which the input `stand` stands: a task of its own. */
  | { readonly kind: "keep"; readonly node: Node; readonly stand: Node }
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

/** Fuses all wants of a task. `columns` are vectors that earlier tasks gave. */
export function fuse(wants: readonly Want[], isColumn: (node: Node) => boolean, table: KernelTable): Fused {
  const task = new TaskBuilder(isColumn, table);
  const groups = new Map<string, Exclude<Want, { kind: "keep" }>[]>();
  for (const want of wants) {
    if (want.kind === "keep") {
      task.keep(want.node);
      continue;
    }
    const box = boxOf(want);
    const key = box.join(",");
    groups.set(key, [...(groups.get(key) ?? []), want]);
  }
  for (const [key, group] of groups) task.loop(key === "" ? [] : key.split(",").map(Number), group);
  return task.finish();
}

/** The loop that a want needs: the shape of what it reduces or stores, or of the row reduction that it comes from. */
function boxOf(want: Exclude<Want, { kind: "keep" }>): Shape {
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

class TaskBuilder implements LoopScope {
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
  private marks(node: Node, part: number, elements: number): BufferRef {
    const temp = this.temps.push({ dtype: "BOOL", elements, reason: "equal keys" }) - 1;
    this.marked.push({ node: node.id, part, temp });
    return { kind: "temp", index: temp };
  }

  /** One kernel over the box that serves all wants; what must be materialised first gets kernels before it. */
  loop(box: Shape, wants: readonly Exclude<Want, { kind: "keep" }>[]): void {
    const rank = box.length;
    const split = wants.some((w) => w.kind === "column") ? 1 : Math.max(0, rank - 1);
    const rows = sizeOf(box.slice(0, split));
    const cols = sizeOf(box.slice(split));
    for (;;) {
      const { length } = this.temps;
      try {
        const loop = new LoopBuilder(this, box, split);
        for (const want of wants) this.want(loop, want, rows * cols);
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

  /** Computes a node into the last temporary. */
  keep(node: Node): void {
    this.materialise(node, "kept for later passes", [], 1, 1);
  }

  private want(loop: LoopBuilder, want: Exclude<Want, { kind: "keep" }>, elements: number): void {
    switch (want.kind) {
      case "store":
        loop.store(want.node, want.dtype, { kind: "output" });
        break;
      case "scalar":
        loop.reduce(want.node, want.of, want.fn);
        break;
      case "column":
        loop.reduceColumns(want.node, want.of, want.fn);
        break;
      case "histogram":
        loop.count(want.node, want.of, want.part, HISTOGRAM_BINS);
        break;
      case "equal":
        loop.countEqual(want.node, want.of, want.part, this.marks(want.node, want.part, elements));
        break;
    }
  }

  leafOf(node: Node): Leaf | undefined {
    const known = this.leaves.get(node);
    if (known !== undefined) return known;
    if (node.op === "input") {
      const attrs = inputOf(node);
      const index =
        this.files.push({ source: attrs.source, name: attrs.name, dtype: attrs.dtype, elements: sizeOf(attrs.shape) }) -
        1;
      this.fileAccess.push(new Set());
      this.fileIndex.set(node, index);
      const leaf: Leaf = {
        ref: { kind: "file", index },
        shape: node.shape,
        dtype: attrs.dtype,
        lane: laneOf(node),
        local: true,
      };
      this.leaves.set(node, leaf);
      return leaf;
    }
    if (this.isColumn(node)) {
      const leaf: Leaf = {
        ref: { kind: "column", node: node.id },
        shape: node.shape,
        dtype: "F32",
        lane: laneOf(node),
        local: false,
      };
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
    if (node.op === "matmul" && this.product(node, reason)) return;
    if (opRow(node.op).fusion === "opaque") {
      this.evaluate(node, reason);
      return;
    }
    this.store(node, reason, false);
  }

  /** A product of floats as a step of its own, its operands read through views; false where there is nothing to multiply. */
  private product(node: Node, reason: string): boolean {
    const [a, b] = node.args;
    const isEmpty = [node, a, b].some((each) => sizeOf(each.shape) === 0);
    if (isEmpty || a.dtype !== "f32" || b.dtype !== "f32") return false;
    const batch = node.shape.slice(0, -2);
    const [m, n] = node.shape.slice(-2);
    const operand = (arg: Node): TempMatrix => {
      const { base, strides, offset } = stridedView(arg, (x) => this.leafOf(x) !== undefined);
      const temp = this.store(base, "operand of a contraction", false);
      const rank = arg.shape.length;
      const lead = batch.length - (rank - 2);
      return {
        temp,
        offset,
        batch: batch.map((_, i) => (i < lead || arg.shape[i - lead] === 1 ? 0 : strides[i - lead])),
        row: strides[rank - 2],
        col: strides[rank - 1],
      };
    };
    const [left, right] = [operand(a), operand(b)];
    const to = this.temp(node, "F32", reason, false);
    this.steps.push({ kind: "matmul", batch, m, k: a.shape[a.shape.length - 1], n, left, right, to });
    return true;
  }

  /** An operation that only its row computes, on whole tensors. */
  private evaluate(node: Node, reason: string): void {
    const args = node.args.map((arg): EvaluateArgument => {
      if (arg.shape.length === 0) return { kind: "number", node: arg.id, dtype: arg.dtype };
      const temp = this.store(arg, "read by the host", false);
      return { kind: "temp", temp, shape: arg.shape, dtype: arg.dtype };
    });
    const to = this.temp(node, storageOf(node), reason, false);
    const numbers = [node, ...node.args].reduce((sum, each) => sum + sizeOf(each.shape), 0);
    const working = 8 * (numbers + (opRow(node.op).working?.(node.args) ?? 0));
    const { op, attrs, shape, dtype } = node;
    this.steps.push({ kind: "evaluate", op, attrs, args, shape, dtype, to, working });
  }

  /** Stores a node into a temporary with a kernel of its own, unless it is one already. */
  private store(node: Node, reason: string, local: boolean): number {
    const known = this.leaves.get(node);
    if (known?.ref.kind === "temp") return known.ref.index;
    if (node.op === "concat" || node.op === "row_rank" || isByItself(node)) {
      // No loop computes these; they have steps of their own, over whole tensors here.
      this.materialise(node, reason, [], 1, 1);
      const made = this.leaves.get(node);
      if (made?.ref.kind === "temp") return made.ref.index;
    }
    const dtype = storageOf(node);
    const index = this.temps.length;
    const box =
      node.op === "matmul" ? [...node.shape, node.args[0].shape[node.args[0].shape.length - 1]] : reductionBox(node);
    // The loop must not see the leaf that it is about to make.
    this.temps.push({ dtype, elements: sizeOf(node.shape), reason });
    if (sizeOf(node.shape) > 0) this.loopInto(node, box, index, dtype);
    this.leaves.set(node, { ref: { kind: "temp", index }, shape: node.shape, dtype, lane: laneOf(node), local });
    return index;
  }

  private loopInto(node: Node, box: Shape, temp: number, dtype: StorageDtype): void {
    const split = Math.max(0, box.length - 1);
    const rows = sizeOf(box.slice(0, split));
    const cols = sizeOf(box.slice(split));
    for (;;) {
      try {
        const loop = new LoopBuilder(this, box, split);
        loop.store(node, dtype, { kind: "temp", index: temp });
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
    if (rows * cols === 0) {
      this.whole = true;
      return;
    }
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

/** Whether a node has a step of its own that is no loop: products of floats and what only the host computes. */
function isByItself(node: Node): boolean {
  if (node.op === "matmul") return node.args.every((arg) => arg.dtype === "f32" && sizeOf(arg.shape) > 0);
  return opRow(node.op).fusion === "opaque";
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
