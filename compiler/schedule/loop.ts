/**
 * One loop: from tensor expressions to the instructions of a kernel. In: what the loop must store, reduce or count, seen
 * over its box. Out: a kernel and the buffers and numbers of its calls. Views and elementwise operations melt into the
 * loop; a value that cannot be computed in place is asked for by throwing `Materialise`.
 */
import { constantOf, type Node, opRow, type Shape, type StorageDtype, sizeOf } from "../ir/index.js";
import type { Access, Kernel, KernelInput, KernelOutput, Lane, Root } from "../kernels/index.js";
import {
  accessOf,
  broadcastMap,
  type IndexMap,
  identityMap,
  isIdentity,
  mapKey,
  reshapeMap,
  sliceMap,
  transposeMap,
} from "./access.js";
import { arithmetic, laneOf } from "./arithmetic.js";
import { Instructions } from "./instructions.js";
import { kernelText } from "./kernel-text.js";
import type { BufferRef, IntegerRef, KernelStep, ScalarResult } from "./program.js";

/** Thrown inside a loop when a value must be materialised before it. */
export class Materialise {
  constructor(
    readonly node: Node,
    readonly reason: string,
  ) {}
}

/** A buffer that a loop can read. */
export interface Leaf {
  readonly ref: BufferRef;
  readonly shape: Shape;
  readonly dtype: StorageDtype;
  readonly lane: Lane;
  /** True if a piece of it is there while a piece of the loop runs. */
  readonly local: boolean;
}

/** What a loop asks of what it is part of. */
export interface LoopScope {
  /** The buffer that holds a node, if there is one. */
  leafOf(node: Node): Leaf | undefined;
  /** Notes how a leaf is read. */
  read(leaf: Leaf, access: Access): void;
}

/** A kernel and what its calls bring, without the size of the domain. */
export interface BuiltLoop {
  readonly kernel: Kernel;
  readonly step: Omit<KernelStep, "kernel" | "domain">;
}

type Fold = "sum" | "max" | "min";

/** The dtype of a buffer that holds a node. */
export function storageOf(node: Node): StorageDtype {
  const lane = laneOf(node);
  return lane === "bool" ? "BOOL" : lane === "i32" ? "I32" : "F32";
}

export class LoopBuilder {
  private readonly code = new Instructions();
  private readonly lowered = new Map<string, number>();
  private readonly inputs: KernelInput[] = [];
  private readonly inputRefs: BufferRef[] = [];
  private readonly outputs: KernelOutput[] = [];
  private readonly outputRefs: BufferRef[] = [];
  private readonly params: number[] = [];
  private readonly integers: IntegerRef[] = [];
  private readonly roots: Root[] = [];
  private readonly scalars: ScalarResult[] = [];
  private readonly columns: { node: number; fn: Fold }[] = [];
  private readonly histograms: { node: number; part: number }[] = [];
  private readonly rows: number;
  private readonly cols: number;

  /** A loop over the rows `box[..split]` of columns `box[split..]`. */
  constructor(
    private readonly scope: LoopScope,
    private readonly box: Shape,
    private readonly split: number,
  ) {
    this.rows = sizeOf(box.slice(0, split));
    this.cols = sizeOf(box.slice(split));
  }

  /** Reduces `of` to the rank-0 `node`: over the elements of the box, or over its rows if it has one element a row. */
  reduce(node: Node, of: Node, fn: ScalarResult["fn"]): void {
    const lowered = this.lower(of, this.mapFor(of));
    const value = sizeOf(of.shape) === this.rows * this.cols ? this.code.element(lowered) : this.code.row(lowered);
    this.roots.push(fn === "argmax" ? { kind: "argmax", value } : { kind: "accumulate", fn, value });
    this.scalars.push({ node: node.id, fn });
  }

  /** Reduces `of` over the rows of the box to the vector `node`. */
  reduceColumns(node: Node, of: Node, fn: Fold): void {
    const value = this.code.element(this.lower(of, this.mapFor(of)));
    this.roots.push({ kind: "column", fn, value });
    this.columns.push({ node: node.id, fn });
  }

  /** Counts the order keys of `of`, part `part` of the threshold `node`. */
  count(node: Node, of: Node, part: number, bins: number): void {
    const key = this.key(of);
    const lo = this.integers.push({ kind: "low", node: node.id }) - 1;
    const shift = this.integers.push({ kind: "shift", node: node.id }) - 1;
    this.roots.push({ kind: "histogram", key, lo, shift, bins });
    this.histograms.push({ node: node.id, part });
  }

  /** Counts the elements whose key equals the limit of the threshold `node` and marks them in `marks`. */
  countEqual(node: Node, of: Node, part: number, marks: BufferRef): void {
    const { code } = this;
    const key = this.key(of);
    const limit = this.integer({ kind: "limit", node: node.id });
    const equal = code.push("eq", [key, limit], "bool");
    this.roots.push({ kind: "accumulate", fn: "sum", value: code.push("to_f32", [equal], "f32") });
    this.scalars.push({ node: node.id, fn: "sum", part });
    this.outputs.push({ dtype: "BOOL", access: "full" });
    this.outputRefs.push(marks);
    this.roots.push({ kind: "store", value: equal, output: this.outputs.length - 1 });
  }

