/** Laws of every row of the op registry: it documents itself, evaluates, refuses what does not fit, expands to itself. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type Attrs,
  createGraph,
  evaluate,
  type Node,
  type OpRow,
  opRow,
  opRows,
  printNode,
  ShapeError,
  sizeOf,
  verify,
} from "../../../compiler/index.js";
import { drawableRows, drawElements, drawLeaves, drawNode, randomFrom } from "./random-graph.js";

const throwsShapeError = (make: () => unknown, what: string) =>
  assert.throws(make, (error: unknown) => error instanceof ShapeError && error.message.length > 10, what);

/** The first draw of a row that fits. */
function anyNode(row: OpRow) {
  for (let seed = 1; seed <= 100; seed++) {
    const { graph, random, nodes } = pool(seed);
    const node = drawNode(random, graph, row, nodes);
    if (node !== null) return { graph, node, other: nodes[0] };
  }
  throw new Error(`no draw of ${row.name} fits`);
}

/** Leaves, and rank-0 and threshold nodes over them, so that every row finds arguments. */
function pool(seed: number) {
  const graph = createGraph();
  const random = randomFrom(seed);
  const nodes = drawLeaves(random, graph);
  for (const name of ["threshold", "reduce_sum", "abs"]) {
    for (let i = 0; i < 4; i++) {
      const node = drawNode(random, graph, opRow(name), nodes);
      if (node !== null) nodes.push(node);
    }
  }
  return { graph, random, nodes };
}

/** Rows whose result always has the same rank: images, their windows, a loss, the rows of a batch. */
const ofOneRank = new Set(["cross_entropy", "patches", "fold_patches", "conv2d", "max_pool", "mean_pool", "draw_rows"]);

for (const row of drawableRows()) {
  test(`${row.name}: has a doc line, tolerances, and draws that evaluate`, () => {
    assert.ok(row.doc.length > 0);
    for (const target of [row.tolerance.wasm, row.tolerance.wgsl]) assert.ok(target.ulp >= 0 && target.abs >= 0);
    let drawn = 0;
    const ranks = new Set<number>();
    for (let seed = 1; seed <= 40; seed++) {
      const { graph, random, nodes } = pool(seed);
      const node = drawNode(random, graph, row, nodes);
      if (node === null) continue;
      drawn++;
      ranks.add(node.shape.length);
      verify([node]);
      for (const precision of ["f32", "f64"] as const) {
        const value = evaluate([node], (n) => drawElements(n, true), { precision }).get(node)!;
        if (node.dtype === "threshold") continue;
        assert.is(value.data.length, sizeOf(node.shape), printNode(node));
        if (node.dtype === "bool")
          assert.ok(
            value.data.every((x) => x === 0 || x === 1),
            printNode(node),
          );
        if (node.dtype === "f32" && precision === "f32")
          assert.ok(value.data.every((x) => Object.is(Math.fround(x), x)));
      }
    }
    assert.ok(drawn >= 20, `${row.name} was drawn ${drawn} times`);
    const isScalarOnly = row.fusion === "host" || row.name === "threshold";
    if (ofOneRank.has(row.name)) assert.is(ranks.size, 1);
    else assert.ok(isScalarOnly ? ranks.size === 1 && ranks.has(0) : ranks.size > 1, `ranks ${[...ranks]}`);
  });

  test(`${row.name}: refuses other numbers of arguments and missing or wrong attributes`, () => {
    const { graph, node, other } = anyNode(row);
    if (row.arity !== "any") throwsShapeError(() => graph.make(row.name, [...node.args, other], node.attrs), "arity");
    for (const entry of Object.keys(row.attributes ?? {})) {
      const name = entry.replace("?", "");
      const without = Object.fromEntries(Object.entries(node.attrs).filter(([key]) => key !== name));
      if (name === entry)
        throwsShapeError(() => graph.make(row.name, node.args, without), `${row.name} without ${name}`);
      throwsShapeError(() => graph.make(row.name, node.args, { ...node.attrs, [name]: null }), `${name} = null`);
      throwsShapeError(() => graph.make(row.name, node.args, { ...node.attrs, [name]: [-1, 0.5] }), `${name} = list`);
    }
  });

  if (row.scalar !== undefined && row.arity !== 1) {
    test(`${row.name}: refuses shapes that do not broadcast`, () => {
      const graph = createGraph();
      const dtype = row.name === "where" ? "BOOL" : "F32";
      const args = [[2], [3], [1]]
        .slice(0, row.arity as number)
        .map((shape, i) => graph.input({ source: "s", name: `x${i}`, dtype, shape }));
      throwsShapeError(() => graph.make(row.name, args), "shapes");
    });
  }

  if (row.expand !== undefined) {
    test(`${row.name}: expands to the same type and value`, () => {
      let compared = 0;
      for (let seed = 1; seed <= 60; seed++) {
        const { graph, random, nodes } = pool(seed);
        const node = drawNode(random, graph, row, nodes);
        if (node === null) continue;
        const expanded = row.expand!(graph, node.args, node.attrs, node);
        verify([expanded]);
        assert.equal({ shape: expanded.shape, dtype: expanded.dtype }, { shape: node.shape, dtype: node.dtype });
        const values = evaluate([node, expanded], (n) => drawElements(n, false), { precision: "f64" });
        const [own, other] = [values.get(node)!.data, values.get(expanded)!.data];
        own.forEach((x, i) => {
          const near =
            Object.is(x, other[i]) || x === other[i] || Math.abs(x - other[i]) <= 1e-9 * Math.max(1, Math.abs(x));
          assert.ok(near, `${printNode(node)}: ${x} and expanded ${other[i]}`);
          compared++;
        });
      }
      assert.ok(compared > 30, `compared ${compared} elements`);
    });
  }
}

