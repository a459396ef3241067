/**
 * Models as lists of blocks: `layers(m, a..b)` keeps some blocks, `x ++ y` puts the blocks of one model after those of
 * another. In: trees whose tensors have places. Out: trees with renumbered names, depths of their own, and the entries of
 * the config that count blocks. Before the blocks stands what the first model has there, after them what the last one has.
 */
import { diagnostic, type Span } from "../../grammar/index.js";
import { showShape } from "../ir/index.js";
import { aroundNumber, layerEntries, moved, type Place, stacksOf, valueAt, withEntries } from "../places/index.js";
import { type Context, stop } from "./context.js";
import type { ModelHeader } from "./session.js";
import { type Donor, type Leaf, plainTree, type TreeValue } from "./value.js";

interface Blocks {
  readonly stack: string | null;
  readonly count: number;
}

/** The blocks `from` to `to` (left out) of a model, renumbered from 0. `stack` chooses among several. */
export function keepLayers(
  context: Context,
  tree: TreeValue,
  range: { readonly from: number; readonly to: number },
  stack: string | null,
  span: Span,
): TreeValue {
  const blocks = blocksOf(context, tree, stack, span);
  const { from, to } = range;
  if (from < 0 || to > blocks.count || from >= to) {
    return stop(
      context,
      "R060",
      `the blocks ${from}..${to} do not lie in ${tree.origin}, which has ${blocks.count}`,
      span,
      { help: `write a range inside 0..${blocks.count}, its end left out` },
    );
  }
  const leaves = new Map<string, Leaf>();
  for (const leaf of tree.leaves.values()) {
    const { place } = leaf;
    if (place.stack !== blocks.stack || place.layer === null) put(leaves, leaf, inStackOf(place, blocks, to - from));
    else if (place.layer >= from && place.layer < to) put(leaves, leaf, moved(place, place.layer - from, to - from));
  }
  const kept = plainTree(leaves, null, `layers(${tree.origin}, ${from}..${to})`);
  sameBlocks(context, [tree, blocks, 0], [kept, blocks, 0], span);
  const config = entriesOf(context, tree, blocks);
  return {
    ...kept,
    donor: withConfig(tree.donor, [
      ...(config.count === null ? [] : [[config.count, to - from] as const]),
      ...config.lists.map(({ path, value }) => [path, (value as unknown[]).slice(from, to)] as const),
    ]),
  };
}

/** The blocks of `first`, then those of `second`. */
export function joinLayers(context: Context, first: TreeValue, second: TreeValue, span: Span): TreeValue {
  const a = blocksOf(context, first, null, span);
  const b = blocksOf(context, second, null, span);
  const count = a.count + b.count;
  const leaves = new Map<string, Leaf>();
  const inside = (leaf: Leaf) => leaf.place.layer !== null;
  const outside = (tree: TreeValue, side: "before" | "after") =>
    [...tree.leaves.values()].filter((leaf) => !inside(leaf) && leaf.place.place === side);
  for (const leaf of outside(first, "before")) put(leaves, leaf, inStackOf(leaf.place, a, count));
  for (const leaf of [...first.leaves.values()].filter(inside))
    put(leaves, leaf, moved(leaf.place, leaf.place.layer!, count));
  for (const leaf of [...second.leaves.values()].filter(inside))
    put(leaves, leaf, moved(leaf.place, leaf.place.layer! + a.count, count));
  for (const leaf of outside(second, "after")) put(leaves, leaf, inStackOf(leaf.place, b, count));
  const joined = plainTree(leaves, null, `${first.origin} ++ ${second.origin}`);
  sameBlocks(context, [first, a, a.count - 1], [second, b, 0], span);
  sameEnds(context, first, second, span);
  warnOfConfigs(context, first, second, span);
  const [own, other] = [entriesOf(context, first, a), entriesOf(context, second, b)];
  const lists = own.lists.flatMap(({ path, value }) => {
    const rest = other.lists.find((l) => l.path === path)?.value;
    return rest === undefined ? [] : [[path, [...(value as unknown[]), ...(rest as unknown[])]] as const];
  });
  return {
    ...joined,
    donor: withConfig(first.donor, [...(own.count === null ? [] : [[own.count, count] as const]), ...lists]),
  };
}

/** The config of a tree: its donor's, with the entries that the tree has changed. */
export function configOf(context: Context, tree: TreeValue): ModelHeader["config"] {
  const header = context.session.loads.find((l) => l.id === tree.donor?.id);
  if (header === undefined || header.config === null) return null;
  return tree.donor?.config === undefined ? header.config : withEntries(header.config, tree.donor.config);
}

