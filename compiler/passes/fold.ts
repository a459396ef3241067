/**
 * Constant folding: a rank-0 operation on constants becomes the constant that the reference evaluator computes for it
 * in f64, which is what the host would compute between passes. Nothing is reassociated: a sum of which only some
 * parts are constant stays as it is.
 */
import type { Graph, Node } from "../ir/index.js";
import { evaluate, opRow } from "../ir/index.js";
import { rewrite } from "./rewrite.js";

/** The same values, rank-0 operations on constants computed. */
export function fold(graph: Graph, roots: readonly Node[]): Node[] {
  return rewrite(graph, roots, foldNode);
}

/** The constant that a rank-0 operation on constants gives, or the node itself. */
export function foldNode(node: Node, graph: Graph): Node {
  if (node.op === "const" || node.shape.length > 0 || !node.args.every((arg) => arg.op === "const")) return node;
  const { fusion } = opRow(node.op);
  if (fusion !== "host" && fusion !== "elementwise") return node;
  const value = evaluate([node], noInput, { precision: "f64" }).get(node)!.data[0];
  switch (node.dtype) {
    case "bool":
      return graph.constant(value !== 0);
    case "f64":
      return graph.constant(value, true);
    case "i64":
      // 2 ^ -1 or 1 mod 0 on integers: no integer says the same.
      return Number.isSafeInteger(value) ? graph.constant(value) : node;
    default:
      return node;
  }
}

function noInput(node: Node): never {
  throw new Error(`${node.op} is not a constant`);
}
