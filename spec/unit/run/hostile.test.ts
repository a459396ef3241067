/**
 * Merges that the standard library does not have, written as a stranger would, against plain loops: what a method means
 * must not depend on how it is fused, scheduled or cut. Every recipe is also compared with the reference evaluator.
 */
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  difference,
  noise,
  type Options,
  referenceOf,
  removeScratch,
  runIn,
  scratch,
  type Tensor,
  type Tensors,
  writeModel,
} from "./models.js";

type Plain = (name: string, base: Tensor, a: Tensor, b: Tensor) => ArrayLike<number> | null;

const shapes: Readonly<Record<string, readonly number[]>> = {
  "embed_tokens.weight": [8, 5],
  "layers.0.proj.weight": [6, 5],
  "layers.0.norm.weight": [5],
  "layers.1.proj.weight": [6, 5],
  "layers.1.norm.weight": [5],
  "layers.2.conv.weight": [2, 3, 4],
  "layers.2.wide.weight": [3, 7],
  one: [1],
  scalar: [],
};

function model(seed: number, scale = 1): Tensors {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [name, noise("F32", shape, seed * 100 + i, scale)]),
  );
}

const models = { base: model(1), a: model(2), b: model(3) };

function folderOf(): string {
  const folder = scratch();
  for (const [name, tensors] of Object.entries(models)) writeModel(join(folder, name), tensors);
  return folder;
}

const head = `recipe r {
  let base = load("base"), a = load("a"), b = load("b")
`;

async function agree(text: string, plain: Plain | null, tolerance = 2e-5, options: Options = {}): Promise<void> {
  const folder = folderOf();
  const ran = await runIn(folder, text, options);
  const reference = referenceOf(ran.compiled, models);
  for (const [to, tensors] of ran.saved) {
    assert.is(difference(tensors, reference.saved.get(to)!, tolerance), null, "reference evaluator");
    if (plain === null) continue;
    const expected = new Map(
      [...tensors].map(([name, t]): [string, Tensor] => {
        const data = plain(name, models.base[name], models.a[name], models.b[name]);
        return [name, { ...t, data: data ?? models.base[name].data }];
      }),
    );
    assert.is(difference(tensors, expected, tolerance), null, "plain loops");
  }
}

const each =
  (f: (w: number, x: number, y: number, i: number) => number): Plain =>
  (_name, w, a, b) =>
    Array.from(w.data, (v, i) => f(v, a.data[i], b.data[i], i));
const total = (x: ArrayLike<number>, f: (v: number) => number = (v) => v) =>
  Array.from(x).reduce((n, v) => n + f(v), 0);
const minus = (x: Tensor, y: Tensor) => Array.from(x.data, (v, i) => v - y.data[i]);
const matrix = (t: Tensor) => {
  const cols = t.shape.length < 2 ? t.data.length : t.shape[t.shape.length - 1];
  return { rows: t.data.length / cols, cols };
};

test("weighting by a given tree of importances", () =>
  agree(
    `merge fisher(base: Weight[*s], experts: List[Weight[*s]], fishers: List[Tensor[*s]]) -> Weight[*s] {
  let f = [abs(x) + 1e-6 for x in fishers]
  return sum([g * e for (g, e) in zip(f, experts)]) / sum(f)
}
${head}  save(fisher(base, [a, b], [b, a]), to = "out") }`,
    each((_w, x, y) => ((Math.abs(y) + 1e-6) * x + (Math.abs(x) + 1e-6) * y) / (Math.abs(x) + Math.abs(y) + 2e-6)),
  ));

test("soft thresholding by a quantile of the tensor", () =>
  agree(
    `merge soft(base: Weight[*s], tuned: Weight[*s], share: Fraction = 50%) -> Weight[*s] {
  let d = tuned - base
  let t = kth_largest(abs(d), floor(share * (size(d) - 1)))
  return base + sign(d) * max(abs(d) - t, 0)
}
${head}  save(soft(base, a), to = "out") }`,
    (_n, w, a) => {
      const d = minus(a, w);
      const sorted = d.map(Math.abs).sort((x, y) => y - x);
      const t = sorted[Math.floor(0.5 * (d.length - 1))];
      return d.map((x, i) => w.data[i] + Math.sign(x) * Math.max(Math.abs(x) - t, 0));
    },
  ));

