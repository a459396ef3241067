/**
 * Typing rules of what layers compute: products by letters of axes, selections by index and by order. In: a call at one
 * place. Out: the type of its value; H005 where the letters of an `einsum` certainly do not fit its operands, H003 where
 * one letter stands for two lengths.
 */
import { axisOf, type BuiltinCall, type Given, plain, together, typeOfArg } from "./builtin_call.js";
import { report } from "./context.js";
import { join } from "./join.js";
import { constant, differ, type Polynomial } from "./polynomial.js";
import { type Axis, axis, rankOf, type Shape, showAxis, showShape } from "./shape.js";
import { error, isQuiet, numberOrTensor, type TensorType, type Type, tensor, unknown } from "./types.js";

/** The text of an argument, if it is written out. */
function textOf(given: Given | null): string | null {
  const e = given?.expr;
  return e?.kind === "string" && e.parts.every((part) => typeof part === "string") ? e.parts.join("") : null;
}

export function typeOfEinsum(call: BuiltinCall): Type {
  const spec = textOf(call.one("spec"));
  const operands = call.all("x").map((g) => plain(call, g));
  if (spec === null || operands.some((g) => g.type.kind === "error")) return unknown;
  const parts = /^\s*([a-zA-Z]*(?:\s*,\s*[a-zA-Z]*)*)\s*->\s*([a-zA-Z]*)\s*$/.exec(spec);
  const span = call.one("spec")!.span;
  if (parts === null) {
    return mistake(call, span, `\`${spec}\` is no einsum`, 'write the letters of each operand\'s axes: "ij,jk->ik"');
  }
  const inputs = parts[1].split(",").map((letters) => letters.trim());
  const output = parts[2];
  if (inputs.length !== operands.length) {
    const message = `\`${spec}\` names ${inputs.length} operands, found ${operands.length}`;
    return mistake(call, span, message, "between the commas stand the axes of one operand each");
  }
  const lengths = new Map<string, Axis>();
  for (const [i, letters] of inputs.entries()) if (!bindLetters(call, letters, operands[i], lengths)) return error;
  const missing = [...output].find(
    (letter, i) => !inputs.some((l) => l.includes(letter)) || output.indexOf(letter) < i,
  );
  if (missing !== undefined) {
    const message = `the axis \`${missing}\` of the result is not one axis of the operands`;
    return mistake(call, span, message, "after `->` stands each axis that stays, once");
  }
  return numberOrTensor(
    tensor(
      "Tensor",
      [...output].map((letter) => lengths.get(letter) ?? axis(null, null)),
    ),
  );
}

function mistake(call: BuiltinCall, span: BuiltinCall["span"], message: string, help: string): Type {
  report(call.cx, "H005", message, span, { help });
  return error;
}

/** Compares an operand with its letters and remembers their lengths. */
function bindLetters(call: BuiltinCall, letters: string, operand: Given, lengths: Map<string, Axis>): boolean {
  const { type, span } = operand;
  const shape: Shape = type.kind === "tensor" ? type.shape : type.kind === "number" ? [] : null;
  const rank = rankOf(shape);
  if (shape === null || rank === null) return true;
  if (rank !== letters.length) {
    report(call.cx, "H005", `the axes \`${letters}\` are ${letters.length}, found ${showShape(shape)}`, span, {
      label: `this has ${rank} axes`,
      help: "write one letter for each axis",
    });
    return false;
  }
  for (const [i, letter] of [...letters].entries()) {
    const before = lengths.get(letter);
    const here = shape[i];
    if (before === undefined || lengthOf(before) === null) lengths.set(letter, here);
    else if (differ(lengthOf(before), lengthOf(here)) && !call.scope.assumesLengths) {
      report(call.cx, "H003", `\`${letter}\` is ${showAxis(before)} and ${showAxis(here)}`, span, {
        label: `this is ${showShape(shape)}`,
        help: "one letter stands for one length",
      });
      return false;
    }
  }
  return true;
}

function lengthOf(a: Axis): Polynomial | null {
  return a.kind === "size" ? a.length : null;
}

function tensorArg(call: BuiltinCall, param: string): TensorType | null {
  const given = call.one(param);
  const type = given === null ? unknown : plain(call, given).type;
  return type.kind === "tensor" ? type : null;
}

/** `maximum`, `minimum`. */
export function typeOfExtreme(call: BuiltinCall): Type {
  const given = ["a", "b"].flatMap((param) => call.all(param)).map((g) => plain(call, g));
  const types = given.map((g) => g.type);
  if (types.some((t) => t.kind === "error")) return error;
  if (types.length < 2 || types.some((t) => isQuiet(t))) return unknown;
  if (types.every((t) => t.kind === "number")) return join(types[0], types[1]);
  return tensor("Tensor", together(call, given), null);
}

export function typeOfCumsum(call: BuiltinCall): Type {
  const x = tensorArg(call, "x");
  if (x === null) return typeOfArg(call, "x").kind === "error" ? error : unknown;
  if (call.one("axis") !== null) axisOf(call, "axis", x.shape);
  return tensor("Tensor", x.shape, x.dtype);
}

export function typeOfKeepTop(call: BuiltinCall): Type {
  const x = tensorArg(call, "x");
  return x === null ? unknown : tensor("Tensor", x.shape, x.dtype);
}

/** A record of the values and their indices, both with a last axis of length k. */
export function typeOfTopK(call: BuiltinCall): Type {
  const x = tensorArg(call, "x");
  const k = typeOfArg(call, "k");
  const last = axis(k.kind === "number" ? k.value : null);
  const shape =
    x === null || x.shape === null || x.shape.at(-1)?.kind !== "size" ? null : [...x.shape.slice(0, -1), last];
  return {
    kind: "record",
    name: null,
    fields: new Map([
      ["values", { type: tensor("Tensor", shape), optional: false }],
      ["indices", { type: tensor("Tensor", shape, "i32"), optional: false }],
    ]),
  };
}

export function typeOfOneHot(call: BuiltinCall): Type {
  const i = typeOfArg(call, "i");
  const n = typeOfArg(call, "n");
  const last = axis(n.kind === "number" ? n.value : null);
  if (i.kind === "number") return tensor("Tensor", [last]);
  if (i.kind === "list") return tensor("Tensor", [axis(null, null), last]);
  return i.kind === "tensor" ? tensor("Tensor", i.shape && [...i.shape, last]) : unknown;
}

/** The axis is replaced by the axes of the indices. */
export function typeOfTake(call: BuiltinCall): Type {
  const x = tensorArg(call, "x");
  const i = typeOfArg(call, "i");
  if (x === null || isQuiet(i)) return unknown;
  const at = axisOf(call, "axis", x.shape);
  const axes = indexAxes(i);
  const shape = x.shape === null || at === null || axes === null ? null : x.shape.toSpliced(at, 1, ...axes);
  return { ...x, shape: shape !== null && shape.filter((a) => a.kind === "rest").length > 1 ? null : shape };
}

function indexAxes(i: Type): readonly Axis[] | null {
  if (i.kind === "number") return [];
  if (i.kind === "list") {
    const rank = rankOf(i.lengths);
    return [axis(rank === null || rank === 0 ? null : constant(rank), null)];
  }
  return i.kind === "tensor" ? i.shape : null;
}
