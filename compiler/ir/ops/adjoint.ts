/**
 * What gradient rules are written with. In: an upstream gradient and the shapes of an operation. Out: nodes. A rule sees
 * the node it belongs to, so that it can use the value that the operation gave (e^x, softmax) instead of computing it
 * again. All are made of operations that have rules themselves, so gradients have gradients.
 */
import type { Attrs, Graph, Node, Shape } from "../graph.js";
import { type Gradient, sameShape } from "./row.js";

/** The derivative is zero wherever it exists, or the result is no float: nothing flows to any argument. */
export const flat: Gradient = (_graph, node) => node.args.map(() => null);

/** Undoes broadcasting: sums over the axes along which `shape` was repeated to give that of `x`. */
export function sumTo(graph: Graph, x: Node, shape: Shape): Node {
  if (sameShape(x.shape, shape)) return x;
  const skip = x.shape.length - shape.length;
  const axes = x.shape.flatMap((d, i) => (i < skip || (shape[i - skip] === 1 && d !== 1) ? [i] : []));
  if (shape.length === 0) return graph.make("reduce_sum", [x], { axes, keep: false });
  const sum = axes.length === 0 ? x : graph.make("reduce_sum", [x], { axes, keep: true });
  return reshape(graph, sum, shape);
}

export function reshape(graph: Graph, x: Node, shape: Shape): Node {
  return sameShape(x.shape, shape) ? x : graph.make("reshape", [x], { shape });
}

export function broadcast(graph: Graph, x: Node, shape: Shape): Node {
  return sameShape(x.shape, shape) ? x : graph.make("broadcast", [x], { shape });
}

/** Swaps the last two axes. */
export function transposed(graph: Graph, x: Node): Node {
  const rank = x.shape.length;
  return graph.make("transpose", [x], { perm: [...x.shape.keys()].slice(0, -2).concat(rank - 1, rank - 2) });
}

/** `x`, the result of a reduction of `from` by `attrs`, with the reduced axes back as axes of length 1. */
export function keepingAxes(graph: Graph, x: Node, from: Shape, attrs: Attrs): Node {
  const axes = attrs.axes as readonly number[];
  return reshape(
    graph,
    x,
    from.map((d, i) => (axes.includes(i) ? 1 : d)),
  );
}

/** Spreads the gradient of a reduction over the elements that were reduced. */
export function spread(graph: Graph, upstream: Node, from: Shape, attrs: Attrs): Node {
  return broadcast(graph, upstream.shape.length === 0 ? upstream : keepingAxes(graph, upstream, from, attrs), from);
}

/** The gradient of the largest or smallest of groups of elements: elements that are equal to it share it equally. */
export const shareAmongEqual: Gradient = (graph, node, upstream) => {
  const [x] = node.args;
  const equal = graph.make("eq", [x, keepingAxes(graph, node, x.shape, node.attrs)]);
  const count = graph.make("reduce_sum", [graph.make("cast", [equal], { to: "float" })], {
    axes: node.attrs.axes,
    keep: true,
  });
  const share = graph.make("div", [keepingAxes(graph, upstream, x.shape, node.attrs), count]);
  return [graph.make("where", [equal, share, graph.constant(0, true)])];
};
