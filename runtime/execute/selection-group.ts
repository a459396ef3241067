/**
 * Selections that run together: thresholds whose parts share tasks go through their rounds in step. After the last round
 * each threshold has a key; where only some of the elements with that key are kept, one more pass counts them by block
 * and the cut is found in the block where it falls.
 */
import type { Program, Task, ThresholdInfo } from "../../compiler/index.js";
import { HISTOGRAM_BINS } from "../../compiler/index.js";
import type { Execution } from "./execution.js";
import { numberOfKey, type Threshold } from "./host-values.js";
import type { JobResult } from "./job.js";
import { bracket, FULL, narrow, type Selection, type Window } from "./selection.js";

/** Elements from which on a sample pays: it saves a full round and makes the other one cheap. */
const SAMPLE_FROM = 1 << 21;
/** Blocks of a sample. */
const SAMPLE_BLOCKS = 24;
/** How far the sample's rank may lie from the true one: standard deviations of independent draws. */
const SAMPLE_DEVIATIONS = 24;

const MOST_ROUNDS = 6;

const NONE = new Float64Array(0);

interface State {
  readonly info: ThresholdInfo;
  readonly total: number;
  k: number;
  window: Window;
  selection: Selection;
  counts: Float64Array;
  counted: number;
}

/** Connected components of thresholds and the tasks that count them. */
export function selectionGroups(execution: Execution, program: Program): SelectionGroup[] {
  const parent = program.thresholds.map((_, i) => i);
  const root = (i: number): number => (parent[i] === i ? i : (parent[i] = root(parent[i])));
  const byTask = new Map<number, number>();
  program.thresholds.forEach((info, i) => {
    for (const task of info.tasks) {
      const other = byTask.get(task);
      if (other === undefined) byTask.set(task, i);
      else parent[root(i)] = root(other);
    }
  });
  const members = new Map<number, ThresholdInfo[]>();
  program.thresholds.forEach((info, i) => {
    members.set(root(i), [...(members.get(root(i)) ?? []), info]);
  });
  return [...members.values()].map((infos) => new SelectionGroup(execution, program, infos));
}

export class SelectionGroup {
  readonly countingTasks: readonly number[];
  private readonly states: ReadonlyMap<number, State>;
  private rounds = 0;

  constructor(
    private readonly execution: Execution,
    private readonly program: Program,
    infos: readonly ThresholdInfo[],
  ) {
    this.countingTasks = [...new Set(infos.flatMap((i) => i.tasks))];
    this.states = new Map(
      infos.map((info): [number, State] => [
        info.node,
        {
          info,
          total: info.parts.reduce((a, b) => a + b, 0),
          k: 0,
          window: FULL,
          selection: { kind: "searching", window: FULL },
          counts: NONE,
          counted: 0,
        },
      ]),
    );
  }

  has(node: number): boolean {
    return this.states.has(node);
  }

  window(node: number): Window {
    return this.states.get(node)!.window;
  }

  limit(node: number): number {
    const { selection } = this.states.get(node)!;
    return selection.kind === "found" ? selection.key : 0;
  }

  /** The number of kept elements and all that the tensors depend on are known: the first round starts. */
  begin(): void {
    for (const state of this.states.values()) {
      const k = this.execution.values.get(state.info.k);
      state.k = Number.isNaN(k) ? 0 : Math.max(0, Math.min(Math.floor(k), state.total));
      if (state.total === 0 || state.k >= state.total) state.selection = { kind: "all" };
    }
    if ([...this.states.values()].every((s) => s.selection.kind !== "searching")) return this.cut();
    const size = this.countingTasks.reduce((n, id) => n + this.elements(this.program.tasks[id]), 0);
    if (size >= SAMPLE_FROM) this.sample();
    else this.round();
  }

  private elements(task: Task): number {
    return task.domain.units * task.domain.cols;
  }

  /** Runs all counting tasks and adds their histograms. */
  private count(stride: (task: Task) => number | undefined, then: () => void): void {
    let open = this.countingTasks.length;
    for (const state of this.states.values()) {
      state.counts = NONE;
      state.counted = 0;
    }
    for (const id of this.countingTasks) {
      const task = this.program.tasks[id];
      const every = stride(task);
      const whole = every === undefined ? undefined : [{ first: 0, count: task.domain.units }];
      this.execution.runTask({
        task,
        ...(every === undefined ? {} : { stride: every, spans: whole }),
        done: (results) => {
          this.addCounts(task, results, every);
          if (--open === 0) then();
        },
      });
    }
  }

  private addCounts(task: Task, results: readonly JobResult[], stride: number | undefined): void {
    task.steps.forEach((step, s) => {
      if (step.kind !== "kernel") return;
      step.histograms.forEach((histogram, h) => {
        const state = this.states.get(histogram.node)!;
        // Made when the first counts come: many groups wait at once, few are at work.
        if (state.counts.length === 0) state.counts = new Float64Array(HISTOGRAM_BINS + 1);
        for (const result of results) {
          const counts = result.histograms[s][h];
          for (let bin = 0; bin < counts.length; bin++) state.counts[bin] += counts[bin];
        }
        state.counted += stride === undefined ? this.elements(task) : sampled(task, stride);
      });
    });
  }

