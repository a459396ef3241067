/** The methods on numbers small enough to follow by hand, and the laws that each must keep. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { type Checkpoint, runInMemory } from "./evaluate.js";

const matrix = (...data: number[]): Checkpoint => ({ "w.weight": { shape: [2, 3], data } });
const models = {
  W: matrix(1, -2, 0.5, 0.25, 0, -1),
  same: matrix(1, -2, 0.5, 0.25, 0, -1),
  A: matrix(1.4, -2.1, 0.8, 0.25, -0.6, -0.8),
  B: matrix(0.5, -2.2, 0.9, 0.3, 0.1, -0.7),
  C: matrix(1.3, -1.4, 0.6, 0.23, -0.4, -1.45),
  zero: matrix(0, 0, 0, 0, 0, 0),
  half: matrix(0.95, -2.15, 0.85, 0.275, -0.25, -0.75),
  maskA: { "w.weight": { shape: [2, 3], data: [1, 0, 1, 1, 0, 1], dtype: "U8" } } as Checkpoint,
  maskB: { "w.weight": { shape: [2, 3], data: [0, 1, 1, 0, 1, 1], dtype: "U8" } } as Checkpoint,
  maskC: { "w.weight": { shape: [2, 3], data: [1, 1, 0, 0, 1, 1], dtype: "U8" } } as Checkpoint,
};

/** Evaluates one call of a method on the models above. */
function merged(call: string, extra: Readonly<Record<string, Checkpoint>> = {}): number[] {
  const all = { ...models, ...extra };
  const loads = Object.keys(all).map((name) => `let ${name} = load("${name}")`);
  const text = `use std.merge.{${call.slice(0, call.indexOf("("))}}\nrecipe r {\n${loads.join("\n")}\nlet three = [A, B, C]\nsave(${call}, to = "out")\n}\n`;
  const outcome = runInMemory(text, all);
  assert.equal(outcome.broken, []);
  return [...outcome.saved.get("out")!.values()].flatMap((v) => [...v.data]);
}

function near(actual: readonly number[], expected: readonly number[], within = 2e-6) {
  assert.is(actual.length, expected.length);
  actual.forEach((x, i) => {
    assert.ok(
      Math.abs(x - expected[i]) <= within,
      `entry ${i}: expected ${expected[i]}, found ${x} in [${actual.join(", ")}]`,
    );
  });
}

/** One line an example: the call and the six numbers that it gives. */
function example(call: string, ...expected: number[]) {
  test(call, () => near(merged(call), expected));
}

const w = "weights = [1, 0.5, 0.25]";
const masks = "masks = [maskA, maskB, maskC]";
const density = "density = [50%, 50%, 50%]";

