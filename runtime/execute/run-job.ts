/**
 * Runs one job on a runner: reads a piece of every input straight into the runner's memory, runs the kernels of the
 * task on it, writes its own range of the output. No byte crosses a thread. Used by the worker threads and by the GPU.
 */
import { createHash } from "node:crypto";
import {
  type BufferRef,
  bytesOf,
  HISTOGRAM_BINS,
  type Program,
  rankRow,
  type Step,
  type Task,
} from "../../compiler/index.js";
import type { KernelResult, Matrices, Memory, Region, Runner } from "../device/index.js";
import { evaluateStep } from "./evaluate-step.js";
import type { OpenFiles } from "./files.js";
import type { CopyJob, HashJob, Job, JobResult, TaskJob } from "./job.js";

const COPY_PIECE = 1 << 20;

export async function runJob(program: Program, runner: Runner, files: OpenFiles, job: Job): Promise<JobResult> {
  runner.reset();
  switch (job.kind) {
    case "task":
      return runTask(program, runner, files, job);
    case "copy":
      return copy(files, job);
    case "hash":
      return hash(files, job);
  }
}

function copy(files: OpenFiles, job: CopyJob): JobResult {
  const digest = job.hash ? createHash("sha256") : null;
  const buffer = new Uint8Array(Math.min(COPY_PIECE, job.from.bytes));
  for (let at = 0; at < job.from.bytes; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, job.from.bytes - at));
    files.read(job.from.path, piece, job.from.offset + at);
    digest?.update(piece);
    files.write(job.to.path, piece, job.to.offset + at);
  }
  return {
    ...empty(job.id),
    hex: digest?.digest("hex") ?? null,
    bytesRead: job.from.bytes,
    bytesWritten: job.from.bytes,
  };
}

function hash(files: OpenFiles, job: HashJob): JobResult {
  const digest = createHash("sha256");
  const buffer = new Uint8Array(Math.min(COPY_PIECE, job.from.bytes));
  for (let at = 0; at < job.from.bytes; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, job.from.bytes - at));
    files.read(job.from.path, piece, job.from.offset + at);
    digest.update(piece);
  }
  return { ...empty(job.id), hex: digest.digest("hex"), bytesRead: job.from.bytes };
}

function empty(id: number): JobResult {
  return { id, scalars: [], columns: [], histograms: [], mark: null, hex: null, bytesRead: 0, bytesWritten: 0 };
}

/** Buffers of one job; those of files and output are filled and emptied piece by piece. */
interface Buffers {
  readonly files: readonly Memory[];
  readonly temps: readonly Memory[];
  readonly columns: ReadonlyMap<number, Memory>;
  readonly output: Memory | null;
  /** For each step, memory in which its histograms add up over the pieces; empty where the runner gives them back. */
  readonly counts: readonly (readonly Memory[])[];
}

async function runTask(program: Program, runner: Runner, files: OpenFiles, job: TaskJob): Promise<JobResult> {
  const task = program.tasks[job.task];
  const output = task.output === null ? null : program.outputs[task.output];
  const unit = task.domain.cols;
  const outputBytes = output === null ? 0 : bytesOf(output.dtype);
  const outputElements = output === null ? 0 : output.shape.reduce((a, b) => a * b, 1);
  const piece = task.whole ? job.count : Math.min(job.piece, job.count);
  const outputPer = outputElements === task.domain.units ? 1 : unit;
  const buffers: Buffers = {
    files: task.files.map((file, i) =>
      runner.allocate(bytesFor(task, i, piece) ?? file.elements * bytesOf(file.dtype)),
    ),
    temps: task.temps.map((temp) => runner.allocate((task.whole ? temp.elements : piece * unit) * bytesOf(temp.dtype))),
    columns: new Map([...job.columns].map(([node, data]) => [node, columnMemory(runner, data)])),
    output: output === null ? null : runner.allocate((task.whole ? outputElements : piece * outputPer) * outputBytes),
    counts: task.steps.map((step) =>
      step.kind === "kernel" ? step.histograms.flatMap(() => runner.counts(HISTOGRAM_BINS) ?? []) : [],
    ),
  };
  const digest = job.hash ? createHash("sha256") : null;
  const results: KernelResult[][] = task.steps.map(() => []);
  let bytesRead = 0;
  let bytesWritten = 0;
  let mark: Uint8Array | null = null;
  const last = job.first + job.count;
  for (let first = job.first; first < last; first += Math.max(piece, job.stride)) {
    const count = Math.min(piece, last - first);
    task.files.forEach((_file, i) => {
      const range = job.files[i];
      const part = bytesFor(task, i, 1);
      // Tensors that are read whole are read once, with the first piece.
      if (part === null && first !== job.first) return;
      const bytes = part === null ? range.bytes : part * count;
      files.read(
        range.path,
        buffers.files[i].host.subarray(0, bytes),
        range.offset + (part === null ? 0 : part * first),
      );
      runner.upload(buffers.files[i]);
      bytesRead += bytes;
    });
    for (let s = 0; s < task.steps.length; s++) {
      const result = await runStep(program, runner, task, task.steps[s], buffers, job, s, first, count);
      if (result !== null) results[s].push(result);
    }
    if (buffers.output !== null && job.target !== null) {
      await runner.download(buffers.output);
      const per = outputPer * outputBytes;
      const bytes = task.whole ? outputElements * outputBytes : count * per;
      const written = buffers.output.host.subarray(0, bytes);
      digest?.update(written);
      files.write(job.target.path, written, job.target.offset + (task.whole ? 0 : first * per));
      bytesWritten += bytes;
    }
    if (task.keeps !== null && job.target !== null) {
      const { temp, bytes } = program.kept[task.keeps];
      await runner.download(buffers.temps[temp]);
      files.write(job.target.path, buffers.temps[temp].host.subarray(0, bytes), job.target.offset);
    }
    if (job.mark !== null) {
      await runner.download(buffers.temps[job.mark]);
      mark = buffers.temps[job.mark].host.slice(0, count * unit);
    }
  }
  return {
    id: job.id,
    scalars: results.map((pieces) =>
      joinEach(
        pieces.map((p) => p.scalars),
        joinF64,
      ),
    ),
    columns: results.map((pieces) =>
      joinEach(
        pieces.map((p) => p.columns),
        joinF32,
      ),
    ),
    histograms: results.map((pieces, s) =>
      buffers.counts[s].length > 0
        ? buffers.counts[s].map((m) => new Uint32Array(m.host.slice(0, (HISTOGRAM_BINS + 1) * 4).buffer))
        : joinEach(
            pieces.map((p) => p.histograms),
            sumU32,
          ),
    ),
    mark,
    hex: digest?.digest("hex") ?? null,
    bytesRead,
    bytesWritten,
  };
}

