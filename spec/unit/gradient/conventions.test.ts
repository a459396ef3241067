/** What the gradient is where mathematics leaves it open, what it does not pass, and what it refuses. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  createGraph,
  evaluate,
  GradientError,
  type Graph,
  gradient,
  type Node,
  printGraph,
  reachable,
  runPasses,
  type Shape,
} from "../../../compiler/index.js";

const input = (graph: Graph, name: string, shape: Shape, dtype: "F32" | "I32" | "BOOL" = "F32") =>
  graph.input({ source: "s", name, dtype, shape });

const sum = (graph: Graph, x: Node) =>
  x.shape.length === 0 ? x : graph.make("reduce_sum", [x], { axes: [...x.shape.keys()] });

/** The gradient of the sum of `of(x)` at x = values, as numbers, or null. */
function slope(of: (graph: Graph, x: Node) => Node, values: readonly number[]): number[] | null {
  const graph = createGraph();
  const x = input(graph, "x", [values.length]);
  const [found] = gradient(graph, sum(graph, of(graph, x)), [x]);
  if (found === null) return null;
  return [...evaluate([found], () => Float64Array.from(values), { precision: "f64" }).get(found)!.data];
}

const unary =
  (op: string, attrs = {}) =>
  (g: Graph, x: Node) =>
    g.make(op, [x], attrs);

test("kinks: |x| and relu have 0 at 0", () => {
  assert.equal(slope(unary("abs"), [-2, 0, 3]), [-1, 0, 1]);
  assert.equal(slope(unary("relu"), [-2, 0, 3]), [0, 0, 1]);
});

test("min and max of equal numbers give half to each", () => {
  const graph = createGraph();
  for (const op of ["min", "max"]) {
    const [x, y] = ["x", "y"].map((name) => input(graph, name, [2]));
    const parts = gradient(graph, sum(graph, graph.make(op, [x, y])), [x, y]);
    const values = new Map([
      [x, [1, 4]],
      [y, [1, 5]],
    ]);
    const found = evaluate(parts as Node[], (n) => Float64Array.from(values.get(n)!));
    const winner = op === "max" ? [0.5, 1] : [0.5, 0];
    assert.equal([...found.get(parts[1]!)!.data], winner);
    assert.equal([...found.get(parts[0]!)!.data], op === "max" ? [0.5, 0] : [0.5, 1]);
  }
});

test("equal largest elements of a reduction share equally, also in a number over a model", () => {
  assert.equal(slope(unary("reduce_max", { axes: [0] }), [3, 1, 3, 3]), [1 / 3, 0, 1 / 3, 1 / 3]);
  assert.equal(slope(unary("reduce_min", { axes: [0] }), [1, 1, 3]), [0.5, 0.5, 0]);
  const graph = createGraph();
  const parts = ["a", "b", "c"].map((name) => input(graph, name, []));
  const found = gradient(graph, graph.make("largest", parts), parts) as Node[];
  const values = evaluate(found, (n) => Float64Array.of(n.attrs.name === "b" ? 1 : 2));
  assert.equal(
    found.map((node) => values.get(node)!.data[0]),
    [0.5, 0, 0.5],
  );
});

test("a norm has 0 at 0, once and twice", () => {
  assert.equal(slope(unary("norm2", { axes: [0] }), [0, 0]), [0, 0]);
  assert.equal(slope(unary("norm2", { axes: [0], keep: true }), [0, 8]), [0, 1]);
  const twice = (g: Graph, x: Node) => gradient(g, g.make("norm2", [x], { axes: [0] }), [x])[0]!;
  assert.ok(slope(twice, [0, 0])!.every(Number.isFinite));
  assert.equal(slope(unary("norm2", { axes: [0] }), [Number.NaN, 1]), [Number.NaN, Number.NaN]);
});

test("powers: x^0 is flat, x^2 at 0 has 0, 0^b is flat in b", () => {
  const power = (b: number) => (g: Graph, x: Node) => g.make("pow", [x, g.constant(b)]);
  assert.equal(slope(power(0), [0, 2]), [0, 0]);
  assert.equal(slope(power(2), [0, -3]), [0, -6]);
  assert.equal(slope(power(3), [-2]), [12]);
  const base = (a: number) => (g: Graph, x: Node) => g.make("pow", [g.constant(a), x]);
  assert.equal(slope(base(0), [2, 0]), [0, 0]);
  assert.equal(slope(base(1), [2]), [0]);
});

