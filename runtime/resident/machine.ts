/**
 * The resident machine: runs a resident program on a device. In: the program, a runner, values of its inputs. Out: values
 * of its outputs, as often as it is run. Tensors stay in the device's memory from run to run; a loop exchanges the
 * buffers of its state instead of copying them. The same inputs give the same bytes in every run.
 */
import {
  bytesOf,
  decodeElements,
  encodeElements,
  type Node,
  opRow,
  rankRow,
  type StorageDtype,
  sizeOf,
  type Value,
} from "../../compiler/ir/index.js";
import type {
  HostArgument,
  LoopStep,
  ResidentProgram,
  ResidentStep,
  ValuePlace,
} from "../../compiler/resident/index.js";
import { type Matrices, type Memory, type Region, threadSpace } from "../device/index.js";
import { Numbers, plainNode } from "./numbers.js";
import type { ResidentRunner } from "./runner.js";
import { select } from "./selection.js";
import { columnTotals, totalOf } from "./totals.js";

/** A value that comes out: elements in row-major order, or a number (bool as 0 and 1). */
export type Result = Float32Array | Int32Array | Uint8Array | number;

/** A value that goes in: the bytes of a tensor in its dtype, or a number. */
export type Given = Uint8Array | number | boolean;

type Tensor = Extract<HostArgument, { kind: "buffer" }>;

/** A loop at the top of the program, and how many steps it takes at most. */
export interface TopLoop {
  readonly loop: LoopStep;
  readonly count: number;
}

/** The state of a loop after `steps` steps; `done` where none follow. */
export interface LoopSnapshot {
  readonly steps: number;
  readonly done: boolean;
  /** In the order of the loop's variables. */
  readonly state: readonly Given[];
}

export interface RunOptions {
  /** Called before a loop at the top of the program begins. What it gives is where the loop goes on instead. */
  readonly onLoop?: (at: TopLoop) => LoopSnapshot | null;
  /** Called after each step of such a loop, while the old state is still there, with the values that its body logs. */
  readonly onStep?: (step: number, logs: ReadonlyMap<string, Result>, at: TopLoop) => void | Promise<void>;
  /** Called when the new state has become the state: `steps` are done. */
  readonly onState?: (steps: number, done: boolean, at: TopLoop) => void | Promise<void>;
  /** Ends the run between two steps of a loop: `run` rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How long the machine computes before other events of this thread get a turn. */
const turnMs = 10;

export class ResidentMachine {
  private readonly slots: readonly Memory[];
  /** The slot of each buffer; loops exchange entries. */
  private readonly slotOf: number[];
  private readonly numbers = new Numbers();
  private prologueDone = false;
  private turnEnds = 0;

  /** Allocates the program's memory; throws what the runner throws when there is not enough. */
  constructor(
    private readonly program: ResidentProgram,
    private readonly runner: ResidentRunner,
  ) {
    this.slots = program.slots.map((bytes) => runner.allocate(Math.max(64, bytes)));
    this.slotOf = program.buffers.map((buffer) => buffer.slot);
    for (const { node, value } of program.constants) this.numbers.set(node, value);
  }

  /** Gives a leaf its value. Throws a RangeError for another number of bytes than it has, a TypeError for no input. */
  set(leaf: Node, data: Given): void {
    const place = this.program.inputs.get(leaf);
    if (place === undefined) throw new TypeError(`${leaf.op} is no input of this program`);
    if (leaf.op === "input") this.prologueDone = false;
    if (place.kind === "number") {
      if (typeof data === "object") throw new TypeError("a value of rank 0 is set by a number");
      this.numbers.set(place.node, Number(data));
      return;
    }
    const bytes = sizeOf(place.shape) * bytesOf(place.dtype);
    if (typeof data !== "object" || data.length !== bytes) {
      throw new RangeError(
        `[${place.shape}] of ${place.dtype} takes ${bytes} bytes, found ${(data as Uint8Array).length}`,
      );
    }
    const memory = this.memoryOf(place.buffer);
    memory.host.set(data);
    this.runner.upload(memory);
  }

  /** Computes all outputs. The values of inputs and variables must be set. */
  async run(options: RunOptions = {}): Promise<void> {
    this.turnEnds = performance.now() + turnMs;
    if (!this.prologueDone) await this.runSteps(this.program.prologue, options);
    this.prologueDone = true;
    await this.runSteps(this.program.steps, options);
  }

