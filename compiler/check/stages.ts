/**
 * Where a value has to be known while the graph is built. In: an expression and its type. Out: false and T007 if it is
 * only known when tensors are. Parameters have an unknown stage and pass: the elaborator sees what they are.
 */
import type { Expr } from "../../grammar/index.js";
import { type Context, report } from "./context.js";
import type { Type } from "./types.js";

const staticHelp =
  "use a mask instead, where(condition, a, b); in a recipe, `static(e)` runs first what it takes to know it";

function isRunning(type: Type): boolean {
  if (type.kind === "number") return type.stage === "running";
  return type.kind === "tensor";
}

/** `what`: "the condition of an if", "the index of a list". */
export function needStatic(cx: Context, e: Expr, type: Type, what: string): boolean {
  if (!isRunning(type)) return true;
  report(cx, "T007", `${what} has to be known before the run, this value is only known during it`, e.span, {
    label: "computed from tensors",
    help: staticHelp,
  });
  return false;
}