test("masked branches of where pass nothing, not even NaN times 0", () => {
  const safe = (g: Graph, x: Node) => {
    const positive = g.make("gt", [x, g.constant(0)]);
    const inner = g.make("where", [positive, x, g.constant(1, true)]);
    return g.make("where", [positive, g.make("log", [inner]), g.constant(0, true)]);
  };
  assert.equal(slope(safe, [-1, 0, 2]), [0, 0, 0.5]);
});

test("rounding, comparing and counting pass nothing", () => {
  const compared = (g: Graph, x: Node) => g.make("cast", [g.make("gt", [x, g.constant(0)])], { to: "float" });
  for (const op of ["floor", "ceil", "trunc", "round", "sign"]) assert.is(slope(unary(op), [1.5]), null, op);
  assert.is(slope(unary("quantize", { dtype: "BF16" }), [1.5]), null);
  assert.is(slope(compared, [1.5]), null);
  const place = (g: Graph, x: Node) => g.make("cast", [g.make("reduce_argmax", [x], { axes: [0] })], { to: "float" });
  assert.is(slope(place, [1.5]), null);
});

test("rounding to f32 is the identity of f32", () => {
  assert.equal(slope(unary("quantize", { dtype: "F32" }), [1.5]), [1]);
});

test("a mask by rank is a constant: what it keeps has the gradient", () => {
  const keepTop = (g: Graph, x: Node) =>
    g.make("where", [g.make("row_top", [x], { k: 2 }), g.make("mul", [x, x]), g.constant(0, true)]);
  assert.equal(slope(keepTop, [3, 1, 2]), [6, 0, 4]);
  const above = (g: Graph, x: Node) => {
    const state = g.make("threshold", [g.constant(1), x]);
    return g.make("where", [g.make("above", [x, state], { part: 0 }), x, g.constant(0, true)]);
  };
  assert.equal(slope(above, [3, 1, 2]), [1, 0, 0]);
});

test("stop_gradient is a constant to gradients and the value to the passes", () => {
  const graph = createGraph();
  const x = input(graph, "x", [2]);
  const stopped = graph.make("stop_gradient", [graph.make("exp", [x])]);
  const loss = sum(graph, graph.make("mul", [x, stopped]));
  const [found] = gradient(graph, loss, [x]);
  assert.equal([...evaluate([found!], () => Float64Array.of(0, 1)).get(found!)!.data], [1, Math.fround(Math.E)]);
  const after = runPasses([found!]);
  assert.not.ok(reachable(after).some((node) => node.op === "stop_gradient"));
  assert.is(gradient(graph, sum(graph, stopped), [x])[0], null);
});

test("straight_through gives its value exactly and its gradient to the other", () => {
  const graph = createGraph();
  const x = input(graph, "x", [2]);
  const rounded = graph.make("quantize", [x], { dtype: "F8_E4M3" });
  const through = graph.make("straight_through", [rounded, x]);
  const loss = sum(graph, graph.make("mul", [through, through]));
  const [found] = gradient(graph, loss, [x]);
  const values = evaluate([found!, through, rounded], () => Float64Array.of(0.3, 1.26));
  assert.equal(values.get(through)!.data, values.get(rounded)!.data);
  assert.equal(
    [...values.get(found!)!.data],
    [...values.get(rounded)!.data].map((v) => 2 * v),
  );
  assert.not.ok(reachable(runPasses([through])).some((node) => node.op === "straight_through"));
});

test("no path is null; integers and the result itself", () => {
  const graph = createGraph();
  const [x, y] = ["x", "y"].map((name) => input(graph, name, [2]));
  const n = input(graph, "n", [2], "I32");
  const loss = sum(graph, graph.make("mul", [x, n]));
  const [atX, atY, atN, atLoss] = gradient(graph, loss, [x, y, n, loss]);
  assert.ok(atX);
  assert.equal([atY, atN], [null, null]);
  assert.is(atLoss, graph.constant(1, true));
});

test("a gradient may stop at an inner node, and goes on below it when asked", () => {
  const graph = createGraph();
  const x = input(graph, "x", [2]);
  const inner = graph.make("mul", [x, x]);
  const loss = sum(graph, graph.make("add", [graph.make("exp", [inner]), x]));
  const [atInner] = gradient(graph, loss, [inner]);
  const [both, atX] = gradient(graph, loss, [inner, x]);
  assert.is(atInner, both);
  const at = (node: Node) => [...evaluate([node], () => Float64Array.of(0, 1), { precision: "f64" }).get(node)!.data];
  assert.equal(at(atInner!), [1, Math.E]);
  assert.equal(at(atX!), [1, 2 * Math.E + 1]);
});