test("rows scaled to the norm of the base's rows", () =>
  agree(
    `merge rows(base: Weight[*s], tuned: Weight[*s]) -> Weight[*s] {
  return tuned * safe_div(norm(base, over = row), norm(tuned, over = row))
}
${head}  save(rows(base, a), to = "out") }`,
    (_n, w, a) => {
      const { cols } = matrix(w);
      const length = (t: Tensor, r: number) =>
        Math.sqrt(total(Array.from(t.data).slice(r * cols, (r + 1) * cols), (v) => v * v));
      return Array.from(a.data, (v, i) => (v * length(w, Math.floor(i / cols))) / length(a, Math.floor(i / cols)));
    },
  ));

test("columns scaled by their largest change", () =>
  agree(
    `merge columns(base: Weight[*s], tuned: Weight[*s]) -> Weight[*s] {
  let d = tuned - base
  return base + d / max(abs(d), over = column)
}
${head}  save(columns(base, a), to = "out") }`,
    (_n, w, a) => {
      const d = minus(a, w);
      const width = w.shape.length < 2 ? 1 : d.length / w.shape[0];
      const largest = (i: number) =>
        Math.max(...d.filter((_, j) => (w.shape.length < 2 ? true : j % width === i % width)).map(Math.abs));
      return d.map((x, i) => w.data[i] + x / largest(i));
    },
  ));

test("weights by rank within a row", () =>
  agree(
    `merge ranked(base: Weight[*s], tuned: Weight[*s]) -> Weight[*s] {
  let d = tuned - base
  let r = rank(abs(d), over = row)
  return base + d / (1 + r)
}
${head}  save(ranked(base, a), to = "out") }`,
    (_n, w, a) => {
      const d = minus(a, w);
      const { cols } = matrix(w);
      return d.map((x, i) => {
        const row = d.slice(Math.floor(i / cols) * cols, (Math.floor(i / cols) + 1) * cols);
        const r = row.filter(
          (y, j) => Math.abs(y) > Math.abs(x) || (Math.abs(y) === Math.abs(x) && j < i % cols),
        ).length;
        return w.data[i] + x / (1 + r);
      });
    },
  ));

test("quantile clipping on both sides over the model", () =>
  agree(
    `merge clip(base: Weight[*s], tuned: Weight[*s]) -> Weight[*s] {
  let d = tuned - base
  let high = kth_largest(d, 9, over = model), low = kth_smallest(d, 9, over = model)
  return base + clamp(d, low, high)
}
${head}  save(clip(base, a), to = "out") }`,
    (() => {
      const all = Object.keys(shapes)
        .flatMap((n) => minus(models.a[n], models.base[n]))
        .sort((x, y) => x - y);
      const [low, high] = [all[9], all[all.length - 10]];
      return each((w, x) => w + Math.min(Math.max(x - w, low), high));
    })(),
  ));

test("signs elected over the whole model by mass", () =>
  agree(
    `merge vote(base: Weight[*s], experts: List[Weight[*s]]) -> Weight[*s] {
  let ds = [e - base for e in experts]
  let s = if_zero(sign(sum(sum(ds), over = model)), 1)
  let kept = [where(d * s > 0, d, 0) for d in ds]
  return base + sum(kept) / max(1, count(kept))
}
${head}  save(vote(base, [a, b]), to = "out") }`,
    (() => {
      const s =
        Math.sign(
          total(
            Object.keys(shapes).flatMap((n) => [
              ...minus(models.a[n], models.base[n]),
              ...minus(models.b[n], models.base[n]),
            ]),
          ),
        ) || 1;
      return each((w, x, y) => {
        const kept = [x - w, y - w].filter((d) => d * s > 0);
        return w + total(kept) / Math.max(1, kept.length);
      });
    })(),
  ));

