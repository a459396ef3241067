/**
 * The matrix algorithms against torch in f64 (spec/golden/tensors/torch-linalg), and their laws on matrices that are hard:
 * products give the matrix back, vectors are orthonormal, in plain arrays and with the products of the CPU device.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  assign,
  cholesky,
  orthogonalise,
  plainSpace,
  type Space,
  singularValues,
  solveSystem,
  symmetricEigen,
} from "../../../compiler/linear/index.js";
import { linearSpace } from "../../../runtime/device/index.js";
import { readTensors } from "../golden/checkpoints.js";

const device = linearSpace();
const spaces: readonly [string, <T>(work: (space: Space) => T) => T][] = [
  ["plain arrays", (work) => work(plainSpace)],
  ["the CPU device", device.use],
];

const golden = readTensors("spec/golden/tensors/torch-linalg.safetensors");
const names = [...new Set([...golden.keys()].map((key) => key.split("/")[0]))];

function room(space: Space, data: ArrayLike<number>): Float64Array {
  const x = space.room(data.length);
  x.set(data);
  return x;
}

/** sum over the first `r` of left_i^T weight_i right_i, from rows. */
function outer(left: Float64Array, m: number, right: Float64Array, n: number, weights: readonly number[]): number[] {
  return Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return weights.reduce((sum, w, l) => sum + w * left[l * m + i] * right[l * n + j], 0);
  });
}

function near(found: ArrayLike<number>, wanted: ArrayLike<number>, relative: number, what: string): void {
  assert.is(found.length, wanted.length, what);
  const largest = Math.max(1e-300, ...Array.from(wanted, Math.abs));
  let worst = 0;
  for (let i = 0; i < wanted.length; i++) worst = Math.max(worst, Math.abs(found[i] - wanted[i]) / largest);
  assert.ok(worst <= relative, `${what}: off by ${worst} of the largest, at most ${relative}`);
}

const ones = (n: number) => new Array<number>(n).fill(1);

for (const name of names) {
  const of = (key: string) => golden.get(`${name}/${key}`)!;
  const [m, n] = of("in/a").shape;
  const a = of("in/a").data;
  const k = Math.min(m, n);

  test(`${name}: singular values and subspaces of torch`, () => {
    const { left, values, right } = singularValues(plainSpace, Float64Array.from(a), m, n, k);
    near(values, of("out/s").data, 3e-13, "s");
    near(outer(left, m, right, n, [...values]), a, 3e-13, "u s v");
    for (const key of golden.keys()) {
      const projector = /\/out\/(left|right)\.r(\d+)$/.exec(key);
      if (!key.startsWith(`${name}/`) || projector === null) continue;
      const [x, size] = projector[1] === "left" ? [left, m] : [right, n];
      near(outer(x, size, x, size, ones(Number(projector[2]))), golden.get(key)!.data, 5e-12, key);
    }
    const pinv = outer(
      right,
      n,
      left,
      m,
      Array.from(values, (s) => (s > 3e-6 * values[0] ? 1 / s : 0)),
    );
    near(pinv, of("out/pinv").data, 1e-10, "pinv");
    if (golden.has(`${name}/out/polar`)) near(outer(left, m, right, n, ones(k)), of("out/polar").data, 2e-8, "polar");
  });

  test(`${name}: eigenvalues, Cholesky factor and R of torch`, () => {
    const sym = of("out/sym").data;
    const size = of("out/sym").shape[0];
    const { values, vectors } = symmetricEigen(plainSpace, Float64Array.from(sym), size, size);
    near(values.toSorted(), Float64Array.from(of("out/eig").data).sort(), 3e-13, "eig");
    near(outer(vectors, size, vectors, size, [...values]), sym, 3e-13, "sym");
    const gram = outer(Float64Array.from(a), n, Float64Array.from(a), n, ones(m));
    const l = Float64Array.from(gram, (x, i) => x + (i % (n + 1) === 0 ? 0.1 : 0));
    cholesky(plainSpace, l, n);
    near(l, of("out/chol").data, 3e-13, "chol");
    if (!golden.has(`${name}/out/R`)) return;
    const columns = Float64Array.from({ length: m * n }, (_, i) => a[(i % m) * n + Math.floor(i / m)]);
    const r = new Float64Array(k * n);
    orthogonalise(plainSpace, columns, m, n, r);
    near(r, of("out/R").data, 3e-13, "R");
  });
}

let seed = 7;
const random = () => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648 - 0.5;
};
const factor = Array.from({ length: 3 }, () => Array.from({ length: 130 }, random));

