/** `scan` and `when` as recipes write them, on the reference evaluator and on the resident machine. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { run, runResident } from "./run.js";

async function both(text: string): Promise<readonly number[]> {
  const reference = run(text).reported;
  const { reported } = await runResident(text);
  assert.equal(reported, reference);
  return reported;
}

test("scan stacks what steps give, whatever it is made of", async () => {
  const reported = await both(`recipe r {
  let (end, out) = scan(4, { a: 1.0, n: 0 }, (s, i) => {
    let a = s.a * 2
    return ({ a, n: s.n + i }, { a, rows: stack([a, a + i]), even: i % 2 == 0, at: i })
  })
  report end.a
  report end.n
  report out.a[2]
  report out.rows[3, 1]
  report sum(out.rows)
  report count(out.even)
  report out.at[3]
  report shape(out.rows)[0] * 10 + shape(out.rows)[1]
}`);
  const [a, n, second, last, all, even, at, shape] = reported;
  assert.equal([a, n, second, last, all], [16, 6, 8, 19, 2 * (2 + 4 + 8 + 16) + 6]);
  assert.equal([even, at, shape], [2, 3, 42]);
});

test("scan ends where until says so; rows behind are NaN, or 0 of integers", async () => {
  const reported = await both(`recipe r {
  let (end, out) = scan(6, 0.0, (s, i) => (s + 1, { s: s + 1, i: i }), until = s => s >= 3)
  report end
  report out.s[2]
  report out.s[3]
  report out.i[2]
  report out.i[5]
}`);
  assert.equal(reported, [3, 3, Number.NaN, 2, 0]);
});

test("when runs one of two functions, inside a loop and with loops in it", async () => {
  const reported = await both(`recipe r {
  let (end, out) = scan(5, { x: 1.0, t: zeros([2]) }, (s, i) => {
    let t = when(i % 2 == 0, () => iterate(3, s.t, (t, j) => t + i + j), () => s.t)
    let x = when(sum(t) > 20, () => s.x * 10, () => s.x + 1)
    return ({ x, t }, x)
  })
  report end.x
  report end.t[1]
  report out[0]
}`);
  // t: 3 after step 0, 12 after step 2 (its sum is 24), 27 after step 4.
  assert.equal(reported, [3000, 27, 2]);
});

test("each step of all loops draws anew; a given seed does not", async () => {
  const reported = await both(`recipe r {
  let (_, outer) = scan(3, 0.0, (s, i) => {
    let (_, inner) = scan(2, 0.0, (t, j) => (t, { free: uniform([1]), tied: uniform([1], seed = 5) }))
    return (s, inner)
  })
  ${[0, 1, 2].flatMap((i) => [0, 1].map((j) => `report outer.free[${i}, ${j}, 0]`)).join("\n  ")}
  report max(outer.tied) - min(outer.tied)
  let (_, again) = scan(3, 0.0, (s, i) => (s, when(i > 0, () => uniform([1]), () => zeros([1]))))
  report again[1, 0] == again[2, 0]
}`);
  assert.is(new Set(reported.slice(0, 6)).size, 6, `${reported}`);
  assert.equal(reported.slice(6), [0, 0]);
});

test("what is not run cannot fail: no division, no endless loop", async () => {
  const [value, bool] = await both(`recipe r {
  let x = iterate(2, 1.0, (s, i) => s - 0.5)
  report when(x > 1, () => iterate(1000000, 0.0, (s, j) => s + 1), () => -1.0)
  report when(x == 0, () => 1, () => 2)
}`);
  assert.equal([value, bool], [-1, 1]);
});

test("wrong steps and branches are told", () => {
  const codeOf = (text: string) => {
    try {
      run(text);
    } catch (error) {
      if (error instanceof PeftError) return error.diagnostics[0].code;
      throw error;
    }
    return null;
  };
  const recipe = (body: string) => `recipe r { let x = iterate(1, 1.0, (s, i) => s)\n report ${body} }`;
  assert.is(codeOf(recipe("scan(2, 0.0, (s, i) => s)")), "T001");
  assert.is(codeOf(recipe("when(x > 0, () => zeros([2]), () => zeros([3]))[0]")), "H002");
  assert.is(codeOf(recipe("when(zeros([2]) > 0, () => 1, () => 2)")), "T006");
  assert.is(codeOf(recipe("iterate(2, 0.0, (s, i) => when(s > 0, () => { log(s = s)\n return s }, () => s))")), "R041");
});

test.run();
