/**
 * Typing rules of the builtins of linear algebra. In: a call at one place. Out: the type of its value; H005 for what is no
 * matrix, or no square one.
 */
import { type BuiltinCall, plain, typeOfArg } from "./builtin_call.js";
import { report } from "./context.js";
import { differ } from "./polynomial.js";
import { type Axis, axis, type Shape, showShape } from "./shape.js";
import { error, isQuiet, type Type, tensor, unknown } from "./types.js";

/** The shape of a matrix argument; null if it is not known; an error type where it is none. */
function matrixOf(call: BuiltinCall, param: string, isSquare = false): Shape | Type {
  const given = call.one(param);
  if (given === null) return error;
  const { type } = plain(call, given);
  if (isQuiet(type)) return type.kind === "error" ? error : null;
  const shape = type.kind === "tensor" ? type.shape : [];
  if (shape === null || shape.some((a) => a.kind === "rest")) return null;
  const [rows, columns] = shape.slice(-2);
  const isMatrix = shape.length >= 2 && rows.kind === "size" && columns.kind === "size";
  if (isMatrix && !(isSquare && differ(rows.length, columns.length) && !call.scope.assumesLengths)) return shape;
  const wanted = isSquare ? "a square matrix" : "a matrix";
  report(call.cx, "H005", `\`${call.name}\` takes ${wanted}, found ${showShape(shape)}`, given.span, {
    label: `this is ${showShape(shape)}`,
    help: isMatrix ? "x @ x.T and x.T @ x are square" : "a vector becomes a matrix of one column by x[:, none]",
  });
  return error;
}

const isType = (found: Shape | Type): found is Type => found !== null && "kind" in found;

/** Lengths of the last two axes, and those before. */
function partsOf(shape: Shape): { readonly lead: readonly Axis[] | null; readonly rows: Axis; readonly columns: Axis } {
  if (shape === null) return { lead: null, rows: axis(null), columns: axis(null) };
  return { lead: shape.slice(0, -2), rows: shape[shape.length - 2], columns: shape[shape.length - 1] };
}

function recordOf(lead: readonly Axis[] | null, fields: Readonly<Record<string, readonly Axis[]>>): Type {
  const typed = Object.entries(fields).map(
    ([name, axes]) =>
      [name, { type: tensor("Tensor", lead === null ? null : [...lead, ...axes]), optional: false }] as const,
  );
  return { kind: "record", name: null, fields: new Map(typed) };
}

/** How many vectors there are: what `rank` says, if it is known. */
function rankOf(call: BuiltinCall): Axis {
  const given = call.one("rank")?.type;
  return axis(given?.kind === "number" ? given.value : null);
}

export function typeOfSvd(call: BuiltinCall): Type {
  const shape = matrixOf(call, "x");
  if (isType(shape)) return shape;
  const { lead, rows, columns } = partsOf(shape);
  const k = rankOf(call);
  return recordOf(lead, { u: [rows, k], s: [k], v: [columns, k] });
}

export function typeOfEigh(call: BuiltinCall): Type {
  const shape = matrixOf(call, "x", true);
  if (isType(shape)) return shape;
  const { lead, rows } = partsOf(shape);
  const k = rankOf(call);
  return recordOf(lead, { values: [k], vectors: [rows, k] });
}

export function typeOfQr(call: BuiltinCall): Type {
  const shape = matrixOf(call, "x");
  if (isType(shape)) return shape;
  const { lead, rows, columns } = partsOf(shape);
  const k = axis(null);
  return recordOf(lead, { q: [rows, k], r: [k, columns] });
}

/** `cholesky` and `inverse`: a square matrix gives one of its shape. */
export function typeOfCholesky(call: BuiltinCall): Type {
  const shape = matrixOf(call, "x", true);
  return isType(shape) ? shape : tensor("Tensor", shape);
}

/** `solve` and `solve_triangular`. */
export function typeOfSolve(call: BuiltinCall): Type {
  const left = matrixOf(call, call.name === "solve" ? "a" : "t", true);
  const right = matrixOf(call, "b");
  if (isType(left)) return left;
  if (isType(right)) return right;
  return tensor("Tensor", left !== null && right !== null && left.length === right.length ? right : null);
}

export function typeOfKron(call: BuiltinCall): Type {
  const types = ["a", "b"].map((param) => typeOfArg(call, param));
  if (types.some((type) => type.kind === "error")) return error;
  const [shape] = types.map((type) => (type.kind === "tensor" ? type.shape : null));
  return shape === null
    ? unknown
    : tensor(
        "Tensor",
        shape.map(() => axis(null)),
      );
}

export function typeOfAssignment(call: BuiltinCall): Type {
  const shape = matrixOf(call, "costs");
  if (isType(shape)) return shape;
  return tensor("Tensor", shape === null ? null : shape.slice(0, -1), "i32");
}