/** Name, rows, columns, element. Large ones take the way of eigenvectors, small ones that of rotations. */
const hard: readonly [string, number, number, (i: number, j: number) => number][] = [
  ["random", 97, 83, random],
  ["wide", 50, 120, random],
  ["much taller than wide", 300, 5, random],
  ["rank 3 of 110", 130, 110, (i, j) => factor.reduce((sum, f, l) => sum + 10 ** -l * f[i] * f[j], 0)],
  ["rank 3 of 20", 30, 20, (i, j) => factor.reduce((sum, f, l) => sum + 10 ** -l * f[i] * f[j], 0)],
  ["identity", 70, 70, (i, j) => (i === j ? 1 : 0)],
  ["two values, 40 times each", 80, 80, (i, j) => (i === j ? (i % 2 === 0 ? 2 : 1) : 0)],
  ["ones", 64, 64, () => 1],
  ["zeros", 64, 50, () => 0],
  ["small zeros", 4, 6, () => 0],
  ["one row", 1, 90, random],
  ["one column", 90, 1, random],
  ["Hilbert's, condition beyond f64", 60, 60, (i, j) => 1 / (i + j + 1)],
  ["second differences, many near ties", 100, 100, (i, j) => (i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0)],
  ["graded over 40 orders", 60, 60, (i, j) => random() * 10 ** (-(i + j) / 3)],
  ["huge", 60, 55, () => 1e200 * random()],
  ["tiny", 55, 60, () => 1e-200 * random()],
];

for (const [where, use] of spaces) {
  for (const [name, m, n, element] of hard) {
    test(`${name}, with ${where}: u s v is the matrix, u and v are orthonormal, s descends`, () => {
      const x = Float64Array.from({ length: m * n }, (_, at) => element(Math.floor(at / n), at % n));
      const k = Math.min(m, n);
      use((space) => {
        const { left, values, right } = singularValues(space, room(space, x), m, n, k);
        const largest = values[0];
        // Beyond 48 columns values below 1e-8 of the largest are lost; 2e-9 is a thirtieth of an f32's last place.
        near(
          outer(left, m, right, n, [...values]),
          x,
          k > 48 ? (2e-9 * largest) / Math.max(1e-300, ...x.map(Math.abs)) : 1e-13,
          "u s v",
        );
        const unit = Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0));
        const turned = (v: Float64Array, size: number) =>
          outer(columnsOf(v, k, size), k, columnsOf(v, k, size), k, ones(size));
        near(turned(left, m), unit, 1e-9, "u^T u");
        near(turned(right, n), unit, 1e-12, "v^T v");
        assert.ok(
          values.every((s, i) => s >= 0 && (i === 0 || s <= values[i - 1])),
          `s = ${[...values]}`,
        );
      });
    });
  }

  test(`the first few of many, with ${where}, are those of all`, () => {
    const [m, n] = [90, 70];
    const x = Float64Array.from({ length: m * n }, random);
    use((space) => {
      const all = singularValues(space, room(space, x), m, n, n);
      const few = singularValues(space, room(space, x), m, n, 5);
      near(few.values, all.values.slice(0, 5), 1e-13, "s");
      near(
        outer(few.left, m, few.right, n, [...few.values]),
        outer(all.left, m, all.right, n, [...all.values.slice(0, 5)]),
        1e-11,
        "u s v",
      );
    });
  });

  test(`a system of 100 unknowns, with ${where}`, () => {
    const n = 100;
    const a = Float64Array.from({ length: n * n }, random);
    const x = Float64Array.from({ length: n * 3 }, random);
    const b = outer(columnsOf(a, n, n), n, x, 3, ones(n));
    use((space) => {
      const right = room(space, b);
      solveSystem(space, room(space, a), n, right, 3);
      near(right, x, 1e-11, "x");
    });
  });
}

/** Rows of length n as n rows. */
function columnsOf(x: Float64Array, count: number, n: number): Float64Array {
  return Float64Array.from({ length: count * n }, (_, at) => x[(at % count) * n + Math.floor(at / count)]);
}

test("an element that is no number makes every result NaN", () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const { left, values, right } = singularValues(plainSpace, Float64Array.of(1, bad, 2, 3), 2, 2, 2);
    assert.ok([...left, ...values, ...right].every(Number.isNaN));
    assert.ok([...symmetricEigen(plainSpace, Float64Array.of(1, bad, bad, 3), 2, 2).values].every(Number.isNaN));
  }
});

test("assignments cost what the best of all permutations costs", () => {
  for (let turn = 0; turn < 200; turn++) {
    const n = 1 + Math.floor((random() + 0.5) * 5);
    const m = n + (turn % 2);
    const costs = Float64Array.from({ length: n * m }, () => Math.round(random() * 10));
    const best = (row: number, used: readonly number[]): number =>
      row === n
        ? 0
        : Math.min(
            ...Array.from({ length: m }, (_, j) =>
              used.includes(j) ? Number.POSITIVE_INFINITY : costs[row * m + j] + best(row + 1, [...used, j]),
            ),
          );
    const found = [...assign(costs, n, m)];
    assert.is(new Set(found).size, n);
    assert.is(
      found.reduce((sum, j, i) => sum + costs[i * m + j], 0),
      best(0, []),
    );
  }
});

test.run();
