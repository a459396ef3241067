/**
 * The executor's scheduler: hands jobs to lanes, puts results together, and starts tasks when what they need is known.
 * In: a program, lanes, where the bytes are. Out: all rank-0 values, digests, and written outputs. Tasks of one place go
 * one after the other, so that its bytes are still warm; tasks of the largest places go first, so that lanes end together.
 */
import { type FileTensor, KEPT, type Program, type Step, stepKey, type Task } from "../../compiler/index.js";
import { HostValues } from "./host-values.js";
import type { FileRange, Job, JobResult, JobSpec, Lane, TaskJob } from "./job.js";
import { type KeptFile, keptFile } from "./kept-file.js";
import { pieceUnits, spans } from "./pieces.js";
import { type SelectionGroup, selectionGroups } from "./selection-group.js";
import { collect } from "./statistics.js";

export interface ExecutionRequest {
  readonly program: Program;
  readonly lanes: readonly Lane[];
  readonly fileOf: (tensor: FileTensor) => FileRange;
  /** Where an output tensor goes. */
  readonly targetOf: (output: number) => FileRange;
  readonly chunk: number;
  readonly hash: boolean;
  /** Input tensors to hash. */
  readonly unhashed: readonly FileTensor[];
  readonly outputDone: (output: number, values: HostValues) => void;
  readonly progress: (bytes: number, outputs: number) => void;
  readonly signal: AbortSignal;
}

export interface ExecutionResult {
  readonly values: HostValues;
  /** SHA-256 of output tensors by number of the output, and of input tensors. */
  readonly outputHex: ReadonlyMap<number, string>;
  readonly inputHex: ReadonlyMap<FileTensor, string>;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** Work that makes jobs: a run of a task, or the copies and hashes at the end of the line. */
interface Work {
  readonly priority: number;
  readonly jobs: readonly JobSpec[];
  readonly results: JobResult[];
  next: number;
  open: number;
  readonly done: (results: readonly JobResult[]) => void;
}

/** What a run of a task may differ in. */
export interface TaskRun {
  readonly task: Task;
  readonly spans?: readonly { first: number; count: number }[];
  readonly stride?: number;
  readonly mark?: number | null;
  readonly done: (results: readonly JobResult[]) => void;
}

/** Jobs in flight at one lane: the next is at hand when one ends. */
const DEPTH = 2;

/** Thrown when the signal of a run is raised. */
export class Aborted extends Error {
  constructor() {
    super("the run was stopped");
    this.name = "Aborted";
  }
}

export async function execute(request: ExecutionRequest): Promise<ExecutionResult> {
  return new Execution(request).run();
}

export class Execution {
  readonly values: HostValues;
  private readonly works: Work[] = [];
  private readonly pending: number[];
  private readonly dependents = new Map<number, number[]>();
  private readonly groups: readonly SelectionGroup[];
  private readonly groupOf = new Map<number, SelectionGroup>();
  private readonly begun = new Set<SelectionGroup>();
  private readonly priorities: readonly number[];
  private readonly kept: KeptFile;
  private readonly outputHex = new Map<number, string>();
  private readonly inputHex = new Map<FileTensor, string>();
  private bytesRead = 0;
  private bytesWritten = 0;
  private outputsDone = 0;
  private inFlight = 0;
  private nextId = 1;
  private failure: unknown = null;
  private finish: (() => void) | null = null;
  private idle: Lane[] = [];

  constructor(private readonly request: ExecutionRequest) {
    const { program } = request;
    this.values = new HostValues(program);
    this.kept = keptFile(program);
    this.pending = program.tasks.map((task) => task.needs.length);
    for (const task of program.tasks) {
      for (const need of task.needs) this.dependents.set(need, [...(this.dependents.get(need) ?? []), task.id]);
    }
    this.priorities = placePriorities(program);
    this.groups = selectionGroups(this, program);
    for (const group of this.groups) for (const task of group.countingTasks) this.groupOf.set(task, group);
  }