/** Bytes of `units` units of a file tensor; null where the whole tensor is read. */
function bytesFor(task: Task, index: number, units: number): number | null {
  if (task.whole || task.reads[index] === "all") return null;
  return units * (task.reads[index] === "row" ? 1 : task.domain.cols) * bytesOf(task.files[index].dtype);
}

function columnMemory(runner: Runner, data: Float32Array): Memory {
  const memory = runner.allocate(data.byteLength);
  memory.host.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  runner.upload(memory);
  return memory;
}

async function runStep(
  program: Program,
  runner: Runner,
  task: Task,
  step: Step,
  buffers: Buffers,
  job: TaskJob,
  s: number,
  first: number,
  count: number,
): Promise<KernelResult | null> {
  switch (step.kind) {
    case "kernel": {
      const { domain } = step;
      // A flat kernel in a task of rows counts the same piece in elements.
      const scale = domain.flat && !task.domain.flat ? task.domain.cols : 1;
      const region = (ref: BufferRef): Region => ({ memory: memoryOf(buffers, ref), offset: 0 });
      return runner.run({
        kernel: program.kernels[step.kernel],
        first: task.whole ? 0 : first * scale,
        count: task.whole ? domain.units : count * scale,
        cols: domain.cols,
        block: domain.block,
        inputs: step.inputs.map(region),
        outputs: step.outputs.map(region),
        params: job.params[s],
        integers: job.integers[s],
        counts: buffers.counts[s],
      });
    }
    case "row_rank": {
      const rows = task.whole ? step.rows : count;
      const from = buffers.temps[step.from];
      const to = buffers.temps[step.to];
      await runner.download(from);
      const values = f32(from).subarray(0, rows * step.cols);
      const ranks = new Int32Array(rows * step.cols);
      for (let r = 0; r < rows; r++) {
        rankRow(
          values.subarray(r * step.cols, (r + 1) * step.cols),
          ranks.subarray(r * step.cols, (r + 1) * step.cols),
        );
      }
      to.host.set(new Uint8Array(ranks.buffer));
      runner.upload(to);
      return null;
    }
    case "matmul": {
      const matrices = (view: typeof step.left): Matrices => ({
        region: { memory: buffers.temps[view.temp], offset: 4 * view.offset },
        batch: view.batch,
        row: view.row,
        col: view.col,
      });
      const { batch, m, k, n } = step;
      const to = { memory: buffers.temps[step.to], offset: 0 };
      await runner.matmul({ batch, m, k, n, left: matrices(step.left), right: matrices(step.right), to });
      return null;
    }
    case "evaluate":
      await evaluateStep(runner, step, buffers.temps, job.params[s]);
      return null;
    case "concat": {
      for (const from of step.from) await runner.download(buffers.temps[from]);
      const target = buffers.temps[step.to].host;
      let at = 0;
      for (let o = 0; o < step.outer; o++) {
        step.from.forEach((from, i) => {
          const bytes = step.runs[i] * step.bytes;
          target.set(buffers.temps[from].host.subarray(o * bytes, (o + 1) * bytes), at);
          at += bytes;
        });
      }
      runner.upload(buffers.temps[step.to]);
      return null;
    }
  }
}

function memoryOf(buffers: Buffers, ref: BufferRef): Memory {
  switch (ref.kind) {
    case "file":
      return buffers.files[ref.index];
    case "temp":
      return buffers.temps[ref.index];
    case "column":
      return buffers.columns.get(ref.node)!;
    case "output":
      return buffers.output!;
  }
}

function f32(memory: Memory): Float32Array {
  const { host } = memory;
  return new Float32Array(host.buffer, host.byteOffset, Math.floor(host.byteLength / 4));
}

/** Joins the k-th array of every piece. */
function joinEach<T>(pieces: readonly (readonly T[])[], join: (parts: readonly T[]) => T): T[] {
  const [first] = pieces;
  return first === undefined ? [] : first.map((_, k) => join(pieces.map((p) => p[k])));
}

function joinF64(parts: readonly Float64Array[]): Float64Array {
  const joined = new Float64Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function joinF32(parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function sumU32(parts: readonly Uint32Array[]): Uint32Array {
  const total = parts[0].slice();
  for (const part of parts.slice(1)) for (let i = 0; i < total.length; i++) total[i] += part[i];
  return total;
}
