/**
 * The attributes of operations: which ones a row has and what they must be. In: a row's declaration and the attributes
 * of a node. Out: nothing, or a ShapeError that names the attribute with expected and found. A node may carry further
 * attributes; they belong to its identity and change nothing else.
 */
import { isStorageDtype } from "../dtype.js";
import type { Attr, Attrs } from "../graph.js";
import { ShapeError } from "./row.js";

interface Kind {
  readonly expected: string;
  readonly accepts: (value: Attr) => boolean;
}

const isWhole = (value: Attr): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const isWholeList = (value: Attr): value is readonly number[] => Array.isArray(value) && value.every(isWhole);

/** Numbers without a form in JSON are written as these strings. */
export const writtenNumbers: ReadonlySet<string> = new Set(["NaN", "Infinity", "-Infinity", "-0"]);

const kinds = {
  shape: {
    expected: "a list of sizes whose product is at most 2^53",
    accepts: (value: Attr) => isWholeList(value) && value.reduce((a, b) => a * b, 1) <= Number.MAX_SAFE_INTEGER,
  },
  positions: { expected: "a list of whole numbers", accepts: isWholeList },
  axes: {
    expected: "a list of different axes",
    accepts: (value: Attr) => isWholeList(value) && new Set(value).size === value.length,
  },
  whole: { expected: "a whole number", accepts: isWhole },
  flag: { expected: "true or false", accepts: (value: Attr) => typeof value === "boolean" },
  text: { expected: "a string", accepts: (value: Attr) => typeof value === "string" },
  storage: {
    expected: "a storage dtype",
    accepts: (value: Attr) => typeof value === "string" && isStorageDtype(value),
  },
  label: {
    expected: "a string or a whole number",
    accepts: (value: Attr) => typeof value === "string" || isWhole(value),
  },
  value: {
    expected: "f32, i32, f64, i64 or bool",
    accepts: (value: Attr) => ["f32", "i32", "f64", "i64", "bool"].includes(value as string),
  },
  host: {
    expected: "f64, i64 or bool",
    accepts: (value: Attr) => value === "f64" || value === "i64" || value === "bool",
  },
  key: {
    expected: "two 32-bit numbers",
    accepts: (value: Attr) => isWholeList(value) && value.length === 2 && value.every((k) => k < 2 ** 32),
  },
  number: {
    expected: "a number or a bool",
    accepts: (value: Attr) =>
      typeof value === "number" ||
      typeof value === "boolean" ||
      (typeof value === "string" && writtenNumbers.has(value)),
  },
} satisfies Record<string, Kind>;

export type AttrKind = keyof typeof kinds;

/** The attributes of a row; a name that ends in `?` may be left out. */
export type Attributes = { readonly [name: string]: AttrKind };

/** Throws ShapeError when an attribute that `declared` names is missing or is not what it says. */
export function checkAttributes(op: string, declared: Attributes, attrs: Attrs): void {
  for (const entry in declared) {
    const optional = entry.endsWith("?");
    const name = optional ? entry.slice(0, -1) : entry;
    const kind = kinds[declared[entry]];
    if (!Object.hasOwn(attrs, name)) {
      if (optional) continue;
      throw new ShapeError(`${op} needs the attribute ${name}: ${kind.expected}`);
    }
    if (!kind.accepts(attrs[name])) {
      throw new ShapeError(
        `the attribute ${name} of ${op} must be ${kind.expected}, found ${JSON.stringify(attrs[name])}`,
      );
    }
  }
}