function blocksOf(context: Context, tree: TreeValue, stack: string | null, span: Span): Blocks {
  if (tree.attached.size > 0)
    return stop(context, "R061", `${tree.origin} has adapters, which belong to its blocks as they are`, span, {
      help: "work them into the weights first: fuse(model)",
    });
  const places = [...tree.leaves.values()].map((leaf) => leaf.place);
  const stacks = stacksOf(places);
  const [only] = stack === null ? stacks : stacks.filter((s) => s === stack);
  if (only === undefined || (stack === null && stacks.length > 1)) {
    const names = stacks.map((s) => JSON.stringify(s ?? ""));
    const found = stacks.length === 0 ? "no numbered blocks" : `the stacks ${names.join(", ")}`;
    return stop(context, "R061", `expected a model with one stack of blocks, found ${found} in ${tree.origin}`, span, {
      help:
        stacks.length === 0
          ? 'say which names are blocks: load(path, layers = "blocks.*")'
          : `name one: layers(model, a..b, stack = ${names[0]}); \`++\` joins models of one stack`,
    });
  }
  return { stack: only, count: Math.max(...places.map((p) => (p.stack === only ? (p.layer ?? -1) : -1))) + 1 };
}

function put(leaves: Map<string, Leaf>, leaf: Leaf, place: Place): void {
  leaves.set(place.name, { ...leaf, place });
}

/** A tensor outside the blocks whose stack has another length now. */
function inStackOf(place: Place, { stack }: Blocks, layers: number): Place {
  return place.stack === stack ? { ...place, layers } : place;
}

/** What a block holds: the shape of each tensor by its name without the block. */
function blockOf(tree: TreeValue, stack: string | null, layer: number): Map<string, string> {
  const block = new Map<string, string>();
  for (const { place, value } of tree.leaves.values()) {
    if (place.layer !== layer || place.stack !== stack) continue;
    const { head, rest } = aroundNumber(place);
    block.set(`${head}*${rest}`, value.kind === "tensor" ? showShape(value.node.shape) : value.kind);
  }
  return block;
}

/** A block that comes after, or in place of, another one must hold the same tensors: the network asks for them by number. */
function sameBlocks(context: Context, one: [TreeValue, Blocks, number], two: [TreeValue, Blocks, number], span: Span) {
  const [a, b] = [one, two].map(([tree, { stack }, layer]) => blockOf(tree, stack, layer));
  const odd = [...new Set([...a.keys(), ...b.keys()])].find((name) => a.get(name) !== b.get(name));
  if (odd === undefined) return;
  const found = `${odd} is ${a.get(odd) ?? "none"} in ${one[0].origin}, but ${b.get(odd) ?? "none"} in ${two[0].origin}`;
  stop(context, "R062", `the blocks are not alike: ${found}`, span, {
    help: "join blocks of one architecture and width, and keep a first block that differs from the others",
  });
}

/** After the blocks, `second` must have what the config of `first` asks for, in the same shapes. */
function sameEnds(context: Context, first: TreeValue, second: TreeValue, span: Span): void {
  for (const { place, value } of first.leaves.values()) {
    if (place.layer !== null || place.place !== "after" || value.kind !== "tensor") continue;
    const found = second.leaves.get(place.name)?.value;
    const shape = found?.kind === "tensor" ? showShape(found.node.shape) : "none";
    if (shape === showShape(value.node.shape)) continue;
    const problem = `${place.name} is ${showShape(value.node.shape)} in ${first.origin}, but ${shape} in ${second.origin}`;
    stop(context, "R062", `the models do not end alike: ${problem}`, span, {
      help: "the joined model ends as the last one does, with the config of the first: align their vocabularies, or their heads, before",
    });
  }
}

/** Entries in which two configs of one architecture may differ without changing what the network computes. */
const unimportant =
  /^(_name_or_path|transformers_version|(torch_)?dtype|use_cache|architectures|.*_token_id|initializer_.*)$/;

function warnOfConfigs(context: Context, first: TreeValue, second: TreeValue, span: Span): void {
  const [one, two] = [configOf(context, first), configOf(context, second)];
  if (one === null || two === null || first.donor?.id === second.donor?.id) return;
  const counted = new Set([...entryPaths(context, first), ...entryPaths(context, second)]);
  const odd = [...new Set([...Object.keys(one), ...Object.keys(two)])].filter(
    (key) =>
      !unimportant.test(key) &&
      !counted.has(key) &&
      JSON.stringify(valueAt(one, key)) !== JSON.stringify(valueAt(two, key)),
  );
  if (odd.length === 0) return;
  context.session.warnings.push(
    diagnostic(
      "R063",
      `the configs of ${first.origin} and ${second.origin} differ in ${odd.slice(0, 4).join(", ")}${odd.length > 4 ? ` and ${odd.length - 4} more` : ""}`,
      { file: context.file, span },
      { severity: "warning", help: "all blocks will run with the config of the first model" },
    ),
  );
}

function entryPaths(context: Context, tree: TreeValue): string[] {
  const [stack] = stacksOf([...tree.leaves.values()].map((l) => l.place));
  const { count, lists } = entriesOf(context, tree, blocksOf(context, tree, stack ?? null, { start: 0, end: 0 }));
  return [...(count === null ? [] : [count]), ...lists.map((l) => l.path)];
}

function entriesOf(context: Context, tree: TreeValue, blocks: Blocks) {
  return layerEntries(configOf(context, tree), blocks.stack, blocks.count);
}

function withConfig(donor: Donor | null, entries: readonly (readonly [string, unknown])[]): Donor | null {
  if (donor === null || entries.length === 0) return donor;
  return { ...donor, config: new Map([...(donor.config ?? []), ...entries]) };
}
