/**
 * How far a run is. In: bytes and tensors done, as the executor tells them. Out: on a terminal one line that is written
 * over; elsewhere a plain line every few seconds, none for a run that is over sooner.
 */
import { plural, showBytes, showSeconds } from "./amounts.js";

export interface Progress {
  readonly phase: string;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly tensorsDone: number;
  readonly tensorsTotal: number;
}

export interface ProgressOptions {
  readonly write: (text: string) => void;
  /** Whether the line can be written over. */
  readonly terminal: boolean;
  /** Columns of the terminal. */
  readonly columns: number;
  /** Seconds, from any start. */
  readonly now: () => number;
}

/** Seconds between two lines in a log, and between two states of the line on a terminal. */
const logInterval = 5;
const terminalInterval = 0.1;

/** Shows the progress of one run, from its making to `end`. */
export class ProgressLine {
  private readonly started: number;
  private last: number;
  private shown = false;

  constructor(private readonly options: ProgressOptions) {
    this.started = options.now();
    this.last = this.started;
  }

  update(progress: Progress): void {
    this.show((elapsed) => describeProgress(progress, elapsed));
  }

  /** The same for any other work: `describe` gets the seconds since the start, and is called when a line is due. */
  show(describe: (elapsed: number) => string): void {
    const now = this.options.now();
    const { terminal, columns, write } = this.options;
    if (now - this.last < (terminal ? terminalInterval : logInterval)) return;
    this.last = now;
    const line = describe(now - this.started);
    if (terminal) write(`\r${line.slice(0, Math.max(20, columns - 1))}\u001b[K`);
    else write(`${line}\n`);
    this.shown = true;
  }

  /** Takes the line off the terminal. */
  end(): void {
    if (this.shown && this.options.terminal) this.options.write("\r\u001b[K");
    this.shown = false;
  }
}

/** One line: share, bytes, tensors, speed, time to go. */
export function describeProgress(progress: Progress, elapsed: number): string {
  const { phase, bytesDone, bytesTotal, tensorsDone, tensorsTotal } = progress;
  const share = bytesTotal > 0 ? Math.min(1, bytesDone / bytesTotal) : 0;
  const rate = elapsed > 0 ? bytesDone / elapsed : 0;
  const parts = [
    `${Math.floor(share * 100)}%`,
    `${showBytes(bytesDone)} of ${showBytes(bytesTotal)}`,
    `${tensorsDone} of ${plural(tensorsTotal, "tensor")}`,
  ];
  if (rate > 0) {
    parts.push(`${showBytes(rate)}/s`);
    parts.push(`${showSeconds(Math.max(0, bytesTotal - bytesDone) / rate)} to go`);
  }
  return `${phase} ${parts.join(", ")}`;
}
