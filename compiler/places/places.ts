/**
 * Places: what each tensor of a checkpoint is. In: names and shapes from the headers, the config, and the pattern of
 * `load(..., layers = ...)`. Out: for each name a Place.
 *
 * First the blocks are found: by the pattern if there is one, else by the architecture's table, else by the first number
 * in the name (names with different prefixes are different stacks). Then the table says kind and role, and what it does
 * not list is guessed from shape and words.
 */
import { guess, isBias, isWeight } from "./guess.js";
import { compilePattern } from "./pattern.js";
import type { Kind, Place, Role } from "./place.js";
import { type Table, tableOf } from "./tables/index.js";

export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface PlacesOptions {
  /** `blocks.*`: names that begin with a match (the last `*` is the block's number) are inside a block. */
  readonly layers?: string;
}

/** A name cut at its block: `stack` names the stack, `at` is its prefix, `rest` the path from the block on. */
interface InBlock {
  readonly stack: string | null;
  readonly at: string;
  readonly layer: number;
  readonly rest: string;
}

const layerNumber = /^\d{1,9}$/;

/** The place of every tensor. A `layers` pattern with a problem (see layersProblem) finds no blocks. */
export function placesOf(
  tensors: readonly NamedShape[],
  config: Readonly<Record<string, unknown>> | null,
  options: PlacesOptions = {},
): Map<string, Place> {
  const table = tableOf(config);
  const cuts = new Map(tensors.map(({ name }) => [name, cut(name, table, options.layers)]));
  const lengths = new Map<string | null, number>();
  const prefixes = new Map<string | null, string>();
  for (const inBlock of cuts.values()) {
    if (inBlock === null) continue;
    lengths.set(inBlock.stack, Math.max(lengths.get(inBlock.stack) ?? 0, inBlock.layer + 1));
    prefixes.set(inBlock.stack, inBlock.at);
  }
  const places = new Map<string, Place>();
  for (const { name, shape } of tensors) {
    const inBlock = cuts.get(name) ?? null;
    const listed = table === null ? null : lookUp(name, inBlock, table);
    const guessed = guess(name, shape, inBlock !== null);
    const stack =
      inBlock !== null ? inBlock.stack : listed?.stack !== undefined ? listed.stack : stackAround(name, prefixes);
    const layers = lengths.get(stack) ?? 0;
    const place = inBlock !== null ? "inside" : (listed?.place ?? guessed.side);
    places.set(name, {
      name,
      kind: listed?.kind ?? guessed.kind,
      role: listed !== null ? listed.role : guessed.role,
      layer: inBlock?.layer ?? null,
      at: inBlock === null ? null : name.lastIndexOf(".", name.length - inBlock.rest.length - 2) + 1,
      layers,
      stack,
      depth: inBlock !== null ? (layers > 1 ? inBlock.layer / (layers - 1) : 1) : place === "before" ? 0 : 1,
      place,
      layout: table?.layout === "in-out" && listed?.kind === "linear" ? "in-out" : "out-in",
    });
  }
  return places;
}

/** What is wrong with a `layers` pattern for these tensors, as a message; null if it finds blocks. */
export function layersProblem(tensors: readonly NamedShape[], pattern: string): string | null {
  const compiled = compilePattern(pattern);
  if (!compiled.ok) return compiled.message;
  if (tensors.some(({ name }) => cutByPattern(name, pattern) !== null)) return null;
  return `no tensor's name begins with \`${pattern}\` where the last \`*\` is a number`;
}

function cut(name: string, table: Table | null, pattern: string | undefined): InBlock | null {
  if (pattern !== undefined) return cutByPattern(name, pattern);
  return table === null ? cutByNumber(name) : cutByTable(name, table);
}

function cutByPattern(name: string, pattern: string): InBlock | null {
  const compiled = compilePattern(pattern);
  if (!compiled.ok) return null;
  return cutAt(name, (upToNumber) => compiled.matches(upToNumber));
}

const cutByNumber = (name: string): InBlock | null => cutAt(name, () => true);

/** Cuts at the first number whose path, number included, is accepted. */
function cutAt(name: string, accepts: (upToNumber: string) => boolean): InBlock | null {
  const segments = name.split(".");
  for (let i = 0; i < segments.length - 1; i++) {
    if (!layerNumber.test(segments[i]) || !accepts(segments.slice(0, i + 1).join("."))) continue;
    const at = segments.slice(0, i).join(".");
    return { stack: at === "" ? null : at, at, layer: Number(segments[i]), rest: segments.slice(i + 1).join(".") };
  }
  return null;
}

function cutByTable(name: string, table: Table): InBlock | null {
  const bare = withoutPrefix(name, table);
  for (const stack of table.stacks) {
    if (!bare.startsWith(stack.at + ".")) continue;
    const [number, ...rest] = bare.slice(stack.at.length + 1).split(".");
    if (layerNumber.test(number) && rest.length > 0)
      return { stack: stack.name, at: stack.at, layer: Number(number), rest: rest.join(".") };
  }
  return null;
}

function withoutPrefix(name: string, table: Table): string {
  const prefix = table.prefixes.find((p) => name.startsWith(p));
  return prefix === undefined ? name : name.slice(prefix.length);
}

interface Listed {
  readonly kind: Kind;
  readonly role: Role | null;
  readonly place?: "before" | "after";
  readonly stack?: string | null;
}

/** The table's row for a name: by its whole path, else by the module's path, then a bias has kind bias. */
function lookUp(name: string, inBlock: InBlock | null, table: Table): Listed | null {
  if (inBlock !== null) {
    const row = findRow(
      table.stacks.filter((s) => inBlock.at === s.at || inBlock.at.endsWith(`.${s.at}`)).flatMap((s) => s.rows),
      inBlock.rest,
    );
    return row === null ? null : { kind: row.kind, role: row.row[2] };
  }
  const found = findRow(table.outside, withoutPrefix(name, table));
  return found === null ? null : { kind: found.kind, role: found.row[2], place: found.row[3], stack: found.row[4] };
}

function findRow<Row extends readonly [path: string, kind: Kind, ...rest: unknown[]]>(
  rows: readonly Row[],
  path: string,
): { row: Row; kind: Kind } | null {
  const whole = rows.find((row) => row[0] === path);
  if (whole !== undefined) return { row: whole, kind: whole[1] };
  const dot = path.lastIndexOf(".");
  const leaf = path.slice(dot + 1);
  if (dot < 0 || !(isWeight(leaf) || isBias(leaf))) return null;
  const row = rows.find((r) => r[0] === path.slice(0, dot));
  return row === undefined ? null : { row, kind: isBias(leaf) ? "bias" : row[1] };
}

/** The stack of a tensor outside the blocks: the only one, or the only one whose parent module holds it too. */
function stackAround(name: string, prefixes: ReadonlyMap<string | null, string>): string | null {
  const stacks = [...prefixes];
  if (stacks.length === 1) return stacks[0][0];
  const near = stacks.filter(([, at]) => at.includes(".") && name.startsWith(at.slice(0, at.lastIndexOf(".") + 1)));
  return near.length === 1 ? near[0][0] : null;
}
