/**
 * What it costs to compute an element again, in additions. In: a node. Out: a number; views are free, values that have to
 * be stored anyway cost a load. A value that costs no more than reading it from memory is never stored for reuse.
 */
import { type Node, opRow } from "../ir/index.js";

const weights: ReadonlyMap<string, number> = new Map([
  ["div", 2],
  ["sqrt", 2],
  ["mod", 4],
  ["quantize", 4],
  ["exp", 8],
  ["log", 8],
  ["sin", 8],
  ["cos", 8],
  ["acos", 8],
  ["tanh", 8],
  ["pow", 16],
  ["uniform", 10],
  ["randint", 12],
  ["normal", 40],
]);

/** Up to here computing is as good as reading: a load or two and one cheap operation. */
const cheapest = 3;

export class Costs {
  private readonly known = new Map<Node, number>();

  isCheap(node: Node): boolean {
    return this.of(node) <= cheapest;
  }

  private of(node: Node): number {
    const known = this.known.get(node);
    if (known !== undefined) return known;
    const cost = this.compute(node);
    this.known.set(node, cost);
    return cost;
  }

  private compute(node: Node): number {
    if (node.shape.length === 0) return 0;
    const { fusion } = opRow(node.op);
    switch (fusion) {
      case "source":
        return weights.get(node.op) ?? 1;
      case "view":
        return this.of(node.args[0]);
      case "elementwise":
        return node.args.reduce((sum, arg) => sum + this.of(arg), weights.get(node.op) ?? 1);
      case "reduce":
        return Number.POSITIVE_INFINITY;
      default:
        return 1;
    }
  }
}
