/** Datasets as values: tables, the order of their rows, splits. */
export {
  drawRows,
  type EpochOrders,
  epochOrders,
  mostRows,
  type OrderKey,
  orderKey,
  permutationIndices,
} from "./order.js";
export { splitPoints, splitTable } from "./split.js";
export {
  type Column,
  type ColumnSource,
  columnRows,
  type Dataset,
  type Rows,
  rowBytes,
  rowCount,
  rowShape,
  selectRows,
  type Table,
} from "./table.js";
