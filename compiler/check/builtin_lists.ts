/**
 * Typing rules of builtins on lists and numbers, and of those that only recipes have. In: a call. Out: the type of its
 * value. The state of a `fold` is read on trial until its type is stable, because it may start static and end running.
 */
import { type BuiltinCall, type Given, typeOfArg } from "./builtin_call.js";
import { onTrial } from "./context.js";
import { callFunction } from "./functions.js";
import { join, joinAll } from "./join.js";
import { narrow } from "./narrowing.js";
import {
  atPlace,
  error,
  isQuiet,
  list,
  model,
  none,
  number,
  showType,
  stageOf,
  string,
  type Type,
  unknown,
} from "./types.js";

function elementOf(type: Type): Type {
  if (type.kind === "tuple") return joinAll(type.items);
  return type.kind === "list" ? type.of : unknown;
}

export function typeOfEnumerate(call: BuiltinCall): Type {
  const xs = typeOfArg(call, "xs");
  return list({ kind: "tuple", items: [number("Int"), elementOf(xs)] });
}

export function typeOfZip(call: BuiltinCall): Type {
  return list({ kind: "tuple", items: call.all("xs").map((g) => elementOf(g.type)) });
}

/** Rounds of trial readings before the state of a fold is given up as unknown. */
const MAX_ROUNDS = 4;
/** Folds nested deeper than this are read once: every level multiplies the work. */
const MAX_TRIALS = 3;

export function typeOfFold(call: BuiltinCall): Type {
  const f = call.one("f");
  if (f === null || call.one("init") === null) return error;
  return settledState(call, f, widen(typeOfArg(call, "init")), elementOf(typeOfArg(call, "xs")), (result) => result);
}

/**
 * The type of a state that `f(state, element)` gives back again and again; `stateOf` picks the next state out of the
 * result. Findings inside `f` are reported once, for the state in the end.
 */
export function settledState(
  call: BuiltinCall,
  f: Given,
  init: Type,
  element: Type,
  stateOf: (result: Type) => Type,
): Type {
  let state = call.cx.trials >= MAX_TRIALS ? unknown : init;
  for (let round = 0; !isQuiet(state); round++) {
    const next = join(state, stateOf(callFunction(onTrial(call.cx), call.scope, f.expr, [state, element])));
    if (showFully(next) === showFully(state)) break;
    state = round >= MAX_ROUNDS ? unknown : widen(next);
  }
  return join(state, stateOf(callFunction(call.cx, call.scope, f.expr, [state, element])));
}

/** The value of a starting Int says nothing about later rounds. */
function widen(type: Type): Type {
  if (type.kind === "number") return { ...type, value: null };
  if (type.kind === "tuple") return { ...type, items: type.items.map(widen) };
  if (type.kind === "list") return list(widen(type.of), type.lengths?.length === 0 ? type.lengths : null);
  if (type.kind === "record")
    return { ...type, fields: new Map([...type.fields].map(([n, f]) => [n, { ...f, type: widen(f.type) }])) };
  return type;
}

function showFully(type: Type): string {
  const stages: string[] = [];
  const visit = (t: Type): void => {
    stages.push(stageOf(t));
    if (t.kind === "tuple") t.items.forEach(visit);
    if (t.kind === "list" || t.kind === "optional" || t.kind === "tree" || t.kind === "schedule") visit(t.of);
    if (t.kind === "record") for (const f of t.fields.values()) visit(f.type);
  };
  visit(type);
  return `${showType(type)} ${stages.join(" ")}`;
}

export function typeOfMap(call: BuiltinCall): Type {
  const f = call.one("f");
  const xs = typeOfArg(call, "xs");
  if (f === null) return error;
  const tree = xs.kind === "model" || xs.kind === "tree";
  const result = callFunction(call.cx, call.scope, f.expr, [tree ? atPlace(xs) : elementOf(xs)]);
  if (xs.kind === "list") return list(result);
  return tree && !isQuiet(result) ? { kind: "tree", of: result } : unknown;
}

/** `sort`, `reverse`. */
export function typeOfReorder(call: BuiltinCall): Type {
  const xs = typeOfArg(call, "xs");
  return xs.kind === "list" ? list(xs.of) : xs;
}

export function typeOfInfinity(): Type {
  return number("Float");
}

export function typeOfStr(): Type {
  return string;
}

/** What is required holds from here on. */
export function typeOfRequire(call: BuiltinCall): Type {
  const condition = call.one("condition");
  if (condition !== null) narrow(call.cx, call.scope, condition.expr, true);
  return none;
}

export function typeOfNothing(): Type {
  return none;
}

/** A saved adapter: what it is shows when it is attached. */
export function typeOfAdapterFile(): Type {
  return unknown;
}

export function typeOfAligned(): Type {
  return list(model);
}

export function typeOfLoad(): Type {
  return model;
}
