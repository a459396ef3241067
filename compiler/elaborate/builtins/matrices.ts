/**
 * Builtin functions of linear algebra. A decomposition is one operation whose results stand one after the other; here they
 * become the fields of a record, as views of it.
 */
import type { Span } from "../../../grammar/index.js";
import { sizeOf } from "../../ir/index.js";
import { type Context, stop } from "../context.js";
import { staticInt } from "../evaluate.js";
import { makeNode } from "../operators.js";
import { describe, type TensorValue, tensor, type Value } from "../value.js";
import { type Arguments, type Builtin, tensorArg } from "./builtin.js";

/** A result of a decomposition: its shape behind the batch, and the names of its axes. */
type Part = readonly [name: string, shape: readonly number[], axes: readonly (string | null)[]];

function matrixArg(context: Context, { values, span }: Arguments, name = "x"): TensorValue {
  const x = tensorArg(context, values.get(name)!, span);
  if (x.node.shape.length >= 2) return x;
  return stop(context, "H005", `expected a matrix, found ${describe(x)}`, span, {
    help: "a vector becomes a matrix of one column by x[:, none]",
  });
}

/** The parts of a packed result as a record of views. */
function record(context: Context, packed: TensorValue, parts: readonly Part[], span: Span): Value {
  const { node } = packed;
  const lead = node.shape.slice(0, -1);
  const names = packed.axes?.slice(0, lead.length) ?? lead.map(() => null);
  let at = 0;
  const fields = parts.map(([name, shape, axes]): [string, Value] => {
    const length = sizeOf(shape);
    const start = [...lead.map(() => 0), at];
    at += length;
    const run = makeNode(context, "slice", [node], { start, size: [...lead, length] }, span);
    const part = makeNode(context, "reshape", [run], { shape: [...lead, ...shape] }, span);
    const named = [...names, ...axes];
    return [name, tensor(part, "tensor", named.some((each) => each !== null) ? named : null)];
  });
  return { kind: "record", fields: new Map(fields) };
}

/** The attribute rank, clipped to what there is; nothing where it is left out. */
function rankOf(context: Context, { values, span }: Arguments, most: number): { rank?: number } {
  const given = values.get("rank");
  if (given === undefined || given.kind === "none") return {};
  const rank = staticInt(context, given, span);
  if (rank < 0) return stop(context, "H005", `a rank is at least 0, found ${rank}`, span);
  return { rank: Math.min(rank, most) };
}

const plain = (op: string, params: readonly string[]): Builtin => ({
  params,
  lifts: true,
  run: (context, args) => {
    const nodes = params.map((name) => matrixArg(context, args, name).node);
    return tensor(makeNode(context, op, nodes, {}, args.span));
  },
});

export const matrices: Readonly<Record<string, Builtin>> = {
  svd: {
    params: ["x", "rank?"],
    lifts: true,
    run(context, args) {
      const x = matrixArg(context, args);
      const [m, n] = x.node.shape.slice(-2);
      const attrs = rankOf(context, args, Math.min(m, n));
      const r = attrs.rank ?? Math.min(m, n);
      const [rows, columns] = x.axes?.slice(-2) ?? [null, null];
      const packed = tensor(
        makeNode(context, "svd", [x.node], attrs, args.span),
        "tensor",
        x.axes?.slice(0, -1) ?? null,
      );
      const parts: readonly Part[] = [
        ["u", [m, r], [rows, null]],
        ["s", [r], [null]],
        ["v", [n, r], [columns, null]],
      ];
      return record(context, packed, parts, args.span);
    },
  },
  eigh: {
    params: ["x", "rank?"],
    lifts: true,
    run(context, args) {
      const x = matrixArg(context, args);
      const n = x.node.shape[x.node.shape.length - 1];
      const attrs = rankOf(context, args, n);
      const r = attrs.rank ?? n;
      const packed = tensor(
        makeNode(context, "eigh", [x.node], attrs, args.span),
        "tensor",
        x.axes?.slice(0, -1) ?? null,
      );
      const parts: readonly Part[] = [
        ["values", [r], [null]],
        ["vectors", [n, r], [null, null]],
      ];
      return record(context, packed, parts, args.span);
    },
  },
  qr: {
    params: ["x"],
    lifts: true,
    run(context, args) {
      const x = matrixArg(context, args);
      const [m, n] = x.node.shape.slice(-2);
      const k = Math.min(m, n);
      const [rows, columns] = x.axes?.slice(-2) ?? [null, null];
      const packed = tensor(makeNode(context, "qr", [x.node], {}, args.span), "tensor", x.axes?.slice(0, -1) ?? null);
      const parts: readonly Part[] = [
        ["q", [m, k], [rows, null]],
        ["r", [k, n], [null, columns]],
      ];
      return record(context, packed, parts, args.span);
    },
  },
  cholesky: plain("cholesky", ["x"]),
  inverse: plain("inverse", ["x"]),
  solve: plain("solve", ["a", "b"]),
  assignment: plain("assignment", ["costs"]),
  kron: plain("kron", ["a", "b"]),
  solve_triangular: {
    params: ["t", "b", "upper?"],
    lifts: true,
    run(context, args) {
      const upper = args.values.get("upper");
      if (upper !== undefined && upper.kind !== "bool")
        return stop(context, "T001", `upper is true or false, found ${describe(upper)}`, args.span);
      const nodes = ["t", "b"].map((name) => matrixArg(context, args, name).node);
      return tensor(makeNode(context, "solve_triangular", nodes, { upper: upper?.value ?? false }, args.span));
    },
  },
};
