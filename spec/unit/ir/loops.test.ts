/** Loops in the graph and in the reference evaluator: state at once, until, counts known only at run time, draws by step. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  createGraph,
  elementBits,
  evaluate,
  type Graph,
  type Node,
  ShapeError,
  stepKey,
  verify,
} from "../../../compiler/index.js";

const variable = (g: Graph, id: string, shape: number[], dtype: string) => g.make("variable", [], { id, shape, dtype });

/** (a, b) becomes (b, a + b), beginning with (0, 1). */
function fibonacci(count: number | Node, g: Graph, stop: number | null): Node {
  const [a, b] = ["a", "b"].map((id) => variable(g, id, [], "i64"));
  const sum = g.make("add", [a, b]);
  const until = stop === null ? null : g.make("ge", [sum, g.constant(stop)]);
  g.loops.push({ variables: [a, b], index: variable(g, "i", [], "i64"), results: [b, sum], until, logs: [] });
  const initial = [g.constant(0), g.constant(1)];
  const body = g.loops.length - 1;
  return typeof count === "number"
    ? g.make("loop", initial, { body, count })
    : g.make("loop", [...initial, count], { body });
}

const result = (g: Graph, loop: Node, index: number) => g.make("loop_result", [loop], { index });

for (const [name, count, stop, expected] of [
  ["runs its steps", 10, null, [10, 55, 89]],
  ["runs no step", 0, null, [0, 0, 1]],
  ["stops after the step where until is true", 100, 20, [7, 13, 21]],
] as const) {
  test(`a loop ${name}, with the count in the text or in the graph`, () => {
    const g = createGraph();
    for (const loop of [fibonacci(count, g, stop), fibonacci(g.constant(count), g, stop)]) {
      const roots = [loop, result(g, loop, 0), result(g, loop, 1)];
      verify(roots);
      const values = evaluate(roots, () => assert.unreachable() as never, { precision: "f64", loops: g.loops });
      assert.equal(
        roots.map((root) => values.get(root)!.data[0]),
        [...expected],
      );
    }
  });
}

test("the index counts from 0, also in a loop inside a loop", () => {
  const g = createGraph();
  const [i, j] = ["i", "j"].map((id) => variable(g, id, [], "i64"));
  const [outer, inner] = ["s", "t"].map((id) => variable(g, id, [], "i64"));
  // inner: t + 10 i + j
  const term = g.make("add", [g.make("mul", [i, g.constant(10)]), j]);
  g.loops.push({ variables: [inner], index: j, results: [g.make("add", [inner, term])], until: null, logs: [] });
  const inside = g.make("loop_result", [g.make("loop", [outer], { body: 0, count: 2 })], { index: 0 });
  g.loops.push({ variables: [outer], index: i, results: [inside], until: null, logs: [] });
  const root = result(g, g.make("loop", [g.constant(0)], { body: 1, count: 3 }), 0);
  const value = evaluate([root], () => assert.unreachable() as never, { precision: "f64", loops: g.loops }).get(root);
  assert.is(value!.data[0], 0 + 1 + 10 + 11 + 20 + 21);
});

test("a draw with a step has the key of the step", () => {
  const g = createGraph();
  const step = g.constant(7);
  const fixed = g.make("uniform", [], { shape: [3], key: [1, 2] });
  const stepped = g.make("uniform", [step], { shape: [3], key: [1, 2] });
  const values = evaluate([fixed, stepped], () => assert.unreachable() as never);
  const key = stepKey([1, 2], 7);
  assert.equal(
    [...values.get(stepped)!.data],
    [0, 1, 2].map((n) => (elementBits(n, "packed", key) >>> 8) * 2 ** -24),
  );
  assert.not.equal(values.get(stepped)!.data, values.get(fixed)!.data);
  assert.not.equal(stepKey([1, 2], 7), stepKey([1, 2], 8));
  assert.throws(
    () => g.make("normal", [g.constant(0.5)], { shape: [3], key: [1, 2] }),
    (e: unknown) => e instanceof ShapeError,
  );
});

test("loops refuse counts that are no integers, results that they lack, variables of the wrong rank", () => {
  const g = createGraph();
  const refuses = (make: () => unknown) => assert.throws(make, (e: unknown) => e instanceof ShapeError);
  refuses(() => g.make("loop", [g.constant(1), g.constant(0.5)], { body: 0 }));
  refuses(() => g.make("loop", [], { body: 0 }));
  refuses(() => result(g, fibonacci(2, g, null), 2));
  refuses(() => g.make("loop_result", [g.constant(1)], { index: 0 }));
  refuses(() => variable(g, "x", [2], "f64"));
  refuses(() => variable(g, "x", [], "f32"));
});

test.run();
