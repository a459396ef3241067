/**
 * Items: the single things to compute, with what each needs first. In: the prepared graph, its blocks and what is
 * stored. Out: an item for every stored tensor, statistic, host value and loop, with its dependencies. A dependency is
 * *soft* if one kernel can compute both: the same loop, and a path of elementwise operations between them. The depth of
 * an item counts the hard dependencies below it.
 */
import { constantOf, type Node, opRow, type Shape, sizeOf } from "../ir/index.js";
import { sameElements, stridedView } from "../schedule/index.js";
import type { Block, Blocks } from "./blocks.js";
import { bodyOf, type Prepared } from "./prepare.js";
import { nextStates } from "./state.js";
import { isEvaluated, isRead, isRowReduction, type Leaves, leadingAxes, rowBox, type Stored } from "./stored.js";

export type Fold = "sum" | "max" | "min";

/** Something a kernel gives. */
export type Want =
  | { readonly kind: "store"; readonly node: Node }
  /** The initial value of a state, or its value after a step where that is no node of its own. */
  | {
      readonly kind: "state";
      readonly node: Node;
      readonly loop: Node;
      readonly index: number;
      readonly which: "current" | "next";
    }
  | { readonly kind: "scalar"; readonly node: Node; readonly of: Node; readonly fn: Fold | "argmax" }
  | { readonly kind: "column"; readonly node: Node; readonly of: Node; readonly fn: Fold };

/** The loop of a kernel: rows are the first `split` axes of the box. */
export interface Domain {
  readonly box: Shape;
  readonly split: number;
}

export interface Item {
  /** Position among all items; needed ones come before. */
  readonly order: number;
  readonly block: Block;
  readonly node: Node;
  readonly work:
    | { readonly kind: "kernel"; readonly want: Want; readonly domain: Domain }
    | { readonly kind: "matmul" | "row_rank" | "concat" | "select" | "read" | "host" | "evaluate" | "loop" };
  /** Items of the same block; true where the dependency is soft. */
  readonly needs: Map<Item, boolean>;
  /** Stored tensors and leaves that its expression reads. */
  readonly reads: Set<Node>;
  depth: number;
}

export interface Items {
  readonly list: readonly Item[];
  readonly constants: readonly { readonly node: number; readonly value: number }[];
}

export const sameDomain = (a: Domain, b: Domain) => a.split === b.split && a.box.join() === b.box.join();

export function itemsOf(
  prepared: Prepared,
  blocks: Blocks,
  leaves: Leaves,
  stored: Stored,
  apart: ReadonlySet<Node>,
): Items {
  return new ItemBuilder(prepared, blocks, leaves, stored, apart).build();
}

class ItemBuilder {
  private readonly list: Item[] = [];
  private readonly itemOf = new Map<Node, Item>();
  /** What the bodies of a loop need from the block of the loop. */
  private readonly taken = new Map<Node, Set<Item>>();
  private readonly constants: { node: number; value: number }[] = [];

  constructor(
    private readonly prepared: Prepared,
    private readonly blocks: Blocks,
    private readonly leaves: Leaves,
    private readonly stored: Stored,
    private readonly apart: ReadonlySet<Node>,
  ) {}

  build(): Items {
    for (const node of this.prepared.order) this.visit(node);
    return { list: this.list, constants: this.constants };
  }

  private readonly isStored = (node: Node) => this.stored.has(node) || this.leaves.has(node);

  private visit(node: Node): void {
    if (this.leaves.has(node)) {
      if (this.stored.has(node)) this.kernel({ kind: "store", node }, node);
    } else if (node.op === "loop") this.loop(node);
    else if (node.shape.length > 0) {
      if (this.stored.has(node)) this.tensor(node);
    } else if (node.op === "const") {
      this.constants.push({ node: node.id, value: Number(constantOf(node)) });
    } else if (node.op === "threshold") this.hard("select", node, node.args);
    else if (isRead(node)) this.hard("read", node, node.args);
    else if (isEvaluated(node)) this.hard("evaluate", node, node.args);
    else if (opRow(node.op).fusion === "reduce" && node.args[0].shape.length > 0) {
      this.kernel({ kind: "scalar", node, of: node.args[0], fn: foldOf(node) as Fold | "argmax" }, node);
    } else this.hard("host", node, node.args);
  }

  private tensor(node: Node): void {
    if (node.op === "matmul") {
      const bases = node.args.map((arg) => stridedView(arg, this.isStored).base);
      this.hard("matmul", node, bases);
    } else if (node.op === "row_rank" || node.op === "concat") this.hard(node.op, node, node.args);
    else if (isEvaluated(node)) this.hard("evaluate", node, node.args);
    else if (opRow(node.op).fusion === "reduce" && leadingAxes(node) > 0) {
      this.kernel({ kind: "column", node, of: node.args[0], fn: foldOf(node) as Fold }, node);
    } else this.kernel({ kind: "store", node }, node);
  }

