/** Positions as torch.randperm draws them on a CPU: known permutations, and the same when only the first are asked for. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { run } from "../arch/run.js";

test("known permutations", () => {
  const { reported } = run(`recipe r {
  report fold(twister_permutation(10, 10, 0), 0, (s, x) => 10 * s + x)
  report fold(twister_permutation(16, 6, 777), 0, (s, x) => 100 * s + x)
  report fold(twister_permutation(64, 8, 777), 0, (s, x) => 64 * s + x)
  report len(twister_permutation(3, 9, 1))
}`);
  const first = [39, 63, 11, 47, 0, 5, 55, 17].reduce((s, x) => 64 * s + x, 0);
  assert.equal(reported, [4175390862, 71511140103, first, 3]);
});

test.run();
