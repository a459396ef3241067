/**
 * Elementwise operations of the tensor graph as instructions. In: a node and the instructions of its arguments. Out: the
 * instruction of its value, in the lane of the node's dtype; arguments are converted as the node's dtype rule says.
 */
import type { Node } from "../ir/index.js";
import type { Lane } from "../kernels/index.js";
import type { Instructions } from "./instructions.js";

/** The lane that holds elements of a node. */
export function laneOf(node: Node): Lane {
  return node.dtype === "bool" ? "bool" : node.dtype === "i32" || node.dtype === "i64" ? "i32" : "f32";
}

/** Operations that kernels have on integers under the same name. */
const onIntegers = new Set(["add", "sub", "mul", "min", "max", "neg", "abs"]);

export function arithmetic(code: Instructions, node: Node, args: readonly number[]): number {
  const lanes = args.map((a) => code.laneOf(a));
  const result = laneOf(node);
  const floats = () => args.map((a) => code.float(a));
  const ints = () => args.map((a) => code.int(a));
  switch (node.op) {
    case "cast":
      return conversion(code, args[0], node.attrs.to as string);
    case "quantize":
      return code.push("quantize", floats(), "f32", undefined, { dtype: node.attrs.dtype });
    case "and":
    case "or":
    case "not": {
      const truths = args.map((a) => code.truth(a));
      return code.push(node.op, truths, "bool");
    }
    case "eq":
    case "ne":
    case "lt":
    case "le":
    case "gt":
    case "ge": {
      const whole = node.args.every(isInteger) && node.args.some((a) => a.dtype === "i32");
      const bits = () => args.map((a) => code.push("to_i32", [a], "i32"));
      return code.push(node.op, lanes.every((l) => l === "bool") ? bits() : whole ? ints() : floats(), "bool");
    }
    case "is_finite":
      return code.push("is_finite", floats(), "bool");
    case "where": {
      const [c, a, b] = args;
      const cast = (x: number) => (result === "bool" ? code.truth(x) : result === "i32" ? code.int(x) : code.float(x));
      return code.push("where", [code.truth(c), cast(a), cast(b)], result);
    }
    case "floor_div":
      if (result === "i32") return code.push("idiv", ints(), "i32");
      return code.push("floor", [code.push("div", floats(), "f32")], "f32");
    case "mod":
      return result === "i32" ? code.push("imod", ints(), "i32") : code.push("mod", floats(), "f32");
    default:
      if (result !== "i32") return code.push(node.op, floats(), "f32");
      if (onIntegers.has(node.op)) return code.push(node.op, ints(), "i32");
      return code.push("to_i32", [code.push(node.op, floats(), "f32")], "i32");
  }
}

function conversion(code: Instructions, value: number, to: string): number {
  if (to === "float") return code.float(value);
  return to === "int" ? code.int(value) : code.truth(value);
}

function isInteger(node: Node): boolean {
  return node.dtype === "i32" || node.dtype === "i64";
}
