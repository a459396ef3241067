/**
 * MoS (examples/methods/mos) against its golden cases: index tables, assembled matrices and gradients summed over blocks, three steps
 * with a bounded gradient. Columns that interleave, rows in blocks, alpha / e, gradients of one block, and one index for A and B fail.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type MethodCase, methodCases } from "../arch/golden-methods.js";
import { run } from "../arch/run.js";
import { entries, holds, holdsResident } from "./held.js";

const cases = methodCases("mos");
const text = `use std.arch.{linear, drop}
use std.loss.{mse}
use std.optim.{adamw, clipped}
${readFileSync("examples/methods/mos/mos.peft", "utf8").replace(/^use .*$/m, "")}`;

test("golden: indices", () => {
  const c = cases.get("indices")!;
  const { L, e, r, p, l } = c.params;
  const table = (side: string) =>
    `stack([${[0, 1, 2].map((i) => `picks(e["${side}"][${i}], ${i}, ${e}, ${r}, ${p}, ${l}, ${L})`).join(", ")}])`;
  holds(c, { text, found: { idxA: table("permA"), idxB: table("permB") } });
});

const settings = (c: MethodCase) =>
  Object.entries(c.params)
    .filter(([name]) => ["e", "r", "p", "l", "alpha"].includes(name))
    .map(([name, value]) => `${name} = ${value}`)
    .join(", ");

for (const c of [...cases.values()].filter((c) => c.kind === "pool")) {
  test(`golden: ${c.name}`, async () => {
    const { L, r, l } = c.params;
    const [, out, width] = c.inputs.get("W")!.shape;
    const blocks = Array.from({ length: L as number }, (_, i) => i);
    const x = (i: number) => (c.inputs.get("x")!.shape.length === 2 ? `e["x"][${i}][none]` : `e["x"][${i}]`);
    const y = (model: string) =>
      `stack([${blocks.map((i) => `${model}.layers[${i}](${x(i)})${c.inputs.get("x")!.shape.length === 2 ? "[0]" : ""}`).join(", ")}])`;
    const all = (f: (i: number) => string) => `stack([${blocks.map(f).join(", ")}])`;
    await holdsResident(c, {
      text: `${text}
module block() {
  map = linear(${width}, ${out})
  forward(x: Tensor[*b, d]) = map(x)
}
module net() {
  layers = [block() for _ in 0..${L}]
  forward(x: Tensor[*b, d]) = x
}`,
      body: `let base = net() with ${entries(
        Object.fromEntries(
          blocks.flatMap((i) => [
            [`layers.${i}.map.weight`, `e["W"][${i}]`],
            [`layers.${i}.map.bias`, `e["b"][${i}]`],
          ]),
        ),
      )}
  let a = attach(base, mos(${settings(c)}, dropout = 0%)) with ${entries(
    Object.fromEntries([
      ["mos.map.poolA", 'e["poolA"]'],
      ["mos.map.poolB", 'e["poolB"]'],
      ...blocks.flatMap((i) => ["A", "B"].map((s) => [`layers.${i}.map.idx${s}`, `e["idx${s}"][${i}]`])),
    ]),
  )}
  let f = fuse(a), nude = fuse(a with ${entries(Object.fromEntries(blocks.map((i) => [`layers.${i}.map.weight`, `zeros([${out}, ${width}])`])))})
  let g = grad(q => { let m = a with q; return sum(${y("m")} * e["G"], over = tensor) }, trainable(a))
  let deltas = ${all((i) => `nude["layers.${i}.map.weight"]`)}`,
      found: {
        A: all((i) => `assembled(e["poolA"], e["idxA"][${i}], ${l})`),
        B: all((i) => `assembled(e["poolB"], e["idxB"][${i}], ${l}).T`),
        delta_W: "deltas",
        merged: all((i) => `f["layers.${i}.map.weight"]`),
        y: y("a"),
        "grad.poolA": 'g["mos.map.poolA"]',
        "grad.poolB": 'g["mos.map.poolB"]',
        rank: all(
          (i) => `count(svd(deltas[${i}], rank = ${Math.min(r, out, width)}).s > 1e-5 * max(abs(deltas[${i}])))`,
        ),
      },
    });
  });
}
test("golden: three steps of AdamW with a bounded gradient", async () => {
  const c = cases.get("train")!;
  const { lr, clip, total_steps } = c.params;
  const types = ["up", "down"];
  const blocks = [0, 1, 2].flatMap((i) => types.map((t) => [i, t] as const));
  const pools = types.flatMap((t) => ["A", "B"].map((s) => `${t}.pool${s}`));
  const found = [1, 2, 3].flatMap((n) => [
    [`step${n}.grad_norm`, `step${n}.length`],
    ...pools.map((role) => [`step${n}.${role}`, `step${n}.p["mos.${role}"]`]),
  ]);
  await holdsResident(c, {
    text: `${text}
module block() {
  up   = linear(8, 12, false)
  down = linear(12, 8, false)
  forward(x: Tensor[*b, d]) = x + down(relu(up(x)))
}
module net() {
  layers = [block() for _ in 0..3]
  forward(x: Tensor[*b, d]) = fold(layers, x, (h, block) => block(h))
}
def moved(a: Model, e, now, n: Int) {
  let o = clipped(adamw(lr = ${lr} * (1 - (n - 1) / ${total_steps}), decay = 0), at_most = ${clip})
  let (l, g) = value_and_grad(p => mse((a with p)(e["x"]), e["target"]), now.p)
  let (p, s) = o.step(now.p, g, if n == 1 then o.init(now.p) else now.s, n)
  return { l, g, p, s, length: norm(g, over = model) }
}`,
    body: `let base = net() with ${entries(Object.fromEntries(blocks.map(([i, t]) => [`layers.${i}.${t}.weight`, `e["${t}.W"][${i}]`])))}
  let a = attach(base, mos(${settings(c)}, dropout = 0%), to = "*.{up,down}") with ${entries(
    Object.fromEntries([
      ...pools.map((role) => [`mos.${role}`, `e["${role}"]`]),
      ...blocks.flatMap(([i, t]) => ["A", "B"].map((s) => [`layers.${i}.${t}.idx${s}`, `e["${t}.idx${s}"][${i}]`])),
    ]),
  )}
  let step1 = moved(a, e, { p: trainable(a) }, 1), step2 = moved(a, e, step1, 2), step3 = moved(a, e, step2, 3)
  let after = (a with step3.p)(e["x"])`,
    found: {
      ...Object.fromEntries(found),
      ...Object.fromEntries(pools.map((role) => [`grad.${role}`, `step1.g["mos.${role}"]`])),
      y_start: 'a(e["x"])',
      y_after: "after",
      losses: 'stack([step1.l, step2.l, step3.l, mse(after, e["target"])])',
    },
  });
});

test("indices: each layer has pieces of its own, and A and B take others", () => {
  const { saved } = run(`${text}
module block() {
  map = linear(8, 8)
  forward(x: Tensor[*b, d]) = map(x)
}
module net() {
  layers = [block() for _ in 0..3]
  forward(x: Tensor[*b, d]) = x
}
recipe r {
  save(adapters(attach(net(), mos(e = 4, r = 7, p = 1, l = 2))), to = "out")
}`);
  const [a0, a1, b0] = ["0.map.idxA", "1.map.idxA", "0.map.idxB"].map((name) => [
    ...saved.get(`base_model.model.layers.${name}`)!.data,
  ]);
  for (const [own, index] of [a0, a1, b0].entries()) {
    assert.equal(new Set(index).size, 14);
    assert.equal(index.slice(12), own === 1 ? [20, 21] : [18, 19]);
    assert.ok(index.slice(0, 12).every((i) => i < 18));
  }
  assert.ok(String(a0) !== String(b0) && String(a0) !== String(a1));
});

test.run();