  async run(): Promise<ExecutionResult> {
    const { request } = this;
    const { program } = request;
    const ended = new Promise<void>((resolve) => {
      this.finish = resolve;
    });
    const stop = () => this.fail(new Aborted());
    request.signal.addEventListener("abort", stop);
    for (const task of program.tasks) if (this.pending[task.id] === 0) this.start(task.id);
    for (const group of this.groups) if (group.countingTasks.length === 0) group.begin();
    this.addCopies();
    this.addHashes();
    this.idle = Array.from({ length: DEPTH }, () => request.lanes).flat();
    this.pump();
    await ended;
    this.kept.close();
    request.signal.removeEventListener("abort", stop);
    if (this.failure !== null) throw this.failure;
    return {
      values: this.values,
      outputHex: this.outputHex,
      inputHex: this.inputHex,
      bytesRead: this.bytesRead,
      bytesWritten: this.bytesWritten,
    };
  }

  /** Gives jobs to idle lanes until there is none of one or the other. */
  private pump(): void {
    while (this.idle.length > 0 && this.failure === null) {
      const work = this.works[this.works.length - 1];
      if (work === undefined) break;
      const index = work.next++;
      if (work.next === work.jobs.length) this.works.pop();
      work.open++;
      const job = { ...work.jobs[index], id: this.nextId++ } as Job;
      const lane = this.idle.pop()!;
      this.inFlight++;
      lane.run(job).then(
        (result) => this.jobDone(lane, work, index, job, result),
        (error: unknown) => {
          this.inFlight--;
          this.fail(error);
        },
      );
    }
    if (this.inFlight === 0) this.finish?.();
  }

  private jobDone(lane: Lane, work: Work, index: number, job: Job, result: JobResult): void {
    this.inFlight--;
    this.idle.push(lane);
    this.bytesRead += result.bytesRead;
    this.bytesWritten += result.bytesWritten;
    work.results[index] = result;
    work.open--;
    try {
      if (this.failure === null && work.open === 0 && work.next === work.jobs.length) work.done(work.results);
      this.request.progress(job.kind === "hash" ? 0 : result.bytesWritten, this.outputsDone);
    } catch (error) {
      this.fail(error);
    }
    this.pump();
  }

  private fail(error: unknown): void {
    this.failure ??= error;
    this.works.length = 0;
    if (this.inFlight === 0) this.finish?.();
  }