  /** A copy of an output's value after a run. */
  get(output: Node): Promise<Result> {
    const place = this.program.outputs.get(output);
    if (place === undefined) throw new TypeError(`${output.op} is no output of this program`);
    return this.resultOf(place);
  }

  /**
   * Runs the program of one loop from these initial values: the arguments of `loop` must be inputs of the program, its
   * results outputs. Gives the final state.
   */
  async runLoop(loop: Node, initial: readonly Given[], options: RunOptions = {}): Promise<Result[]> {
    for (const [i, data] of initial.entries()) this.set(loop.args[i], data);
    await this.run(options);
    const results = [...this.program.outputs.keys()].filter(
      (node) => node.op === "loop_result" && node.args[0] === loop,
    );
    results.sort((a, b) => (a.attrs.index as number) - (b.attrs.index as number));
    return Promise.all(results.map((node) => this.get(node)));
  }

  private memoryOf(buffer: number): Memory {
    return this.slots[this.slotOf[buffer]];
  }

  private regionOf(buffer: number): Region {
    return { memory: this.memoryOf(buffer), offset: 0 };
  }

  /** Lets other events of this thread happen when a turn is over. */
  private async rest(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.turnEnds = performance.now() + turnMs;
  }

  private async runSteps(steps: readonly ResidentStep[], options: RunOptions): Promise<void> {
    for (const step of steps) {
      const pending = step.kind === "loop" ? this.runLoopStep(step, options) : this.runStep(step);
      if (pending !== undefined) await pending;
      if (performance.now() > this.turnEnds) await this.rest();
    }
  }

  private runStep(step: Exclude<ResidentStep, LoopStep>): void | Promise<void> {
    switch (step.kind) {
      case "kernel":
        return this.kernel(step);
      case "matmul": {
        const matrices = (view: typeof step.left): Matrices => ({
          region: { memory: this.memoryOf(view.buffer), offset: 4 * view.offset },
          batch: view.batch,
          row: view.row,
          col: view.col,
        });
        const { batch, m, k, n } = step;
        const [left, right] = [matrices(step.left), matrices(step.right)];
        return this.runner.matmul({ batch, m, k, n, left, right, to: this.regionOf(step.to) });
      }
      case "host":
        for (const value of step.values) this.numbers.compute(value);
        return;
      case "row_rank":
        return this.rowRank(step);
      case "concat":
        return this.concat(step);
      case "select":
        return this.select(step);
      case "read":
        return this.read(step.node, step.from);
      case "evaluate":
        return this.evaluate(step);
    }
  }

  private kernel(step: Extract<ResidentStep, { kind: "kernel" }>): void | Promise<void> {
    const { domain } = step;
    const result = this.runner.run({
      kernel: this.program.kernels[step.kernel],
      first: 0,
      count: domain.units,
      cols: domain.cols,
      block: domain.block,
      inputs: step.inputs.map((buffer) => this.regionOf(buffer)),
      outputs: step.outputs.map((buffer) => this.regionOf(buffer)),
      params: step.params.map((node) => this.numbers.get(node)),
      integers: step.integers.map((ref) => this.numbers.integer(ref)),
    });
    const take = ({ scalars, columns }: Awaited<typeof result>) => {
      step.scalars.forEach(({ node, fn }, i) => {
        this.numbers.set(node, totalOf(fn, scalars[i]));
      });
      step.columns.forEach(({ to, fn }, i) => {
        this.write(to, columnTotals(fn, columns[i], domain.cols));
      });
    };
    return result instanceof Promise ? result.then(take) : take(result);
  }

  /** Puts elements into a buffer. */
  private write(buffer: number, elements: ArrayLike<number>): void {
    const memory = this.memoryOf(buffer);
    const { dtype } = this.program.buffers[buffer];
    const array = arrayOf(memory.host, dtype);
    if (array === null) encodeElements(memory.host, dtype, 0, elements);
    else array.set(elements);
    this.runner.upload(memory);
  }

  /** The bytes of a buffer on the host; valid until the next step. */
  private async bytesOf(buffer: number): Promise<Uint8Array> {
    const memory = this.memoryOf(buffer);
    await this.runner.download(memory);
    const { dtype, elements } = this.program.buffers[buffer];
    return memory.host.subarray(0, elements * bytesOf(dtype));
  }

