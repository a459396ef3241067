/** The gradient rule of every row of the registry, once and twice, against differences on random shapes. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createGraph, type Graph, type Node, opRows, type Shape, sizeOf } from "../../../compiler/index.js";
import { drawNode, type Random, randomFrom } from "../ir/random-graph.js";
import { compareTwice, leavesOf, type Values } from "./differences.js";

const shapes: readonly Shape[] = [[], [3], [1], [2, 3], [1, 3], [2, 1], [3, 2], [2, 2, 3], [1, 2, 1, 3], [0, 3]];

function pool(graph: Graph): Node[] {
  return [
    ...shapes.map((shape) => graph.input({ source: "s", name: `x${shape}`, dtype: "F32", shape })),
    ...shapes.map((shape) => graph.input({ source: "s", name: `y${shape}`, dtype: "F32", shape })),
    graph.input({ source: "s", name: "n", dtype: "I32", shape: [3] }),
    graph.input({ source: "s", name: "c", dtype: "BOOL", shape: [2, 3] }),
    graph.constant(2),
    graph.constant(0.5),
  ];
}

/** Numbers between 0.2 and 0.8, and negative ones if `signed`. */
function valuesFor(random: Random, node: Node, signed: boolean): Float64Array {
  return Float64Array.from({ length: sizeOf(node.shape) }, () => {
    if (node.dtype === "i32" || node.dtype === "i64") return Math.floor(random() * 4);
    if (node.dtype === "bool") return random() < 0.5 ? 1 : 0;
    const size = 0.2 + 0.6 * random();
    return signed && random() < 0.5 ? -size : size;
  });
}

function valuesOf(random: Random, graph: Graph, signed: boolean): Values {
  const inputs = graph.nodes.filter((node) => node.op === "input");
  return new Map(inputs.map((node) => [node, valuesFor(random, node, signed)]));
}

test("every row has a rule, an expansion, a reason to have none, or is a leaf", () => {
  const without = opRows()
    .filter((row) => row.gradient === undefined && row.expand === undefined && row.noGradient === undefined)
    .map((row) => row.name);
  const leaves = opRows()
    .filter((row) => row.fusion === "source" || ["const", "numbers"].includes(row.name))
    .map((row) => row.name);
  assert.equal(new Set(without), new Set(leaves));
});

test("no row has a rule and a reason to have none", () => {
  assert.equal(
    opRows().filter((row) => row.gradient !== undefined && row.noGradient !== undefined),
    [],
  );
});

/** Rows whose results are no floats, and those that say their derivative (conventions.test.ts). */
const notCompared = new Set([
  ...["eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "is_finite"],
  ...["above", "row_rank", "row_top", "one_hot", "count", "reduce_argmax"],
  ...["stop_gradient", "straight_through", "quantize"],
]);
/** Rows whose derivative is zero where it exists. */
const flatRows = new Set(["floor_div", "floor", "ceil", "trunc", "round", "sign"]);

for (const row of opRows().filter((each) => each.gradient !== undefined || each.expand !== undefined)) {
  if (notCompared.has(row.name)) continue;
  test(`${row.name}: agrees with differences, and so does its gradient`, () => {
    let first = 0;
    let second = 0;
    for (let seed = 1; seed <= 40 && (first < 40 || second < 60) && !(first > 80 && flatRows.has(row.name)); seed++) {
      const random = randomFrom(seed * 31 + row.name.length);
      const graph = createGraph();
      const node = drawNode(random, graph, row, pool(graph));
      if (node === null || (node.dtype !== "f32" && node.dtype !== "f64")) continue;
      if (leavesOf(node).reduce((n, leaf) => n + sizeOf(leaf.shape), sizeOf(node.shape)) > 200) continue;
      const compared = compareTwice(graph, node, valuesOf(random, graph, seed % 2 === 0));
      first += compared.first.count;
      second += compared.second;
    }
    assert.ok(first > 12, `${first} derivatives`);
    assert.ok(flatRows.has(row.name) ? second === 0 : second > 12, `${second} second derivatives`);
  });
}

test.run();
