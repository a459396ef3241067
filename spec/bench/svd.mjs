/**
 * Thin singular value decompositions on the CPU device: `npm run build && node spec/bench/svd.mjs`. In: nothing;
 * PEFTC_BENCH_PYTHON may name a Python with numpy. Out: the best of a few runs on one thread for each size, from f32 to f32,
 * beside numpy's on one thread and on all, in the same minute; and how far u s v^T is from the matrix.
 */

import { spawnSync } from "node:child_process";
import { bundled } from "./bundle.mjs";

const sizes = [
  [2048, 2048],
  [1024, 1024],
  [512, 512],
  [4096, 64],
  [64, 48],
];

const { linearSpace, opRow } = await bundled(
  "svd",
  'export { linearSpace } from "./runtime/device/index.js"; export { opRow } from "./compiler/ir/index.js";',
);
const space = linearSpace();

/** Numbers from -0.5 to 0.5 that repeat from run to run. */
function numbers(count) {
  let seed = 1;
  return Float64Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.fround(seed / 2 ** 32 - 0.5);
  });
}

function measure([m, n], rounds) {
  const k = Math.min(m, n);
  const x = { shape: [m, n], dtype: "f32", data: numbers(m * n) };
  const node = { shape: [k * (m + n + 1)] };
  let best = Number.POSITIVE_INFINITY;
  let result;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    result = space.use((room) => Float32Array.from(opRow("svd").evaluate([x], {}, node, Math.fround, room)));
    best = Math.min(best, performance.now() - start);
  }
  // Some elements of u s v^T.
  let worst = 0;
  for (let at = 0; at < m * n; at += 1 + Math.floor((m * n) / 500)) {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let l = 0; l < k; l++) sum += result[i * k + l] * result[m * k + l] * result[(m + 1) * k + j * k + l];
    worst = Math.max(worst, Math.abs(sum - x.data[at]));
  }
  return { milliseconds: best, worst: worst / result[m * k] };
}

function numpy(threads) {
  const python = process.env.PEFTC_BENCH_PYTHON;
  if (python === undefined) return null;
  const code = `
import numpy, time
for m, n, rounds in [${sizes.map(([m, n]) => `(${m}, ${n}, ${roundsFor(m, n)})`).join(", ")}]:
    x = (numpy.random.default_rng(1).random((m, n)) - .5).astype(numpy.float32)
    best = 1e9
    for _ in range(rounds):
        start = time.perf_counter(); numpy.linalg.svd(x, full_matrices=False); best = min(best, time.perf_counter() - start)
    print(1e3 * best)`;
  const env = { ...process.env, ...(threads === null ? {} : { OPENBLAS_NUM_THREADS: String(threads) }) };
  const { stdout, status } = spawnSync(python, ["-c", code], { encoding: "utf8", env });
  return status === 0 ? stdout.trim().split("\n").map(Number) : null;
}

const roundsFor = (m, n) => (m * n > 2 ** 21 ? 2 : m * n > 2 ** 18 ? 3 : 20);
const others = [numpy(1), numpy(null)];
const shown = (x) => (x === undefined ? "-" : `${x.toFixed(x < 100 ? 1 : 0)} ms`);
for (const [i, size] of sizes.entries()) {
  const { milliseconds, worst } = measure(size, roundsFor(...size));
  const [one, all] = others.map((times) => times?.[i]);
  const ratio = one === undefined ? "" : `, ${(milliseconds / one).toFixed(1)} times numpy on one thread`;
  console.log(
    `${size.join(" x ")}: ${shown(milliseconds)}, numpy ${shown(one)} on one thread, ${shown(all)} on all${ratio}; u s v^T off by ${worst.toExponential(1)} of s[0]`,
  );
}
