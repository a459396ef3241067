/**
 * The state of a running loop: a value made of tensors, trees and numbers, and its nodes in a fixed order. In: a value.
 * Out: its nodes with their places in it, and the value with other nodes there. Its structure, shapes and dtypes stay
 * the same from step to step.
 */
import type { Span } from "../../grammar/index.js";
import type { Node } from "../ir/index.js";
import { type Context, stop } from "./context.js";
import { nodeOf } from "./operators.js";
import { describe, tensor, type Value } from "./value.js";

/** The tensors and numbers of a value, in a fixed order, and the value with others in their place. */
export interface Flat {
  readonly nodes: readonly Node[];
  /** Where each stands in the value: `p["a.weight"]`, `s.m[0]`. */
  readonly names: readonly string[];
  rebuild(nodes: readonly Node[]): Value;
}

export function flatten(context: Context, value: Value, span: Span): Flat {
  const nodes: Node[] = [];
  const names: string[] = [];
  const place = (node: Node, name: string) => {
    names.push(name);
    return nodes.push(node) - 1;
  };
  const visit = (v: Value, name: string): ((n: readonly Node[]) => Value) => {
    switch (v.kind) {
      case "number":
      case "bool": {
        const at = place(nodeOf(context, v, span), name);
        return (n) => tensor(n[at]);
      }
      case "tensor": {
        const at = place(v.node, name);
        return (n) => tensor(n[at], v.space, v.axes);
      }
      case "list":
      case "tuple": {
        const items = v.items.map((item, i) => visit(item, `${name}[${i}]`));
        return (n) => ({ kind: v.kind, items: items.map((f) => f(n)) });
      }
      case "record": {
        const fields = [...v.fields].map(([k, f]) => [k, visit(f, name === "" ? k : `${name}.${k}`)] as const);
        return (n) => ({ ...v, fields: new Map(fields.map(([k, f]) => [k, f(n)])) });
      }
      case "tree": {
        const leaves = [...v.leaves].map(
          ([key, leaf]) => [key, leaf, visit(leaf.value, `${name}[${JSON.stringify(key)}]`)] as const,
        );
        return (n) => ({ ...v, leaves: new Map(leaves.map(([key, leaf, f]) => [key, { ...leaf, value: f(n) }])) });
      }
      case "none":
      case "string":
        return () => v;
      default:
        return stop(
          context,
          "T001",
          `a running state is made of tensors, trees and numbers, found ${describe(v)}`,
          span,
        );
    }
  };
  const rebuild = visit(value, "");
  return { nodes, names, rebuild };
}

/** A state keeps its dtype and shape; an integer may become a float only if it began as one. */
export function sameKind(context: Context, node: Node, variable: Node, span: Span): Node {
  if (node.shape.length !== variable.shape.length || node.shape.some((d, i) => d !== variable.shape[i])) {
    return stop(
      context,
      "H002",
      `a state of shape [${variable.shape.join(", ")}] becomes [${node.shape.join(", ")}] after a step`,
      span,
    );
  }
  if (node.dtype === variable.dtype) return node;
  const to =
    variable.dtype === "bool" ? "bool" : variable.dtype === "i32" || variable.dtype === "i64" ? "int" : "float";
  if (to === "float") return context.graph.make("cast", [node], { to });
  return stop(context, "T001", `a state of ${variable.dtype} becomes ${node.dtype} after a step`, span, {
    help: "begin with a number of that kind, such as 0.0",
  });
}
