/**
 * Units: items put together into the steps of a program. In: items. Out: for every block its units in the order of
 * execution. Items of one kernel have one loop and one depth (so none waits for another from outside) and are connected:
 * one uses another, or both read a tensor as large as the loop.
 */
import { sizeOf } from "../ir/index.js";
import type { Block } from "./blocks.js";
import type { Item } from "./items.js";

export interface Unit {
  readonly block: Block;
  /** In order; one alone unless it is a kernel. */
  readonly items: readonly Item[];
}

/** Outputs of one kernel: devices bind few buffers at once. */
const mostOutputs = 5;

/** The units of every block, each after those it needs. */
export function unitsOf(items: readonly Item[]): Map<Block, Unit[]> {
  const units = groups(items).map((members): Unit => ({ block: members[0].block, items: members }));
  const unitOf = new Map<Item, Unit>();
  for (const unit of units) for (const item of unit.items) unitOf.set(item, unit);
  const blocks = new Map<Block, Unit[]>();
  for (const unit of units) blocks.set(unit.block, [...(blocks.get(unit.block) ?? []), unit]);
  return new Map([...blocks].map(([block, own]) => [block, inOrder(own, unitOf)]));
}

/** Items that become one step together. */
function groups(items: readonly Item[]): Item[][] {
  const parent = new Map<Item, Item>(items.map((item) => [item, item]));
  const root = (item: Item): Item => {
    let at = item;
    while (parent.get(at) !== at) at = parent.get(at)!;
    parent.set(item, at);
    return at;
  };
  const blocks = new Map<Block, number>();
  const numberOf = (block: Block) => {
    if (!blocks.has(block)) blocks.set(block, blocks.size);
    return blocks.get(block)!;
  };
  /** By loop, depth and tensor: an item that reads it. */
  const readers = new Map<string, Item>();
  for (const item of items) {
    if (item.work.kind !== "kernel") continue;
    const { box, split } = item.work.domain;
    const key = `${numberOf(item.block)} ${item.depth} ${box.join()} ${split}`;
    for (const [needed, soft] of item.needs)
      if (soft && needed.depth === item.depth) parent.set(root(item), root(needed));
    for (const node of item.reads) {
      if (sizeOf(node.shape) < sizeOf(box)) continue;
      const other = readers.get(`${key} ${node.id}`);
      if (other === undefined) readers.set(`${key} ${node.id}`, item);
      else parent.set(root(item), root(other));
    }
  }
  const members = new Map<Item, Item[]>();
  for (const item of items) {
    const own = members.get(root(item));
    if (own === undefined) members.set(root(item), [item]);
    else own.push(item);
  }
  return [...members.values()].flatMap(cut);
}

/** Cuts a group that has too many outputs; the items are in order, so no earlier part needs a later one. */
function cut(items: Item[]): Item[][] {
  const parts: Item[][] = [[]];
  for (const item of items) {
    if (parts[parts.length - 1].length === mostOutputs) parts.push([]);
    parts[parts.length - 1].push(item);
  }
  return parts;
}

/** Units after what they need; among those that could come next, the one whose items come first. */
function inOrder(units: readonly Unit[], unitOf: ReadonlyMap<Item, Unit>): Unit[] {
  const waiting = new Map<Unit, number>();
  const users = new Map<Unit, Unit[]>();
  for (const unit of units) {
    const needs = new Set(unit.items.flatMap((item) => [...item.needs.keys()].map((n) => unitOf.get(n)!)));
    needs.delete(unit);
    waiting.set(unit, needs.size);
    for (const needed of needs) users.set(needed, [...(users.get(needed) ?? []), unit]);
  }
  const place = (unit: Unit) => unit.items[unit.items.length - 1].order;
  const ready = new Heap<Unit>((unit) => place(unit));
  for (const unit of units) if (waiting.get(unit) === 0) ready.add(unit);
  const order: Unit[] = [];
  for (let unit = ready.take(); unit !== undefined; unit = ready.take()) {
    order.push(unit);
    for (const user of users.get(unit) ?? []) {
      waiting.set(user, waiting.get(user)! - 1);
      if (waiting.get(user) === 0) ready.add(user);
    }
  }
  if (order.length < units.length) throw new Error("steps of a resident program wait for each other");
  return order;
}

/** A binary heap: the smallest key first. */
class Heap<T> {
  private readonly entries: { readonly key: number; readonly value: T }[] = [];

  constructor(private readonly keyOf: (value: T) => number) {}

  add(value: T): void {
    const { entries } = this;
    entries.push({ key: this.keyOf(value), value });
    for (let at = entries.length - 1; at > 0; ) {
      const above = (at - 1) >> 1;
      if (entries[above].key <= entries[at].key) break;
      [entries[above], entries[at]] = [entries[at], entries[above]];
      at = above;
    }
  }

  take(): T | undefined {
    const { entries } = this;
    const first = entries[0];
    const last = entries.pop();
    if (first === undefined || last === undefined) return undefined;
    if (entries.length > 0) {
      entries[0] = last;
      for (let at = 0; ; ) {
        let least = at;
        for (const child of [2 * at + 1, 2 * at + 2]) {
          if (child < entries.length && entries[child].key < entries[least].key) least = child;
        }
        if (least === at) break;
        [entries[least], entries[at]] = [entries[at], entries[least]];
        at = least;
      }
    }
    return first.value;
  }
}
