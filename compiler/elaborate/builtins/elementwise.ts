/** Builtin functions that work element by element; on static numbers they give static numbers. */
import type { Span } from "../../../grammar/index.js";
import { isFloat, opRow, roundToStorage } from "../../ir/index.js";
import { type Context, stop } from "../context.js";
import { binary, joinAxes, makeNode, nodeOf } from "../operators.js";
import { bool, describe, float, int, type TensorValue, tensor, type Value } from "../value.js";
import type { Builtin } from "./builtin.js";

/** Applies an elementwise or composite op of the registry to numbers and tensors. */
export function pointwise(
  context: Context,
  op: string,
  values: readonly Value[],
  span: Span,
  attrs: Record<string, string> = {},
): TensorValue {
  const node = makeNode(
    context,
    op,
    values.map((v) => nodeOf(context, v, span)),
    attrs,
    span,
  );
  return tensor(node, "tensor", joinAxes(context, values, node.shape.length, span));
}

const unaryFloat = (op: string): Builtin => ({
  params: ["x"],
  lifts: true,
  run(context, { values, span }) {
    const x = values.get("x")!;
    if (x.kind === "number") return float(opRow(op).scalar!(x.value));
    return pointwise(context, op, [x], span);
  },
});

/** floor, ceil and round give an Int on static numbers. */
const rounding = (op: string): Builtin => ({
  params: ["x"],
  lifts: true,
  run(context, { values, span }) {
    const x = values.get("x")!;
    if (x.kind === "number") return int(opRow(op).scalar!(x.value));
    const rounded = pointwise(context, op, [x], span);
    return rounded.node.shape.length === 0 ? pointwise(context, "cast", [rounded], span, { to: "int" }) : rounded;
  },
});