  private loop(node: Node): void {
    const states = nextStates(node, this.prepared, this.blocks, this.leaves, this.stored);
    states.forEach((state, index) => {
      if (state === null) return;
      this.kernel({ kind: "state", node: node.args[index], loop: node, index, which: "current" }, node);
      if (state.kind !== "copied") return;
      this.kernel({ kind: "state", node: state.node, loop: node, index, which: "next" }, node, node);
    });
    this.hard("loop", node, node.args);
    const item = this.itemOf.get(node)!;
    // What the loop only looks at (ends, logs, numbers of the next state) may be computed outside of it.
    const { results, until, logs } = bodyOf(this.prepared.bodies, node);
    const numbers = results.filter((result) => result.shape.length === 0);
    for (const seen of [...numbers, ...(until === null ? [] : [until]), ...logs.map((log) => log.node)]) {
      if (this.blocks.of(seen) !== node) this.need(item, sameElements(seen, this.isStored), false);
    }
    for (const other of this.list) {
      const { work } = other;
      if (
        work.kind === "kernel" &&
        work.want.kind === "state" &&
        work.want.loop === node &&
        work.want.which === "current"
      )
        item.needs.set(other, false);
    }
    for (const needed of this.taken.get(node) ?? []) item.needs.set(needed, false);
    item.depth = 1 + Math.max(-1, ...[...item.needs.keys()].map((n) => n.depth));
  }

  /** An item that needs its arguments finished. */
  private hard(kind: Exclude<Item["work"]["kind"], "kernel">, node: Node, args: readonly Node[]): void {
    const item = this.add({ kind }, node, this.blocks.of(node));
    for (const arg of args) {
      if (kind === "loop" && arg.shape.length > 0) continue;
      this.need(item, arg.shape.length > 0 ? sameElements(arg, this.isStored) : arg, false);
    }
    this.settle(item);
  }

  private kernel(want: Want, node: Node, block: Block = this.blocks.of(node)): void {
    const item = this.add({ kind: "kernel", want, domain: this.domainOf(want) }, node, block);
    const { box } = (item.work as { domain: Domain }).domain;
    const seen = new Map<Node, boolean>();
    const walk = (at: Node, soft: boolean) => {
      const before = seen.get(at);
      if (before !== undefined && (before === soft || !before)) return;
      seen.set(at, soft);
      if (at.shape.length === 0 || this.isStored(at)) {
        this.need(item, at, soft);
        return;
      }
      const through = soft && keepsPlace(at, box);
      for (const arg of at.args) walk(arg, through);
    };
    if (want.kind === "scalar" || want.kind === "column") walk(want.of, true);
    else if (want.kind === "state") walk(want.node, true);
    else if (this.leaves.has(node)) item.reads.add(node);
    else for (const arg of node.args) walk(arg, keepsPlace(node, box));
    this.settle(item);
  }

  private add(work: Item["work"], node: Node, block: Block): Item {
    const item: Item = { order: this.list.length, block, node, work, needs: new Map(), reads: new Set(), depth: 0 };
    this.list.push(item);
    if (work.kind !== "kernel" || work.want.kind !== "state") this.itemOf.set(node, item);
    return item;
  }

  /** Notes that an item needs a number, a stored tensor or a leaf. */
  private need(item: Item, node: Node, soft: boolean): void {
    if (node.shape.length > 0) item.reads.add(node);
    const source =
      node.op === "loop_result" && !this.stored.has(node) ? this.itemOf.get(node.args[0]) : this.itemOf.get(node);
    if (source === undefined || source === item) return;
    if (source.block !== item.block) {
      const loop = this.blocks.loopWithin(item.block, source.block);
      if (loop === null) return;
      const taken = this.taken.get(loop) ?? new Set();
      this.taken.set(loop, taken.add(source));
      return;
    }
    const joins = soft && this.canJoin(item, source);
    item.needs.set(source, joins && (item.needs.get(source) ?? true));
  }

  private canJoin(item: Item, source: Item): boolean {
    if (item.work.kind !== "kernel" || source.work.kind !== "kernel") return false;
    if (source.work.want.kind !== "store" || this.apart.has(source.node)) return false;
    return sameDomain(item.work.domain, source.work.domain);
  }

  private settle(item: Item): void {
    item.depth = Math.max(0, ...[...item.needs].map(([needed, soft]) => needed.depth + (soft ? 0 : 1)));
  }

  private domainOf(want: Want): Domain {
    if (want.kind === "column") return { box: want.of.shape, split: leadingAxes(want.node) };
    if (want.kind === "scalar") return rows(want.fn === "argmax" ? want.of.shape : this.rowsOf(want.of));
    const { node } = want;
    if (want.kind === "store" && !this.leaves.has(node) && opRow(node.op).fusion === "reduce")
      return rows(reductionBox(node));
    return rows(
      want.kind === "store" && !this.leaves.has(node) ? (rowBox(node, this.isStored) ?? node.shape) : this.rowsOf(node),
    );
  }

  private rowsOf(node: Node): Shape {
    return this.isStored(node) ? node.shape : (rowBox(node, this.isStored) ?? node.shape);
  }
}

const foldOf = (node: Node) => node.op.replace("reduce_", "");

function rows(box: Shape): Domain {
  return { box, split: Math.max(0, box.length - 1) };
}

/** The box of a loop that computes a reduction: the reduced axes are its columns. */
function reductionBox(node: Node): Shape {
  const { shape } = node.args[0];
  if (isRowReduction(node)) return shape;
  const axes = node.attrs.axes as readonly number[];
  return [...shape.filter((_, i) => !axes.includes(i)), sizeOf(axes.map((a) => shape[a]))];
}

/** True if an element of the node needs the elements of its arguments at the same place of a loop over `box`. */
function keepsPlace(node: Node, box: Shape): boolean {
  if (isRowReduction(node)) return node.args[0].shape.join() === box.join();
  if (node.op === "reshape") return solid(node.shape) === solid(node.args[0].shape);
  return node.op === "broadcast" || (opRow(node.op).fusion === "elementwise" && node.op !== "above");
}

const solid = (shape: Shape) => shape.filter((d) => d !== 1).join();
