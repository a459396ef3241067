/**
 * Exact selection: which entries `rank(x, over) < k` keeps, and the k-th entry itself, against a plain sort with equal
 * entries in the order of their positions. Ties are massive (bf16, constants), k goes from nothing to everything, and
 * tensors are large enough that a sample guides the search, also where the sample misleads.
 */
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  filled,
  noise,
  randomFrom,
  removeScratch,
  runIn,
  scratch,
  type Tensor,
  type Tensors,
  writeModel,
} from "./models.js";

const recipe = (body: string, k: number) => `merge kept(x: Weight[*s], k: Int) -> Weight[*s] {
${body}
}
recipe r {
  input k: Int = ${k}
  let m = load("m")
  save(kept(m, k), to = "out", dtype = f32)
}
`;
const tensorScope = "  return where(rank(x) < k, 1, 0)";
const modelScope = "  return where(rank(x, over = model) < k, 1, 0)";

/** Positions of the parts, largest first, equal entries in order; both zeros are equal. */
function order(parts: readonly ArrayLike<number>[]): { part: number; at: number; x: number }[] {
  const all = parts.flatMap((data, part) => Array.from(data, (x, at) => ({ part, at, x: x + 0 })));
  return all.sort((p, q) => (p.x === q.x ? p.part - q.part || p.at - q.at : q.x - p.x));
}

function masks(parts: readonly ArrayLike<number>[], k: number): Float64Array[] {
  const result = parts.map((data) => new Float64Array(data.length));
  for (const { part, at } of order(parts).slice(0, Math.max(0, k))) result[part][at] = 1;
  return result;
}

async function kept(tensors: Tensors, body: string, k: number, threads = 2): Promise<ReadonlyMap<string, Tensor>> {
  const folder = scratch();
  writeModel(join(folder, "m"), tensors);
  const { saved } = await runIn(folder, recipe(body, k), { threads, chunk: 1 << 18 });
  return saved.get("out")!;
}

function same(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  let wrong = 0;
  for (let i = 0; i < expected.length; i++) if (found[i] !== expected[i]) wrong++;
  assert.is(wrong, 0, `${wrong} of ${expected.length} are wrong: ${what}`);
  assert.is(found.length, expected.length);
}

const ties: Tensors = {
  "b.bf16": noise("BF16", [300, 301], 1, 0.01),
  "a.constant": filled("F32", [70000], () => 0.25),
  "c.few": filled("F16", [7, 11, 13], (i) => [0, -0, 1, -1][i % 4]),
  "d.zero": filled("F32", [33], (i) => (i % 2 === 0 ? 0 : -0)),
  "e.one": filled("BF16", [1], () => 0.25),
  "f.empty": filled("F32", [0, 3], () => 0),
};

test("ties within tensors, for all sorts of k", async () => {
  for (const k of [-3, 0, 1, 500, 1001, 69999, 90300, 1e9]) {
    const found = await kept(ties, tensorScope, k);
    for (const [name, { data }] of Object.entries(ties))
      same(found.get(name)!.data, masks([data], k)[0], `${name}, k = ${k}`);
  }
});

test("ties over the model: tensors by name in byte order", async () => {
  const names = Object.keys(ties).sort();
  const total = names.reduce((n, name) => n + ties[name].data.length, 0);
  for (const k of [0, 45151, 50000, 115000, total - 1, total]) {
    const found = await kept(ties, modelScope, k);
    const expected = masks(
      names.map((n) => ties[n].data),
      k,
    );
    names.forEach((name, i) => {
      same(found.get(name)!.data, expected[i], `${name}, k = ${k}`);
    });
  }
});

const size = 2_100_000;
const large: Readonly<Record<string, () => Tensor>> = {
  noise: () => noise("F32", [size], 5),
  bf16: () => noise("BF16", [size / 100, 100], 6),
  ascending: () => filled("F32", [size], (i) => i),
  descending: () => filled("F32", [size / 50, 50], (i) => -i * 1e-3),
  constant: () => filled("F32", [size], () => -1.5),
  // All large entries in one run that a sample of a few blocks does not see.
  block: () => filled("F32", [size], (i) => (i >= 1_000_000 && i < 1_040_000 ? 1e30 + i : Math.sin(i))),
  // The sampled first block of each stretch lies far from the rest.
  decoy: () => filled("F32", [size], (i) => (i % (65536 * 2) < 65536 ? 1e-30 * i : 1 + (i % 1000))),
  tiny: () => filled("F32", [size], (i) => (i % 7) * 1e-45),
};

