/**
 * Which argument of a call goes to which parameter. In: the arguments as written and the parameters. Out: the arguments
 * of each parameter, and what is wrong. Positional arguments take the next parameter that has none yet; names may stand
 * anywhere; `..` passes the remaining ones through.
 */
import type { Argument, Expr } from "../../grammar/index.js";

export interface Slot {
  readonly name: string | null;
  readonly optional: boolean;
  /** Takes any number of positional arguments. */
  readonly many: boolean;
}

export type ArgumentProblem =
  | { readonly kind: "unknown"; readonly argument: Argument }
  | { readonly kind: "twice"; readonly argument: Argument; readonly first: Argument | undefined }
  | { readonly kind: "too many"; readonly argument: Argument }
  | { readonly kind: "missing"; readonly slot: Slot };

export interface MatchedArguments {
  /** One list per slot, in the order of the slots. */
  readonly given: readonly (readonly Argument[])[];
  readonly problems: readonly ArgumentProblem[];
  /** The call ends in `..`. */
  readonly passesRest: boolean;
}

/** `belongsTo` may send a positional argument to a later slot (a scope after the values of a sum); -1 if it does not. */
export function matchArguments(
  args: readonly Argument[],
  slots: readonly Slot[],
  belongsTo: (value: Expr, position: number) => number = () => -1,
): MatchedArguments {
  const given: Argument[][] = slots.map(() => []);
  const problems: ArgumentProblem[] = [];
  let position = 0;
  for (const argument of args) {
    if (argument.rest || argument.value === null) continue;
    if (argument.name !== null) {
      const wanted = argument.name.text;
      const at = slots.findIndex((s) => s.name === wanted);
      if (at < 0) problems.push({ kind: "unknown", argument });
      else if (given[at].length > 0) problems.push({ kind: "twice", argument, first: given[at][0] });
      else given[at].push(argument);
      continue;
    }
    const sent = belongsTo(argument.value, position);
    const at =
      sent >= 0 && given[sent].length === 0 ? sent : slots.findIndex((s, i) => s.many || given[i].length === 0);
    if (at < 0) problems.push({ kind: "too many", argument });
    else given[at].push(argument);
    position++;
  }
  const passesRest = args.some((a) => a.rest);
  slots.forEach((slot, i) => {
    if (given[i].length === 0 && !slot.optional && !passesRest) problems.push({ kind: "missing", slot });
  });
  return { given, problems, passesRest };
}
