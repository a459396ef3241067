/**
 * Symbolic shapes: a row of axes, of which at most one is a rest (`*s`), and the rules that need no more than that:
 * broadcasting, reduction, products. In: shapes of operands. Out: the shape of the result, null where the text does not
 * tell, or the two axes that certainly do not fit. Spec: spec/language.md, "Shapes".
 */
import { constant, constantOf, differ, multiply, type Polynomial, showPolynomial, symbolOf } from "./polynomial.js";

export type Axis =
  /** One axis; `length` null: unknown. `name`: what `over = name` calls it. */
  | { readonly kind: "size"; readonly length: Polynomial | null; readonly name: string | null }
  /**
   * Any number of axes; `reduced`: its last (row) or first (column) axis has length 1 after a reduction, or some axes do
   * (a scope that the text does not tell): such a shape broadcasts into the whole one.
   */
  | { readonly kind: "rest"; readonly name: string; readonly reduced: Reduced };

export type Reduced = "row" | "column" | "some" | null;

/** null: nothing is known, not even the rank. */
export type Shape = readonly Axis[] | null;

export function axis(length: Polynomial | null, name: string | null = symbolOf(length)): Axis {
  return { kind: "size", length, name };
}

export const unitAxis: Axis = { kind: "size", length: constant(1), name: null };

/** The number of axes, or null. */
export function rankOf(shape: Shape): number | null {
  return shape?.every((a) => a.kind === "size") ? shape.length : null;
}

export function showAxis(a: Axis): string {
  if (a.kind === "rest") {
    if (a.reduced === null) return `*${a.name}`;
    return a.reduced === "some" ? `*${a.name} or smaller` : `*${a.name} after over = ${a.reduced}`;
  }
  return a.length === null ? "_" : showPolynomial(a.length);
}

export function showShape(shape: Shape): string {
  return shape === null ? "any shape" : `[${shape.map(showAxis).join(", ")}]`;
}

export function sameAxis(a: Axis, b: Axis): boolean {
  if (a.kind === "rest" || b.kind === "rest") {
    return (
      a.kind === b.kind &&
      a.name === b.name &&
      (a as { reduced?: unknown }).reduced === (b as { reduced?: unknown }).reduced
    );
  }
  return a.length !== null && b.length !== null && showPolynomial(a.length) === showPolynomial(b.length);
}

function isOne(a: Axis): boolean {
  return a.kind === "size" && a.length !== null && constantOf(a.length) === 1;
}

type Broadcast = { readonly shape: Shape } | { readonly conflict: readonly [Axis, Axis] };

/** Aligns trailing axes. A conflict is two lengths that certainly differ and of which none is 1. */
export function broadcast(a: Shape, b: Shape): Broadcast {
  if (a === null || b === null) return { shape: a?.length === 0 ? b : b?.length === 0 ? a : null };
  const trailing: Axis[] = [];
  let i = a.length - 1;
  let j = b.length - 1;
  for (; i >= 0 && j >= 0; i--, j--) {
    const x = a[i];
    const y = b[j];
    if (x.kind === "rest" || y.kind === "rest") {
      const rest = i === 0 && j === 0 ? commonRest(x, y) : null;
      return { shape: rest && [rest, ...trailing] };
    }
    if (isOne(x)) trailing.unshift(y);
    else if (isOne(y)) trailing.unshift(x);
    else if (differ(x.length, y.length)) return { conflict: [x, y] };
    else trailing.unshift(x.length === null ? { ...y, name: y.name ?? x.name } : { ...x, name: x.name ?? y.name });
  }
  return { shape: [...a.slice(0, i + 1), ...b.slice(0, j + 1), ...trailing] };
}

/** `*s` with itself, whole or reduced. */
function commonRest(x: Axis, y: Axis): Axis | null {
  if (x.kind !== "rest" || y.kind !== "rest" || x.name !== y.name) return null;
  if (x.reduced === y.reduced || y.reduced === null) return y;
  return x.reduced === null ? x : { ...x, reduced: "some" };
}

/** Joins the shapes of two branches: what both have in common. */
export function joinShapes(a: Shape, b: Shape): Shape {
  if (a === null || b === null) return null;
  const into = wholeOf(a, b) ?? wholeOf(b, a);
  if (into !== null) return into;
  if (a.length !== b.length) return null;
  const joined: Axis[] = [];
  for (let i = 0; i < a.length; i++) {
    const x = a[i];
    const y = b[i];
    if (sameAxis(x, y)) joined.push(x);
    else if (x.kind === "size" && y.kind === "size") joined.push(axis(null, x.name === y.name ? x.name : null));
    else return null;
  }
  return joined;
}