  /** A few blocks of each tensor say where the wanted element lies, so that one full round can be enough. */
  private sample(): void {
    const stride = (task: Task) => {
      const { block, units } = task.domain;
      const blocks = Math.ceil(units / block);
      return Math.max(1, Math.floor(blocks / SAMPLE_BLOCKS)) * block;
    };
    if (this.countingTasks.some((id) => this.program.tasks[id].whole)) return this.round();
    this.count(stride, () => {
      for (const state of this.states.values()) {
        if (state.selection.kind !== "searching") continue;
        const share = state.k / state.total;
        const rank = share * state.counted;
        const slack = SAMPLE_DEVIATIONS * Math.sqrt(share * (1 - share) * state.counted) + 1;
        state.window =
          bracket(state.window, state.counts, Math.max(0, rank - slack), Math.min(state.counted - 1, rank + slack)) ??
          FULL;
      }
      this.round();
    });
  }

  private round(): void {
    // A missed guess costs one round more than the two that the full range takes; beyond that the counts contradict each other.
    if (++this.rounds > MOST_ROUNDS) throw new Error("the counts of a selection contradict each other");
    this.count(
      () => undefined,
      () => {
        let searching = false;
        for (const state of this.states.values()) {
          if (state.selection.kind !== "searching") continue;
          state.selection = narrow(state.window, state.counts, state.k, state.total);
          if (state.selection.kind !== "searching") continue;
          searching = true;
          state.window = state.selection.window;
        }
        if (searching) this.round();
        else this.cut();
      },
    );
  }

  /** Finds how far equal keys are kept, with a pass over the tensors only where some are and some are not. */
  private cut(): void {
    const split = [...this.states.values()].filter(
      (s) => s.selection.kind === "found" && s.selection.kept > 0 && s.selection.kept < s.selection.equal,
    );
    for (const state of this.states.values()) state.counts = NONE;
    const tasks = [...new Set(split.flatMap((s) => s.info.equals))];
    if (tasks.length === 0) return this.publish(new Map());
    const counts = new Map<string, Float64Array[]>();
    let open = tasks.length;
    for (const id of tasks) {
      const task = this.program.tasks[id];
      this.execution.runTask({
        task,
        done: (results) => {
          task.steps.forEach((step, s) => {
            if (step.kind !== "kernel") return;
            step.scalars.forEach((scalar, k) => {
              if (scalar.part !== undefined)
                counts.set(
                  `${scalar.node} ${scalar.part}`,
                  results.map((r) => r.scalars[s][k]),
                );
            });
          });
          if (--open === 0) this.locate(split, counts);
        },
      });
    }
  }

  /** Reads the one block of each split threshold where the last kept element lies. */
  private locate(split: readonly State[], counts: ReadonlyMap<string, readonly Float64Array[]>): void {
    const cuts = new Map<number, number[]>();
    let open = split.length;
    for (const state of split) {
      const { info, selection } = state;
      let left = selection.kind === "found" ? selection.kept : 0;
      const own = info.parts.map(() => 0);
      cuts.set(info.node, own);
      const found = this.partOf(state, counts, left);
      left = found.left;
      for (let part = 0; part < found.part; part++) own[part] = ALL;
      const task = this.program.tasks.find(
        (t) => t.kind === "equals" && t.marks.some((m) => m.node === info.node && m.part === found.part),
      )!;
      const mark = task.marks.find((m) => m.node === info.node && m.part === found.part)!;
      const { block, cols, units } = task.domain;
      const first = task.whole ? 0 : found.block * block;
      this.execution.runTask({
        task,
        spans: [{ first, count: task.whole ? units : Math.min(block, units - first) }],
        mark: mark.temp,
        done: ([result]) => {
          const marks = result.mark!;
          let at = task.whole ? found.block * block * cols : 0;
          for (let seen = 0; seen < left; at++) if (marks[at] !== 0) seen++;
          own[found.part] = first * cols + at;
          if (--open === 0) this.publish(cuts);
        },
      });
    }
  }

  /** The part and block where `kept` equal elements are reached, and how many of that block are kept. */
  private partOf(
    state: State,
    counts: ReadonlyMap<string, readonly Float64Array[]>,
    kept: number,
  ): { part: number; block: number; left: number } {
    let left = kept;
    for (let part = 0; part < state.info.parts.length; part++) {
      let block = 0;
      for (const blocks of counts.get(`${state.info.node} ${part}`) ?? []) {
        for (const n of blocks) {
          if (left <= n) return { part, block, left };
          left -= n;
          block++;
        }
      }
    }
    throw new Error("fewer equal keys were counted in the last pass than in the rounds before");
  }

  private publish(cuts: ReadonlyMap<number, readonly number[]>): void {
    for (const { info, selection } of this.states.values())
      this.execution.values.setThreshold(info.node, thresholdOf(info, selection, cuts.get(info.node)));
    this.execution.known([...this.states.keys()]);
  }
}

const ALL = 0xffffffff;

function thresholdOf(info: ThresholdInfo, selection: Selection, cuts: readonly number[] | undefined): Threshold {
  if (selection.kind !== "found") return { limit: 0, cuts: info.parts.map(() => ALL), value: Number.NEGATIVE_INFINITY };
  const all = selection.kept > 0 && selection.kept >= selection.equal ? ALL : 0;
  return { limit: selection.key, cuts: cuts ?? info.parts.map(() => all), value: numberOfKey(selection.key) };
}

/** Elements that a strided run of a task covers. */
function sampled(task: Task, stride: number): number {
  const { units, block, cols } = task.domain;
  let n = 0;
  for (let first = 0; first < units; first += stride) n += Math.min(block, units - first);
  return n * cols;
}