  private async elementsOf(buffer: number): Promise<Float64Array> {
    const { dtype, elements } = this.program.buffers[buffer];
    const bytes = await this.bytesOf(buffer);
    const array = arrayOf(bytes, dtype);
    return array === null ? decodeElements(bytes, dtype, 0, elements) : Float64Array.from(array);
  }

  private async rowRank({ rows, cols, from, to }: Extract<ResidentStep, { kind: "row_rank" }>): Promise<void> {
    const values = await this.elementsOf(from);
    const ranks = new Int32Array(rows * cols);
    for (let at = 0; at < ranks.length; at += cols)
      rankRow(values.subarray(at, at + cols), ranks.subarray(at, at + cols));
    this.write(to, ranks);
  }

  private async concat({ outer, runs, from, to }: Extract<ResidentStep, { kind: "concat" }>): Promise<void> {
    const parts: Uint8Array[] = [];
    for (const buffer of from) parts.push(await this.bytesOf(buffer));
    const memory = this.memoryOf(to);
    const { host } = memory;
    const size = bytesOf(this.program.buffers[to].dtype);
    let at = 0;
    for (let o = 0; o < outer; o++) {
      for (const [i, part] of parts.entries()) {
        const bytes = runs[i] * size;
        host.set(part.subarray(o * bytes, (o + 1) * bytes), at);
        at += bytes;
      }
    }
    this.runner.upload(memory);
  }

  private async valueOf(arg: HostArgument): Promise<Value> {
    if (arg.kind === "number")
      return { shape: [], dtype: arg.dtype, data: Float64Array.of(this.numbers.get(arg.node)) };
    return { shape: arg.shape, dtype: arg.dtype, data: await this.elementsOf(arg.buffer) };
  }

  private async select({ node, k, parts }: Extract<ResidentStep, { kind: "select" }>): Promise<void> {
    const values: Float32Array[] = [];
    for (const part of parts) values.push(Float32Array.from((await this.valueOf(part)).data));
    this.numbers.setThreshold(node, select(this.numbers.get(k), values));
  }

  private async read(node: number, from: number): Promise<void> {
    this.numbers.set(node, decodeElements(await this.bytesOf(from), this.program.buffers[from].dtype, 0, 1)[0]);
  }

  /** Rows of a table: only those that are taken are read. A row that the table does not have is NaN, or 0 among integers. */
  private async takeRows(table: Tensor, rows: Tensor, to: Tensor): Promise<void> {
    const width = sizeOf(table.shape.slice(1));
    const numbers = await this.elementsOf(rows.buffer);
    const bytes = await this.bytesOf(table.buffer);
    const { dtype } = this.program.buffers[table.buffer];
    const taken = new Float64Array(numbers.length * width).fill(to.dtype === "f32" ? Number.NaN : 0);
    numbers.forEach((row, i) => {
      if (row >= 0 && row < table.shape[0]) taken.set(decodeElements(bytes, dtype, row * width, width), i * width);
    });
    this.write(to.buffer, taken);
  }

  /** An operation on the host, rounded as in the reference evaluator. */
  private async evaluate({ op, attrs, args, result }: Extract<ResidentStep, { kind: "evaluate" }>): Promise<void> {
    if (op === "take" && args.every((arg) => arg.kind === "buffer") && result.kind === "buffer") {
      return this.takeRows(args[0] as Tensor, args[1] as Tensor, result);
    }
    const shape = result.kind === "buffer" ? result.shape : [];
    const values: Value[] = [];
    for (const arg of args) {
      const value = await this.valueOf(arg);
      const enters = value.dtype === "f64" && shape.length > 0;
      values.push(enters ? { ...value, data: value.data.map(Math.fround) } : value);
    }
    const round = result.dtype === "f32" ? Math.fround : (x: number) => x;
    const node = plainNode(op, attrs, result.dtype, shape, values);
    const row = opRow(op);
    const elements =
      row.working === undefined
        ? row.evaluate!(values, node.attrs, node, round)
        : threadSpace().use((space) => row.evaluate!(values, node.attrs, node, round, space));
    if (result.kind === "number") this.numbers.set(result.node, elements[0]);
    else this.write(result.buffer, elements);
  }

