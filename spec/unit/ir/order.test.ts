/** Order statistics: ties, NaN, k at and beyond both ends, several parts; `above` against a sort written out. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createGraph, evaluate, type Node, rankRow } from "../../../compiler/index.js";
import { pick, randomFrom } from "./random-graph.js";

/** Which elements of each part a threshold of k keeps, and the value it names. */
function kept(parts: readonly (readonly number[])[], k: number): { marks: number[][]; value: number } {
  const graph = createGraph();
  const inputs = new Map<Node, Float64Array>();
  const nodes = parts.map((part, i) => {
    const node = graph.input({ source: "s", name: `x${i}`, dtype: "F32", shape: [part.length] });
    inputs.set(node, Float64Array.from(part));
    return node;
  });
  const state = graph.make("threshold", [graph.constant(k, true), ...nodes]);
  const above = nodes.map((node, part) => graph.make("above", [node, state], { part }));
  const value = graph.make("threshold_value", [state]);
  const values = evaluate([...above, value], (n) => inputs.get(n)!);
  return { marks: above.map((node) => [...values.get(node)!.data]), value: values.get(value)!.data[0] };
}

const nan = Number.NaN;
const cases: readonly [what: string, parts: number[][], k: number, marks: number[][], value: number][] = [
  ["the two largest", [[1, 4, 2, 3]], 2, [[0, 1, 0, 1]], 2],
  ["equal elements: the first ones", [[5, 5, 5]], 2, [[1, 1, 0]], 5],
  ["both zeros are equal", [[-0, 0, -0]], 1, [[1, 0, 0]], 0],
  ["NaN counts as infinite: by position", [[Infinity, nan, 1]], 1, [[1, 0, 0]], nan],
  ["NaN before numbers", [[1, nan, 2]], 1, [[0, 1, 0]], 2],
  ["only NaN", [[nan, nan]], 1, [[1, 0]], nan],
  ["k = 0 keeps none", [[1, 2]], 0, [[0, 0]], 2],
  ["k < 0 keeps none", [[1, 3]], -3, [[0, 0]], 3],
  ["k = n keeps all", [[1, -Infinity]], 2, [[1, 1]], -Infinity],
  ["k > n keeps all", [[1, -Infinity]], 9, [[1, 1]], -Infinity],
  ["k is rounded down", [[3, 2, 1]], 1.9, [[1, 0, 0]], 2],
  ["several parts: larger first, then by part, then by position", [[1, 2], [2, 2], [3]], 3, [[0, 1], [1, 0], [1]], 2],
  ["an empty part", [[], [1, 2]], 1, [[], [0, 1]], 1],
  ["nothing at all", [[]], 1, [[]], -Infinity],
];

for (const [what, parts, k, marks, value] of cases) {
  test(`threshold: ${what}`, () => {
    const found = kept(parts, k);
    assert.equal(found.marks, marks);
    assert.ok(Object.is(found.value, value), `value ${found.value}`);
  });
}

test("above keeps what a sort puts first, whatever the ties", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomFrom(seed);
    const draw = () => pick(random, [0, -0, 1, 1, 2, -1, nan, Infinity, -Infinity]);
    const parts = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
      Array.from({ length: Math.floor(random() * 5) }, draw),
    );
    const flat = parts.flatMap((part, p) => part.map((x, i) => ({ x: Number.isNaN(x) ? Infinity : x, p, i })));
    const k = Math.floor(random() * (flat.length + 2));
    const first = new Set(
      flat
        .toSorted((a, b) => (a.x === b.x ? 0 : b.x - a.x))
        .slice(0, k)
        .map(({ p, i }) => `${p} ${i}`),
    );
    const wanted = parts.map((part, p) => part.map((_, i) => (first.has(`${p} ${i}`) ? 1 : 0)));
    assert.equal(kept(parts, k).marks, wanted, `seed ${seed}`);
  }
});

test("rankRow is a permutation that agrees with threshold", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = randomFrom(seed);
    const row = Array.from({ length: 1 + Math.floor(random() * 8) }, () => pick(random, [0, -0, 1, 2, nan, Infinity]));
    const ranks: number[] = [];
    rankRow(row, ranks);
    for (let k = 0; k <= row.length; k++) {
      assert.equal(
        ranks.map((rank) => (rank < k ? 1 : 0)),
        kept([row], k).marks[0],
        `row ${row}, k ${k}`,
      );
    }
  }
});

test.run();
