/**
 * Blocks as a list: what a place becomes when its block gets another number, and where a config says how many there are.
 * In: places and the config of a checkpoint. Out: places with new names, and the entries of the config that follow.
 */
import type { Place } from "./place.js";
import { tableOf } from "./tables/index.js";

/** The stacks that have blocks, in the order of the names. */
export function stacksOf(places: Iterable<Place>): (string | null)[] {
  return [...new Set([...places].filter((p) => p.layer !== null).map((p) => p.stack))];
}

/** A block's tensor under the number `layer` of `layers`: name, number and depth follow. */
export function moved(place: Place, layer: number, layers: number): Place {
  const { head, rest } = aroundNumber(place);
  return { ...place, name: `${head}${layer}${rest}`, layer, layers, depth: layers > 1 ? layer / (layers - 1) : 1 };
}

/** The name of a block's tensor without the block: what stands before the number and after it. */
export function aroundNumber(place: Place): { readonly head: string; readonly rest: string } {
  const { name, at } = place;
  const end = name.indexOf(".", at!);
  return { head: name.slice(0, at!), rest: name.slice(end) };
}

/** An entry of a config, by the dotted path of its key. */
export interface ConfigEntry {
  readonly path: string;
  readonly value: unknown;
}

/** Keys under which configs without a table count their blocks. */
const counts = ["num_hidden_layers", "n_layer", "num_layers", "n_layers"];

/** A list with an element for each block, which stands beside the count (transformers 5: the kinds of attention). */
const lists = ["layer_types"];

/**
 * What a config says for each block of a stack: the number of blocks, and lists with one element a block. Entries that do
 * not agree with `layers` are left out: the config then means something else by them.
 */
export function layerEntries(
  config: Readonly<Record<string, unknown>> | null,
  stack: string | null,
  layers: number,
): { readonly count: string | null; readonly lists: readonly ConfigEntry[] } {
  if (config === null) return { count: null, lists: [] };
  const listed = tableOf(config)?.stacks.find((s) => s.name === stack)?.count;
  const paths = listed === undefined ? counts : [listed];
  const count = paths.find((path) => valueAt(config, path) === layers) ?? null;
  const beside = (count ?? "").includes(".") ? count!.slice(0, count!.lastIndexOf(".") + 1) : "";
  const found = lists
    .map((key) => ({ path: beside + key, value: valueAt(config, beside + key) }))
    .filter(({ value }) => Array.isArray(value) && value.length === layers);
  return { count, lists: found };
}

/** The value at a dotted path of keys; undefined if there is none. */
export function valueAt(config: Readonly<Record<string, unknown>>, path: string): unknown {
  let value: unknown = config;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** The config with entries replaced or added; objects on the way must be there. */
export function withEntries(
  config: Readonly<Record<string, unknown>>,
  entries: ReadonlyMap<string, unknown>,
): Readonly<Record<string, unknown>> {
  const set = (at: Readonly<Record<string, unknown>>, keys: readonly string[], value: unknown) => {
    const [key, ...rest] = keys;
    const inner = rest.length === 0 ? value : set((at[key] ?? {}) as Record<string, unknown>, rest, value);
    const copy = Object.assign(Object.create(null), at) as Record<string, unknown>;
    copy[key] = inner;
    return copy;
  };
  return [...entries].reduce((c, [path, value]) => set(c, path.split("."), value), config);
}
