/** The text form: print, parse, print is the identity; what is not of the form is refused with line and column. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  createGraph,
  evaluate,
  irCatalogue,
  type Node,
  parseGraph,
  printGraph,
  reachable,
  verify,
} from "../../../compiler/index.js";
import { PeftError } from "../../../grammar/index.js";
import { drawElements, drawGraph } from "./random-graph.js";

test("a graph prints as one line a node", () => {
  const graph = createGraph();
  const base = graph.input({ source: "models/base", name: 'a."b"\n', dtype: "BF16", shape: [64, 32] });
  const scaled = graph.make("mul", [base, graph.constant(-0, true)]);
  const norm = graph.make("reduce_sum", [scaled], { axes: [0, 1], keep: false });
  assert.is(
    printGraph([scaled, norm]),
    [
      '%0 = input {source: "models/base", name: "a.\\"b\\"\\n", dtype: BF16} : f32[64, 32]',
      "%1 = const {value: -0, dtype: f64} : f64",
      "%2 = mul %0, %1 : f32[64, 32]",
      "%3 = reduce_sum %2 {axes: [0, 1], keep: false} : f64",
      "return %2, %3",
      "",
    ].join("\n"),
  );
});

test("print, parse, print is the identity over random graphs, and values stay", () => {
  let nodes = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const { roots } = drawGraph(seed, 40);
    const text = printGraph(roots);
    const parsed = parseGraph(text);
    assert.is(printGraph(parsed.roots), text, `seed ${seed}`);
    verify(parsed.roots);
    nodes += reachable(roots).length;
    if (seed % 10 === 0) {
      const own = evaluate(roots, (n) => drawElements({ ...n, id: n.shape.length }, true));
      const other = evaluate(parsed.roots, (n) => drawElements({ ...n, id: n.shape.length }, true));
      const data = (values: typeof own, nodes: readonly Node[]) => nodes.map((node) => [...values.get(node)!.data]);
      assert.equal(data(other, parsed.roots), data(own, roots));
    }
  }
  assert.ok(nodes > 3000, `${nodes} nodes`);
});

test("attributes of any plain form survive, hostile names included", () => {
  const graph = createGraph();
  const attrs = JSON.parse(
    '{"__proto__": [1, [], {"a b": null, "inf": true}], "x": "nan", "to": "true", "n": -1.5e-300, "constructor": "f32", "é": "BF16"}',
  );
  const node = graph.make("neg", [graph.constant(1)], attrs);
  const text = printGraph([node]);
  const again = parseGraph(text).roots[0];
  assert.is(JSON.stringify(again.attrs), JSON.stringify(attrs));
  assert.is(printGraph([again]), text);
});

test("late nodes print after their arguments, and equal ones stay apart", () => {
  const graph = createGraph();
  const [a, b] = [graph.late("total", { over: "model" }, []), graph.late("total", { over: "model" }, [])];
  const roots = [graph.make("add", [a.node, b.node])];
  for (const late of [a, b]) for (const x of [1, 2]) late.add(graph.constant(x));
  const text = printGraph(roots);
  assert.is(text.split("total %0, %1").length, 3, text);
  assert.is(printGraph(parseGraph(text).roots), text);
});

test("comments and line breaks are free, an empty graph is a graph", () => {
  const { roots } = parseGraph(
    "// doubled\n%a = const {value: 2,\n  dtype: f64} : f64 %b = mul %a, %a : f64 // end\nreturn %b, %a",
  );
  assert.equal(
    roots.map((root) => root.op),
    ["mul", "const"],
  );
  assert.equal(parseGraph("return").roots, []);
});

const x = '%0 = input {source: "s", name: "x", dtype: F32} : f32[2]\n';
const refused: readonly [text: string, code: string, message: string][] = [
  ["", "I001", "line 1, column 1: expected a line such as %1 = neg %0 : f32[2], or return, found the end of the text"],
  [`${x}return %0 %0`, "I001", "line 2, column 11: expected nothing after return, found %0"],
  [x.slice(0, 23), "I001", "line 1, column 24: expected , or }, found the end of the text"],
  [`${x}return %1`, "I003", "line 2, column 8: %1 is used before a line that makes it"],
  [
    `${x}%1 = neg(%0) : f32[2]`,
    "I001",
    'line 2, column 9: expected a node, word, number, string or one of { } [ ] , : =, found "("',
  ],
  [`${x}%1 = negate %0 : f32[2]`, "I002", "line 2, column 6: no operation is called negate"],
  [`${x}%1 = __proto__ %0 : f32[2]`, "I002", "line 2, column 6: no operation is called __proto__"],
  [`${x}%0 = neg %0 : f32[2]`, "I003", "line 2, column 1: %0 is made twice"],
  [`${x}%1 = neg %0 : f32[3]`, "I004", "line 2, column 15: the line says f32[3], neg gives f32[2]"],
  [`${x}%1 = add %0 : f32[2]`, "I004", "line 2, column 6: add takes 2 arguments, found 1"],
  [
    `${x}%1 = reduce_sum %0 : f64`,
    "I004",
    "line 2, column 6: reduce_sum needs the attribute axes: a list of different axes",
  ],
  [`${x}%1 = neg %0 {a: 1, a: 2} : f32[2]`, "I003", "line 2, column 20: the attribute a is given twice"],
  [
    `${x}%1 = neg %0 {a: "b\n"} : f32[2]`,
    "I001",
    "line 2, column 17: expected a node, word, number, string or one of { } [ ] , : =, found a string without its closing quote",
  ],
  [`${x}%1 = neg %0 {a: "\\q"} : f32[2]`, "I001", 'line 2, column 17: "\\q" is not a string of JSON'],
  [`${x}%1 = neg %0 {a: 1e999} : f32[2]`, "I001", "line 2, column 17: 1e999 is beyond the largest number, write inf"],
  [`${x}%1 = neg %0 : f32[-1]`, "I001", "line 2, column 19: -1 is not a size"],
  [`${x}%1 = neg %0 {a: ${"[".repeat(99)}`, "I001", "line 2, column 50: attributes may be nested 32 deep"],
  [`${x}%1 = neg %0 {a: ${"{b:".repeat(9999)}`, "I001", "line 2, column 116: attributes may be nested 32 deep"],
  [
    x.slice(0, 22),
    "I001",
    "line 1, column 21: expected a node, word, number, string or one of { } [ ] , : =, found a string without its closing quote",
  ],
];

for (const [text, code, message] of refused) {
  test(`refused: ${message}`, () => {
    try {
      parseGraph(text, "t.ir");
    } catch (error) {
      assert.instance(error, PeftError);
      const [found] = (error as PeftError).diagnostics;
      assert.equal([found.code, found.message, found.primary.file], [code, message, "t.ir"]);
      assert.ok(Object.hasOwn(irCatalogue, code));
      return;
    }
    assert.unreachable("the text was taken");
  });
}

test("every cut of a text is refused with a diagnostic", () => {
  const text = printGraph(drawGraph(3, 12).roots).trimEnd();
  const uncut = text.lastIndexOf("return") + "return".length;
  for (let end = 0; end < uncut; end++) {
    let refusal: unknown = null;
    try {
      parseGraph(text.slice(0, end));
    } catch (error) {
      refusal = error;
    }
    assert.ok(refusal instanceof PeftError, `${end} characters: ${refusal}`);
  }
});

test.run();