example(`linear(three, ${w})`, 1.128571, -2.028571, 0.8, 0.261429, -0.371429, -0.864286);
example(`linear(three, ${w}, normalize = false)`, 1.975, -3.55, 1.4, 0.4575, -0.65, -1.5125);
example("slerp(A, B, t = 0.3)", 1.148846, -2.170025, 0.84575, 0.270074, -0.395529, -0.784128);
example("nuslerp([A, B], weights = [0.7, 0.3])", 1.148846, -2.170025, 0.84575, 0.270074, -0.395529, -0.784128);
example(
  "nuslerp([A, B], weights = [0.7, 0.3], over = row)",
  1.143188,
  -2.158002,
  0.841018,
  0.282405,
  -0.408868,
  -0.818434,
);
example(
  "nuslerp([A, B], weights = [0.7, 0.3], over = column)",
  1.14421,
  -2.153837,
  0.831372,
  0.268825,
  -0.393295,
  -0.771231,
);
example(
  "nuslerp([A, B], weights = [0.7, 0.3], base = W)",
  1.128622,
  -2.189058,
  0.970618,
  0.274139,
  -0.506738,
  -0.670162,
);
example(`multislerp(three, ${w})`, 1.145778, -2.084493, 0.823969, 0.270068, -0.368046, -0.895949);
example(`multislerp(three, ${w}, base = W)`, 1.173844, -2.067198, 0.984959, 0.27048, -0.569158, -0.764063);
example("karcher(three)", 1.097522, -1.96781, 0.796108, 0.270959, -0.300313, -1.032902);
example(`task_arithmetic(W, three, ${w})`, 1.225, -2.05, 1.025, 0.27, -0.65, -0.7625);
example("task_arithmetic(W, three, lambda = 0.4)", 1.08, -1.88, 0.82, 0.262, -0.36, -0.98);
example(`ties_weighted(W, three, ${w}, ${density})`, 1.4, -1.4, 0.833333, 0.25, -0.56, -0.7);
example(`ties_weighted(W, three, ${w})`, 1.38, -2.133333, 0.8, 0.3, -0.56, -0.766667);
example(`dare_linear(W, three, ${w}, ${density}, ${masks})`, 1.791254, -1.994714, 1.343333, 0.25, -0.029357, -0.532159);
example(`dare_linear(W, three, ${w}, ${density}, ${masks}, rescale = inverse)`, 1.95, -1.9, 1.5, 0.25, -0.1, -0.525);
example(`dare_ties(W, three, ${w}, ${density}, ${masks})`, 1.791254, -1.839714, 1.343333, 0.25, -0.106857, -0.411944);
example(`della(W, three, ${w}, ${density}, ${masks})`, 1.633003, -1.358857, 1.062222, 0.25, -0.427429, -0.607963);
example(`breadcrumbs(W, three, ${w}, ${density}, gamma = [20%, 20%, 20%])`, 1.475, -2.1, 1, 0.25, -0.1, -0.7625);
example(`breadcrumbs_ties(W, three, ${w}, ${density}, gamma = [20%, 20%, 20%])`, 1.475, -2.1, 1, 0.25, -0.1, -0.65);
example("model_stock(W, three)", 0.966569, -2.050147, 0.366276, 0.244985, 0.15044, -1.008358);
example("model_stock(W, [A, half])", 1.144913, -2.103509, 0.769124, 0.260351, -0.351931, -0.813683);
example("sce(W, three)", 1.344507, -1.4, 0.746286, 0.3, -0.489015, -0.754433);
example("sce(W, three, select_topk = 50%)", 1.324348, -1.4, 0.5, 0.25, 0, -0.735593);
example("nearswap(W, A, t = 0.2)", 1.2, -2.1, 0.7, 0.25, -0.2, -0.8);
example("arcee_fusion(W, A)", 1, -2, 0.5, 0.25, -0.6, -0.8);
example("ram(W, three)", 1.066667, -1.9, 0.766667, 0.265, -0.3, -0.983333);

// The paper's form of ties: exact counts, equal weights.
example("ties(W, three, density = 50%)", 0.5, -1.4, 0.85, 0.25, -0.5, -1.45);
example("ties(W, three, density = 50%, agg = sum)", 0.5, -1.4, 1.2, 0.25, -1, -1.45);
example("ties(W, three, density = 50%, agg = max)", 0.5, -1.4, 0.9, 0.25, -0.6, -1.45);

// What PEFT's form does differently: at the last position two trimmed changes, +0.3 and -0.45, of which - wins either way.
example("ties_peft(W, three, density = 50%)", 0.5, -1.4, 0.85, 0.25, -0.5, -1.45);
example(
  'ties_peft(W, three, weights = [2, 1, 1], density = 50%, majority = "frequency")',
  1.8,
  -1.4,
  1,
  0.25,
  -0.8,
  -0.7,
);

test("vote by share of the norm: normmass weighs signs, normfrac takes the model with the largest share", () => {
  const d = (...x: number[]): Checkpoint => ({ "w.weight": { shape: [1, x.length], data: x } });
  const extra = { O: d(0, 0), P: d(3, -4), Q: d(-1, 0.1), R: d(-1, 0.1) };
  const call = (elect: string) =>
    merged(`ties(O, [P, Q, R], density = 100%, elect = ${elect})`, { ...extra, A: d(0, 0), B: d(0, 0), C: d(0, 0) });
  near(call("mass"), [3, -4]); // mass: 3 against 2, 4 against 0.2
  near(call("normmass"), [-1, -4]); // shares: 0.36 against 2 * 0.990; 0.64 against 2 * 0.0099
  near(call("normfrac"), [-1, -4]); // the largest share at the first position is Q's
});

