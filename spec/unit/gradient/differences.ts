/**
 * Gradients against differences. In: a node and values of its leaves. Out: how many derivatives were compared; throws
 * where one is wrong. The loss is the sum of the elements of the node times fixed weights; its derivative by an element
 * of a leaf is the central difference in f64. Where differences of two widths disagree the function has a kink or a jump
 * nearby and nothing is compared.
 */
import * as assert from "uvu/assert";
import { evaluate, type Graph, gradient, type Node, printGraph, reachable, sizeOf } from "../../../compiler/index.js";

export type Values = Map<Node, Float64Array>;

const isFloat = (node: Node) => node.dtype === "f32" || node.dtype === "f64";

/** The float leaves of a node. */
export function leavesOf(node: Node): Node[] {
  return reachable([node]).filter((each) => each.op === "input" && isFloat(each));
}

/** The sum of all elements times weights that differ from element to element; weights are added to `values`. */
export function weighted(graph: Graph, node: Node, values: Values): Node {
  const shape = node.shape;
  const weights = graph.input({ source: "weights", name: `of ${node.id}`, dtype: "F32", shape });
  values.set(
    weights,
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.cos(1.7 * i + 0.4) + 0.2),
  );
  const products = graph.make("mul", [node, weights]);
  return shape.length === 0 ? products : graph.make("reduce_sum", [products], { axes: [...shape.keys()] });
}

function numberOf(node: Node, values: Values): number {
  return evaluate([node], (leaf) => values.get(leaf) ?? missing(leaf), { precision: "f64" }).get(node)!.data[0];
}

function missing(leaf: Node): never {
  throw new Error(`no value for ${leaf.attrs.name}`);
}

/** (f(x + h) - f(x - h)) / 2h for one element of a leaf. */
function difference(loss: Node, leaf: Node, at: number, width: number, values: Values): number {
  const moved = (by: number) => {
    const data = Float64Array.from(values.get(leaf)!);
    data[at] += by;
    return numberOf(loss, new Map(values).set(leaf, data));
  };
  return (moved(width) - moved(-width)) / (2 * width);
}

const near = (a: number, b: number, relative: number) =>
  Math.abs(a - b) <= relative * Math.max(1, Math.abs(a), Math.abs(b));

export interface Compared {
  readonly count: number;
  /** The gradients that were not null, in the order of the leaves. */
  readonly gradients: readonly Node[];
}

/** Compares the gradient of `loss` at each of `leaves`; null must be a derivative of zero. */
export function compare(graph: Graph, loss: Node, leaves: readonly Node[], values: Values): Compared {
  const gradients = gradient(graph, loss, leaves);
  let count = 0;
  leaves.forEach((leaf, k) => {
    const node = gradients[k];
    if (node !== null) assert.equal([node.shape, node.dtype], [leaf.shape, leaf.dtype], printGraph([node]));
    const found = node && evaluate([node], (l) => values.get(l) ?? missing(l), { precision: "f64" }).get(node)!.data;
    for (let i = 0; i < sizeOf(leaf.shape); i++) {
      const [fine, coarse] = [1e-4, 4e-4].map((width) => difference(loss, leaf, i, width, values));
      if (!Number.isFinite(fine) || !near(fine, coarse, 1e-4)) continue;
      const own = found === null ? 0 : found[i];
      if (!near(own, fine, 2e-5)) {
        assert.unreachable(
          `element ${i} of ${leaf.attrs.name}: gradient ${own}, difference ${fine}\n${printGraph([loss])}${node === null ? "" : printGraph([node])}`,
        );
      }
      count++;
    }
  });
  return { count, gradients: gradients.filter((each) => each !== null) };
}

/** The gradient of the weighted elements, and the gradient of that gradient. */
export function compareTwice(graph: Graph, node: Node, values: Values): { first: Compared; second: number } {
  const leaves = leavesOf(node);
  const first = compare(graph, weighted(graph, node, values), leaves, values);
  let second = 0;
  for (const each of first.gradients) second += compare(graph, weighted(graph, each, values), leaves, values).count;
  return { first, second };
}
