/** Gradients of whole networks and merges against differences: losses, attention, normalisation, low-rank products. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  createGraph,
  evaluate,
  type Graph,
  gradient,
  type Node,
  reachable,
  runPasses,
  type Shape,
  sizeOf,
  verify,
} from "../../../compiler/index.js";
import { randomFrom } from "../ir/random-graph.js";
import { compare, type Values, weighted } from "./differences.js";

/** A graph with leaves that have values. */
function setting(seed: number) {
  const graph = createGraph();
  const values: Values = new Map();
  const random = randomFrom(seed);
  const leaf = (name: string, shape: Shape) => {
    const node = graph.input({ source: "s", name, dtype: "F32", shape });
    values.set(
      node,
      Float64Array.from({ length: sizeOf(shape) }, () => 1.6 * random() - 0.8),
    );
    return node;
  };
  const integers = (name: string, data: readonly number[]) => {
    const node = graph.input({ source: "s", name, dtype: "I32", shape: [data.length] });
    values.set(node, Float64Array.from(data));
    return node;
  };
  return { graph, values, leaf, integers };
}

const op = (g: Graph, name: string, args: readonly Node[], attrs = {}) => g.make(name, args, attrs);
const turned = (g: Graph, x: Node) => {
  const axes = [...x.shape.keys()];
  return op(g, "transpose", [x], { perm: [...axes.slice(0, -2), axes.length - 1, axes.length - 2] });
};
const total = (g: Graph, x: Node) => op(g, "reduce_sum", [x], { axes: [...x.shape.keys()] });

/** All derivatives agree, and the passes leave the values of the gradients alone. */
function agrees(graph: Graph, loss: Node, leaves: readonly Node[], values: Values): void {
  const { count, gradients } = compare(graph, loss, leaves, values);
  assert.is(
    count,
    leaves.reduce((n, leaf) => n + sizeOf(leaf.shape), 0),
  );
  assert.is(gradients.length, leaves.length);
  const optimised = runPasses(gradients);
  verify(optimised);
  const byName = new Map([...values].map(([node, data]) => [node.attrs.name, data]));
  const read = (node: Node) => byName.get(node.attrs.name)!;
  const [before, after] = [gradients, optimised].map((nodes) => evaluate(nodes, read, { precision: "f64" }));
  gradients.forEach((node, i) => {
    const found = after.get(optimised[i])!.data;
    before.get(node)!.data.forEach((x, k) => {
      assert.ok(Math.abs(x - found[k]) < 1e-9 * Math.max(1, Math.abs(x)), `${x} and ${found[k]}`);
    });
  });
}

function mlp(seed: number, activation: string) {
  const { graph, values, leaf, integers } = setting(seed);
  const x = leaf("x", [3, 4]);
  const params = [leaf("w1", [5, 4]), leaf("b1", [5]), leaf("w2", [3, 5]), leaf("b2", [3])];
  const [w1, b1, w2, b2] = params;
  const hidden = op(graph, activation, [op(graph, "add", [op(graph, "matmul", [x, turned(graph, w1)]), b1])]);
  const logits = op(graph, "add", [op(graph, "matmul", [hidden, turned(graph, w2)]), b2]);
  const labels = integers("labels", [2, -100, 0]);
  return { graph, values, params, x, loss: op(graph, "cross_entropy", [logits, labels], { ignore: -100 }) };
}

for (const activation of ["gelu", "silu", "tanh", "softplus"]) {
  test(`a perceptron with ${activation} and cross entropy`, () => {
    const { graph, values, params, x, loss } = mlp(3, activation);
    agrees(graph, loss, [...params, x], values);
  });
}

test("the product of the second derivative with a vector, by a gradient of a gradient", () => {
  const { graph, values, params, loss } = mlp(4, "gelu");
  const first = gradient(graph, loss, params) as Node[];
  const along = first.map((node) => weighted(graph, node, values));
  agrees(graph, op(graph, "total", along), params, values);
});

test("attention over two heads with a causal mask", () => {
  const { graph, values, leaf } = setting(5);
  const [batch, tokens, heads, width] = [2, 3, 2, 2];
  const x = leaf("x", [batch, tokens, heads * width]);
  const weights = ["q", "k", "v", "o"].map((name) => leaf(name, [heads * width, heads * width]));
  const split = (w: Node) => {
    const y = op(graph, "matmul", [x, turned(graph, w)]);
    const parts = op(graph, "reshape", [y], { shape: [batch, tokens, heads, width] });
    return op(graph, "transpose", [parts], { perm: [0, 2, 1, 3] });
  };
  const [q, k, v] = weights.slice(0, 3).map(split);
  const logits = op(graph, "div", [op(graph, "matmul", [q, turned(graph, k)]), graph.constant(Math.sqrt(width))]);
  const [row, column] = [0, 1].map((axis) => op(graph, "iota", [], { shape: [tokens, tokens], axis }));
  const masked = op(graph, "where", [op(graph, "ge", [row, column]), logits, graph.constant(-Infinity)]);
  const mixed = op(graph, "matmul", [op(graph, "softmax", [masked], { axes: [3] }), v]);
  const joined = op(graph, "reshape", [op(graph, "transpose", [mixed], { perm: [0, 2, 1, 3] })], {
    shape: [batch, tokens, heads * width],
  });
  const out = op(graph, "matmul", [joined, turned(graph, weights[3])]);
  agrees(graph, weighted(graph, out, values), [...weights, x], values);
});

