/**
 * Data as positions. In: an index into `limit` rows or classes, while the graph is built. Out: where the index comes
 * straight from a column of a data set, a note that the column's values must lie below the limit; whoever can read the
 * column checks that before anything runs. Without it, a label or token out of range would be NaN or count as nothing.
 */
import type { Span } from "../../grammar/index.js";
import { inputOf, type Node, opRow } from "../ir/index.js";
import type { Context } from "./context.js";
import type { RowRange } from "./session.js";

/** Notes that the values behind `index` are positions among `limit`. */
export function notePositions(
  context: Context,
  index: Node,
  range: Pick<RowRange, "limit" | "what" | "ignored">,
  span: Span,
): void {
  const source = columnBehind(index);
  const column = source === null ? undefined : context.session.columns.get(source);
  if (column === undefined) return;
  const { ranges } = context.session;
  if (ranges.some((known) => known.column === column && known.limit === range.limit)) return;
  // The call of the recipe is what a reader can change; the library's line is where it shows.
  const at = context.calls.at(0) ?? { file: context.file, span };
  ranges.push({ ...range, column, at: { file: at.file, span: at.span ?? span } });
}

/** The source of the column whose rows, or parts of them, a node holds; null where it is computed otherwise. */
function columnBehind(node: Node): string | null {
  let at = node;
  while (at.op === "take" || at.op === "cast" || opRow(at.op).fusion === "view") {
    if (at.op === "concat" || at.op === "pad") return null;
    at = at.args[0];
  }
  return at.op === "input" ? inputOf(at).source : null;
}