/** Shapes that the rows beside the elementwise ones refuse. */
const refused: readonly [op: string, shapes: readonly (readonly number[])[], attrs: Attrs][] = [
  ["numbers", [], { shape: [2, 2], values: [1, 2, 3] }],
  ["iota", [], { shape: [2], axis: 1 }],
  ["iota", [], { shape: [], axis: 0 }],
  ["randint", [], { shape: [2], key: [0, 0], n: 0 }],
  ["randint", [], { shape: [2], key: [0, 0], n: 2 ** 24 + 1 }],
  ["uniform", [], { shape: [2 ** 40, 2 ** 40], key: [0, 0] }],
  ["uniform", [], { shape: [2], key: [0, 2 ** 32] }],
  ["const", [], { value: true, dtype: "f64" }],
  ["const", [], { value: 0.5, dtype: "i64" }],
  ["broadcast", [[2]], { shape: [3] }],
  ["broadcast", [[2, 3]], { shape: [3] }],
  ["reshape", [[2, 3]], { shape: [5] }],
  ["transpose", [[2, 3]], { perm: [0] }],
  ["transpose", [[2, 3]], { perm: [0, 2] }],
  ["transpose", [[2, 3]], { perm: [0, 0] }],
  ["slice", [[2, 3]], { start: [0], size: [1] }],
  ["slice", [[2, 3]], { start: [1, 0], size: [2, 3] }],
  ["concat", [], { axis: 0 }],
  ["concat", [[2], [2]], { axis: 1 }],
  [
    "concat",
    [
      [2, 3],
      [2, 4],
    ],
    { axis: 0 },
  ],
  ["concat", [[]], { axis: 0 }],
  ["reduce_sum", [[2, 3]], { axes: [2] }],
  ["reduce_max", [[2, 3]], { axes: [-1] }],
  ["reduce_argmax", [[2, 3]], { axes: [0, 0] }],
  ["total", [[2]], {}],
  ["threshold", [[2], [2]], {}],
  ["threshold", [], {}],
  ["above", [[2], []], { part: 0 }],
  ["threshold_value", [[]], {}],
  ["matmul", [[3], [3]], {}],
  [
    "matmul",
    [
      [2, 3],
      [2, 3],
    ],
    {},
  ],
  [
    "matmul",
    [
      [2, 2, 3],
      [3, 3, 2],
    ],
    {},
  ],
  ["mean", [[2]], { axes: [1] }],
  ["dot", [[2], [3]], { axes: [0] }],
  ["softmax", [[2]], { axes: [1] }],
  ["where", [[2], [2], [2]], {}],
  ["cast", [[2]], { to: "f16" }],
  ["pad", [[2]], { before: [0], after: [0, 1] }],
  ["layer_norm", [[]], { eps: 0 }],
  ["layer_norm", [[2, 3], [2]], { eps: 0 }],
  ["rms_norm", [[3], [3], [3]], { eps: 0 }],
  ["cross_entropy", [[2, 3], [2]], { ignore: -100 }],
  ["einsum", [[2]], { spec: "i" }],
  ["einsum", [[2]], { spec: "i->j" }],
  ["einsum", [[2]], { spec: "i->ii" }],
  ["einsum", [[2]], { spec: "ij->i" }],
  ["einsum", [[2]], { spec: "i,j->ij" }],
  ["einsum", [[2], [3]], { spec: "i,i->" }],
  [
    "solve",
    [
      [2, 3],
      [2, 1],
    ],
    {},
  ],
  [
    "solve",
    [
      [2, 2],
      [3, 1],
    ],
    {},
  ],
  ["svd", [[3]], {}],
  ["svd", [[3, 2]], { rank: 3 }],
  ["eigh", [[3, 2]], {}],
  ["eigh", [[2, 2]], { rank: 3 }],
  ["qr", [[3]], {}],
  ["cholesky", [[3, 2]], {}],
  [
    "solve_triangular",
    [
      [2, 2],
      [3, 1],
    ],
    {},
  ],
  ["assignment", [[3, 2]], {}],
  ["inverse", [[2, 3]], {}],
  ["inverse", [[]], {}],
  ["kron", [[2], [2, 2]], {}],
  ["kron", [[], []], {}],
  ["block_matmul", [[5], [2, 3, 1]], {}],
  ["take", [[2], [2]], {}],
  ["scatter_add", [[2], [2]], { length: 2 }],
  ["one_hot", [[2]], { depth: 3 }],
  ["roll", [[2, 3]], { shifts: [1] }],
  ["pick", [[2]], { axis: 0, indices: [2] }],
  ["pick", [[2]], { axis: 1, indices: [] }],
  ["pick_add", [[2]], { axis: 0, indices: [0], length: 2 }],
  ["pick_add", [[1]], { axis: 0, indices: [2], length: 2 }],
  ["cumsum", [[2]], { axis: 1 }],
  ["patches", [[4, 5]], { kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] }],
  ["patches", [[1, 1, 4, 5]], { kernel: [5, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] }],
  ["patches", [[1, 1, 4, 5]], { kernel: [1, 1], stride: [0, 1], padding: [0, 0], dilation: [1, 1] }],
  ["max_pool", [[1, 1, 4, 5]], { kernel: [1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] }],
  [
    "conv2d",
    [
      [1, 2, 4, 5],
      [1, 2, 1, 1],
    ],
    { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 0 },
  ],
  [
    "conv2d",
    [
      [1, 2, 4, 5],
      [1, 1, 1, 1],
    ],
    { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 },
  ],
  ["straight_through", [[2], [3]], {}],
  ["dropout", [[2], [1]], { key: [0, 0] }],
];

for (const [op, shapes, attrs] of refused) {
  test(`${op} refuses ${JSON.stringify(shapes)} ${JSON.stringify(attrs)}`, () => {
    const graph = createGraph();
    const args: Node[] = shapes.map((shape, i) => graph.input({ source: "s", name: `x${i}`, dtype: "F32", shape }));
    throwsShapeError(() => graph.make(op, args, attrs), op);
  });
}

test("no row but those of order statistics takes a threshold", () => {
  const graph = createGraph();
  const x = graph.input({ source: "s", name: "x", dtype: "F32", shape: [4] });
  const state = graph.make("threshold", [graph.constant(2), x]);
  for (const row of opRows()) {
    if (row.readsThreshold || row.arity === 0) continue;
    const args = Array.from({ length: row.arity === "any" ? 1 : row.arity }, () => state);
    throwsShapeError(
      () =>
        graph.make(row.name, args, {
          axes: [],
          shape: [],
          perm: [],
          start: [],
          size: [],
          axis: 0,
          to: "float",
          part: 0,
        }),
      row.name,
    );
  }
});

test.run();
