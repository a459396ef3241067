/**
 * Which values no arm of a `match` covers, and which arms cover nothing new. In: the arms' patterns in a small form of
 * their own. Out: an example of an uncovered value, or null. The method is the classic one on matrices of patterns:
 * a row of patterns is useful if some value meets it and none of the rows above (Maranget, 2007).
 */

/** What one pattern accepts. */
export type Cover =
  /** Every value. */
  | { readonly kind: "any" }
  /** A value of one constructor: a word, true, none, a list of n elements. `of` are its parts. */
  | { readonly kind: "one"; readonly name: string; readonly of: readonly Cover[] }
  /** Lists of at least `least` elements. */
  | { readonly kind: "long"; readonly least: number; readonly of: readonly Cover[] };

/** The constructors of a type; null where they cannot be listed (numbers, texts, lists of any length). */
export interface Constructors {
  readonly all: readonly { readonly name: string; readonly of: readonly Constructors[] }[] | null;
  /** Lists: pattern `long` may stand for several constructors. */
  readonly lists: boolean;
}

export const anyCover: Cover = { kind: "any" };
export const open: Constructors = { all: null, lists: false };

/** A list of n elements as a constructor. */
export function listName(n: number): string {
  return `[${Array.from({ length: n }, () => "_").join(", ")}]`;
}

function lengthOfName(name: string): number {
  return name === "[]" ? 0 : name.split(",").length;
}

/** What remains of a row once its first value is known to be `name` with `arity` parts; null if it does not match. */
function specialise(row: readonly Cover[], name: string, arity: number): readonly Cover[] | null {
  const [first, ...rest] = row;
  const blanks = Array.from({ length: arity }, () => anyCover);
  if (first.kind === "any") return [...blanks, ...rest];
  if (first.kind === "one") return first.name === name ? [...first.of, ...rest] : null;
  const length = lengthOfName(name);
  if (!name.startsWith("[") || length < first.least) return null;
  return [...first.of, ...blanks.slice(first.of.length), ...rest];
}

/** Steps after which nothing is claimed: patterns written by hand need a few dozen. */
const MAX_STEPS = 2000;

/** An example of values that `rows` leave out and `wanted` accepts, one text per column; undefined after too many steps. */
function uncovered(
  rows: readonly (readonly Cover[])[],
  wanted: readonly Cover[],
  types: readonly Constructors[],
  steps: { left: number },
): readonly string[] | null | undefined {
  if (steps.left-- <= 0) return undefined;
  if (wanted.length === 0) return rows.length === 0 ? [] : null;
  const [type, ...otherTypes] = types;
  const named = new Map<string, number>();
  let longest = -1;
  for (const row of [...rows, wanted]) {
    const first = row[0];
    if (first.kind === "one") named.set(first.name, first.of.length);
    if (first.kind === "long") longest = Math.max(longest, first.least);
    if (first.kind === "one" && first.name.startsWith("[")) longest = Math.max(longest, first.of.length);
  }
  const listed = type.all ?? [];
  for (const c of listed) named.set(c.name, c.of.length);
  if (type.lists && type.all === null) for (let n = 0; n <= longest + 1; n++) named.set(listName(n), n);
  for (const [name, arity] of named) {
    if (type.all !== null && !listed.some((c) => c.name === name)) continue;
    const inner = specialise(wanted, name, arity);
    if (inner === null) continue;
    const partTypes = listed.find((c) => c.name === name)?.of ?? Array.from({ length: arity }, () => open);
    const below = rows.map((row) => specialise(row, name, arity)).filter((row) => row !== null);
    const found = uncovered(below, inner, [...partTypes, ...otherTypes], steps);
    if (found === undefined) return undefined;
    if (found !== null) return [showConstructor(name, found.slice(0, arity)), ...found.slice(arity)];
  }
  const complete = type.all !== null || (type.lists && longest >= 0);
  if (complete || wanted[0].kind !== "any") return null;
  const below = rows.filter((row) => row[0].kind === "any").map((row) => row.slice(1));
  const found = uncovered(below, wanted.slice(1), otherTypes, steps);
  return found && ["_", ...found];
}

function showConstructor(name: string, parts: readonly string[]): string {
  if (name.startsWith("[")) return `[${parts.join(", ")}]`;
  if (name === "tuple") return `(${parts.join(", ")})`;
  return name === "some" ? parts.join("") : name;
}

/** undefined: not worth the steps. */
function search(rows: readonly Cover[], wanted: Cover, type: Constructors): readonly string[] | null | undefined {
  return uncovered(
    rows.map((a) => [a]),
    [wanted],
    [type],
    { left: MAX_STEPS },
  );
}

/** An example of a value that no arm covers, or null. */
export function missing(arms: readonly Cover[], type: Constructors): string | null {
  return search(arms, anyCover, type)?.[0] ?? null;
}

/** True if every value of arm `i` is covered by the arms before it. */
export function isUnreachable(arms: readonly Cover[], i: number, type: Constructors): boolean {
  return search(arms.slice(0, i), arms[i], type) === null;
}
