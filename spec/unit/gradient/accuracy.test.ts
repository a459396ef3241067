/**
 * What the expansions of nonlinear functions cost in f32: every element within a stated distance of the exact function,
 * from denormal to huge, and at the special numbers.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createGraph, evaluate, type Node, runPasses } from "../../../compiler/index.js";

/** Numbers of both signs over the whole range of f32, densely around 1. */
const grid = Float64Array.from(
  [
    ...Array.from({ length: 4001 }, (_, i) => (i - 2000) / 250),
    ...Array.from({ length: 300 }, (_, i) => 10 ** (i / 10 - 20)).flatMap((x) => [x, -x]),
    ...[0, 0.75, -0.75, 0.5, -0.5, 1e-40, 3e38],
  ],
  Math.fround,
);

function inF32(op: string, attrs = {}, data: Float64Array = grid) {
  const graph = createGraph();
  const x = graph.input({ source: "s", name: "x", dtype: "F32", shape: [data.length] });
  const node = graph.make(op, [x], attrs);
  const [expanded] = runPasses([node], { after: "expand" });
  const numbersOf = (each: Node, precision: "f32" | "f64") =>
    evaluate([each], () => data, { precision }).get(each)!.data;
  return { found: numbersOf(expanded, "f32"), exact: numbersOf(node, "f64") };
}

/** [operation, attributes, largest error: absolute, or relative to the value]. */
const limits: readonly [op: string, attrs: object, absolute: number, relative: number][] = [
  ["erf", {}, 1.2e-7, 0],
  ["log1p", {}, 1e-45, 3e-7],
  ["expm1", {}, 1e-45, 3e-7],
  ["relu", {}, 0, 0],
  ["silu", {}, 1e-30, 3e-7],
  ["softplus", {}, 1e-30, 3e-7],
  ["gelu", {}, 4e-7, 3e-7],
  ["gelu", { tanh: true }, 4e-7, 3e-7],
];

for (const [op, attrs, absolute, relative] of limits) {
  test(`${op} ${JSON.stringify(attrs)}`, () => {
    const { found, exact } = inF32(op, attrs);
    grid.forEach((x, i) => {
      if (Math.abs(exact[i]) > 3.4e38 || (Number.isNaN(exact[i]) && Number.isNaN(found[i]))) return;
      const error = Math.abs(found[i] - exact[i]);
      assert.ok(error <= absolute + relative * Math.abs(exact[i]), `${op}(${x}) = ${found[i]}, exact ${exact[i]}`);
    });
  });
}

test("special numbers", () => {
  const special = Float64Array.of(Infinity, -Infinity, Number.NaN);
  const at = (op: string) => [...inF32(op, {}, special).found];
  assert.equal(at("erf"), [1, -1, Number.NaN]);
  assert.equal(at("log1p"), [Infinity, Number.NaN, Number.NaN]);
  assert.equal(at("expm1"), [Infinity, -1, Number.NaN]);
  assert.equal(at("relu"), [Infinity, 0, Number.NaN]);
  assert.equal(at("softplus"), [Infinity, 0, Number.NaN]);
});

test.run();
