/**
 * Levels: how many passes over the data must end before a value can be computed. Files are there at level 0; a
 * statistic of values of level n is known at level n + 1, and so is a result that is kept; rank-0 arithmetic adds nothing.
 */
import { type Node, opRow } from "../ir/index.js";

/** A rank-0 value that is reduced from tensors, or read from one that has a single element. */
export function isStatistic(node: Node): boolean {
  if (node.shape.length > 0) return false;
  const { fusion } = opRow(node.op);
  return fusion === "reduce" || (fusion === "view" && node.args[0].shape.length > 0);
}

/** A reduction along the first axis: a vector over the columns, accumulated over all rows like a statistic. */
export function isColumn(node: Node): boolean {
  if (!["reduce_sum", "reduce_max", "reduce_min"].includes(node.op) || node.dtype !== "f32") return false;
  const axes = node.attrs.axes as readonly number[];
  return (
    node.shape.length > 0 &&
    node.args[0].shape.length >= 2 &&
    axes.length === 1 &&
    axes[0] === 0 &&
    node.args[0].shape[0] > 1
  );
}

export class Levels {
  private readonly known = new Map<Node, number>();

  /** `kept`: inputs that stand for results, and what they stand for. */
  constructor(private readonly kept: ReadonlyMap<Node, Node>) {}

  /** The level at which a node can be computed (tensors) or is known (rank 0, columns). */
  of(root: Node): number {
    const stack = [root];
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      if (this.known.has(node)) {
        stack.pop();
        continue;
      }
      const value = this.kept.get(node);
      const args = value === undefined ? node.args : [value];
      const open = args.filter((a) => !this.known.has(a));
      if (open.length > 0) {
        stack.push(...open);
        continue;
      }
      const level = Math.max(0, ...args.map((a) => this.known.get(a)!));
      this.known.set(node, level + (value !== undefined || isStatistic(node) || isColumn(node) ? 1 : 0));
      stack.pop();
    }
    return this.known.get(root)!;
  }
}

/** The place that a tensor expression belongs to: the name of the first file tensor it reads. */
export class PlaceNames {
  private readonly known = new Map<Node, string>();

  of(node: Node): string {
    const known = this.known.get(node);
    if (known !== undefined) return known;
    let name = "";
    if (node.op === "input") name = String(node.attrs.name);
    else {
      for (const arg of node.args) {
        if (arg.shape.length === 0) continue;
        name = this.of(arg);
        if (name !== "") break;
      }
    }
    this.known.set(node, name);
    return name;
  }
}