test("trivial parameters give the inputs back", () => {
  const A = [...(models.A["w.weight"].data as number[])];
  const W = [...(models.W["w.weight"].data as number[])];
  for (const call of [
    "slerp(W, A, t = 1)",
    "linear([A, A])",
    "task_arithmetic(W, [A])",
    "ties(W, [A], density = 100%)",
    "ties_weighted(W, [A])",
    "magnitude_prune(W, [A])",
    "dare_linear(W, [A], density = [100%])",
    "della(W, [A], density = [100%])",
    "breadcrumbs(W, [A], density = [100%])",
    "model_stock(W, [A, A])",
    "multislerp([A])",
    "karcher([A, A])",
    "nuslerp([A, A])",
    "passthrough(A)",
    "lines(W, A, alpha = 1, beta = 0)",
    "ram(W, [A], epsilon = 0)",
  ]) {
    near(merged(call), A, 5e-7);
  }
  for (const call of [
    "slerp(W, A, t = 0)",
    "ties(W, three, lambda = 0)",
    "ties_weighted(W, [A], density = [0%])",
    "dare_ties(W, [A], density = [0%])",
    "della(W, [A], density = [0%])",
    "breadcrumbs(W, [A], density = [0%])",
    "lines(W, A, alpha = 0, beta = 0)",
    "nearswap(W, A, t = 0)",
    "sce(W, [same, same])",
    "model_stock(W, [same, same])",
  ]) {
    assert.equal(merged(call), W.map(Math.fround), call);
  }
});

test("the order in a recipe is no part of the result of karcher, and its norm is the mean of norms", () => {
  near(merged("karcher([C, A, B])"), merged("karcher([A, B, C])"));
  near([Math.hypot(...merged("karcher([A, B, C])"))], [2.634599]);
  near([Math.hypot(...merged("slerp(A, B, t = 0.3)"))], [2.754702]);
});

test("zero vectors and opposite ones give numbers", () => {
  near(
    merged("slerp(zero, A, t = 0.5)"),
    [...(models.A["w.weight"].data as number[])].map((x) => x * Math.SQRT1_2),
  );
  near(
    merged("karcher([zero, A])"),
    [...(models.A["w.weight"].data as number[])].map((x) => x / 2),
  );
  const minus: Checkpoint = { "w.weight": { shape: [2, 3], data: [-1.4, 2.1, -0.8, -0.25, 0.6, 0.8] } };
  near(merged("nuslerp([A, minus])", { minus }), [0, 0, 0, 0, 0, 0]);
  near(merged("multislerp([A, minus])", { minus }), [0, 0, 0, 0, 0, 0]);
  near(
    merged("slerp(A, minus, t = 0.25)", { minus }),
    [...(models.A["w.weight"].data as number[])].map((x) => x / 2),
  );
  for (const x of merged("arcee_fusion(zero, zero)")) assert.is(x, 0);
});

test("what cannot be averaged is refused with the cure", () => {
  const refused = (call: string) => {
    try {
      merged(call);
    } catch (error) {
      if (error instanceof PeftError) return error.message;
      throw error;
    }
    return "accepted";
  };
  assert.match(refused("linear([A, B], weights = [1, -1])"), /sum to 0/);
  assert.match(refused("nuslerp(three)"), /two models, not 3/);
  assert.match(refused("model_stock(W, [A])"), /at least two/);
  assert.match(refused("della(W, [A], density = [90%])"), /between 0 and 1/);
  assert.match(refused("ties(W, three, agg = median)"), /median/);
  assert.match(refused("ties_weighted(W, three, weights = [1, 2])"), /2|two/);
});

// Three blocks, an embedding and a final norm; the numbers are changes, the base is 0.
const blocks = (...x: number[]): Checkpoint => ({
  "embed.weight": { shape: [1, 2], data: x.slice(0, 2) },
  "layers.0.fc.weight": { shape: [2, 2], data: x.slice(2, 6) },
  "layers.1.fc.weight": { shape: [2, 2], data: x.slice(6, 10) },
  "layers.2.fc.weight": { shape: [2, 2], data: x.slice(10, 14) },
  "norm.weight": { shape: [2], data: x.slice(14, 16) },
});
const origin = blocks(...Array.from({ length: 16 }, () => 0));
const tau1 = blocks(0.2, -0.1, 0.4, 0, -0.2, 0.1, 0.1, 0.3, 0, -0.5, -0.3, 0.2, 0.6, 0.1, 0.1, 0.1);
const tau2 = blocks(-0.1, 0.3, -0.1, 0.2, 0.3, 0.1, 0.2, -0.1, 0.4, 0.2, 0.1, 0.5, -0.2, 0.3, 0, -0.2);