  /** Stores a node: one element a point of the box, or one a row. */
  store(node: Node, dtype: StorageDtype, ref: BufferRef): void {
    const { code } = this;
    let value = this.storedValue(node);
    const full = sizeOf(node.shape) === this.rows * this.cols;
    if (full && code.levelOf(value) !== "element") value = code.element(value);
    if (code.laneOf(value) === "i32" && /^(F|BF)/.test(dtype)) value = code.push("to_f32", [value], "f32");
    if (!full) value = code.row(value);
    this.outputs.push({ dtype, access: full ? "full" : "row" });
    this.outputRefs.push(ref);
    this.roots.push({ kind: "store", value, output: this.outputs.length - 1 });
  }

  private storedValue(node: Node): number {
    if (this.scope.leafOf(node) === undefined) {
      if (node.op === "matmul" && this.box.length > node.shape.length) return this.product(node);
      if (opRow(node.op).fusion === "reduce") return this.reduction(node);
    }
    return this.lower(node, this.mapFor(node));
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
    const value = this.code.float(this.lower(of, this.mapFor(of)));
    return this.code.push("order_key", [this.code.element(value)], "u32", "element");
  }

  private integer(ref: IntegerRef): number {
    const found = this.integers.findIndex((r) => JSON.stringify(r) === JSON.stringify(ref));
    const index = found >= 0 ? found : this.integers.push(ref) - 1;
    return this.code.push("integer", [], "u32", "uniform", { index });
  }

  private lower(node: Node, map: IndexMap): number {
    const key = `${node.id}|${mapKey(map)}`;
    const known = this.lowered.get(key);
    if (known !== undefined) return known;
    const at = this.lowerNew(node, map);
    this.lowered.set(key, at);
    return at;
  }