test("projections by matrix products and transposes", () =>
  agree(
    `merge projected(base: Weight[*s], tuned: Weight[*s]) -> Weight[*s] {
  if len(shape(base)) != 2 { return base }
  let d = tuned - base
  let n = norm(base)
  return base + (d @ base.T @ base) / (n * n)
}
${head}  save(projected(base, a), to = "out") }`,
    (_n, w, a) => {
      if (w.shape.length !== 2) return null;
      const [m, n] = w.shape;
      const d = minus(a, w);
      const q = total(w.data, (v) => v * v);
      return Array.from({ length: m * n }, (_, at) => {
        const [i, j] = [Math.floor(at / n), at % n];
        let s = 0;
        for (let k = 0; k < m; k++) {
          let g = 0;
          for (let l = 0; l < n; l++) g += d[i * n + l] * w.data[k * n + l];
          s += g * w.data[k * n + j];
        }
        return w.data[at] + s / q;
      });
    },
  ));

test("stacked experts: the middle one, by sorting three", () =>
  agree(
    `merge median(base: Weight[*s], a: Weight[*s], b: Weight[*s]) -> Weight[*s] {
  let t = stack([base, a, b])
  return sum(t, over = 0) - max(t, over = 0) - min(t, over = 0)
}
${head}  save(median(base, a, b), to = "out") }`,
    each((w, x, y) => [w, x, y].sort((p, q) => p - q)[1]),
    1e-5,
  ));

test("halves of two models joined along the first axis", () =>
  agree(
    `merge halves(a: Weight[*s], b: Weight[*s]) -> Weight[*s] {
  let n = shape(a)[0], h = div(n, 2)
  return concat([a[..h], b[h..]], axis = 0)
}
${head}  save(halves(a, b), to = "out") }`,
    (_n, w, a, b) => {
      const n = w.shape[0] ?? 1;
      const width = w.data.length / n;
      return Array.from(a.data, (v, i) => (Math.floor(i / width) < Math.floor(n / 2) ? v : b.data[i]));
    },
    0,
  ));

test("rolled and reversed positions", () =>
  agree(
    `merge rolled(a: Weight[*s]) -> Weight[*s] {
  let f = flatten(a), n = size(a)
  return reshape(concat([f[1..], f[..1]]), shape(a)) * (1 + iota(n)[n - 1])
}
${head}  save(rolled(a), to = "out") }`,
    (_n, _w, a) => Array.from(a.data, (_v, i) => a.data[(i + 1) % a.data.length] * a.data.length),
  ));

test("schedules in nested lists of arguments", () =>
  agree(
    `use std.merge.{linear}
${head}
  let share = by layer { 0 => 0.25, 1..3 => by kind { linear => 0.5, else 0.75 }, else by name { "embed*" => 0.125, else 1 } }
  save(linear([a, b], weights = [1 - share, share]), to = "out") }`,
    (name, _w, a, b) => {
      const layer = /layers\.(\d)/.exec(name)?.[1];
      const s =
        layer === "0"
          ? 0.25
          : layer !== undefined
            ? name.includes("proj") || name.includes("wide")
              ? 0.5
              : 0.75
            : name.startsWith("embed")
              ? 0.125
              : 1;
      return Array.from(a.data, (v, i) => (1 - s) * v + s * b.data[i]);
    },
  ));

