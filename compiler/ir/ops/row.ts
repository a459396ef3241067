/**
 * The shape of a row of the op registry: everything that is known about one operation stands in its row.
 * The elaborator asks for `infer`, the fuser for `fusion` and `kernel`, the reference evaluator for `evaluate` or
 * `scalar`, the passes for `expand`, the parity tests for `tolerance`.
 */
import type { Space } from "../../linear/index.js";
import type { ValueDtype } from "../dtype.js";
import type { Attrs, Graph, Node, Shape } from "../graph.js";
import type { Attributes } from "./attributes.js";

/** How the fuser treats an operation. */
export type Fusion =
  /** Leaves: files, constants, counters, random bits. */
  | "source"
  /** One element from one element of each argument, with broadcasting. */
  | "elementwise"
  /** Only moves elements: fused as an index map. */
  | "view"
  /** Fewer elements from many. */
  | "reduce"
  /** A product summed over an inner dimension. */
  | "contract"
  /** Needs a whole row at once and is materialised. */
  | "row"
  /** Needs its arguments materialised. */
  | "opaque"
  /** Rank-0 result from other rank-0 values or from statistics; runs on the host. */
  | "host"
  /** A loop at run time, and what it gives. */
  | "loop"
  /** Written with other operations; the `expand` pass removes it. */
  | "composite";

/** A value of the reference evaluator: row-major elements, booleans as 0 and 1. */
export interface Value {
  readonly shape: Shape;
  readonly dtype: ValueDtype;
  readonly data: Float64Array;
}

/** Largest allowed distance of a target to the reference: units in the last place of f32, or an absolute number. */
export interface Tolerance {
  readonly ulp: number;
  readonly abs: number;
}

export type Gradient = (graph: Graph, node: Node, upstream: Node) => readonly (Node | null)[];

export interface OpRow {
  readonly name: string;
  readonly doc: string;
  readonly arity: number | "any";
  /** Further arguments that may be left out. */
  readonly optional?: number;
  readonly fusion: Fusion;
  /** The attributes it reads, checked before `infer`. */
  readonly attributes?: Attributes;
  /** Reads the state of an order statistic; no other row takes one. */
  readonly readsThreshold?: true;
  /** Shape and dtype of the result; throws ShapeError with expected and found. */
  readonly infer: (args: readonly Node[], attrs: Attrs) => { shape: Shape; dtype: ValueDtype };
  /** One element from one element of each argument (elementwise rows). */
  readonly scalar?: (...values: number[]) => number;
  /**
   * Whole values (rows that are not elementwise). `round` rounds one number to the dtype of the result; `space` is where
   * matrix algorithms work, plain arrays if it is left out.
   */
  readonly evaluate?: (
    args: readonly Value[],
    attrs: Attrs,
    node: Node,
    round: (x: number) => number,
    space?: Space,
  ) => Float64Array;
  /** Numbers (f64) that `evaluate` works with in its space, where it uses one. */
  readonly working?: (args: readonly { readonly shape: Shape }[]) => number;
  /** The kernel instruction of an elementwise row; absent when it has the row's name. */
  readonly kernel?: string;
  /** The same value in simpler operations. */
  readonly expand?: (graph: Graph, args: readonly Node[], attrs: Attrs, node: Node) => Node;
  /**
   * Reverse mode: from the gradient of a scalar at this node (`upstream`, of the node's shape) to that at each argument,
   * in the argument's shape. null where nothing flows: the derivative is zero, or the argument is not a float. A row
   * with neither this nor `noGradient` is differentiated through `expand`.
   */
  readonly gradient?: Gradient;
  /** Why no gradient passes through this operation; asking for one is an error that says so. */
  readonly noGradient?: string;
  readonly tolerance: { readonly wasm: Tolerance; readonly wgsl: Tolerance };
}

/** An operation that does not fit its arguments. The elaborator turns it into a diagnostic with the place in the text. */
export class ShapeError extends Error {
  constructor(
    message: string,
    readonly kind: "broadcast" | "inner" | "axis" | "size" | "dtype" = "size",
  ) {
    super(message);
    this.name = "ShapeError";
  }
}

export const exact: Tolerance = { ulp: 0, abs: 0 };
export const exactly = { wasm: exact, wgsl: exact };
export const ulps = (wasm: number, wgsl: number, abs = 0) => ({ wasm: { ulp: wasm, abs }, wgsl: { ulp: wgsl, abs } });

export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a === b || (a.length === b.length && a.every((d, i) => d === b[i]));
}

/** Broadcasting by trailing axes. */
export function broadcastShapes(shapes: readonly Shape[]): Shape {
  const longest = shapes.reduce((a, b) => (b.length > a.length ? b : a), []);
  if (shapes.every((shape) => shape.length === 0 || sameShape(shape, longest))) return longest;
  const rank = longest.length;
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const at = rank - shape.length + i;
      if (shape[i] === 1) continue;
      if (result[at] !== 1 && result[at] !== shape[i]) {
        throw new ShapeError(`shapes ${shapes.map(showShape).join(" and ")} do not broadcast`, "broadcast");
      }
      result[at] = shape[i];
    }
  }
  return result;
}

/** dtype of arithmetic on these arguments: integer only when all are. */
export function arithmeticDtype(args: readonly Node[], rank: number): ValueDtype {
  const integer = args.every((a) => a.dtype === "i32" || a.dtype === "i64");
  if (rank === 0) return integer ? "i64" : "f64";
  return integer ? "i32" : "f32";
}
