/** Puts the numbers of a task's jobs together, blocks in order, so that the result does not depend on who ran what. */
import type { KernelStep, Task } from "../../compiler/index.js";
import type { HostValues } from "./host-values.js";
import type { JobResult } from "./job.js";

/** Stores the statistics and columns that a task gives. `results` are its jobs in order. */
export function collect(task: Task, results: readonly JobResult[], values: HostValues): number[] {
  const given: number[] = [];
  task.steps.forEach((step, s) => {
    if (step.kind !== "kernel" || task.kind === "equals") return;
    step.scalars.forEach((scalar, k) => {
      values.set(
        scalar.node,
        foldBlocks(
          scalar.fn,
          results.map((r) => r.scalars[s][k]),
        ),
      );
      given.push(scalar.node);
    });
    step.columns.forEach((column, k) => {
      const sums = foldColumns(
        column.fn,
        step,
        results.map((r) => r.columns[s][k]),
      );
      values.setColumn(column.node, sums);
      given.push(column.node);
    });
  });
  return given;
}

function foldBlocks(fn: "sum" | "max" | "min" | "argmax", parts: readonly Float64Array[]): number {
  if (fn === "argmax") return firstLargest(parts);
  let acc = fn === "sum" ? 0 : fn === "max" ? -Infinity : Infinity;
  for (const part of parts) {
    for (const x of part) acc = fn === "sum" ? acc + x : fn === "max" ? Math.max(acc, x) : Math.min(acc, x);
  }
  return acc;
}

/** Pairs (value, position), blocks in order: the first largest wins. */
function firstLargest(parts: readonly Float64Array[]): number {
  let best = -Infinity;
  let at = 0;
  let first = true;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) {
      if (first || part[i] > best) {
        best = part[i];
        at = part[i + 1];
        first = false;
      }
    }
  }
  return at;
}

function foldColumns(fn: "sum" | "max" | "min", step: KernelStep, parts: readonly Float32Array[]): Float32Array {
  const { cols } = step.domain;
  const acc = new Float64Array(cols).fill(fn === "sum" ? 0 : fn === "max" ? -Infinity : Infinity);
  for (const part of parts) {
    for (let at = 0; at < part.length; at += cols) {
      for (let c = 0; c < cols; c++) {
        const x = part[at + c];
        acc[c] = fn === "sum" ? acc[c] + x : fn === "max" ? Math.max(acc[c], x) : Math.min(acc[c], x);
      }
    }
  }
  return Float32Array.from(acc);
}
