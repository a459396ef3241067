/** The op registry: all rows by name. */
import { composite } from "./composite.js";
import { contract } from "./contract.js";
import { elementwise } from "./elementwise.js";
import { order } from "./order.js";
import { reductions } from "./reductions.js";
import type { OpRow } from "./row.js";
import { sources } from "./sources.js";
import { views } from "./views.js";

export { rankRow } from "./order.js";
export { broadcastShapes, type Fusion, type OpRow, ShapeError, showShape, type Tolerance, type Value } from "./row.js";
export { stridesOf } from "./views.js";

const rows = new Map<string, OpRow>(
  [...sources, ...elementwise, ...views, ...reductions, ...order, ...contract, ...composite].map((row) => [row.name, row]),
);

export function opRow(name: string): OpRow {
  const row = rows.get(name);
  if (row === undefined) throw new Error(`the op registry has no row ${name}`);
  return row;
}

/** All rows, for tests and documentation. */
export function opRows(): readonly OpRow[] {
  return [...rows.values()];
}
