/** The op registry: all rows by name. */

import type { ValueDtype } from "../dtype.js";
import type { Attrs, Node, Shape } from "../graph.js";
import { activations } from "./activations.js";
import { checkAttributes } from "./attributes.js";
import { composite } from "./composite.js";
import { contract } from "./contract.js";
import { convolution } from "./convolution.js";
import { cumulative } from "./cumulative.js";
import { decompositions } from "./decompositions.js";
import { einsum } from "./einsum.js";
import { elementwise } from "./elementwise.js";
import { indexing } from "./indexing.js";
import { linearAlgebra } from "./linear_algebra.js";
import { loops } from "./loops.js";
import { losses } from "./losses.js";
import { normalisations } from "./normalisation.js";
import { order } from "./order.js";
import { passing } from "./passing.js";
import { patches } from "./patches.js";
import { rearranging } from "./rearranging.js";
import { reductions } from "./reductions.js";
import { type OpRow, ShapeError } from "./row.js";
import { batches } from "./rows.js";
import { sources } from "./sources.js";
import { views } from "./views.js";

export { type Attributes, type AttrKind, checkAttributes, writtenNumbers } from "./attributes.js";
export { rankRow } from "./order.js";
export {
  broadcastShapes,
  type Fusion,
  type OpRow,
  ShapeError,
  sameShape,
  showShape,
  type Tolerance,
  type Value,
} from "./row.js";
export { stridesOf } from "./views.js";

const rows = new Map<string, OpRow>(
  [
    ...sources,
    ...elementwise,
    ...views,
    ...reductions,
    ...order,
    ...contract,
    ...composite,
    ...activations,
    ...normalisations,
    ...losses,
    ...einsum,
    ...linearAlgebra,
    ...decompositions,
    ...indexing,
    ...rearranging,
    ...cumulative,
    ...patches,
    ...convolution,
    ...passing,
    ...loops,
    ...batches,
  ].map((row) => [row.name, row]),
);

/** The row of this name. */
export function opRow(name: string): OpRow {
  const row = rows.get(name);
  if (row === undefined) throw new Error(`the op registry has no row ${name}`);
  return row;
}

/** Shape and dtype of an operation; throws ShapeError when it does not fit its arguments or attributes. */
export function inferType(
  op: string,
  args: readonly Node[],
  attrs: Attrs,
): { readonly shape: Shape; readonly dtype: ValueDtype } {
  const row = opRow(op);
  if (row.arity !== "any" && (args.length < row.arity || args.length > row.arity + (row.optional ?? 0))) {
    const most = row.optional === undefined ? "" : ` to ${row.arity + row.optional}`;
    throw new ShapeError(`${op} takes ${row.arity}${most} arguments, found ${args.length}`);
  }
  if (row.readsThreshold !== true && args.some((arg) => arg.dtype === "threshold")) {
    throw new ShapeError(`${op} takes numbers, found the state of an order statistic`, "dtype");
  }
  if (row.attributes !== undefined) checkAttributes(op, row.attributes, attrs);
  return row.infer(args, attrs);
}

export function isOp(name: string): boolean {
  return rows.has(name);
}

/** All rows, for tests and documentation. */
export function opRows(): readonly OpRow[] {
  return [...rows.values()];
}
