/**
 * Running loops of a plan: training, evaluation, minimisation. Everything that depends on a loop is computed in memory
 * first, by one resident program; tensors that are saved go into a scratch file, from where the streaming executor takes
 * them like those of a checkpoint. In: a plan. Out: the scratch file and the values that are shown.
 */
import type { Hash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Plan, SavedTensor } from "../../compiler/elaborate/index.js";
import { inputOf, type Node, type StorageDtype } from "../../compiler/ir/index.js";
import { residentBytes } from "../../compiler/resident/index.js";
import type { Checkpoint } from "../checkpoint/index.js";
import { DatasetReader } from "../dataset/index.js";
import type { GpuRunner } from "../device/index.js";
import { ResidentMachine, type Result, residentCpu } from "../resident/index.js";
import { openFiles } from "./files.js";
import { type Curve, LoopFollower, type LoopProgress, type LoopSummary, loopBodies } from "./follow.js";
import type { FileRange } from "./job.js";
import { type CheckpointOptions, inputDigest, LoopCheckpoints } from "./loop-checkpoint.js";
import { loopProgram, runsInMemory } from "./loop-program.js";
import { temporaryFolder } from "./temporary.js";

/** Source of the input nodes that stand for what loops gave. */
export const SCRATCH = "peftc scratch";

export interface LoopOptions {
  readonly threads: number;
  /** Where the loops run; null: on the CPU. */
  readonly gpu: GpuRunner | null;
  readonly checkpoint: CheckpointOptions | null;
  readonly onStep: (p: LoopProgress) => void;
  readonly signal: AbortSignal;
}

export interface LoopResults {
  /** Tensors of the scratch file by name. */
  readonly scratch: ReadonlyMap<string, FileRange>;
  /** Values of reported and required nodes that depend on loops. */
  readonly known: ReadonlyMap<Node, number | readonly number[]>;
  /** What the loops logged, and what each of them took. */
  readonly curves: readonly Curve[];
  readonly summaries: readonly LoopSummary[];
  /** Bytes that tensors took in memory. */
  readonly bytes: number;
  /** Removes the checkpoints: the outputs of the run are there. */
  finish(): void;
  /** Removes the scratch file. */
  close(): void;
}

export async function runLoops(
  plan: Plan,
  checkpoints: ReadonlyMap<string, Checkpoint>,
  options: LoopOptions,
): Promise<LoopResults> {
  const looped = loopProgram(plan);
  if (looped === null)
    return { scratch: new Map(), known: new Map(), curves: [], summaries: [], bytes: 0, finish() {}, close() {} };
  const { program, roots, leaves } = looped;
  const runner = options.gpu ?? residentCpu({ threads: options.threads });
  const bodies = loopBodies(program, plan.graph.loops);
  const follower = new LoopFollower(program, bodies, options.onStep);
  let kept: LoopCheckpoints | null = null;
  const values = new Map<Node, Result>();
  try {
    const machine = new ResidentMachine(program, runner);
    const digest = options.checkpoint === null ? null : inputDigest();
    giveInputs(machine, leaves, plan, checkpoints, digest);
    if (options.checkpoint !== null && digest !== null)
      kept = new LoopCheckpoints(options.checkpoint, program, bodies, digest, options.gpu?.info.name ?? "cpu");
    await machine.run({
      signal: options.signal,
      onLoop(at) {
        follower.begin(at);
        return kept?.begin(at.loop) ?? null;
      },
      onStep: (step, logs, at) => follower.step(step, logs, at, machine),
      async onState(steps, done, at) {
        // Who interrupts the run can go on from here.
        if (kept?.isDue(steps, done || options.signal.aborted))
          kept.write(at.loop, steps, done, await machine.stateOf(at.loop, "current"));
        if (done) follower.end(steps, at);
      },
    });
    for (const root of roots) values.set(root, await machine.get(root));
  } finally {
    if (options.gpu === null) runner.close();
    else runner.reset();
  }
  const { curves, summaries } = follower;
  return {
    ...keepResults(values),
    curves,
    summaries,
    bytes: residentBytes(program),
    finish: () => kept?.remove(),
  };
}

function giveInputs(
  machine: ResidentMachine,
  leaves: readonly Node[],
  plan: Plan,
  checkpoints: ReadonlyMap<string, Checkpoint>,
  digest: Hash | null,
): void {
  const reader = new DatasetReader();
  const files = openFiles();
  const give = (leaf: Node, bytes: Uint8Array) => {
    digest?.update(bytes);
    machine.set(leaf, bytes);
  };
  try {
    for (const leaf of leaves) {
      const { source, name } = inputOf(leaf);
      const column = plan.columns.get(source);
      if (column !== undefined) {
        give(
          leaf,
          reader.rows(
            column,
            Array.from({ length: column.shape[0] }, (_, i) => i),
          ),
        );
        continue;
      }
      const entry = checkpoints.get(source)!.tensors.get(name)!;
      const bytes = new Uint8Array(entry.bytes);
      files.read(entry.file, bytes, entry.offset);
      give(leaf, bytes);
    }
  } finally {
    files.close();
    reader.close();
  }
}

/** Writes the saved tensors into a scratch file; keeps what is shown. Throws X002 where the disk is full. */
function keepResults(values: ReadonlyMap<Node, Result>): Pick<LoopResults, "scratch" | "known" | "close"> {
  const folder = temporaryFolder();
  const remove = () => fs.rmSync(folder, { recursive: true, force: true });
  const file = path.join(folder, "results");
  const scratch = new Map<string, FileRange>();
  const files = openFiles();
  try {
    fs.writeFileSync(file, "");
    let offset = 0;
    for (const [node, value] of values) {
      if (typeof value === "number" || node.shape.length === 0) continue;
      const bytes = value.length * value.BYTES_PER_ELEMENT;
      files.write(file, new Uint8Array(value.buffer, value.byteOffset, bytes), offset);
      scratch.set(scratchName(node), { path: file, offset, bytes });
      offset += bytes;
    }
  } catch (error) {
    remove();
    throw error;
  } finally {
    files.close();
  }
  return {
    scratch,
    known: new Map([...values].map(([node, value]) => [node, typeof value === "number" ? value : Array.from(value)])),
    close: remove,
  };
}

function scratchName(node: Node): string {
  return `result ${node.id}`;
}

/** The plan with what loops give as tensors of the scratch file, whether or not they have been run. */
export function withoutLoops(plan: Plan): Plan {
  if (plan.graph.loops.length === 0 && plan.columns.size === 0) return plan;
  const stored = (node: Node): StorageDtype => (node.dtype === "i32" ? "I32" : node.dtype === "bool" ? "BOOL" : "F32");
  const swap = (tensor: SavedTensor): SavedTensor =>
    runsInMemory(tensor.node, plan)
      ? {
          ...tensor,
          node: plan.graph.input({
            source: SCRATCH,
            name: scratchName(tensor.node),
            dtype: stored(tensor.node),
            shape: tensor.node.shape,
          }),
        }
      : tensor;
  return { ...plan, saves: plan.saves.map((save) => ({ ...save, tensors: save.tensors.map(swap) })) };
}
