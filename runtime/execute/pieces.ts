/**
 * How tasks are cut, and what memory that takes. A piece is a whole number of blocks whose bytes stay near the chunk
 * size; a job is a run of pieces. In: the program, the chunk size. Out: pieces, jobs and bytes, known before the run.
 */
import { bytesOf, HISTOGRAM_BINS, type Program, type Task } from "../../compiler/index.js";
import { matmulPanelBytes } from "../../compiler/targets/wasm/index.js";

/** Bytes of input that one job of a statistics pass reads; small enough to keep all lanes busy. */
const JOB_BYTES = 32 << 20;

/** Bytes of one unit of a task in all its buffers, and of those that hold a whole tensor whatever the piece. */
export function unitBytes(program: Program, task: Task): { unit: number; input: number; fixed: number } {
  const { cols } = task.domain;
  let unit = 0;
  let input = 0;
  let fixed = 0;
  task.files.forEach((file, i) => {
    const width = bytesOf(file.dtype);
    if (task.whole || task.reads[i] === "all") fixed += file.elements * width;
    else {
      unit += (task.reads[i] === "row" ? 1 : cols) * width;
      input += (task.reads[i] === "row" ? 1 : cols) * width;
    }
  });
  for (const temp of task.temps) {
    if (task.whole) fixed += temp.elements * bytesOf(temp.dtype);
    else unit += cols * bytesOf(temp.dtype);
  }
  if (task.output !== null) {
    const output = program.outputs[task.output];
    const elements = output.shape.reduce((a, b) => a * b, 1);
    if (task.whole) fixed += elements * bytesOf(output.dtype);
    else unit += (elements === task.domain.units ? 1 : cols) * bytesOf(output.dtype);
  }
  for (const step of task.steps) {
    if (step.kind === "kernel") fixed += step.histograms.length * (HISTOGRAM_BINS + 16) * 8;
    if (step.kind === "row_rank" && !task.whole) unit += cols * 8;
    if (step.kind === "evaluate") fixed += step.working;
    if (step.kind === "matmul") fixed += matmulPanelBytes(256, 512);
    if (step.kind === "row_rank" && task.whole) fixed += step.rows * step.cols * 4;
  }
  return { unit, input, fixed };
}

/** Units a piece: whole blocks whose widest buffer is near `chunk` bytes. */
export function pieceUnits(program: Program, task: Task, chunk: number): number {
  const { block, units, cols } = task.domain;
  if (task.whole) return units;
  const widths = task.files.map((f, i) => (task.reads[i] === "full" ? bytesOf(f.dtype) * cols : 0));
  const output = task.output === null ? 0 : bytesOf(program.outputs[task.output].dtype) * cols;
  const widest = Math.max(output, 1, ...widths);
  return Math.max(1, Math.floor(chunk / (widest * block))) * block;
}

/** Memory that one lane needs for a task with pieces of this size. */
export function taskMemory(program: Program, task: Task, piece: number): number {
  const { unit, fixed } = unitBytes(program, task);
  return fixed + unit * Math.min(piece, task.domain.units);
}

/** The jobs of a task: runs of whole pieces. Tasks that are hashed on the way out, or not cut, are one job. */
export function spans(
  program: Program,
  task: Task,
  piece: number,
  undivided: boolean,
): { first: number; count: number }[] {
  const { units } = task.domain;
  if (undivided || task.whole) return [{ first: 0, count: units }];
  const { unit } = unitBytes(program, task);
  const step = Math.max(1, Math.floor(JOB_BYTES / Math.max(1, unit * piece))) * piece;
  const result: { first: number; count: number }[] = [];
  for (let first = 0; first < units; first += step) result.push({ first, count: Math.min(step, units - first) });
  return result;
}
