/**
 * How far a training is, in the manner of a merge's progress. In: steps done, the last loss and rate, the seconds since the first step
 * began. Out: one line, for `ProgressLine.show`. A loss that is not a number is said as such: it is what the reader
 * has to know first.
 */
import { visible } from "../../grammar/index.js";
import { showNumber, showSeconds } from "./amounts.js";

export interface TrainingProgress {
  /** What is trained: the name of the binding. */
  readonly phase: string;
  readonly stepsDone: number;
  readonly stepsTotal: number;
  /** Of the last step; null where it was not read back. */
  readonly loss: number | null;
  /** The learning rate of the last step; null where the optimizer has none. */
  readonly rate: number | null;
  /** Since the first step began. */
  readonly seconds: number;
}

/** One line: share, steps, loss, rate, speed, time to go. */
export function describeTraining(progress: TrainingProgress): string {
  const { phase, stepsDone, stepsTotal, loss, rate, seconds } = progress;
  const share = stepsTotal > 0 ? Math.min(1, stepsDone / stepsTotal) : 1;
  const parts = [`${Math.floor(share * 100)}%`, `step ${stepsDone} of ${stepsTotal}`];
  if (loss !== null) parts.push(`loss ${short(loss)}`);
  if (rate !== null) parts.push(`rate ${short(rate)}`);
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
