/**
 * Views of stored tensors: what an operand of a step that is no kernel (a product, a join) reads. In: a node and what is
 * stored. Out: the stored node under its views, with strides for the axes of the operand.
 */
import type { Node } from "../ir/index.js";
import { affineMap, broadcastMap, type IndexMap, identityMap, reshapeMap, sliceMap, transposeMap } from "./access.js";

export interface StridedView {
  readonly base: Node;
  readonly offset: number;
  /** One number an axis of the operand. */
  readonly strides: readonly number[];
}

/** The node that holds `node`'s elements in the same order: under reshapes, down to what is stored. */
export function sameElements(node: Node, isStored: (node: Node) => boolean): Node {
  let base = node;
  while (!isStored(base) && base.op === "reshape" && base.args[0].shape.length > 0) base = base.args[0];
  return base;
}

/** Follows views down from an operand to the first node that is stored or is no view. */
export function stridedView(node: Node, isStored: (node: Node) => boolean): StridedView {
  let base = node;
  let map: IndexMap = identityMap(node.shape);
  while (!isStored(base)) {
    const [arg] = base.args;
    const through = arg === undefined || arg.shape.length === 0 ? null : viewMap(base, arg, map);
    if (through === null) break;
    map = through;
    base = arg;
  }
  // Under a reshape that is no map the elements are still in order.
  return { base: sameElements(base, isStored), ...affineMap(map, base.shape) };
}

/** The map of a view's argument; null where the node is no view or its argument needs another order. */
function viewMap(node: Node, arg: Node, map: IndexMap): IndexMap | null {
  switch (node.op) {
    case "broadcast":
      return broadcastMap(map, arg.shape, node.shape);
    case "transpose":
      return transposeMap(map, node.attrs.perm as readonly number[]);
    case "slice":
      return sliceMap(map, node.attrs.start as readonly number[]);
    case "reshape": {
      const through = reshapeMap(map, arg.shape, node.shape);
      // A map over other coordinates says nothing about the axes of the operand.
      return through?.box === map.box ? through : null;
    }
    default:
      return null;
  }
}