export const elementwise: Readonly<Record<string, Builtin>> = {
  sqrt: unaryFloat("sqrt"),
  exp: unaryFloat("exp"),
  log: unaryFloat("log"),
  sin: unaryFloat("sin"),
  cos: unaryFloat("cos"),
  acos: unaryFloat("acos"),
  tanh: unaryFloat("tanh"),
  floor: rounding("floor"),
  ceil: rounding("ceil"),
  round: rounding("round"),
  sigmoid: {
    params: ["x"],
    lifts: true,
    run: (context, { values, span }) => {
      const x = values.get("x")!;
      return x.kind === "number" ? float(1 / (1 + Math.exp(-x.value))) : pointwise(context, "sigmoid", [x], span);
    },
  },
  abs: {
    params: ["x"],
    lifts: true,
    run(context, { values, span }) {
      const x = values.get("x")!;
      return x.kind === "number" ? { ...x, value: Math.abs(x.value) } : pointwise(context, "abs", [x], span);
    },
  },
  sign: {
    params: ["x"],
    lifts: true,
    run(context, { values, span }) {
      const x = values.get("x")!;
      return x.kind === "number" ? int(Math.sign(x.value)) : pointwise(context, "sign", [x], span);
    },
  },
  neg: {
    params: ["x"],
    lifts: true,
    run(context, { values, span }) {
      const x = values.get("x")!;
      return x.kind === "number" ? { ...x, value: -x.value } : pointwise(context, "neg", [x], span);
    },
  },
  is_finite: {
    params: ["x"],
    lifts: true,
    run(context, { values, span }) {
      const x = values.get("x")!;
      return x.kind === "number" ? bool(Number.isFinite(x.value)) : pointwise(context, "is_finite", [x], span);
    },
  },
  clamp: {
    params: ["x", "low", "high"],
    lifts: true,
    run(context, { values, span }) {
      const [x, low, high] = ["x", "low", "high"].map((k) => values.get(k)!);
      return larger(context, low, smaller(context, high, x, span), span);
    },
  },
  where: {
    params: ["condition", "a", "b"],
    lifts: true,
    run(context, { values, span }) {
      const [c, a, b] = ["condition", "a", "b"].map((k) => values.get(k)!);
      if (c.kind === "bool") return c.value ? a : b;
      if (c.kind !== "tensor" || c.node.dtype !== "bool")
        return stop(context, "T006", `the condition of where must be bool, found ${describe(c)}`, span, {
          help: "compare: where(x != 0, a, b)",
        });
      const chosen = pointwise(context, "where", [c, a, b], span);
      const weight = (v: Value) => v.kind === "tensor" && v.space === "weight";
      const point =
        (weight(a) || weight(b)) && (weight(a) || a.kind === "number") && (weight(b) || b.kind === "number");
      return point ? tensor(chosen.node, "weight", chosen.axes) : chosen;
    },
  },
  safe_div: {
    params: ["a", "b"],
    lifts: true,
    run(context, { values, span }) {
      const [a, b] = ["a", "b"].map((k) => values.get(k)!);
      if (a.kind === "number" && b.kind === "number") return float(b.value === 0 ? 0 : a.value / b.value);
      const zero = pointwise(context, "eq", [b, int(0)], span);
      return pointwise(context, "where", [zero, int(0), binary(context, "/", a, b, span)], span);
    },
  },
  if_zero: {
    params: ["x", "y"],
    lifts: true,
    run(context, { values, span }) {
      const [x, y] = ["x", "y"].map((k) => values.get(k)!);
      if (x.kind === "number" && y.kind === "number") return x.value === 0 ? y : x;
      return pointwise(context, "where", [pointwise(context, "eq", [x, int(0)], span), y, x], span);
    },
  },
  rounded: {
    params: ["x", "dtype"],
    lifts: true,
    run(context, { values, span }) {
      const [x, dtype] = ["x", "dtype"].map((k) => values.get(k)!);
      if (dtype.kind !== "dtype" || !isFloat(dtype.dtype))
        return stop(context, "T001", `rounded takes a dtype of floats, found ${describe(dtype)}`, span, {
          help: "write rounded(x, bf16)",
        });
      if (x.kind === "number") return float(roundToStorage(dtype.dtype, x.value));
      const { node, axes } = pointwise(context, "quantize", [x], span, { dtype: dtype.dtype });
      return tensor(node, x.kind === "tensor" ? x.space : "tensor", axes);
    },
  },
  int: {
    params: ["x"],
    lifts: true,
    run(context, { values, span }) {
      const x = values.get("x")!;
      if (x.kind === "number") return int(Math.trunc(x.value));
      if (x.kind === "bool") return int(x.value ? 1 : 0);
      return pointwise(context, "cast", [x], span, { to: "int" });
    },
  },
  float: {
    params: ["x"],
    lifts: true,
    run(context, { values, span }) {
      const x = values.get("x")!;
      if (x.kind === "number") return float(x.value);
      if (x.kind === "bool") return float(x.value ? 1 : 0);
      return pointwise(context, "cast", [x], span, { to: "float" });
    },
  },
  div: {
    params: ["a", "b"],
    lifts: true,
    run(context, { values, span }) {
      const [a, b] = ["a", "b"].map((k) => values.get(k)!);
      if (a.kind === "number" && b.kind === "number") {
        if (b.value === 0) return stop(context, "T008", "div by 0", span);
        return int(Math.floor(a.value / b.value));
      }
      return pointwise(context, "floor_div", [a, b], span);
    },
  },
};

/** min and max of two values of any kind. */
export function smaller(context: Context, a: Value, b: Value, span: Span): Value {
  if (a.kind === "number" && b.kind === "number")
    return { kind: "number", value: Math.min(a.value, b.value), integer: a.integer && b.integer };
  return pointwise(context, "min", [a, b], span);
}

export function larger(context: Context, a: Value, b: Value, span: Span): Value {
  if (a.kind === "number" && b.kind === "number")
    return { kind: "number", value: Math.max(a.value, b.value), integer: a.integer && b.integer };
  return pointwise(context, "max", [a, b], span);
}
