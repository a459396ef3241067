/**
 * How far a running loop is, in the manner of a merge's progress. In: steps done, what the last step logged, the seconds
 * since the first step began. Out: one line, for `ProgressLine.show`. A loss that is not a number is said as such: it is
 * what the reader has to know first.
 */
import { visible } from "../../grammar/index.js";
import { showNumber, showSeconds } from "./amounts.js";

export interface TrainingProgress {
  /** What is trained: the name of the binding. */
  readonly phase: string;
  readonly stepsDone: number;
  readonly stepsTotal: number;
  /** Numbers that the last step logged, by name: loss, rate. */
  readonly logs: ReadonlyMap<string, number>;
  /** Since the first step began. */
  readonly seconds: number;
}

/** One line: share, steps, what was logged, speed, time to go. */
export function describeTraining(progress: TrainingProgress): string {
  const { phase, stepsDone, stepsTotal, logs, seconds } = progress;
  const share = stepsTotal > 0 ? Math.min(1, stepsDone / stepsTotal) : 1;
  const parts = [`${Math.floor(share * 100)}%`, `step ${stepsDone} of ${stepsTotal}`];
  for (const [name, value] of logs) parts.push(`${visible(name)} ${short(value)}`);
  if (stepsDone > 0 && seconds > 0) {
    const speed = stepsDone / seconds;
    parts.push(speed >= 1 ? `${short(speed)} steps/s` : `${showSeconds(1 / speed)} a step`);
    parts.push(`${showSeconds(Math.max(0, stepsTotal - stepsDone) / speed)} to go`);
  }
  return `${visible(phase)} ${parts.join(", ")}`;
}

/** Three significant digits. */
function short(value: number): string {
  return showNumber(Number.isFinite(value) ? Number(value.toPrecision(3)) : value);
}
