/**
 * The matrix product of the CPU device: `npm run build && node spec/bench/matmul.mjs`. In: nothing; PEFTC_BENCH_PYTHON
 * may name a Python with numpy. Out: the best of many runs for each size on one and two threads, beside numpy's (the
 * library it was built with; OPENBLAS_CORETYPE=Haswell gives the code that any AVX2 machine runs).
 */

import { spawnSync } from "node:child_process";
import { bundled } from "./bundle.mjs";

const sizes = [
  [1024, 1024, 1024],
  [256, 256, 256],
  [512, 768, 768],
  [4096, 64, 64],
];

const { residentCpu } = await bundled("matmul", 'export { residentCpu } from "./runtime/resident/index.js";');

/** Runs that take about two seconds together. */
const roundsFor = (m, k, n) => Math.max(10, Math.min(3000, Math.ceil(4e10 / (2 * m * k * n))));

/** Best time of left [m, k] times right [k, n], or right stored as [n, k]; milliseconds. */
function measure(runner, [m, k, n], transposed) {
  runner.reset();
  const matrix = (rows, cols) => {
    const memory = runner.allocate(4 * rows * cols);
    const { buffer, byteOffset } = memory.host;
    new Float32Array(buffer, byteOffset, rows * cols).forEach((_, i, all) => {
      all[i] = ((i * 7919) % 101) / 101 - 0.5;
    });
    return { memory, offset: 0 };
  };
  const left = { region: matrix(m, k), batch: [], row: k, col: 1 };
  const right = { region: matrix(k, n), batch: [], row: transposed ? 1 : n, col: transposed ? k : 1 };
  const to = { memory: runner.allocate(4 * m * n), offset: 0 };
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < roundsFor(m, k, n); round++) {
    const start = performance.now();
    runner.matmul({ batch: [], m, k, n, left, right, to });
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

function numpy(threads, coreType) {
  const script = `import time, numpy as np
for m, k, n, rounds in ${JSON.stringify(sizes.map((s) => [...s, roundsFor(...s)]))}:
    a = np.full((m, k), .5, np.float32); b = np.full((k, n), .25, np.float32); best = 1e9
    for _ in range(rounds):
        start = time.perf_counter(); a @ b; best = min(best, time.perf_counter() - start)
    print(best * 1e3)`;
  const env = {
    ...process.env,
    OPENBLAS_NUM_THREADS: String(threads),
    ...(coreType ? { OPENBLAS_CORETYPE: coreType } : {}),
  };
  const run = spawnSync(process.env.PEFTC_BENCH_PYTHON ?? "python3", ["-c", script], { encoding: "utf8", env });
  return run.status === 0 ? run.stdout.trim().split("\n").map(Number) : null;
}

const speed = ([m, k, n], ms) => (ms === undefined ? "-" : ((2e-6 * m * k * n) / ms).toFixed(1)).padStart(10);
console.log(
  "GFLOP/s, best run".padEnd(32) + ["rows", "transposed", "numpy", "numpy AVX2"].map((t) => t.padStart(12)).join(""),
);
for (const threads of [1, 2]) {
  const runner = residentCpu({ threads });
  const [best, avx2] = [numpy(threads, null), numpy(threads, "Haswell")];
  sizes.forEach((size, i) => {
    const cells = [measure(runner, size, false), measure(runner, size, true), best?.[i], avx2?.[i]];
    console.log(
      `${threads} threads, ${size.join(" x ")}`.padEnd(32) + cells.map((ms) => `  ${speed(size, ms)}`).join(""),
    );
  });
  runner.close();
}