test("only what lies between is differentiated", () => {
  const graph = createGraph();
  const [x, y] = ["x", "y"].map((name) => input(graph, name, [2]));
  const frozen = graph.make("threshold_value", [graph.make("threshold", [graph.constant(1), y])]);
  const loss = sum(graph, graph.make("mul", [x, frozen]));
  const before = graph.nodes.length;
  const [found] = gradient(graph, loss, [x]);
  assert.ok(found);
  assert.ok(graph.nodes.slice(before).every((node) => node.op !== "threshold"));
});

const refuses = (make: () => unknown, message: RegExp, help: RegExp) =>
  assert.throws(make, (error: unknown) => {
    if (!(error instanceof GradientError)) throw error;
    assert.match(error.message, message);
    assert.match(error.help, help);
    return true;
  });

test("an order statistic as a value is refused", () => {
  const graph = createGraph();
  const x = input(graph, "x", [3]);
  const value = graph.make("threshold_value", [graph.make("threshold", [graph.constant(1), x])]);
  refuses(() => gradient(graph, graph.make("mul", [value, value]), [x]), /order statistic/, /stop_gradient/);
  const stopped = graph.make("stop_gradient", [value]);
  assert.ok(gradient(graph, sum(graph, graph.make("mul", [x, stopped])), [x])[0]);
});

test("a loop at run time is refused, also when only its body uses the weight", () => {
  const graph = createGraph();
  const w = input(graph, "w", [2]);
  const state = graph.make("variable", [], { id: "state", shape: [2], dtype: "f32" });
  const index = graph.make("variable", [], { id: "index", shape: [], dtype: "i64" });
  graph.loops.push({
    variables: [state],
    index,
    results: [graph.make("mul", [state, w])],
    until: null,
    logs: [],
  });
  const start = (first: Node) => graph.make("loop", [first], { body: 0, count: 3 });
  const resultOf = (first: Node) => sum(graph, graph.make("loop_result", [start(first)], { index: 0 }));
  const fixed = input(graph, "fixed", [2]);
  refuses(() => gradient(graph, resultOf(fixed), [w]), /loop/, /stop_gradient/);
  refuses(() => gradient(graph, resultOf(fixed), [fixed]), /loop/, /stop_gradient/);
  const other = input(graph, "other", [2]);
  const loss = graph.make("add", [resultOf(fixed), sum(graph, other)]);
  assert.ok(gradient(graph, loss, [other])[0]);
});

test("the gradient of a tensor or of an integer is refused", () => {
  const graph = createGraph();
  const x = input(graph, "x", [3]);
  refuses(() => gradient(graph, x, [x]), /rank-0 float, found f32 of shape \[3\]/, /reduce/);
  refuses(() => gradient(graph, graph.constant(2), [x]), /rank-0 float, found i64/, /reduce/);
});

test("dropout drops the same elements forward and backward", () => {
  const graph = createGraph();
  const x = input(graph, "x", [64]);
  const dropped = graph.make("dropout", [x, graph.constant(0.25)], { key: [3, 4] });
  const [found] = gradient(graph, sum(graph, dropped), [x]);
  const values = evaluate([found!, dropped], () => new Float64Array(64).fill(3));
  const kept = values.get(dropped)!.data;
  assert.ok(kept.includes(0) && kept.includes(4));
  assert.equal(
    [...values.get(found!)!.data],
    [...kept].map((each) => (each === 0 ? 0 : Math.fround(4 / 3))),
  );
  const all = graph.make("dropout", [x, graph.constant(1)], { key: [3, 4] });
  const [nothing] = runPasses([gradient(graph, sum(graph, all), [x])[0]!]);
  assert.ok(
    evaluate([nothing], () => new Float64Array(64).fill(3))
      .get(nothing)!
      .data.every((each) => each === 0),
  );
});

test("a chain of fifty thousand operations", () => {
  const graph = createGraph();
  const x = input(graph, "x", [1]);
  let node = x;
  for (let i = 0; i < 50_000; i++) node = graph.make(i % 2 === 0 ? "neg" : "sin", [node]);
  const [found] = gradient(graph, sum(graph, node), [x]);
  assert.ok(printGraph([found!]).length > 1000);
});

test.run();