test("a fold whose every step has a norm over the model", () =>
  agree(
    `merge chained(base: Weight[*s], experts: List[Weight[*s]]) -> Weight[*s] {
  let start = experts[0] - base
  let merged = fold(experts[1..], start, (m, e) => {
    let s = m + (e - base)
    return s * safe_div(norm(start, over = model), norm(s, over = model))
  })
  return base + merged
}
${head}  save(chained(base, [a, b, a]), to = "out") }`,
    (() => {
      const names = Object.keys(shapes);
      const length = (m: Map<string, number[]>) => Math.sqrt(total([...m.values()].flat(), (v) => v * v));
      const start = new Map(names.map((n) => [n, minus(models.a[n], models.base[n])]));
      let m = start;
      for (const e of [models.b, models.a]) {
        const s: Map<string, number[]> = new Map(
          names.map((n) => [n, m.get(n)!.map((v, i) => v + e[n].data[i] - models.base[n].data[i])]),
        );
        const f = length(start) / length(s);
        m = new Map([...s].map(([n, v]) => [n, v.map((x) => x * f)]));
      }
      return (name: string, w: Tensor) => m.get(name)!.map((v, i) => v + w.data[i]);
    })(),
  ));

test("records and functions as arguments, and a record of trees as the result", () =>
  agree(
    `record pair { sum: Tensor, difference: Tensor }
def both(a: Tensor[*s], b: Tensor[*s], f: (Float) -> Float) -> { up: Tensor[*s], down: Tensor[*s] } {
  return { up: f(2.0) * a + b, down: a - b }
}
merge back(base: Weight[*s], up: Tensor[*s], down: Tensor[*s]) -> Weight[*s] = base + up - 2 * down
${head}
  let p = both(a, b, x => x / 4)
  save(back(base, p.up, p.down), to = "out") }`,
    each((w, x, y) => w + 0.5 * x + y - 2 * (x - y)),
  ));

test("a tree of numbers as an argument: one weight for each tensor", () =>
  agree(
    `def closeness(base: Weight[*s], tuned: Weight[*s]) -> Float = 1 / (1 + norm(tuned - base))
merge weighted(base: Weight[*s], tuned: Weight[*s], w: Float) -> Weight[*s] = base + w * (tuned - base)
${head}
  let w = closeness(base, a)
  save(weighted(base, b, w), to = "out") }`,
    (_n, w, a, b) => {
      const c = 1 / (1 + Math.sqrt(total(minus(a, w), (v) => v * v)));
      return Array.from(w.data, (v, i) => v + c * (b.data[i] - v));
    },
  ));

test("where with else, nested", () =>
  agree(
    `use std.merge.{linear}
${head}
  let most = linear([a, b]) where kind in [linear] else base
  let all  = linear([base, a]) where name matches "*.norm.weight" else most
  save(all, to = "out") }`,
    (name, w, a, b) =>
      Array.from(w.data, (v, i) =>
        /norm/.test(name) ? (v + a.data[i]) / 2 : /proj|wide/.test(name) ? (a.data[i] + b.data[i]) / 2 : v,
      ),
  ));

test("the chosen expert of each position, by magnitude", () =>
  agree(
    `merge loudest(base: Weight[*s], experts: List[Weight[*s]]) -> Weight[*s] {
  let ds = [e - base for e in experts]
  let best = argmax([abs(d) for d in ds])
  return base + sum([where(best == i, d, 0) for (i, d) in enumerate(ds)])
}
${head}  save(loudest(base, [a, b]), to = "out") }`,
    each((w, x, y) => (Math.abs(y - w) > Math.abs(x - w) ? y : x)),
  ));

test("standardised rows: mean and spread taken from the base", () =>
  agree(
    `merge standard(base: Weight[*s], tuned: Weight[*s]) -> Weight[*s] {
  let z = (tuned - mean(tuned, over = row)) / (std(tuned, over = row) + 1e-6)
  return mean(base, over = row) + z * std(base, over = row)
}
${head}  save(standard(base, a), to = "out") }`,
    (_n, w, a) => {
      const { cols } = matrix(w);
      const stats = (t: Tensor, i: number) => {
        const row = Array.from(t.data).slice(Math.floor(i / cols) * cols, (Math.floor(i / cols) + 1) * cols);
        const m = total(row) / cols;
        return [m, Math.sqrt(total(row, (v) => (v - m) ** 2) / cols)];
      };
      return Array.from(a.data, (v, i) => {
        const [m, s] = stats(a, i);
        const [mw, sw] = stats(w, i);
        return mw + ((v - m) / (s + 1e-6)) * sw;
      });
    },
    1e-4,
  ));

