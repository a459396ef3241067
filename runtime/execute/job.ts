/**
 * Jobs: the work that goes to a lane (a worker thread of the CPU, or the GPU). Plain data both ways, so that a job can
 * cross a thread. A job never depends on another job that runs at the same time.
 */

/** Bytes of a tensor in a file. */
export interface FileRange {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface TaskJob {
  readonly kind: "task";
  readonly id: number;
  /** Number of the task in the program, and the units (elements or rows) that this job covers. */
  readonly task: number;
  readonly first: number;
  readonly count: number;
  /** Units a piece, and from the start of one piece to the start of the next: more than a piece when only a sample is wanted. */
  readonly piece: number;
  readonly stride: number;
  /** Whole byte ranges of the task's file tensors, in their order. */
  readonly files: readonly FileRange[];
  /** For each step: f32 parameters and u32 integers. */
  readonly params: readonly (readonly number[])[];
  readonly integers: readonly (readonly number[])[];
  /** Column vectors by node number. */
  readonly columns: ReadonlyMap<number, Float32Array>;
  readonly target: FileRange | null;
  /** Hash the bytes written; the job then covers the whole tensor. */
  readonly hash: boolean;
  /** Give back this temporary's bytes (marks of equal keys). */
  readonly mark: number | null;
}

/** Copies a tensor's bytes from file to file. */
export interface CopyJob {
  readonly kind: "copy";
  readonly id: number;
  readonly from: FileRange;
  readonly to: FileRange;
  readonly hash: boolean;
}

/** SHA-256 of a tensor's bytes. */
export interface HashJob {
  readonly kind: "hash";
  readonly id: number;
  readonly from: FileRange;
}

export type Job = TaskJob | CopyJob | HashJob;

/** A job before the scheduler numbers it. */
export type JobSpec = Omit<TaskJob, "id"> | Omit<CopyJob, "id"> | Omit<HashJob, "id">;

/** What comes back. For each step of a task: numbers of its roots, blocks in order. */
export interface JobResult {
  readonly id: number;
  readonly scalars: readonly (readonly Float64Array[])[];
  readonly columns: readonly (readonly Float32Array[])[];
  readonly histograms: readonly (readonly Uint32Array[])[];
  readonly mark: Uint8Array | null;
  readonly hex: string | null;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** An error as plain data. */
export interface JobFailure {
  readonly id: number;
  readonly code: string;
  readonly message: string;
  readonly file: string;
  readonly help: string | null;
}

/** Something that runs jobs one after the other. */
export interface Lane {
  readonly kind: "cpu" | "gpu";
  run(job: Job): Promise<JobResult>;
  close(): Promise<void>;
}
