/**
 * Values that several kernels need: stored once, or computed again in each? In: units and what is stored so far. Out:
 * further nodes to store, with the reason. A value is stored if two kernels use it, or a kernel in a loop that it does
 * not depend on, and computing it again costs more than reading it. Views are never stored for this.
 */
import { type Node, opRow } from "../ir/index.js";
import type { Block, Blocks } from "./blocks.js";
import { Costs } from "./cost.js";
import type { Leaves, Stored } from "./stored.js";
import type { Unit } from "./units.js";

/** Who computes a node in place: one unit, or several. */
interface Users {
  readonly unit: Unit | null;
  readonly several: boolean;
  readonly block: Block;
}

export function sharedValues(
  order: readonly Node[],
  blocks: Blocks,
  leaves: Leaves,
  stored: Stored,
  units: Iterable<Unit>,
): Stored {
  const costs = new Costs();
  const users = new Map<Node, Users>();
  const use = (node: Node, by: Users) => {
    if (node.shape.length === 0 || leaves.has(node) || stored.has(node)) return;
    const known = users.get(node);
    const inner = known === undefined || blocks.depth(by.block) > blocks.depth(known.block) ? by.block : known.block;
    const several = by.several || (known !== undefined && (known.several || known.unit !== by.unit));
    users.set(node, { unit: by.unit, several, block: inner });
  };
  for (const unit of units) {
    const by: Users = { unit, several: false, block: unit.block };
    for (const { work, node } of unit.items) {
      if (work.kind !== "kernel") continue;
      const { want } = work;
      if (want.kind === "scalar" || want.kind === "column") use(want.of, by);
      else if (want.kind === "state") use(want.node, by);
      else for (const arg of node.args) use(arg, by);
    }
  }
  const found: Stored = new Map();
  for (const node of order.toReversed()) {
    const own = users.get(node);
    if (own === undefined || stored.has(node)) continue;
    const isValue = opRow(node.op).fusion !== "view" && !costs.isCheap(node);
    const leavesLoop = own.block !== blocks.of(node);
    if (isValue && (own.several || leavesLoop)) {
      found.set(node, own.several ? "two kernels" : "the same in every step of a loop");
      for (const arg of node.args) use(arg, { unit: null, several: false, block: blocks.of(node) });
    } else for (const arg of node.args) use(arg, own);
  }
  return found;
}