  private add(work: Work): void {
    if (work.jobs.length === 0) return work.done([]);
    // Sorted so that the next work stands last; equal priorities keep their order.
    let low = 0;
    let high = this.works.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.works[middle].priority > work.priority) low = middle + 1;
      else high = middle;
    }
    this.works.splice(low, 0, work);
  }

  /** All that a task needs is known: it runs, or its group of selections begins. */
  private start(id: number): void {
    const task = this.request.program.tasks[id];
    if (task.kind === "equals") return;
    if (task.kind === "thresholds") {
      const group = this.groupOf.get(id)!;
      if (this.begun.has(group) || group.countingTasks.some((t) => this.pending[t] > 0)) return;
      this.begun.add(group);
      group.begin();
      return;
    }
    this.runTask({ task, done: (results) => this.taskDone(task, results) });
  }

  /** Queues the jobs of one run of a task. */
  runTask(run: TaskRun): void {
    const { program, chunk, hash, fileOf, targetOf } = this.request;
    const { task } = run;
    const piece = pieceUnits(program, task, chunk);
    const undivided = task.output !== null && hash;
    const params = task.steps.map((s) => paramsOf(s).map((p) => this.values.get(p)));
    const integers = task.steps.map((s) => (s.kind === "kernel" ? s.integers.map((ref) => this.integer(ref)) : []));
    const columns = new Map<number, Float32Array>();
    for (const step of task.steps) {
      if (step.kind !== "kernel") continue;
      for (const input of step.inputs)
        if (input.kind === "column") columns.set(input.node, this.values.column(input.node));
    }
    const jobs = (run.spans ?? spans(program, task, piece, undivided)).map(
      ({ first, count }): Omit<TaskJob, "id"> => ({
        kind: "task",
        task: task.id,
        first,
        count,
        piece: run.stride === undefined ? piece : task.domain.block,
        stride: run.stride ?? 0,
        files: task.files.map((file) => (file.source === KEPT ? this.kept.named(file.name) : fileOf(file))),
        params,
        integers,
        columns,
        target: task.output !== null ? targetOf(task.output) : task.keeps !== null ? this.kept.at(task.keeps) : null,
        hash: undivided,
        mark: run.mark ?? null,
      }),
    );
    this.add({
      priority: this.priorities[task.id],
      jobs,
      results: new Array(jobs.length),
      next: 0,
      open: 0,
      done: run.done,
    });
  }

  private integer(ref: Extract<Task["steps"][number], { kind: "kernel" }>["integers"][number]): number {
    switch (ref.kind) {
      case "value":
        return ref.value;
      case "key":
        return stepKey(ref.key, this.values.get(ref.node))[ref.word];
      case "limit":
        return this.selectionLimit(ref.node);
      case "cut":
        return this.values.threshold(ref.node).cuts[ref.part];
      case "low":
        return this.windowOf(ref.node).low;
      case "shift":
        return this.windowOf(ref.node).shift;
    }
  }

  private windowOf(node: number) {
    return this.groups.find((g) => g.has(node))!.window(node);
  }

  /** The limit of a threshold: while its equal keys are counted it is known to its group only. */
  private selectionLimit(node: number): number {
    return this.groups.find((g) => g.has(node))!.limit(node);
  }

  private taskDone(task: Task, results: readonly JobResult[]): void {
    const given = collect(task, results, this.values);
    if (task.output !== null) {
      this.outputsDone++;
      const [first] = results;
      if (first?.hex !== null && first?.hex !== undefined) this.outputHex.set(task.output, first.hex);
      this.request.outputDone(task.output, this.values);
    }
    this.known(task.keeps === null ? given : [...given, this.request.program.kept[task.keeps].node]);
  }

  /** Statistics are known: tasks that waited for them start. */
  known(nodes: readonly number[]): void {
    for (const node of nodes) {
      for (const id of this.dependents.get(node) ?? []) {
        if (--this.pending[id] === 0) this.start(id);
      }
    }
  }

  private addCopies(): void {
    const { program, fileOf, targetOf, hash } = this.request;
    program.outputs.forEach((output, index) => {
      if (output.copy === null) return;
      const to = targetOf(index);
      const jobs = [{ kind: "copy" as const, from: fileOf(output.copy), to, hash }];
      this.add({
        priority: Number.MAX_SAFE_INTEGER - 1,
        jobs,
        results: [],
        next: 0,
        open: 0,
        done: ([result]) => {
          this.outputsDone++;
          if (result.hex !== null) this.outputHex.set(index, result.hex);
        },
      });
    });
  }

  private addHashes(): void {
    for (const tensor of this.request.unhashed) {
      this.add({
        priority: Number.MAX_SAFE_INTEGER,
        jobs: [{ kind: "hash" as const, from: this.request.fileOf(tensor) }],
        results: [],
        next: 0,
        open: 0,
        done: ([result]) => {
          if (result.hex !== null) this.inputHex.set(tensor, result.hex);
        },
      });
    }
  }
}

/** Rank-0 nodes whose values a step takes. */
function paramsOf(step: Step): readonly number[] {
  if (step.kind === "kernel") return step.params;
  return step.kind === "evaluate" ? step.args.flatMap((arg) => (arg.kind === "number" ? [arg.node] : [])) : [];
}

/** Largest places first; within a place lower levels first. */
function placePriorities(program: Program): number[] {
  const sizes = new Map<string, number>();
  for (const task of program.tasks)
    sizes.set(task.place, Math.max(sizes.get(task.place) ?? 0, task.domain.units * task.domain.cols));
  const order = new Map([...sizes].sort((a, b) => b[1] - a[1]).map(([place], i) => [place, i]));
  return program.tasks.map((task) => order.get(task.place)! * 64 + task.level);
}