/** A whole recipe on the small network. */
function network(body: string) {
  return runInMemory(
    `use std.merge.{lines, lines_alpha, task_arithmetic, ties}\nrecipe r {\nlet base = load("base"), a = load("a"), b = load("b")\n${body}\n}\n`,
    { base: origin, a: tau1, b: tau2 },
  );
}

test("lines: the ramp inside the blocks, alpha or the nearest end outside", () => {
  const flat = (out: string, body: string) => [...network(body).saved.get(out)!.values()].flatMap((v) => [...v.data]);
  near(
    flat("x", 'save(lines(base, a, alpha = 0.2, beta = 0.8), to = "x")'),
    [0.04, -0.02, 0.08, 0, -0.04, 0.02, 0.06, 0.18, 0, -0.3, -0.3, 0.2, 0.6, 0.1, 0.02, 0.02],
  );
  near(flat("x", 'save(lines(base, a, alpha = 0.2, beta = 0.8, outside = nearest), to = "x")').slice(14), [0.1, 0.1]);
});

test("lines_alpha: the ratio of L1 norms over the whole model", () => {
  const outcome = network(`
    let sum = task_arithmetic(base, [a, b])
    let alpha = lines_alpha(base, [a, b], sum)
    report alpha
    save(lines(base, sum, alpha, beta = 0.6), to = "x")`);
  near(outcome.reported, [0.5]);
  near([...outcome.saved.get("x")!.get("layers.2.fc.weight")!.data], [-0.22, 0.77, 0.44, 0.44]);
  near([...outcome.saved.get("x")!.get("norm.weight")!.data], [0.05, -0.05]);
  near(network("report lines_alpha(base, [a, b], base)").reported, [0]);
});

test("ties over the model trims across tensors", () => {
  const outcome = network('save(ties(base, [a], density = 25%, scope = model), to = "x")').saved.get("x")!;
  const kept = [...outcome].flatMap(([name, v]) =>
    [...v.data].filter((x) => x !== 0).map((x) => `${name} ${x.toFixed(1)}`),
  );
  assert.equal(kept.sort(), [
    "layers.0.fc.weight 0.4",
    "layers.1.fc.weight -0.5",
    "layers.1.fc.weight 0.3",
    "layers.2.fc.weight 0.6",
  ]);
});

test("the same seed draws the same, another seed another, and l1 keeps the sum of magnitudes", () => {
  const big: Checkpoint = {
    "w.weight": { shape: [40, 50], data: Array.from({ length: 2000 }, (_, i) => Math.sin(i + 1)) },
  };
  const none: Checkpoint = { "w.weight": { shape: [40, 50], data: Array.from({ length: 2000 }, () => 0) } };
  const draw = (seed: number, rescale = "l1") => [
    ...runInMemory(
      `use std.merge.{dare_linear}\nrecipe r(seed = ${seed}) {\nsave(dare_linear(load("o"), [load("x")], density = [30%], rescale = ${rescale}), to = "out")\n}\n`,
      { o: none, x: big },
    )
      .saved.get("out")!
      .get("w.weight")!.data,
  ];
  const total = (x: readonly number[]) => x.reduce((s, v) => s + Math.abs(v), 0);
  assert.equal(draw(1), draw(1));
  assert.not.equal(draw(1), draw(2));
  near([total(draw(3)) / total(big["w.weight"].data as number[])], [1], 1e-5);
  const share = draw(3).filter((x) => x !== 0).length / 2000;
  assert.ok(Math.abs(share - 0.3) < 0.05, `${share} of the entries were kept`);
  near([Math.max(...draw(3, "inverse").map(Math.abs))], [1 / 0.3], 0.02);
});

test.run();
