/**
 * The floor of a merge: two threads read all inputs once with plain fs, piece by piece, and write an output of the size
 * of the first, which is fsynced. Prints seconds. Arguments: inputs .. output.
 */

import * as fs from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";

if (isMainThread) {
  const paths = process.argv.slice(2, -1);
  const out = process.argv.at(-1);
  const size = fs.statSync(paths[0]).size;
  const t0 = performance.now();
  const fd = fs.openSync(out, "w");
  fs.ftruncateSync(fd, size);
  fs.closeSync(fd);
  await Promise.all(
    [0, 1].map(
      (w) =>
        new Promise((r) => new Worker(new URL(import.meta.url), { workerData: { w, paths, out, size } }).on("exit", r)),
    ),
  );

  const f = fs.openSync(out, "r+");
  fs.fsyncSync(f);
  fs.closeSync(f);
  console.log(((performance.now() - t0) / 1000).toFixed(3));
  fs.unlinkSync(out);
} else {
  const { w, paths, out, size } = workerData;
  const half = Math.ceil(size / 2 / 1048576) * 1048576;
  const from = w * half,
    to = Math.min(size, from + half);
  const b = new Uint8Array(1 << 20);
  const fds = paths.map((p) => fs.openSync(p, "r"));
  const o = fs.openSync(out, "r+");
  for (let at = from; at < to; at += b.length) {
    const n = Math.min(b.length, to - at);
    for (const fd of fds) fs.readSync(fd, b, 0, n, at);
    fs.writeSync(o, b, 0, n, at);
  }
}