/** What covers `*s` and something smaller that broadcasts into it: a number, or `*s` after a reduction. */
function wholeOf(a: readonly Axis[], b: readonly Axis[]): Shape {
  const [rest] = a;
  if (a.length !== 1 || rest.kind !== "rest" || b.length > 1) return null;
  const [other] = b;
  const same = other?.kind === "rest" && other.name === rest.name;
  if (same && other.reduced === rest.reduced) return a;
  return b.length === 0 || same ? [{ ...rest, reduced: "some" }] : null;
}

/** Number of elements, or null. */
export function elements(shape: Shape): Polynomial | null {
  if (shape === null) return null;
  let product: Polynomial | null = constant(1);
  for (const a of shape) product = a.kind === "rest" ? null : multiply(product, a.length);
  return product;
}

/** What a reduction ranges over, as far as the text tells. */
export type Over =
  | { readonly kind: "scope"; readonly word: "row" | "column" | "tensor" | "model" | null }
  | { readonly kind: "axes"; readonly axes: readonly (string | number)[] };

/** An axis that a shape does not have; `axes` are the names and indices it does have. */
interface NoSuchAxis {
  readonly missing: string | number;
}

/**
 * The shape after a reduction: [] for `tensor` and `model`; `row` and `column` keep the last or first axis with length
 * 1 (rank at most 1: []); names and indices drop their axes.
 */
export function reduceShape(shape: Shape, over: Over): { readonly shape: Shape } | NoSuchAxis {
  if (over.kind === "scope") {
    if (over.word === "tensor" || over.word === "model") return { shape: [] };
    if (shape === null) return { shape: null };
    if (shape.length === 1 && shape[0].kind === "rest") {
      return { shape: [{ ...shape[0], reduced: shape[0].reduced === null ? (over.word ?? "some") : "some" }] };
    }
    if (over.word === null) return { shape: null };
    if (rankOf(shape) !== null && shape.length <= 1) return { shape: [] };
    const last = over.word === "row";
    const reduced = last ? shape.at(-1)! : shape[0];
    if (shape.length === 0 || reduced.kind === "rest") return { shape: null };
    if (shape.length === 1) return { shape: null };
    return { shape: last ? [...shape.slice(0, -1), unitAxis] : [unitAxis, ...shape.slice(1)] };
  }
  if (shape === null) return { shape: null };
  const dropped = new Set<number>();
  for (const wanted of over.axes) {
    const found = axisPosition(shape, wanted);
    if (found === "unknown") return { shape: null };
    if (found === null) return { missing: wanted };
    dropped.add(found);
  }
  return { shape: shape.filter((_, i) => !dropped.has(i)) };
}

/** Where an axis stands: by name, or by index from the front or (negative) from the back. */
export function axisPosition(shape: readonly Axis[], wanted: string | number): number | "unknown" | null {
  if (typeof wanted === "string") {
    const at = shape.findIndex((a) => a.kind === "size" && a.name === wanted);
    if (at >= 0) return at;
    return shape.some((a) => a.kind === "rest" || a.name === null) ? "unknown" : null;
  }
  const rest = shape.findIndex((a) => a.kind === "rest");
  if (rest < 0) {
    const at = wanted < 0 ? shape.length + wanted : wanted;
    return at >= 0 && at < shape.length ? at : null;
  }
  if (wanted >= 0) return wanted < rest ? wanted : "unknown";
  return shape.length + wanted > rest ? shape.length + wanted : "unknown";
}

/** Matrix product by the rule of every array library: `[*b, m, k] @ [k, n]`, vectors on either side. */
export function productShape(
  a: Shape,
  b: Shape,
): { readonly shape: Shape } | { readonly inner: readonly [Axis, Axis] } {
  if (a === null || b === null || a.length === 0 || b.length === 0) return { shape: null };
  const inner = a.at(-1)!;
  const other = b.length === 1 ? b[0] : b.at(-2)!;
  if (inner.kind === "rest" || other.kind === "rest") return { shape: null };
  if (differ(inner.length, other.length)) return { inner: [inner, other] };
  if (a.length === 1 && b.length === 1) return { shape: [] };
  const left = a.slice(0, -1);
  const right = b.length === 1 ? [] : [b.at(-1)!];
  if (right.some((x) => x.kind === "rest")) return { shape: null };
  if (b.length <= 2) return { shape: [...left, ...right] };
  if (a.length <= 2) {
    return left.some((x) => x.kind === "rest") ? { shape: null } : { shape: [...b.slice(0, -2), ...left, ...right] };
  }
  const rows = left.at(-1)!;
  if (rows.kind === "rest") return { shape: null };
  const batch = broadcast(left.slice(0, -1), b.slice(0, -2));
  return { shape: "shape" in batch && batch.shape !== null ? [...batch.shape, rows, ...right] : null };
}