for (const [name, make] of Object.entries(large)) {
  test(`a large tensor: ${name}`, async () => {
    const tensor = make();
    const sorted = Float32Array.from(tensor.data).sort();
    for (const k of name === "bf16" ? [1, 1_150_000, size - 1] : [39_999, 700_000]) {
      const found = (await kept({ w: tensor }, tensorScope, k)).get("w")!.data;
      // Larger entries are kept, smaller ones not, and of the equal ones the first.
      const limit = sorted[size - k];
      let left = k;
      for (let i = 0; i < size; i++) if (tensor.data[i] > limit) left--;
      let wrong = 0;
      for (let i = 0; i < size; i++) {
        const x = tensor.data[i];
        const want = x > limit ? 1 : x === limit && left-- > 0 ? 1 : 0;
        if (found[i] !== want) wrong++;
      }
      assert.is(wrong, 0, `k = ${k}`);
    }
  });
}

test("a large model: ties across many tensors, two selections at once", async () => {
  const random = randomFrom(9);
  const names = Array.from({ length: 5 }, (_, i) => `layers.${i}.w`);
  const tensors = Object.fromEntries(
    names.map((n) => [n, filled("BF16", [500, 1000], () => Math.floor(random() * 9) - 4)]),
  );
  const body = `  let high = rank(x, over = model) < k, low = rank(-x, over = model) < 2 * k, own = rank(x) < k
  return where(high, 1, 0) + where(low, 2, 0) + where(own, 4, 0)`;
  for (const k of [100, 300_000]) {
    const found = await kept(tensors, body, k);
    const data = names.map((n) => tensors[n].data);
    const high = masks(data, k);
    const low = masks(
      data.map((d) => Float64Array.from(d, (x) => -x)),
      2 * k,
    );
    names.forEach((n, p) => {
      const own = masks([data[p]], k)[0];
      same(
        found.get(n)!.data,
        high[p].map((h, i) => h + 2 * low[p][i] + 4 * own[i]),
        `${n}, k = ${k}`,
      );
    });
  }
});

test("entries themselves, and k that only the run knows", async () => {
  const folder = scratch();
  writeModel(join(folder, "m"), { "p.weight": noise("F32", [50, 70], 3), "q.weight": noise("BF16", [9], 4) });
  const { result } = await runIn(
    folder,
    `def entry(x: Weight[*s], k: Int) -> Float = kth_largest(x, k)
def smallest(x: Weight[*s]) -> Float = kth_smallest(x, count(x > 0))
def both(x: Weight[*s]) -> Float = kth_largest(x, 1755, over = model)
recipe r {
  let m = load("m")
  report entry(m, 0)
  report entry(m, 5)
  report entry(m, 4000)
  report smallest(m)
  report both(m)
}
`,
  );
  const sorted = (name: string) => [...order([data(name)])].map((e) => e.x);
  const data = (name: string) => (name === "p.weight" ? noise("F32", [50, 70], 3) : noise("BF16", [9], 4)).data;
  const names = ["p.weight", "q.weight"];
  const tree = (f: (xs: number[]) => number) => Object.fromEntries(names.map((n) => [n, f(sorted(n))]));
  const [first, sixth, beyond, smallest, both] = result.reports.map((r) => r.value);
  assert.equal(
    first,
    tree((xs) => xs[0]),
  );
  assert.equal(
    sixth,
    tree((xs) => xs[5]),
  );
  assert.equal(
    beyond,
    tree(() => -Infinity),
  );
  assert.equal(
    smallest,
    tree((xs) => [...xs].reverse()[xs.filter((x) => x > 0).length] ?? Infinity),
  );
  assert.equal(both, order(names.map(data))[1755].x);
});

test("ranks along rows: ties by position, every width", async () => {
  const tensors: Tensors = {
    "a.w": filled("BF16", [13, 17], (i) => (i * 7) % 5),
    "b.w": noise("F32", [3, 70_001], 8),
    "c.w": filled("F32", [5, 1], (i) => i),
    "d.w": filled("F32", [6], (i) => i % 2),
  };
  const found = await kept(tensors, "  return rank(x, over = row) + 0 * k", 0);
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const width = shape[shape.length - 1];
    const expected = new Float64Array(data.length);
    for (let r = 0; r < data.length / width; r++) {
      order([Array.from(data).slice(r * width, (r + 1) * width)]).forEach(({ at }, rank) => {
        expected[r * width + at] = rank;
      });
    }
    same(found.get(name)!.data, expected, name);
  }
});

test.after(removeScratch);
test.run();