test("a block with layer_norm and rms_norm around residual sums", () => {
  const { graph, values, leaf } = setting(6);
  const x = leaf("x", [2, 3, 4]);
  const [scale, shift, gain, w] = [leaf("scale", [4]), leaf("shift", [4]), leaf("gain", [4]), leaf("w", [4, 4])];
  const normal = op(graph, "layer_norm", [x, scale, shift], { eps: 1e-5 });
  const hidden = op(graph, "add", [x, op(graph, "matmul", [normal, w])]);
  const out = op(graph, "add", [hidden, op(graph, "rms_norm", [hidden, gain], { eps: 1e-6 })]);
  agrees(graph, weighted(graph, out, values), [x, scale, shift, gain, w], values);
});

test("a low-rank product beside a frozen weight: the frozen weight costs no node", () => {
  const { graph, values, leaf } = setting(7);
  const [x, w, a, b] = [leaf("x", [2, 3, 4]), leaf("w", [5, 4]), leaf("a", [2, 4]), leaf("b", [5, 2])];
  const low = op(graph, "matmul", [op(graph, "matmul", [x, turned(graph, a)]), turned(graph, b)]);
  const y = op(graph, "add", [op(graph, "matmul", [x, turned(graph, w)]), op(graph, "mul", [low, graph.constant(2)])]);
  const loss = op(graph, "mean", [op(graph, "mul", [y, y])], { axes: [0, 1, 2] });
  agrees(graph, loss, [a, b], values);
  // The gradient at `a` and `b` needs y, and so w, but never the product of a gradient with w.
  const products = reachable(gradient(graph, loss, [a, b]) as Node[]).filter((node) => node.op === "matmul");
  assert.not.ok(products.some((node) => node.shape.join() === "2,3,4"));
});

test("a loss through a merge: gradients at its coefficients, through weights that are nodes", () => {
  const { graph, values, leaf } = setting(8);
  const [base, one, two] = ["base", "one", "two"].map((name) => leaf(name, [3, 4]));
  const [lambda, mu] = [leaf("lambda", []), leaf("mu", [])];
  const delta = (expert: Node, by: Node) => op(graph, "mul", [op(graph, "sub", [expert, base]), by]);
  const merged = op(graph, "add", [base, op(graph, "add", [delta(one, lambda), delta(two, mu)])]);
  const kept = op(graph, "where", [
    op(graph, "row_top", [op(graph, "abs", [merged])], { k: 3 }),
    merged,
    graph.constant(0),
  ]);
  const scaled = op(graph, "div", [kept, op(graph, "norm2", [kept], { axes: [1], keep: true })]);
  const x = leaf("x", [2, 4]);
  const y = op(graph, "tanh", [op(graph, "matmul", [x, turned(graph, scaled)])]);
  const loss = op(graph, "mul", [total(graph, op(graph, "mul", [y, y])), lambda]);
  agrees(graph, loss, [lambda, mu, base, one], values);
  const [atMerged] = gradient(graph, loss, [merged]);
  assert.equal(atMerged!.shape, [3, 4]);
});

test("an embedding, a convolution and a pooling in one loss", () => {
  const { graph, values, leaf, integers } = setting(9);
  const table = leaf("table", [3, 20]);
  const rows = op(graph, "take", [table, integers("tokens", [2, 0])]);
  const images = op(graph, "reshape", [rows], { shape: [2, 1, 4, 5] });
  const [w, bias] = [leaf("w", [2, 1, 2, 3]), leaf("bias", [2])];
  const window = { stride: [1, 2], padding: [1, 1], dilation: [1, 1] };
  const features = op(graph, "gelu", [op(graph, "conv2d", [images, w, bias], { ...window, groups: 1 })], {
    tanh: true,
  });
  const pool = { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1] };
  const pooled = op(graph, "max_pool", [features], pool);
  const loss = weighted(graph, op(graph, "mean_pool", [pooled], { ...pool, kernel: [2, 1], stride: [1, 1] }), values);
  const { count, gradients } = compare(graph, loss, [table, w, bias], values);
  assert.is(gradients.length, 3);
  assert.is(count, 60 + 12 + 2);
});

test("a rotation made from a skew matrix: an inverse in the middle", () => {
  const { graph, values, leaf } = setting(10);
  const [a, x] = [leaf("a", [3, 3]), leaf("x", [2, 3])];
  const skew = op(graph, "sub", [a, turned(graph, a)]);
  const [row, column] = [0, 1].map((axis) => op(graph, "iota", [], { shape: [3, 3], axis }));
  const unit = op(graph, "cast", [op(graph, "eq", [row, column])], { to: "float" });
  const rotation = op(graph, "matmul", [
    op(graph, "sub", [unit, skew]),
    op(graph, "inverse", [op(graph, "add", [unit, skew])]),
  ]);
  agrees(graph, weighted(graph, op(graph, "matmul", [x, rotation]), values), [a, x], values);
});

test("an argument that occurs twice counts twice, in rules and in expansions", () => {
  const { graph, values, leaf } = setting(11);
  const x = leaf("x", [3]);
  agrees(graph, op(graph, "dot", [x, x], { axes: [0] }), [x], values);
  agrees(graph, op(graph, "einsum", [x, x], { spec: "i,i->" }), [x], values);
  agrees(
    graph,
    weighted(graph, op(graph, "einsum", [x, op(graph, "exp", [x])], { spec: "i,j->ij" }), values),
    [x],
    values,
  );
});

test.run();