  private lowerNew(node: Node, map: IndexMap): number {
    if (node.shape.length === 0) return this.hostValue(node);
    const leaf = this.scope.leafOf(node);
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
      case "above":
        return this.above(node, map);
      case "row_rank":
        throw new Materialise(node, "order statistic");
      case "concat":
        throw new Materialise(node, "concatenation");
      case "matmul":
        throw new Materialise(node, "contraction");
    }
    const { fusion } = opRow(node.op);
    if (fusion === "reduce") return this.rowReduction(node, map);
    if (fusion === "elementwise") {
      const args = node.args.map((arg) => this.lower(arg, broadcastMap(map, arg.shape, node.shape)));
      return arithmetic(this.code, node, args);
    }
    if (fusion === "opaque") throw new Materialise(node, "computed by the host");
    throw new Error(`${node.op} was not lowered`);
  }

  /** Rank-0 values are parameters; small whole constants stand in the text. */
  private hostValue(node: Node): number {
    const { code } = this;
    if (node.op === "const") {
      const value = constantOf(node);
      if (typeof value === "boolean") return code.literal(value, "bool");
      if (Number.isInteger(value) && Math.abs(value) <= 2) return code.literal(value, "f32");
    }
    const found = this.params.indexOf(node.id);
    const index = found >= 0 ? found : this.params.push(node.id) - 1;
    const param = code.push("param", [], "f32", "uniform", { index });
    return node.dtype === "bool" ? code.push("ne", [param, code.literal(0, "f32")], "bool") : param;
  }

  private load(leaf: Leaf, map: IndexMap, shape: Shape): number {
    const access = accessOf(map, shape, this.rows, this.cols);
    this.scope.read(leaf, access);
    const [wanted, ref] = [JSON.stringify(access), JSON.stringify(leaf.ref)];
    let input = this.inputs.findIndex(
      (k, i) => JSON.stringify(k.access) === wanted && JSON.stringify(this.inputRefs[i]) === ref,
    );
    if (input < 0) {
      input = this.inputs.push({ dtype: leaf.dtype, access }) - 1;
      this.inputRefs.push(leaf.ref);
    }
    return this.code.push("load", [], leaf.lane, access.kind === "row" ? "row" : "element", { input });
  }

  private reshape(node: Node, map: IndexMap): number {
    const [arg] = node.args;
    const through = reshapeMap(map, arg.shape, node.shape);
    if (through !== null) return this.lower(arg, through);
    const leaf = this.scope.leafOf(arg);
    if (leaf === undefined) throw new Materialise(arg, "reshaped and read in another order");
    return this.load(leaf, map, node.shape);
  }

  private iota(node: Node, map: IndexMap): number {
    const { axis, offset } = map.axes[node.attrs.axis as number];
    if (axis < 0) return this.code.literal(offset, "i32");
    const counter = this.code.push("iota", [], "i32", "element", { axis, dims: [...map.box] });
    return offset === 0 ? counter : this.code.push("add", [counter, this.code.literal(offset, "i32")], "i32");
  }

  private above(node: Node, map: IndexMap): number {
    const { code } = this;
    if (!isIdentity(map, node.shape)) throw new Materialise(node, "order statistic seen through a view");
    const value = code.element(code.float(this.lower(node.args[0], map)));
    const key = code.push("order_key", [value], "u32");
    const limit = this.integer({ kind: "limit", node: node.args[1].id });
    const cut = this.integer({ kind: "cut", node: node.args[1].id, part: node.attrs.part as number });
    return code.push("above", [key, limit, cut], "bool");
  }

  private random(node: Node, map: IndexMap): number {
    if (!isIdentity(map, node.shape)) throw new Materialise(node, "random draw seen through a view");
    const { code } = this;
    const keys = this.keyOf(node);
    const bits = (word: "packed" | 0 | 1) => code.push("random_bits", keys, "u32", "element", { word });
    const unit = (word: "packed" | 0 | 1) => code.push("unit", [bits(word)], "f32");
    const float = (op: string, ...args: number[]) => code.push(op, args, "f32");
    const literal = (value: number) => code.literal(value, "f32");
    if (node.op === "uniform") return unit("packed");
    if (node.op === "randint") {
      const n = node.attrs.n as number;
      const scaled = code.push("to_i32", [float("floor", float("mul", unit("packed"), literal(n)))], "i32");
      return code.push("min", [scaled, code.literal(n - 1, "i32")], "i32");
    }
    const radius = float("sqrt", float("mul", literal(-2), float("log", float("sub", literal(1), unit(0)))));
    const angle = float("cos", float("mul", literal(Math.fround(2 * Math.PI)), unit(1)));
    return float("mul", radius, angle);
  }

  /** The key of a draw: numbers of the text, or mixed with the step of a loop before the call. */
  private keyOf(node: Node): number[] {
    const key = node.attrs.key as readonly [number, number];
    const [step] = node.args;
    return ([0, 1] as const).map((word) =>
      this.integer(
        step === undefined ? { kind: "value", value: key[word] } : { kind: "key", node: step.id, key, word },
      ),
    );
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
    // The kept axes come first, with or without the reduced ones after them.
    const straight = map.axes.every(
      (a, i) =>
        a.offset === 0 && (a.axis === i || (a.axis === -1 && (node.shape[i] === 1 || (kept && axes.includes(i))))),
    );
    if (!own || !sameAxes || !rowMap || !straight) throw new Materialise(node, "reduction");
    return this.rowInstr(node, this.lower(arg, identityMap(arg.shape)));
  }

  private rowInstr(node: Node, value: number): number {
    const lane = laneOf(node);
    let operand = this.code.element(value);
    if (lane === "f32") operand = this.code.element(this.code.float(operand));
    return this.code.push(node.op.replace("reduce_", "row_"), [operand], lane, "row");
  }

  /** A reduction that has this loop to itself: the reduced axes are its columns. */
  private reduction(node: Node): number {
    const [arg] = node.args;
    const axes = [...(node.attrs.axes as readonly number[])].sort((a, b) => a - b);
    const kept = arg.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const trailing = axes.every((a) => a >= arg.shape.length - axes.length);
    const own = this.box.length === arg.shape.length && this.box.every((d, i) => d === arg.shape[i]);
    if (trailing && own && axes.length === 1) return this.rowInstr(node, this.lower(arg, identityMap(arg.shape)));
    // The box is [kept.., reduced]; the reduced axes are told apart again in a finer box of the same order.
    const finer = [...kept.map((i) => arg.shape[i]), ...axes.map((i) => arg.shape[i])];
    const position = (i: number) => (axes.includes(i) ? kept.length + axes.indexOf(i) : kept.indexOf(i));
    const inner: IndexMap = {
      box: finer,
      axes: arg.shape.map((d, i) => ({ axis: d === 1 ? -1 : position(i), offset: 0 })),
    };
    return this.rowInstr(node, this.lower(arg, inner));
  }

  /** A matrix product by itself: the loop runs over [.., m, n, k] and sums along k. */
  private product(node: Node): number {
    const { code } = this;
    const [a, b] = node.args;
    const rank = node.shape.length;
    // `own` is the operand's axis that survives (m of the left, n of the right), `at` its axis in the product.
    const operand = (arg: Node, own: number, at: number): number => {
      const lead = arg.shape.length - 2;
      const axisOf = (i: number) => (i < lead ? rank - 2 - lead + i : i === own ? at : rank);
      const axes = arg.shape.map((d, i) => ({ axis: d === 1 ? -1 : axisOf(i), offset: 0 }));
      return code.element(code.float(this.lower(arg, { box: this.box, axes })));
    };
    const left = operand(a, a.shape.length - 2, rank - 2);
    const right = operand(b, b.shape.length - 1, rank - 1);
    return code.push("row_sum", [code.push("mul", [left, right], "f32")], "f32", "row");
  }

  build(): BuiltLoop {
    const instrs = this.code.list;
    const rowLevel = instrs.some((i) => i.level === "row") || this.outputs.some((o) => o.access === "row");
    const straight = this.inputs.every((i) => i.access.kind === "full" || i.access.kind === "strided");
    const shape = {
      flat: !rowLevel && straight && this.columns.length === 0,
      inputs: this.inputs,
      outputs: this.outputs,
      params: this.params.length,
      integers: this.integers.length,
      instrs,
      roots: this.roots,
    };
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
