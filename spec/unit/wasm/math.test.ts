import { test } from "uvu";
import * as assert from "uvu/assert";
import { applyOp } from "./elementwise.js";
import { randomFrom } from "./random-kernel.js";

const bits = new DataView(new ArrayBuffer(4));

/** A number of an f32 on a line on which neighbours differ by one. */
function place(x: number): number {
  bits.setFloat32(0, x);
  const i = bits.getInt32(0);
  return i < 0 ? -(i & 0x7fffffff) : i;
}

/** Distance in units in the last place; 0 for two NaN, infinite between NaN and a number. */
function ulps(found: number, exact: number): number {
  if (Number.isNaN(found) || Number.isNaN(exact))
    return Number.isNaN(found) === Number.isNaN(exact) ? 0 : Number.POSITIVE_INFINITY;
  return Math.abs(place(found) - place(Math.fround(exact)));
}

const random = randomFrom(11);
const edges = [
  0,
  -0,
  1,
  -1,
  2,
  -2,
  0.5,
  -0.5,
  3,
  -3,
  1e-45,
  -1e-45,
  1e-40,
  1.1754944e-38,
  3.4028235e38,
  -3.4028235e38,
  Infinity,
  -Infinity,
  NaN,
  Math.PI,
  Math.PI / 2,
  Math.SQRT1_2,
  0.625,
  88.7,
  88.8,
  -87.4,
  -103.9,
  -104.1,
  9.1,
  16777217,
];
/** Numbers of all magnitudes, and many between -limit and limit. */
function samples(limit: number): Float32Array {
  const wide = Array.from({ length: 2000 }, () => {
    bits.setUint32(0, Math.floor(random() * 2 ** 32));
    return bits.getFloat32(0);
  });
  return Float32Array.from([...edges, ...wide, ...Array.from({ length: 20000 }, () => (2 * random() - 1) * limit)]);
}

function checkUnary(op: "exp" | "log" | "sin" | "cos" | "acos" | "tanh", limit: number, tolerance: number): void {
  test(`${op} is within ${tolerance} ulp`, () => {
    const x = samples(limit);
    applyOp(op, x).forEach((found, i) => {
      if (ulps(found, Math[op](x[i])) > tolerance)
        assert.unreachable(`${op}(${x[i]}): found ${found}, expected ${Math.fround(Math[op](x[i]))}`);
    });
  });
}

checkUnary("exp", 110, 2);
checkUnary("log", 10, 2);
checkUnary("sin", 10000, 2);
checkUnary("cos", 10000, 2);
checkUnary("acos", 1.05, 3);
checkUnary("tanh", 10, 3);

test("log is within 2 ulp next to 1", () => {
  const x = Float32Array.from({ length: 5000 }, () => 1 + (random() - 0.5) * 0.01);
  applyOp("log", x).forEach((found, i) => {
    assert.ok(ulps(found, Math.log(x[i])) <= 2, `log(${x[i]}) = ${found}`);
  });
});

test("pow and atan2 are within 2 ulp, with the special cases of JavaScript", () => {
  const pairs: [number, number][] = edges.flatMap((a) => edges.map((b): [number, number] => [a, b]));
  for (let i = 0; i < 20000; i++) pairs.push([(random() - 0.2) * 20, (random() - 0.5) * 40]);
  for (let i = 0; i < 1000; i++) pairs.push([(random() - 0.5) * 20, Math.floor(random() * 20 - 10)]);
  const a = Float32Array.from(pairs, (p) => p[0]);
  const b = Float32Array.from(pairs, (p) => p[1]);
  applyOp("pow", a, b).forEach((found, i) => {
    if (ulps(found, a[i] ** b[i]) > 2)
      assert.unreachable(`${a[i]} ^ ${b[i]}: found ${found}, expected ${Math.fround(a[i] ** b[i])}`);
  });
  applyOp("atan2", a, b).forEach((found, i) => {
    if (ulps(found, Math.atan2(a[i], b[i])) > 2) assert.unreachable(`atan2(${a[i]}, ${b[i]}): found ${found}`);
  });
});

test("a number's value does not depend on its neighbours", () => {
  const ordinary = Float32Array.from({ length: 4000 }, () => (random() - 0.5) * 40);
  // Every vector of four has one lane that needs the slow way.
  const rare = [1e30, Infinity, NaN, -2e6];
  const mixed = ordinary.map((x, i) => (i % 4 === 3 ? rare[(i >> 2) % 4] : x));
  const half = Float32Array.from(ordinary, (x) => Math.abs(x) / 7);
  const cases: [string, (x: Float32Array) => Float32Array][] = ["exp", "log", "sin", "cos", "acos", "tanh"].map(
    (op) => [op, (x) => applyOp(op, x)],
  );
  for (const op of ["pow", "mod", "atan2"]) cases.push([op, (x) => applyOp(op, half, x)]);
  for (const [op, apply] of cases) {
    const [alone, beside] = [apply(ordinary), apply(mixed)];
    alone.forEach((x, i) => {
      if (i % 4 !== 3 && !Object.is(x, beside[i]))
        assert.unreachable(`${op} of ${ordinary[i]}: ${x}, but ${beside[i]}`);
    });
  }
});

test.run();
