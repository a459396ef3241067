/**
 * Blocks: where in the nest of loops a node is computed. In: the prepared graph. Out: for every node the innermost loop
 * whose state it depends on; what depends on no loop belongs to the main block, what depends on no variable at all to
 * the prologue, which is run once. So loop-invariant values leave their loops.
 */
import type { Node } from "../ir/index.js";
import { bodyOf, type Prepared } from "./prepare.js";

/** A block: a loop node, the main block, or the prologue. */
export type Block = Node | "main" | "prologue";

export interface Blocks {
  of(node: Node): Block;
  /**
   * The loop around `inner` that is computed in `outer`: it must wait for what `inner` takes from there. null where
   * `outer` is the prologue, which ends before the main block begins.
   */
  loopWithin(inner: Block, outer: Block): Node | null;
  /** How many loops a block lies in; -1 for the prologue. */
  depth(block: Block): number;
}

const none: ReadonlySet<Block> = new Set();

/** Throws an Error when two loops have one body. */
export function blocksOf(prepared: Prepared): Blocks {
  const leaves = new Set(prepared.inputs);
  /** The blocks whose values a node depends on. */
  const uses = new Map<Node, ReadonlySet<Block>>();
  const loopOf = new Map<number, Node>();
  for (const node of prepared.order) {
    if (node.op !== "loop" || leaves.has(node)) continue;
    const number = node.attrs.body as number;
    if (loopOf.has(number)) throw new Error(`two loops have the body ${number}`);
    loopOf.set(number, node);
  }
  const ownerOf = new Map<Node, Node>();
  for (const [number, loop] of loopOf) {
    const { variables, index } = prepared.bodies.get(number)!;
    for (const variable of [...variables, index]) ownerOf.set(variable, loop);
  }
  const union = (nodes: readonly Node[]): ReadonlySet<Block> => {
    const sets = [...new Set(nodes.map((n) => uses.get(n) ?? none))].filter((s) => s.size > 0);
    if (sets.length <= 1) return sets[0] ?? none;
    return new Set(sets.flatMap((s) => [...s]));
  };
  for (const node of prepared.order) {
    const owner = ownerOf.get(node);
    if (leaves.has(node)) uses.set(node, node.op === "input" ? none : new Set<Block>(["main"]));
    else if (owner !== undefined) uses.set(node, new Set<Block>([owner]));
    else if (node.op === "loop") {
      const { results, until, logs } = bodyOf(prepared.bodies, node);
      const inside = union([...results, ...(until === null ? [] : [until]), ...logs.map((log) => log.node)]);
      uses.set(node, new Set([...union(node.args), ...inside].filter((block) => block !== node)));
    } else uses.set(node, union(node.args));
  }
  const depths = new Map<Block, number>([
    ["prologue", -1],
    ["main", 0],
  ]);
  const depth = (block: Block): number => {
    const known = depths.get(block);
    if (known !== undefined) return known;
    const own = 1 + Math.max(0, ...[...uses.get(block as Node)!].map(depth));
    depths.set(block, own);
    return own;
  };
  const blocks = new Map<Node, Block>();
  const of = (node: Node): Block => {
    const known = blocks.get(node);
    if (known !== undefined) return known;
    let innermost: Block = "prologue";
    for (const block of uses.get(node)!) if (depth(block) > depth(innermost)) innermost = block;
    blocks.set(node, innermost);
    return innermost;
  };
  return {
    of,
    depth,
    loopWithin(inner, outer) {
      let block = inner;
      while (typeof block !== "string" && of(block) !== outer) block = of(block);
      return typeof block === "string" ? null : block;
    },
  };
}
