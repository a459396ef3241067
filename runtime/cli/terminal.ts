/**
 * The two streams of a command. Results go to stdout, everything about them to stderr. A reader that has gone (`| head`)
 * is no error: what is written to it is dropped.
 */
import type { WriteStream } from "node:tty";

export interface Terminal {
  /** A result: a line, or several. */
  readonly print: (text: string) => void;
  /** A message: written as it is. */
  readonly tell: (text: string) => void;
  /** Whether messages may be coloured. */
  readonly color: boolean;
  /** Whether messages go to a terminal, and how wide it is. */
  readonly interactive: boolean;
  readonly columns: number;
}

/** The terminal of this process. `color` null: as the stream and NO_COLOR say. */
export function processTerminal(color: boolean | null): Terminal {
  const { stdout, stderr } = process as { stdout: WriteStream; stderr: WriteStream };
  const interactive = stderr.isTTY === true && process.env.TERM !== "dumb";
  return {
    print: (text) => stdout.write(`${text}\n`),
    tell: (text) => stderr.write(text),
    color: color ?? (interactive && !process.env.NO_COLOR),
    interactive,
    columns: stderr.columns ?? 80,
  };
}

/** Lets a closed pipe be; any other failure of a stream is thrown. Once a process. */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}

/** Resolves when all that was written has left the process. */
export async function flushed(): Promise<void> {
  const written = (stream: NodeJS.WriteStream) =>
    new Promise<void>((resolve) => {
      if (stream.destroyed || stream.writableEnded) resolve();
      else stream.write("", () => resolve());
    });
  await Promise.all([written(process.stdout), written(process.stderr)]);
}
