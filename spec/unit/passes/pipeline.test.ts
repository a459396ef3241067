/** The whole pipeline: values stay bit for bit, composites go, constants fold, late nodes stay one, order stays. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  constantOf,
  createGraph,
  evaluate,
  type Node,
  opRow,
  parseGraph,
  pipeline,
  printGraph,
  reachable,
  runPasses,
  verify,
} from "../../../compiler/index.js";
import { drawableRows, drawElements, drawGraph } from "../ir/random-graph.js";

/** Elements by the tensor's name, so that a rebuilt graph sees the same numbers. */
const elementsOf = (node: Node): Float64Array => {
  const { source, name, dtype } = node.attrs;
  const id = [...`${source} ${name} ${dtype}`].reduce(
    (h, c) => (h * 31 + c.charCodeAt(0)) % 1_000_003,
    node.shape.length,
  );
  return drawElements({ ...node, id }, true);
};

// `pow` with exponent 2 is the one rewrite that is not bit for bit; composites are compared within tolerance elsewhere.
const exactRows = drawableRows().filter((row) => row.expand === undefined && row.name !== "pow");

for (const precision of ["f32", "f64"] as const) {
  test(`values stay bit for bit in ${precision}, special numbers included`, () => {
    let smaller = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const { roots } = drawGraph(seed, 60, exactRows);
      const results = runPasses(roots);
      const before = evaluate(roots, elementsOf, { precision });
      const after = evaluate(results, elementsOf, { precision });
      roots.forEach((root, i) => {
        assert.equal([results[i].dtype, results[i].shape], [root.dtype, root.shape]);
        const [a, b] = [before.get(root)!.data, after.get(results[i])!.data];
        const at = a.findIndex((x, n) => !Object.is(x, b[n]));
        if (at >= 0) {
          assert.unreachable(
            `seed ${seed}: ${a[at]} became ${b[at]}\n${printGraph([root])}\n${printGraph([results[i]])}`,
          );
        }
      });
      if (reachable(results).length < reachable(roots).length) smaller++;
    }
    assert.ok(smaller > 30, `${smaller} graphs became smaller`);
  });
}

test("no composite is left, every pass gives a right graph, and a second run changes nothing", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const { roots } = drawGraph(seed, 50);
    for (const { name } of pipeline) verify(runPasses(roots, { after: name }));
    const results = runPasses(roots);
    for (const node of reachable(results)) assert.is.not(opRow(node.op).fusion, "composite");
    assert.is(printGraph(runPasses(results)), printGraph(results), `seed ${seed}`);
  }
});

test("the given nodes stay as they are", () => {
  const { graph, roots } = drawGraph(5, 50);
  const text = printGraph(roots);
  const count = graph.nodes.length;
  runPasses(roots);
  assert.equal([printGraph(roots), graph.nodes.length], [text, count]);
});

test("after: stops there; an unknown name is refused with the names", () => {
  const { roots } = parseGraph(
    '%0 = input {source: "s", name: "x", dtype: F32} : f32[2]\n%1 = const {value: 1, dtype: i64} : i64\n%2 = mul %0, %1 : f32[2]\n%3 = sign %2 : f32[2]\nreturn %3',
  );
  const ops = (after: string) => new Set(reachable(runPasses(roots, { after })).map((node) => node.op));
  assert.not.ok(ops("expand").has("sign"));
  assert.ok(ops("fold").has("mul"));
  assert.not.ok(ops("simplify").has("mul"));
  assert.throws(
    () => runPasses(roots, { after: "__proto__" }),
    /no pass is called __proto__; the passes are expand, fold, simplify/,
  );
});

const constant = (text: string) => {
  const [root] = runPasses(parseGraph(text).roots);
  return root.op === "const" ? [root.dtype, constantOf(root)] : root.op;
};
const binary = (op: string, a: string, b: string, type: string) => {
  const number = (x: string) =>
    `const {value: ${x}, dtype: ${x.includes(".") || /n|-0/.test(x) ? "f64" : "i64"}} : ${x.includes(".") || /n|-0/.test(x) ? "f64" : "i64"}`;
  return constant(`%a = ${number(a)}\n%b = ${number(b)}\n%r = ${op} %a, %b : ${type}\nreturn %r`);
};

test("rank-0 operations on constants fold in f64", () => {
  assert.equal(binary("add", "0.1", "0.2", "f64"), ["f64", 0.1 + 0.2]);
  assert.equal(binary("add", "2", "3", "i64"), ["i64", 5]);
  assert.equal(binary("div", "1", "3", "f64"), ["f64", 1 / 3]);
  assert.equal(binary("div", "1", "0", "f64"), ["f64", Infinity]);
  assert.equal(binary("mul", "0.5", "-0", "f64"), ["f64", -0]);
  assert.equal(binary("max", "nan", "1", "f64"), ["f64", Number.NaN]);
  assert.equal(binary("lt", "1", "2", "bool"), ["bool", true]);
  assert.equal(binary("total", "1", "2.5", "f64"), ["f64", 3.5]);
});

test("integer operations without an integer result stay", () => {
  assert.is(binary("pow", "2", "-1", "i64"), "pow");
  assert.is(binary("floor_div", "1", "0", "i64"), "floor_div");
  assert.is(binary("add", "9007199254740991", "1", "i64"), "add");
});

test("a late node is one node after the passes, its arguments in order, parts untouched", () => {
  const graph = createGraph();
  const k = graph.make("add", [graph.constant(1), graph.constant(2)]);
  const late = graph.late("threshold", { over: "model" }, [k]);
  const total = graph.late("total", { over: "model" }, []);
  const roots: Node[] = [];
  for (const name of ["b", "a", "b"]) {
    const x = graph.make("abs", [graph.make("abs", [graph.input({ source: "s", name, dtype: "F32", shape: [4] })])]);
    const part = late.add(x) - 1;
    total.add(graph.make("norm1", [x], { axes: [0] }));
    roots.push(graph.make("where", [graph.make("above", [x, late.node], { part }), x, total.node]));
  }
  const nodes = reachable(runPasses(roots));
  const states = nodes.filter((node) => node.op === "threshold");
  assert.is(states.length, 1);
  assert.equal(
    states[0].args.slice(1).map((arg) => arg.args[0].attrs.name),
    ["b", "a", "b"],
  );
  assert.is(constantOf(states[0].args[0]), 3);
  const totals = nodes.filter((node) => node.op === "total");
  assert.equal(
    totals.map((node) => node.args.length),
    [3],
  );
  const above = nodes.filter((node) => node.op === "above");
  assert.equal(
    above.map((node) => [node.attrs.part, node.args[0] === states[0].args[1 + Number(node.attrs.part)]]),
    [
      [0, true],
      [1, true],
      [2, true],
    ],
  );
});

test("a graph that depends on itself is refused", () => {
  const graph = createGraph();
  const late = graph.late("total", {}, []);
  late.add(graph.make("neg", [late.node]));
  assert.throws(() => runPasses([late.node]), /depends on itself/);
});

test("a chain of fifty thousand operations is no deeper than one", () => {
  const graph = createGraph();
  let node = graph.input({ source: "s", name: "x", dtype: "F32", shape: [2] });
  for (let i = 0; i < 50_000; i++) node = graph.make(i % 2 === 0 ? "exp" : "tanh", [node]);
  const [result] = runPasses([node]);
  assert.is(printGraph([result]), printGraph([node]));
});

test.run();