  private async runLoopStep(loop: LoopStep, options: RunOptions): Promise<void> {
    const { numbers } = this;
    const count = typeof loop.count === "number" ? loop.count : numbers.get(loop.count.node);
    for (const state of loop.state) if (state.kind === "number") numbers.set(state.current, numbers.get(state.initial));
    const at: TopLoop = { loop, count };
    const from = options.onLoop?.(at) ?? null;
    if (from !== null) this.restore(loop, from.state);
    let step = from?.steps ?? 0;
    let ends = from?.done ?? false;
    while (step < count && !ends) {
      options.signal?.throwIfAborted();
      numbers.set(loop.index, step);
      // Loops inside a step are followed by nobody.
      await this.runSteps(loop.steps, { signal: options.signal });
      if (options.onStep !== undefined) await options.onStep(step, await this.logsOf(loop), at);
      ends = loop.until !== null && numbers.get(loop.until) !== 0;
      this.advance(loop);
      step++;
      if (options.onState !== undefined) await options.onState(step, ends || step >= count, at);
    }
    numbers.set(loop.node, step);
    for (const state of loop.state) {
      if (state.kind === "number") for (const result of state.results) numbers.set(result, numbers.get(state.current));
    }
  }

  private restore(loop: LoopStep, values: readonly Given[]): void {
    loop.state.forEach((state, i) => {
      const value = values[i];
      if (state.kind === "number") this.numbers.set(state.current, Number(value));
      else {
        const memory = this.memoryOf(state.current);
        memory.host.set(value as Uint8Array);
        this.runner.upload(memory);
      }
    });
  }

  /** The state of a loop that runs, in the order of its variables; `next` is what the step has made of it. */
  async stateOf(loop: LoopStep, which: "current" | "next"): Promise<Given[]> {
    const values: Given[] = [];
    for (const state of loop.state) {
      if (state.kind === "number") values.push(this.numbers.get(state[which]));
      else values.push((await this.bytesOf(which === "next" ? (state.next ?? state.current) : state.current)).slice());
    }
    return values;
  }

  /** The new state becomes the state, all at once. */
  private advance(loop: LoopStep): void {
    const { slotOf, numbers } = this;
    const next = loop.state.map((state) => (state.kind === "number" ? numbers.get(state.next) : 0));
    loop.state.forEach((state, i) => {
      if (state.kind === "number") numbers.set(state.current, next[i]);
      else if (state.next !== null) {
        [slotOf[state.current], slotOf[state.next]] = [slotOf[state.next], slotOf[state.current]];
      }
    });
  }

  private async logsOf(loop: LoopStep): Promise<Map<string, Result>> {
    const logs = new Map<string, Result>();
    for (const { name, place } of loop.logs) logs.set(name, await this.resultOf(place));
    return logs;
  }

  private async resultOf(place: ValuePlace): Promise<Result> {
    if (place.kind === "number") return this.numbers.get(place.node);
    const bytes = await this.bytesOf(place.buffer);
    const count = sizeOf(place.shape);
    switch (place.dtype) {
      case "F32":
        return new Float32Array(bytes.slice().buffer, 0, count);
      case "I32":
        return new Int32Array(bytes.slice().buffer, 0, count);
      case "BOOL":
        return bytes.slice();
      default:
        return typed(place.dtype, decodeElements(bytes, place.dtype, 0, count));
    }
  }
}

/** The elements of a buffer in place, for the dtypes of values; null for others. Buffers begin at multiples of 64. */
function arrayOf(bytes: Uint8Array, dtype: StorageDtype): Float32Array | Int32Array | null {
  const { buffer, byteOffset, byteLength } = bytes;
  if (dtype === "F32") return new Float32Array(buffer, byteOffset, Math.floor(byteLength / 4));
  return dtype === "I32" ? new Int32Array(buffer, byteOffset, Math.floor(byteLength / 4)) : null;
}

/** Elements of a tensor of a file in the dtype that the graph gives them. */
function typed(dtype: StorageDtype, elements: Float64Array): Result {
  const isFloat = dtype.startsWith("F") || dtype.startsWith("BF");
  return isFloat ? Float32Array.from(elements) : Int32Array.from(elements);
}
