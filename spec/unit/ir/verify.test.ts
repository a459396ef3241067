/** The verifier takes what graphs make, and names the node that breaks a law. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Attrs, createGraph, type Node, VerifyError, verify } from "../../../compiler/index.js";
import { drawGraph } from "./random-graph.js";

const graph = createGraph();
const x = graph.input({ source: "s", name: "x", dtype: "F32", shape: [2] });
const one = graph.constant(1);
const node = (parts: Partial<Node>): Node => ({
  id: 99,
  op: "neg",
  args: [x],
  attrs: {},
  shape: [2],
  dtype: "f32",
  ...parts,
});

test("graphs that were made are right", () => {
  for (let seed = 1; seed <= 30; seed++) verify(drawGraph(seed, 40).roots);
});

const broken: readonly [what: string, node: Node, message: RegExp][] = [
  ["an unknown operation", node({ op: "__proto__" }), /no row __proto__\n {2}%99 = __proto__ %0 : f32\[2\]/],
  ["another shape", node({ shape: [3] }), /the row of neg infers f32\[2\]\n {2}%99 = neg %0 : f32\[3\]/],
  ["another dtype", node({ dtype: "i32" }), /infers f32\[2\]/],
  ["too many arguments", node({ args: [x, x] }), /neg takes 1 arguments, found 2/],
  ["a missing attribute", node({ op: "transpose" }), /needs the attribute perm/],
  ["a NaN attribute", node({ attrs: { a: Number.NaN } }), /attributes must be/],
  ["a -0 in a list", node({ attrs: { a: [-0] } }), /attributes must be/],
  ["a function", node({ attrs: { a: (() => 0) as unknown as null } }), /attributes must be/],
  ["a class instance", node({ attrs: { a: new Map() as unknown as null } }), /attributes must be/],
  ["an attribute that is undefined", node({ attrs: { a: undefined } as unknown as Attrs }), /attributes must be/],
  ["a wrong node below a right one", node({ args: [node({ shape: [3] })] }), /%99 = neg %0 : f32\[3\]/],
];

for (const [what, wrong, message] of broken) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => verify([wrong]),
      (error: unknown) => error instanceof VerifyError && message.test(error.message),
    );
  });
}

test("refused: a node that depends on itself through a late node", () => {
  const late = graph.late("total", {}, []);
  late.add(graph.make("add", [late.node, one]));
  assert.throws(() => verify([late.node]), /depends on itself/);
});

test("verified nodes are not visited again", () => {
  const verified = new Map();
  verify([graph.make("neg", [x])], verified);
  assert.is(verified.size, 2);
  verified.set(x, "done");
  const wrong = node({ shape: [3] });
  verified.set(wrong, "done");
  verify([node({ args: [wrong], shape: [3] })], verified);
});

test.run();
