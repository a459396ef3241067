/**
 * Whole-matrix operations in streaming merges: decompositions are computed once and kept for later passes, products are steps
 * of their own, and what only the host computes fits in between. Against the reference evaluator, with few bytes and any
 * number of threads; nothing is left in the folder for temporary files.
 */
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { schedule } from "../../../compiler/schedule/index.js";
import {
  compileIn,
  difference,
  noise,
  referenceOf,
  removeScratch,
  runIn,
  scratch,
  type Tensors,
  writeModel,
} from "./models.js";

// A folder for temporary files of its own: other tests run at the same time.
process.env.TMPDIR = scratch();

const shapes = { "a.weight": [9, 6], "b.weight": [60, 55], "c.weight": [5, 5], "d.bias": [7] };
const models: Readonly<Record<string, Tensors>> = Object.fromEntries(
  ["base", "x", "y"].map((model, seed) => [
    model,
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape], i) => [name, noise("F32", shape, 10 * seed + i)] as const),
    ),
  ]),
);

function folderOf(): string {
  const folder = scratch();
  for (const [name, tensors] of Object.entries(models)) writeModel(join(folder, name), tensors);
  return folder;
}

const merges: Readonly<Record<string, string>> = {
  "singular values, a statistic of them, and a norm over the model": `
    let { u, s, v } = svd(sum([x - base, y - base]))
    let size = norm(s, over = model)
    return base + mean(s) / size * (u @ v.T)`,
  "a decomposition of what a decomposition gave": `
    let first = svd(x - base, rank = 3)
    let { q, r } = qr((first.u * first.s) @ first.v.T + y)
    return base + q @ r`,
  "one element, an order statistic and a row reduction of singular values": `
    let { u, s, v } = svd(x)
    let kept = where(rank(s) < 2, s, 0)
    return base + (u * kept) @ v.T / s[0] + sum(u, over = row)`,
  "a system, a factor and an inverse": `
    let g = x.T @ x + 3 * where(iota(size(x, over = 1))[:, none] == iota(size(x, over = 1)), 1, 0)
    let l = cholesky(g)
    let z = solve_triangular(l.T, solve_triangular(l, x.T), upper = true)
    return base + z.T + (solve(g, y.T)).T + x @ inverse(g)`,
  "rows taken in the order of an assignment": `
    let order = assignment(x @ y.T)
    return base + (take(y, order) - x)`,
};

for (const [name, body] of Object.entries(merges)) {
  for (const threads of [1, 3]) {
    test(`${name}, with ${threads} threads`, async () => {
      const folder = folderOf();
      const text = `merge m(base: Weight[p, q], x: Weight[p, q], y: Weight[p, q]) -> Weight[p, q] {${body}
}
recipe r {
  let base = load("base"), x = load("x"), y = load("y")
  save(m(base, x, y) where name matches "*.weight", to = "out")
}
`;
      const before = readdirSync(tmpdir()).filter((f) => f.startsWith("peftc-"));
      const ran = await runIn(folder, text, { threads, memory: 400 << 20 });
      const reference = referenceOf(compileIn(folder, text), models);
      assert.is(difference(ran.saved.get("out")!, reference.saved.get("out")!, 2e-4), null);
      const left = readdirSync(tmpdir()).filter((f) => f.startsWith("peftc-") && !before.includes(f));
      assert.equal(left, []);
    });
  }
}

test("a decomposition that several passes use is computed once", () => {
  const folder = folderOf();
  const text = `merge m(x: Weight[p, q]) -> Weight[p, q] {
  let { u, s, v } = svd(x)
  return (u * where(rank(s) < 2, s, mean(s))) @ v.T / norm(u, over = model)
}
recipe r { save(m(load("x")) where name matches "*.weight", to = "out") }
`;
  const { program } = schedule(compileIn(folder, text).plan!);
  const steps = program.tasks.flatMap((task) => task.steps).filter((s) => s.kind === "evaluate");
  assert.is(steps.length, 3);
  assert.is(program.kept.length, 3);
  assert.ok(program.passes >= 3);
});

test.after(removeScratch);
test.run();
