/**
 * The text of a resident program, for `emit` and for golden tests. In: a program. Out: buffers with their reasons, then
 * one line a step, loops indented.
 */
import { bytesOf } from "../ir/index.js";
import type { HostArgument, MatrixView, ResidentProgram, ResidentStep } from "./program.js";
import { allSteps, residentBytes } from "./program.js";

export function printResident(program: ResidentProgram): string {
  const buffers = program.buffers.map(
    ({ dtype, elements, slot, reason }, i) =>
      `  b${i}: ${dtype} x ${elements} (${bytesOf(dtype) * elements} bytes) in slot ${slot}: ${reason}`,
  );
  const section = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [title, ...lines]);
  return [
    `resident program: ${stepCounts(program)}, ${program.kernels.length} kernels, ${residentBytes(program)} bytes in ${program.slots.length} slots`,
    ...section("buffers", buffers),
    ...section(
      "prologue",
      program.prologue.flatMap((step) => stepLines(step, "  ")),
    ),
    ...section(
      "steps",
      program.steps.flatMap((step) => stepLines(step, "  ")),
    ),
  ].join("\n");
}

/** How many steps of each kind there are, those in loops counted once: `3 kernel, 2 matmul`. */
export function stepCounts(program: ResidentProgram): string {
  const counts = new Map<string, number>();
  for (const { kind } of allSteps([...program.prologue, ...program.steps]))
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ") || "no steps";
}

function stepLines(step: ResidentStep, indent: string): string[] {
  const list = (buffers: readonly number[]) => buffers.map((b) => `b${b}`).join(" ");
  const argument = (arg: HostArgument) => (arg.kind === "buffer" ? `b${arg.buffer}` : `%${arg.node}`);
  switch (step.kind) {
    case "kernel": {
      const { domain, scalars, columns, params } = step;
      const size = domain.flat ? `${domain.units}` : `${domain.units} x ${domain.cols}`;
      const results = [
        list(step.outputs),
        scalars.map((s) => `${s.fn} %${s.node}`).join(" "),
        columns.map((c) => `columns ${c.fn} b${c.to}`).join(" "),
      ].filter((part) => part !== "");
      const numbers = params.length === 0 ? "" : ` (${params.map((p) => `%${p}`).join(" ")})`;
      return [`${indent}kernel ${step.kernel} over ${size}: ${list(step.inputs)}${numbers} -> ${results.join(", ")}`];
    }
    case "matmul": {
      const batch = step.batch.length === 0 ? "" : `[${step.batch.join(", ")}] x `;
      return [
        `${indent}matmul ${batch}${step.m} x ${step.k} x ${step.n}: ${view(step.left)} @ ${view(step.right)} -> b${step.to}`,
      ];
    }
    case "row_rank":
      return [`${indent}row_rank ${step.rows} x ${step.cols}: b${step.from} -> b${step.to}`];
    case "concat":
      return [`${indent}concat ${step.outer} x [${step.runs.join(", ")}]: ${list(step.from)} -> b${step.to}`];
    case "select":
      return [`${indent}select %${step.k} of ${step.parts.map(argument).join(" ")} -> %${step.node}`];
    case "read":
      return [`${indent}read b${step.from} -> %${step.node}`];
    case "evaluate":
      return [`${indent}evaluate ${step.op} ${step.args.map(argument).join(" ")} -> ${argument(step.result)}`];
    case "host":
      return step.values.map((v) => `${indent}%${v.node} = ${v.op}${v.args.map((a) => ` %${a}`).join("")}`);
    case "loop": {
      const count = typeof step.count === "number" ? String(step.count) : `%${step.count.node}`;
      const state = step.state.map((s) =>
        s.kind === "tensor"
          ? `b${s.current}${s.next === null ? "" : ` <- b${s.next}`}`
          : `%${s.current} from %${s.initial} <- %${s.next}`,
      );
      const until = step.until === null ? "" : ` until %${step.until}`;
      const head = `${indent}loop ${count} times, step %${step.index}: ${state.join(", ")}${until}`;
      return [head, ...step.steps.flatMap((inner) => stepLines(inner, `${indent}  `))];
    }
  }
}

function view({ buffer, offset, row, col }: MatrixView): string {
  return `b${buffer}${offset === 0 ? "" : `+${offset}`}[${row}, ${col}]`;
}
