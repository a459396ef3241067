/**
 * What must lie in memory, whatever the fusion: results of products, joins, ranks and host operations and what these
 * read, outputs, states, reductions that no loop over rows can take along. In: the prepared graph. Out: node → reason.
 * What is stored only because several kernels need it is found later (sharing.ts).
 */
import { type Node, opRow, type Shape, sizeOf } from "../ir/index.js";
import { sameElements, storageOf, stridedView } from "../schedule/index.js";
import type { Blocks } from "./blocks.js";
import { bodyOf, type Prepared } from "./prepare.js";

/** Nodes in memory and why. */
export type Stored = Map<Node, string>;

/** Leaves: values that lie in memory before anything is computed. */
export class Leaves {
  private readonly nodes: ReadonlySet<Node>;

  constructor(prepared: Prepared) {
    const { inputs, bodies } = prepared;
    this.nodes = new Set([...inputs, ...[...bodies.values()].flatMap((body) => [...body.variables, body.index])]);
  }

  /** An input, a variable, or what a loop of this program leaves behind. */
  has(node: Node): boolean {
    return this.nodes.has(node) || node.op === "loop_result";
  }
}

/** A reduction along the last axis: a loop over rows can compute it and use it on the same row. */
export function isRowReduction(node: Node): boolean {
  if (node.shape.length === 0 || opRow(node.op).fusion !== "reduce") return false;
  const { shape } = node.args[0];
  const axes = node.attrs.axes as readonly number[];
  return axes.length === 1 && axes[0] === shape.length - 1 && shape[shape.length - 1] > 1;
}

/** How many leading axes a reduction drops, if it drops just those and a loop over columns can do it; else 0. */
export function leadingAxes(node: Node): number {
  if (!["reduce_sum", "reduce_max", "reduce_min"].includes(node.op) || node.dtype !== "f32") return 0;
  const axes = [...(node.attrs.axes as readonly number[])].sort((a, b) => a - b);
  const { shape } = node.args[0];
  if (axes.length === 0 || axes.length >= shape.length || axes.some((axis, i) => axis !== i)) return 0;
  return sizeOf(shape.slice(0, axes.length)) > 1 ? axes.length : 0;
}

/** Rank-0 operations that are the first element of a tensor. */
export function isRead(node: Node): boolean {
  return node.shape.length === 0 && opRow(node.op).fusion === "view" && node.args[0].shape.length > 0;
}

/** Operations on tensors that neither a kernel nor a step of its own computes. */
export function isEvaluated(node: Node): boolean {
  const { fusion } = opRow(node.op);
  if (node.op === "matmul" || node.op === "concat" || node.op === "row_rank") return false;
  return (
    (fusion === "opaque" || fusion === "row" || fusion === "contract") &&
    [node, ...node.args].some((n) => n.shape.length > 0)
  );
}

export function storedAlways(prepared: Prepared, blocks: Blocks, leaves: Leaves): Stored {
  const stored: Stored = new Map();
  const isStored = (node: Node) => stored.has(node) || leaves.has(node);
  const add = (node: Node, reason: string) => {
    if (node.shape.length > 0 && !stored.has(node)) stored.set(node, reason);
  };
  const whole = (node: Node, reason: string) => {
    const base = sameElements(node, isStored);
    if (!leaves.has(base)) add(base, reason);
    return base;
  };
  /** As `whole`, in the dtype of values. */
  const plain = (node: Node, reason: string) => {
    const base = whole(node, reason);
    if (isPacked(base)) add(base, "converted");
  };
  for (const output of prepared.outputs) whole(output, "output");
  for (const node of prepared.order.toReversed()) {
    if (leaves.has(node)) continue;
    const tensor = node.shape.length > 0;
    if (node.op === "loop") {
      const body = bodyOf(prepared.bodies, node);
      for (const result of body.results) {
        if (blocks.of(result) === node) whole(result, "state of a loop");
      }
      for (const log of body.logs) whole(log.node, "log");
    } else if (node.op === "matmul") {
      add(node, "contraction");
      for (const arg of node.args) {
        const { base } = stridedView(arg, isStored);
        if (!leaves.has(base)) add(base, "operand of a contraction");
        else if (isPacked(base)) add(base, "converted");
      }
    } else if (node.op === "threshold") {
      for (const part of node.args.slice(1)) whole(part, "order statistic");
    } else if (isRead(node)) whole(node.args[0], "read by the host");
    else if (!tensor) {
      if (isEvaluated(node)) for (const arg of node.args) whole(arg, "read by the host");
    } else if (node.op === "concat" || node.op === "row_rank") {
      add(node, node.op === "concat" ? "concatenation" : "order statistic of a row");
      for (const arg of node.args) plain(arg, node.op === "concat" ? "joined with others" : "order statistic of a row");
    } else if (isEvaluated(node)) {
      add(node, "computed by the host");
      for (const arg of node.args) whole(arg, "read by the host");
    } else if (opRow(node.op).fusion === "reduce" && !isRowReduction(node)) add(node, "reduction");
  }
  return stored;
}

/** A tensor of a file whose elements are stored otherwise than values are. */
function isPacked(leaf: Node): boolean {
  return leaf.op === "input" && leaf.attrs.dtype !== storageOf(leaf);
}

/** The shape of a loop over rows that gives `node`, if a reduction along rows is part of it; else null. */
export function rowBox(node: Node, isStored: (node: Node) => boolean): Shape | null {
  const size = sizeOf(node.shape);
  const solid = (shape: Shape) => shape.filter((d) => d !== 1).join();
  const seen = new Set<Node>();
  const find = (at: Node, isRoot: boolean): Shape | null => {
    if (seen.has(at) || at.shape.length === 0 || sizeOf(at.shape) !== size || (!isRoot && isStored(at))) return null;
    seen.add(at);
    if (isRowReduction(at)) {
      const { shape } = at.args[0];
      return solid(shape.slice(0, -1)) === solid(node.shape) ? shape : null;
    }
    const { fusion } = opRow(at.op);
    if (fusion !== "elementwise" && at.op !== "reshape" && at.op !== "broadcast") return null;
    for (const arg of at.args) {
      const found = find(arg, false);
      if (found !== null) return found;
    }
    return null;
  };
  return find(node, true);
}