test("the first axis normalised by its mean, the last by softmax", () =>
  agree(
    `merge both_ways(base: Weight[*s], tuned: Weight[*s]) -> Weight[*s] {
  let p = softmax(tuned - base)
  let q = mean(p, over = column)
  return base + p * q - var(tuned, over = column)
}
${head}  save(both_ways(base, a), to = "out") }`,
    null,
    2e-5,
  ));

test("outer products of means over each axis", () =>
  agree(
    `merge outer(base: Weight[*s], tuned: Weight[*s]) -> Weight[*s] {
  let d = tuned - base
  if len(shape(d)) != 2 { return base + d }
  let x: Tensor[m, n] = d
  let r = mean(x, over = n), c = mean(x, over = m)
  return base + r[:, none] * c
}
${head}  save(outer(base, a), to = "out") }`,
    (_n, w, a) => {
      const d = minus(a, w);
      if (w.shape.length !== 2) return d.map((x, i) => w.data[i] + x);
      const [m, n] = w.shape;
      const r = Array.from({ length: m }, (_, i) => total(d.filter((_x, k) => Math.floor(k / n) === i)) / n);
      const c = Array.from({ length: n }, (_, j) => total(d.filter((_x, k) => k % n === j)) / m);
      return d.map((_x, k) => w.data[k] + r[Math.floor(k / n)] * c[k % n]);
    },
  ));

test("axes swapped and back, with a row statistic between", () =>
  agree(
    `merge swapped(base: Weight[*s], tuned: Weight[*s]) -> Weight[*s] {
  if len(shape(base)) != 2 { return tuned }
  let t = (tuned - base).T
  let kept = where(rank(abs(t), over = row) < 2, t, 0)
  return base + kept.T
}
${head}  save(swapped(base, a), to = "out") }`,
    (_n, w, a) => {
      if (w.shape.length !== 2) return a.data;
      const [m, n] = w.shape;
      const d = minus(a, w);
      return d.map((x, k) => {
        const column = Array.from({ length: m }, (_, i) => Math.abs(d[i * n + (k % n)]));
        return w.data[k] + (column.filter((y) => y > Math.abs(x)).length < 2 ? x : 0);
      });
    },
  ));

test("a gather by slices in another order", () =>
  agree(
    `merge shuffled(a: Weight[*s]) -> Weight[*s] {
  let n = shape(a)[0]
  return concat([a[n - 1 - i..n - i] for i in 0..n], axis = 0)
}
${head}  save(shuffled(a), to = "out") }`,
    (_n, _w, a) => {
      const n = a.shape[0] ?? 1;
      const width = a.data.length / n;
      return Array.from(a.data, (_v, i) => a.data[(n - 1 - Math.floor(i / width)) * width + (i % width)]);
    },
    0,
  ));

test("statistics of one place used at every place", () =>
  agree(
    `merge anchored(base: Weight[*s], tuned: Weight[*s], n: Float) -> Weight[*s] = base + (tuned - base) / n
${head}
  let n = norm(a["layers.0.proj.weight"])
  save(anchored(base, a, n), to = "out") }`,
    (() => {
      const n = Math.sqrt(total(models.a["layers.0.proj.weight"].data, (v) => v * v));
      return each((w, x) => w + (x - w) / n);
    })(),
  ));

test("one tensor used at all places of a call, by its rows", () =>
  agree(
    `merge tied(base: Weight[*s], row: Tensor[n]) -> Weight[*s] = base + row
${head}
  let row = a["layers.0.norm.weight"]
  save(tied(base, row) where name matches "{embed*,layers.0.*,layers.1.proj.*}", to = "out") }`,
    (name, w) =>
      /embed|layers\.0|layers\.1\.proj/.test(name)
        ? Array.from(w.data, (v, i) => v + models.a["layers.0.norm.weight"].data[i % 5])
        : null,
  ));

test.after(removeScratch);
test.run();
