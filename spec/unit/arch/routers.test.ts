/** Routers of the library: the worked example of MoLA, and what proves a router right. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { run, tensorOf } from "./run.js";

/** A linear map with three experts of rank 1 and three inputs; `y` and `balance` were computed in numpy. */
const example = new Map([
  ["W", tensorOf([2, 2], [1, 0, 0, 1])],
  ["x", tensorOf([3, 2], [1, 2, -1, 0.5, 0.5, -1.5])],
  ["R", tensorOf([3, 2], [0.5, -0.25, 0.1, 0.4, -0.3, 0.2])],
  ["A0", tensorOf([1, 2], [1, 0])],
  ["B0", tensorOf([2, 1], [0.2, 0.4])],
  ["A1", tensorOf([1, 2], [0.5, 0.5])],
  ["B1", tensorOf([2, 1], [-0.3, 0.1])],
  ["A2", tensorOf([1, 2], [0, -1])],
  ["B2", tensorOf([2, 1], [0.6, 0])],
]);

function onExample(body: string): readonly number[] {
  return run(
    `use std.arch.{linear}
use std.adapter.{lora}
use std.router.{imbalance, keep_top, mola, mola_experts, normalize}
recipe r {
  let e = load("example"), x = e["x"]
  let m = linear(2, 2, biased = false) with { "weight": e["W"] }
  ${body}
}`,
    { example },
  ).reported;
}

const names = [0, 1, 2].flatMap((i) => [
  `"bank.${i}.lora_A.weight": e["A${i}"]`,
  `"bank.${i}.lora_B.weight": e["B${i}"]`,
]);
const experts = `with { "router.router.weight": e["R"], ${names.join(", ")} }`;
const entries = [0, 1, 2].flatMap((i) => [0, 1].map((j) => `report y[${i}, ${j}]`)).join("\n");

function near(found: readonly number[], expected: readonly number[]): void {
  assert.is(found.length, expected.length);
  found.forEach((x, i) => {
    assert.ok(Math.abs(x - expected[i]) < 1e-5, `${found} instead of ${expected}`);
  });
}

test("mola keeps the two most probable experts and scales them to sum 1", () => {
  const found = onExample(`let a = attach(m, mola(experts = 3, k = 2, rank = 1, alpha = 2)) ${experts}
  let y = a(x)
  ${entries}`);
  near(found, [-0.365038, 2.20699, -1.28083, 0.478722, 1.10713, -1.20178]);
});

test("with all experts kept it is the dense mixture", () => {
  const found = onExample(`let a = attach(m, mola(experts = 3, k = 3, rank = 1, alpha = 2)) ${experts}
  let y = a(x)
  ${entries}`);
  near(found, [0.0216267, 2.3369, -1.3012, 0.345649, 1.04965, -1.27631]);
});

test("at the start it is the host, bit for bit; equal experts are one LoRA whatever the router says", () => {
  const [start] = onExample("report max(abs(attach(m, mola(experts = 3))(x) - m(x)))");
  assert.is(start, 0);
  const same = [0, 1, 2].flatMap((i) => [`"bank.${i}.lora_A.weight": e["A0"]`, `"bank.${i}.lora_B.weight": e["B0"]`]);
  const [apart] =
    onExample(`let a = attach(m, mola(experts = 3, k = 2, rank = 1, alpha = 2)) with { "router.router.weight": e["R"], ${same.join(", ")} }
  let b = attach(m, lora(rank = 1, alpha = 2)) with { "lora_A.weight": e["A0"], "lora_B.weight": e["B0"] }
  report max(abs(a(x) - b(x)))`);
  assert.ok(apart < 1e-6, `${apart}`);
});

test("the loss against uneven use", () => {
  const found = onExample(`let p = softmax(x @ e["R"].T)
  report imbalance(p, keep_top(p, 2), 2)
  report imbalance(ones([6, 4]) / 4, ones([6, 4]), 4)
  let one = where(iota(4) == 2, 1.0, 0.0) + zeros([6, 1])
  report imbalance(one, one, 1)`);
  near(found, [0.988208, 1, 4]);
});

test("more experts for higher blocks: quarters of the depth", () => {
  const found = onExample(`let counts = [2, 4, 6, 8]
  report sum([mola_experts(counts, l, 32) for l in 0..32])
  report mola_experts(counts, 7, 32); report mola_experts(counts, 8, 32); report mola_experts(counts, 31, 32)`);
  assert.equal([...found], [160, 2, 4, 8]);
});

test("of equal gates the first stay", () => {
  const found = onExample(`let g = keep_top(ones([1, 4]), 2)
  report g[0, 0]; report g[0, 1]; report g[0, 2]; report g[0, 3]
  report sum(normalize(g)); report sum(normalize(zeros([1, 4])))`);
  assert.equal([...found], [1, 1, 0, 0, 1, 0]);
});

test.run();
