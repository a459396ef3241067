/** Optimizers against PyTorch: three steps on a matrix and a vector with given gradients. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { run, tensorOf } from "./run.js";

const start = new Map([
  ["w", tensorOf([2, 3], [0.5, -1.25, 2, -0.75, 0.1, -0.3])],
  ["b", tensorOf([2], [0.2, -0.4])],
]);

const gradients = [
  [
    [0.1, -0.2, 0.3, 0.05, -0.6, 0],
    [0.5, -0.1],
  ],
  [
    [-0.3, 0.2, 0.1, 0.4, 0.2, -0.1],
    [-0.2, 0.3],
  ],
  [
    [0.2, 0.1, -0.4, 0.1, -0.3, 0.6],
    [0.1, 0],
  ],
].map(
  ([w, b]) =>
    new Map([
      ["w", tensorOf([2, 3], w)],
      ["b", tensorOf([2], b)],
    ]),
);

const uses = "use std.optim.{sgd, adam, adamw, lion, lamb, adafactor, clipped, clip_norm}";

/** Parameters after three steps in a row, and after three steps of a running loop. */
function steps(optimizer: string): ReadonlyMap<string, readonly number[]>[] {
  const given = { p: start, g1: gradients[0], g2: gradients[1], g3: gradients[2] };
  const inRow = `${uses}
recipe r {
  let o = ${optimizer}
  let p = load("p")
  let (p1, s1) = o.step(p, load("g1"), o.init(p), 1)
  let (p2, s2) = o.step(p1, load("g2"), s1, 2)
  let (p3, s3) = o.step(p2, load("g3"), s2, 3)
  save(p3, to = "out")
}`;
  const inLoop = `${uses}
def at(i: Int, a: Tensor[*s], b: Tensor[*s], c: Tensor[*s]) -> Tensor[*s] = where(i == 0, a, where(i == 1, b, c))
recipe r {
  let o = ${optimizer}
  let start = load("p")
  let (a, b, c) = (load("g1"), load("g2"), load("g3"))
  let end = iterate(3, { p: start, s: o.init(start) }, (now, i) => {
    let (p, s) = o.step(now.p, at(i, a, b, c), now.s, i + 1)
    return { p, s }
  })
  save(end.p, to = "out")
}`;
  return [inRow, inLoop].map((text) => new Map([...run(text, given).saved].map(([name, t]) => [name, [...t.data]])));
}

/** sgd, adam, adamw and the clipping as torch 2 computes them in f64; the others from their formulas in numpy, adafactor's as torch has them. */
const expected: readonly (readonly [optimizer: string, w: readonly number[], b: readonly number[]])[] = [
  ["sgd(lr = 0.1)", [0.5, -1.26, 2.0, -0.805, 0.17, -0.35], [0.16, -0.42]],
  [
    "sgd(lr = 0.1, momentum = 0.9, dampening = 0.5, decay = 0.01)",
    [0.48933257, -1.2146357, 1.9209438, -0.80341211, 0.25807523, -0.31925514],
    [0.077758417, -0.39974836],
  ],
  [
    "sgd(lr = 0.1, momentum = 0.9, nesterov = true)",
    [0.50891, -1.25442, 1.94573, -0.894595, 0.30914, -0.3869],
    [0.06325, -0.44691],
  ],
  [
    "adam(lr = 0.01)",
    [0.49475402, -1.2430407, 1.9821291, -0.77591644, 0.11953678, -0.29791474],
    [0.18275002, -0.398762],
  ],
  [
    "adam(lr = 0.01, beta1 = 0.8, decay = 0.1)",
    [0.49084966, -1.2320432, 1.976458, -0.75319728, 0.11839336, -0.28635869],
    [0.18277956, -0.3958482],
  ],
  [
    "adamw(lr = 0.01)",
    [0.49460554, -1.2426676, 1.981532, -0.77568864, 0.11950438, -0.29782549],
    [0.18269238, -0.39864352],
  ],
  [
    "adamw(lr = 0.01, beta2 = 0.98, eps = 1e-3, decay = 0.2)",
    [0.49184934, -1.2356351, 1.9702439, -0.77107279, 0.11889547, -0.29620678],
    [0.18159894, -0.39643792],
  ],
  [
    "lion(lr = 0.01, decay = 0.1)",
    [0.48851149, -1.2562637, 1.984036, -0.77772226, 0.10969031, -0.2991109],
    [0.18941059, -0.40881119],
  ],
  [
    "lamb(lr = 0.1)",
    [0.45776919, -1.1933693, 1.7600358, -1.152169, 0.39324992, -0.29759586],
    [0.11471309, -0.43146632],
  ],
  [
    "adafactor(lr = 0.1, decay = 0.01)",
    [0.37772988, -1.3062503, 1.8875467, -0.95296277, 0.23137461, -0.38603483],
    [0.17262394, -0.40349029],
  ],
  [
    "clipped(sgd(lr = 0.1), at_most = 0.5)",
    [0.50379786, -1.2590452, 1.9998587, -0.78779384, 0.13811227, -0.32916343],
    [0.17974047, -0.41592463],
  ],
];

for (const [optimizer, w, b] of expected) {
  test(optimizer, () => {
    for (const found of steps(optimizer)) {
      for (const [name, values] of [
        ["w", w],
        ["b", b],
      ] as const) {
        const away = Math.max(...found.get(name)!.map((x, i) => Math.abs(x - values[i])));
        assert.ok(
          found.get(name)!.length === values.length && away < 1e-6,
          `${name}: ${found.get(name)} instead of ${values}`,
        );
      }
    }
  });
}

test("a rate of 0 changes nothing, a schedule of places acts where it says", () => {
  const text = `${uses}
recipe r {
  let o = sgd(lr = by name { "w" => 0.1, else 0 })
  let (p, s) = o.step(load("p"), load("g"), o.init(load("p")), 1)
  save(p, to = "out")
}`;
  const { saved } = run(text, { p: start, g: gradients[0] });
  assert.equal([...saved.get("b")!.data], [...start.get("b")!.data]);
  assert.ok(Math.abs(saved.get("w")!.data[0] - 0.49) < 1e-6);
});

test("gradients below the bound stay as they are", () => {
  const text = `${uses}\nrecipe r { save(clip_norm(load("g"), at_most = 100), to = "out") }`;
  assert.equal([...run(text, { g: gradients[0] }).saved.get("w")!.data], [...gradients[0].get("w")!.data]);
});

test("nesterov without momentum is refused", () => {
  assert.throws(
    () => steps("sgd(lr = 0.1, nesterov = true)"),
    (error: { diagnostics?: { message: string }[] }) => /nesterov/.test(error.diagnostics?.[0].message ?? ""),
  );
});

test.run();
