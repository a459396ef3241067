/**
 * Phases: `static(e)` is a value that earlier phases of the run have computed. In: the values of such calls that are known,
 * by their place in the program. Out: where one is not known yet, an empty place and a wish for it; the run computes all
 * wishes of one elaboration in one phase and elaborates again. The same program gives the same places, so a call finds its value.
 */

import type { Span } from "../../grammar/index.js";
import { type Context, numbered, stop } from "./context.js";
import { unreportable } from "./reportable.js";
import type { Report } from "./session.js";
import { tensorsIn } from "./tensors-in.js";
import { bool, float, int, type Leaf, list, type Value } from "./value.js";

/** What a run says of a wish: numbers where tensors were. */
export type Known = null | boolean | number | string | readonly Known[] | { readonly [key: string]: Known };

/** A value that the next phase has to compute. */
export interface Wish extends Report {
  readonly key: string;
}

/** The value of `static(e)`, or poison until it is known: what needs it waits for the next phase. */
export function settled(context: Context, value: Value, span: Span): Value {
  const { session } = context;
  const place = insideOf(context);
  if (place !== null)
    return stop(context, "R049", `static stands where the recipe is put together, not inside ${place}`, span, {
      help: "compute it in front and pass the number in, or use a mask: where(condition, a, b)",
    });
  const problem = unreportable(value, session.columns);
  if (problem !== null)
    return stop(context, "R019", `${problem} cannot be static`, span, {
      help: "take numbers, lists and records of them, or a tree of numbers",
    });
  if (tensorsIn(value).length === 0) return value;
  const key = `${context.file} ${context.frame.path}/${numbered(context, "static")}`;
  const known = session.known.get(key);
  if (known !== undefined) return filledIn(value, known);
  const text = (session.texts.get(context.file) ?? "").slice(span.start, span.end);
  session.wishes.push({ key, label: text, value });
  return { kind: "poison" };
}

/** Names the computation that is being described, which no phase can come before; null in a recipe and its functions. */
function insideOf(context: Context): string | null {
  if (context.here !== null) return "a call on models";
  if (context.loop !== null) return "a running loop";
  if (context.training === true) return "a function whose gradient is taken";
  return context.flow === undefined ? null : "a forward pass";
}

/** The value with numbers in place of its tensors: vectors are lists, matrices lists of lists. */
function filledIn(value: Value, known: Known): Value {
  const items = known as readonly Known[];
  const fields = known as { readonly [key: string]: Known };
  switch (value.kind) {
    case "tensor":
      return numbers(known, value.node.dtype !== "f32" && value.node.dtype !== "f64");
    case "list":
    case "tuple":
      return { ...value, items: value.items.map((item, i) => filledIn(item, items[i])) };
    case "record":
      return { ...value, fields: new Map([...value.fields].map(([name, f]) => [name, filledIn(f, fields[name])])) };
    case "tree": {
      const leaves = [...value.leaves].map(([name, leaf]): [string, Leaf] => [
        name,
        { ...leaf, value: filledIn(leaf.value, fields[name]) },
      ]);
      return { ...value, leaves: new Map(leaves), module: null, attached: new Map() };
    }
    default:
      return value;
  }
}

function numbers(known: Known, integer: boolean): Value {
  if (typeof known === "boolean") return bool(known);
  if (typeof known === "number") return integer && Number.isInteger(known) ? int(known) : float(known);
  return list((known as readonly Known[]).map((k) => numbers(k, integer)));
}
