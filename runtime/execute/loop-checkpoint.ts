/**
 * Checkpoints of running loops. In: the program, the bytes of its inputs, a folder. Out: a file for each loop at the top
 * with the state after some step, and the state to go on from in a later run of the same program on the same inputs.
 * The state is all that a loop carries from step to step, and draws depend on the number of the step, so that a run
 * that goes on gives the bytes of one that was never stopped. A checkpoint of another run is refused.
 *
 * A file is safetensors: the values of the state in their order, numbers as F64, and metadata with the run's key.
 */
import { createHash, type Hash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { bytesOf, type LoopBody } from "../../compiler/ir/index.js";
import type { LoopStep, ResidentProgram } from "../../compiler/resident/index.js";
import { type DiagnosticParts, fail } from "../../grammar/index.js";
import { isSystemError, quoteName, readHeader } from "../checkpoint/index.js";
import { packageVersion } from "../installation/index.js";
import type { Given, LoopSnapshot } from "../resident/index.js";
import { openFiles } from "./files.js";

/** Where checkpoints go, and after how many steps one is written. */
export interface CheckpointOptions {
  readonly folder: string;
  readonly every: number;
}

/** What two runs have in common that go on from each other's checkpoints. */
interface RunKey {
  readonly version: string;
  readonly device: string;
  /** Digests (SHA-256) of what is computed and of the inputs' bytes. */
  readonly program: string;
  readonly inputs: string;
}

const different: Readonly<Record<keyof RunKey, string>> = {
  version: "it was written by another version of peftc",
  device: "it was computed on another device",
  program: "the recipe, its settings or a definition that it uses has changed",
  inputs: "a model or data set that it reads has changed",
};

/** Begins the digest of the inputs: every input's bytes go in, in the order of the program's leaves. */
export function inputDigest(): Hash {
  return createHash("sha256");
}

/** The checkpoints of one run; loops are numbered in the order in which they begin. */
export class LoopCheckpoints {
  private readonly key: RunKey;
  private begun = 0;
  private readonly numbers = new Map<LoopStep, number>();
  private madeFolder = false;

  constructor(
    private readonly options: CheckpointOptions,
    private readonly program: ResidentProgram,
    private readonly bodies: ReadonlyMap<number, LoopBody>,
    inputs: Hash,
    device: string,
  ) {
    const version = packageVersion();
    this.key = { version, device, program: programDigest(program), inputs: inputs.digest("hex") };
  }

  /** The state that a loop goes on from; null when there is none. Throws PeftError: X014, and F0xx for a damaged file. */
  begin(loop: LoopStep): LoopSnapshot | null {
    const number = this.begun++;
    this.numbers.set(loop, number);
    const file = this.fileOf(number);
    if (!fs.existsSync(file)) return null;
    const { metadata, tensors: stored } = readHeader(file);
    // Empty tensors have no order in a file: names begin with their place.
    const tensors = [...stored].sort((a, b) => Number.parseInt(a.name, 10) - Number.parseInt(b.name, 10));
    const place = { file, span: null };
    const found = (name: string) => metadata.get(name) ?? "";
    const keys = Object.keys(different) as (keyof RunKey)[];
    const wrong = keys.filter((name) => found(name) !== this.key[name]);
    if (wrong.length > 0) this.refuse(place.file, { notes: wrong.map((name) => different[name]) });
    const sizes = loop.state.map((one) => (one.kind === "number" ? 8 : this.bytesOf(one.current)));
    const fits = tensors.length === sizes.length && tensors.every((tensor, i) => tensor.bytes === sizes[i]);
    const steps = Number(found("steps"));
    if (!fits || !Number.isSafeInteger(steps) || steps < 0)
      this.refuse(place.file, { notes: ["its state has another form"] });
    const files = openFiles();
    try {
      const state = tensors.map((tensor, i): Given => {
        const bytes = new Uint8Array(tensor.bytes);
        files.read(file, bytes, tensor.offset);
        return loop.state[i].kind === "number" ? new DataView(bytes.buffer).getFloat64(0, true) : bytes;
      });
      return { steps, done: found("done") === "true", state };
    } finally {
      files.close();
    }
  }

  /** Whether a state is due to be written. */
  isDue(steps: number, done: boolean): boolean {
    return done || steps % this.options.every === 0;
  }

  /** Writes the state after `steps` steps over the one before. Throws PeftError (F060) when the disk refuses. */
  write(loop: LoopStep, steps: number, done: boolean, state: readonly Given[]): void {
    const names = this.bodies.get(loop.node)?.names ?? [];
    const parts = state.map((value): Uint8Array => {
      if (typeof value === "object") return value;
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setFloat64(0, Number(value), true);
      return bytes;
    });
    let end = 0;
    const entries = loop.state.map((one, i) => {
      const begin = end;
      end += parts[i].length;
      const [dtype, length] =
        one.kind === "number"
          ? ["F64", 1]
          : [this.program.buffers[one.current].dtype, this.program.buffers[one.current].elements];
      return [`${i} ${names[i] ?? ""}`, { dtype, shape: [length], data_offsets: [begin, end] }] as const;
    });
    const metadata = { ...this.key, loop: this.bodies.get(loop.node)?.name ?? "", steps: `${steps}`, done: `${done}` };
    this.save(this.fileOf(this.numbers.get(loop)!), [
      header({ __metadata__: metadata, ...Object.fromEntries(entries) }),
      ...parts,
    ]);
  }

  /** Removes the files: the run is over, and its outputs are there. */
  remove(): void {
    for (const number of this.numbers.values()) fs.rmSync(this.fileOf(number), { force: true });
    if (this.madeFolder || fs.existsSync(this.options.folder)) {
      try {
        fs.rmdirSync(this.options.folder);
      } catch (error) {
        // Something else lies in it: it stays.
        if (!isSystemError(error)) throw error;
      }
    }
  }

  private refuse(file: string, parts: DiagnosticParts): never {
    return fail(
      "X014",
      `the checkpoint ${quoteName(path.basename(file))} is of another run`,
      { file, span: null },
      { ...parts, help: "name another folder with --checkpoint, or remove this one to begin anew" },
    );
  }

  private bytesOf(buffer: number): number {
    const { dtype, elements } = this.program.buffers[buffer];
    return elements * bytesOf(dtype);
  }

  private fileOf(number: number): string {
    return path.join(this.options.folder, `loop-${number}.safetensors`);
  }

  /** All of a file or none of it: it gets its name when it is on the disk. */
  private save(file: string, parts: readonly Uint8Array[]): void {
    const unfinished = `${file}.unfinished`;
    try {
      this.madeFolder = fs.mkdirSync(this.options.folder, { recursive: true }) !== undefined || this.madeFolder;
      const fd = fs.openSync(unfinished, "w");
      try {
        for (const part of parts) fs.writeFileSync(fd, part);
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
      fs.renameSync(unfinished, file);
    } catch (error) {
      fs.rmSync(unfinished, { force: true });
      if (!isSystemError(error)) throw error;
      fail(
        "F060",
        `the checkpoint cannot be written: ${error.message}`,
        { file, span: null },
        {
          help: "name another folder with --checkpoint",
        },
      );
    }
  }
}

/** The head of a safetensors file, filled up so that the data begin at a multiple of 8. */
function header(entries: Readonly<Record<string, unknown>>): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(entries));
  const bytes = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - 8), true);
  bytes.set(json, 8);
  return bytes;
}

/** Digest of all that a program computes: kernels, steps, constants; what runs on it has the same results. */
function programDigest(program: ResidentProgram): string {
  const { kernels, buffers, constants, prologue, steps } = program;
  const text = JSON.stringify(
    { kernels: kernels.map((kernel) => kernel.text), buffers, constants, prologue, steps },
    // JSON has no NaN and no infinity.
    (_, value: unknown) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value),
  );
  return createHash("sha256").update(text).digest("hex");
}
