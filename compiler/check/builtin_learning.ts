/**
 * Typing rules of loops, gradients and adapters. In: a call. Out: the type of its value. The state of a loop is read on
 * trial until its type is stable, as that of a `fold`; its numbers run from the start. A gradient has the structure of
 * what it is taken at.
 */
import { type BuiltinCall, typeOfArg } from "./builtin_call.js";
import { settledState } from "./builtin_lists.js";
import { report } from "./context.js";
import { callFunction } from "./functions.js";
import { join } from "./join.js";
import {
  error,
  isModelLike,
  isQuiet,
  leafOfModel,
  list,
  model,
  number,
  showType,
  type Type,
  tensor,
  unknown,
} from "./types.js";

/** A value as it is while a loop runs. */
function running(type: Type): Type {
  switch (type.kind) {
    case "number":
      return { ...type, stage: "running", value: null };
    case "tuple":
      return { ...type, items: type.items.map(running) };
    case "list":
      return list(running(type.of));
    case "record":
      return {
        ...type,
        name: null,
        fields: new Map([...type.fields].map(([name, f]) => [name, { ...f, type: running(f.type) }])),
      };
    default:
      return type;
  }
}

const step = number("Int", "running");

function loop(call: BuiltinCall, stateOf: (result: Type) => Type): Type {
  const f = call.one("step");
  if (f === null || call.one("init") === null) return error;
  return settledState(call, f, running(typeOfArg(call, "init")), step, (result) => running(stateOf(result)));
}

export function typeOfIterate(call: BuiltinCall): Type {
  return loop(call, (result) => result);
}

export function typeOfIterateUntil(call: BuiltinCall): Type {
  const state = typeOfIterate(call);
  const until = call.one("until");
  if (until !== null) callFunction(call.cx, call.scope, until.expr, [state]);
  return state;
}

/** The outputs are stacked along a new axis, whatever they are made of. */
export function typeOfScan(call: BuiltinCall): Type {
  const state = loop(call, (result) => (result.kind === "tuple" ? (result.items[0] ?? unknown) : unknown));
  const until = call.one("until");
  if (until !== null) callFunction(call.cx, call.scope, until.expr, [state]);
  return { kind: "tuple", items: [state, unknown] };
}

/** What both functions give. */
export function typeOfWhen(call: BuiltinCall): Type {
  const results = (["then", "otherwise"] as const).map((name) => {
    const f = call.one(name);
    return f === null ? error : running(callFunction(call.cx, call.scope, f.expr, []));
  });
  return join(results[0], results[1]);
}

function gradientOf(type: Type): Type {
  if (type.kind === "tensor") return tensor("Tensor", type.shape, type.dtype);
  if (type.kind === "number") return number("Float", "running");
  if (isModelLike(type) || type.kind === "tree") return { kind: "tree", of: tensor("Tensor", null) };
  if (type.kind === "list") return list(gradientOf(type.of));
  if (type.kind === "tuple") return { ...type, items: type.items.map(gradientOf) };
  return unknown;
}

export function typeOfValueAndGradient(call: BuiltinCall): Type {
  const f = call.one("f");
  const at = running(typeOfArg(call, "at"));
  if (f === null) return error;
  const value = callFunction(call.cx, call.scope, f.expr, [at]);
  const scalar = value.kind === "tensor" ? value.shape === null || value.shape.every((a) => a.kind === "rest") : true;
  if (!scalar || value.kind === "list" || value.kind === "tree" || value.kind === "model") {
    report(call.cx, "T001", `a gradient is that of one number, found ${showType(value)}`, f.span, {
      label: "the function that is differentiated",
      help: "reduce its result: mean(x), sum(x)",
    });
    return error;
  }
  return { kind: "tuple", items: [value, gradientOf(at)] };
}

export function typeOfGradient(call: BuiltinCall): Type {
  const both = typeOfValueAndGradient(call);
  return both.kind === "tuple" ? both.items[1] : both;
}

/** A value with the same structure and the same numbers. */
export function typeOfSame(call: BuiltinCall): Type {
  return running(typeOfArg(call, "x"));
}

/** Numbers that are known when the graph is built; those of tensors in lists. */
export function typeOfStatic(call: BuiltinCall): Type {
  return settled(typeOfArg(call, "e"));
}

function settled(type: Type): Type {
  switch (type.kind) {
    case "number":
      return { ...type, stage: "static", value: null };
    case "tuple":
      return { ...type, items: type.items.map(settled) };
    case "list":
      return { ...type, of: settled(type.of) };
    default:
      return unknown;
  }
}

export function typeOfStraightThrough(call: BuiltinCall): Type {
  const [value, like] = [typeOfArg(call, "value"), typeOfArg(call, "like")];
  if (isQuiet(value) || isQuiet(like)) return unknown;
  const type = join(value, like);
  return type.kind === "tensor" ? { ...type, space: "Tensor" } : type;
}

/** A model stays one; the fields of an instance may be others with adapters around it. */
export function typeOfWrapped(call: BuiltinCall): Type {
  const whole = typeOfArg(call, "model");
  if (whole.kind === "model" || isQuiet(whole)) return whole.kind === "model" ? model : unknown;
  return isModelLike(whole) || whole.kind === "tree" ? unknown : notAModel(call, whole);
}

export function typeOfTensors(call: BuiltinCall): Type {
  const whole = typeOfArg(call, "model");
  if (!isQuiet(whole) && !isModelLike(whole) && whole.kind !== "tree") return notAModel(call, whole);
  return { kind: "tree", of: tensor("Tensor", null, null) };
}

export function typeOfParameters(call: BuiltinCall): Type {
  const whole = typeOfArg(call, "model");
  if (!isQuiet(whole) && !isModelLike(whole) && whole.kind !== "tree") return notAModel(call, whole);
  return { kind: "tree", of: leafOfModel };
}

function notAModel(call: BuiltinCall, found: Type): Type {
  report(
    call.cx,
    "T001",
    `\`model\` of \`${call.name}\` is a model, found ${showType(found)}`,
    call.one("model")!.span,
    {
      label: `this is ${showType(found)}`,
      help: "load one, `load(path)`, or make one of a module, `mlp([64, 10])`",
    },
  );
  return error;
}

export function typeOfPermutation(): Type {
  return list(number("Int"));
}

/** Images, whose lengths depend on windows. */
export function typeOfImages(): Type {
  return tensor("Tensor", null);
}

/** Data sets and what is drawn from them: known when their files are. */
export function typeOfOpaque(): Type {
  return unknown;
}

/** Which modules a function calls is known when its models are. */
export function typeOfTaps(call: BuiltinCall): Type {
  const f = call.one("f");
  if (f !== null) callFunction(call.cx, call.scope, f.expr, []);
  return unknown;
}

/** What the function gives, and trees as they were given. */
export function typeOfAssigned(call: BuiltinCall): Type {
  const f = call.one("f");
  if (f === null) return error;
  return { kind: "tuple", items: [callFunction(call.cx, call.scope, f.expr, []), running(typeOfArg(call, "trees"))] };
}
