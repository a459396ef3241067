/**
 * Runs a compiled recipe. In: the plan and the options. Out: finished outputs and what is to be said about them. An
 * output gets its name only after everything of the run is known to be right; on any failure nothing is left.
 */
import type { StaticValue } from "../../compiler/elaborate/index.js";
import type { FileTensor } from "../../compiler/index.js";
import { type Node, sizeOf } from "../../compiler/ir/index.js";
import { type Diagnostic, PeftError } from "../../grammar/index.js";
import { byBytes, type Output, openOutput } from "../checkpoint/index.js";
import type { Compiled } from "../compile/index.js";
import { type GpuRunner, openGpu } from "../device/index.js";
import { writtenFiles } from "./companions.js";
import { inputDigests } from "./digests.js";
import { effectWarnings } from "./effect.js";
import { Aborted, type ExecutionResult, execute } from "./execution.js";
import { type Curve, type LoopProgress, type LoopSummary, NonFiniteStep } from "./follow.js";
import { idleModels } from "./idle.js";
import type { FileRange, Lane } from "./job.js";
import { cpuLane, gpuLane } from "./lanes.js";
import type { CheckpointOptions } from "./loop-checkpoint.js";
import { type LoopResults, runLoops, SCRATCH } from "./loops.js";
import { refuseNonFinite } from "./non-finite.js";
import { type Prepared, type PrepareOptions, plain, prepare } from "./prepare.js";
import { outputDigest, RECEIPT, receiptText, tensorRecord } from "./receipt.js";
import { checkRequirements } from "./requirements.js";

export interface Progress {
  readonly phase: string;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly tensorsDone: number;
  readonly tensorsTotal: number;
}

export interface RunOptions extends PrepareOptions {
  /** Warnings stop the run before an output gets its name. */
  readonly strict: boolean;
  readonly hash: boolean;
  readonly progress: (p: Progress) => void;
  /** Follows the running loops. */
  readonly training?: (p: LoopProgress) => void;
  /** Where running loops keep their state, and go on from it; null: nowhere. */
  readonly checkpoint?: CheckpointOptions | null;
  readonly signal: AbortSignal;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface OutputSummary {
  readonly path: string;
  readonly tensors: number;
  readonly computed: number;
  readonly copied: number;
  readonly bytes: number;
  /** Elements of all its tensors. */
  readonly numbers: number;
  readonly digest: string | null;
  /** Selected tensors that came out equal to the reference. */
  readonly unchanged: readonly string[];
}

export interface RunResult {
  readonly outputs: readonly OutputSummary[];
  readonly reports: readonly { readonly label: string; readonly value: Json }[];
  readonly device: string;
  readonly seconds: number;
  /** Bytes: the largest resident set of the process so far. */
  readonly peakMemory: number;
  /** What running loops logged, what each of them took, and bytes of the tensors that they held in memory. */
  readonly curves: readonly Curve[];
  readonly loops: readonly LoopSummary[];
  readonly residentBytes: number;
  readonly diagnostics: readonly Diagnostic[];
  /** What was run last: the phase that saves. */
  readonly compiled: Compiled;
}

type PhaseResult = Omit<RunResult, "seconds">;

/** Runs the phases of a recipe, one after another. Throws as `runPhase` does. */
export async function runPlan(compiled: Compiled, options: RunOptions): Promise<RunResult> {
  const started = performance.now();
  let now = compiled;
  const early: RunOptions = { ...options, hash: false, checkpoint: null };
  while (now.plan !== null && now.plan.wishes.length > 0) {
    const { reports } = await runPhase(now, early);
    now = now.next(reports.map(({ value }) => value));
    if (now.plan === null) throw new PeftError(now.diagnostics.filter(({ severity }) => severity === "error"));
  }
  const result = await runPhase(now, options);
  return { ...result, seconds: (performance.now() - started) / 1000 };
}

/** Runs the plan. Throws PeftError when it is refused or fails, Aborted when the signal is raised. */
async function runPhase(compiled: Compiled, options: RunOptions): Promise<PhaseResult> {
  const gpu = options.device === "gpu" ? await openGpu() : null;
  const prepared = prepare(
    compiled,
    gpu === null ? options : { ...options, chunk: Math.min(options.chunk ?? 64 << 20, Math.floor(gpu.maxBytes / 2)) },
  );
  const outputs: Output[] = [];
  const lanes: Lane[] = [];
  let loops: LoopResults | null = null;
  try {
    loops = await runAllLoops(compiled, prepared, gpu, options);
    const inputs = [...compiled.checkpoints.values()].map((c) => c.path);
    for (const plan of prepared.outputs) outputs.push(openOutput(plan, { force: options.force, inputs }));
    if (gpu !== null) lanes.push(gpuLane(prepared.program, gpu));
    else for (let i = 0; i < prepared.threads; i++) lanes.push(cpuLane(prepared.program));
    const finished = await executePlan(compiled, prepared, loops, outputs, lanes, options);
    await Promise.all(lanes.map((lane) => lane.close()));
    const result = conclude(compiled, prepared, loops, outputs, finished, options, deviceName(gpu));
    loops.finish();
    return result;
  } catch (error) {
    await Promise.all(lanes.map((lane) => lane.close()));
    if (gpu !== null && lanes.length === 0) gpu.close();
    for (const output of outputs) abort(output);
    throw error;
  } finally {
    loops?.close();
  }
}

/** Runs the plan's loops in memory; a value that is no number any more ends the run. */
async function runAllLoops(
  compiled: Compiled,
  prepared: Prepared,
  gpu: GpuRunner | null,
  options: RunOptions,
): Promise<LoopResults> {
  const plan = compiled.plan!;
  try {
    return await runLoops(plan, compiled.checkpoints, {
      threads: prepared.threads,
      gpu,
      checkpoint: options.checkpoint ?? null,
      signal: options.signal,
      onStep: (progress) => options.training?.(progress),
    });
  } catch (error) {
    if (options.signal.aborted && !(error instanceof PeftError)) throw new Aborted();
    if (!(error instanceof NonFiniteStep)) throw error;
    const diagnosis = plain("X013", error.message, "use a smaller rate, or clip the gradient");
    throw new PeftError([{ ...diagnosis, notes: error.notes }]);
  }
}

/** Removes an unfinished output; one that was finished stays. */
function abort(output: Output): void {
  if (output.isOpen) output.abort();
}

function deviceName(gpu: GpuRunner | null): string {
  return gpu === null ? "cpu" : `gpu: ${gpu.info.name}`;
}

interface Finished {
  readonly result: ExecutionResult;
  readonly digests: ReadonlyMap<string, string>;
}

async function executePlan(
  compiled: Compiled,
  prepared: Prepared,
  loops: LoopResults,
  outputs: readonly Output[],
  lanes: readonly Lane[],
  options: RunOptions,
): Promise<Finished> {
  const { program } = prepared;
  const { checkpoints } = compiled;
  const fileOf = (tensor: FileTensor): FileRange => {
    if (tensor.source === SCRATCH) return loops.scratch.get(tensor.name)!;
    const entry = checkpoints.get(tensor.source)!.tensors.get(tensor.name)!;
    return { path: entry.file, offset: entry.offset, bytes: entry.bytes };
  };
  const targetOf = (index: number): FileRange => {
    const { save, name } = program.outputs[index];
    const planned = outputs[save].plan.tensors.get(name)!;
    return { path: outputs[save].path(planned.file), offset: planned.offset, bytes: planned.bytes };
  };
  const digests = options.hash ? inputDigests(checkpoints) : null;
  let bytesDone = 0;
  const result = await execute({
    program,
    lanes,
    fileOf,
    targetOf,
    chunk: prepared.chunk,
    hash: options.hash,
    unhashed: digests?.unhashed ?? [],
    outputDone: (index, values) =>
      refuseNonFinite(
        program.outputs[index],
        prepared.plan.saves[program.outputs[index].save].at,
        values,
        targetOf(index),
      ),
    progress: (bytes, tensorsDone) => {
      bytesDone += bytes;
      options.progress({
        phase: "merging",
        bytesDone,
        bytesTotal: prepared.bytesToWrite,
        tensorsDone,
        tensorsTotal: program.outputs.length,
      });
    },
    signal: options.signal,
  });
  return { result, digests: digests?.finish(result.inputHex) ?? new Map() };
}

function conclude(
  compiled: Compiled,
  prepared: Prepared,
  loops: LoopResults,
  outputs: readonly Output[],
  finished: Finished,
  options: RunOptions,
  device: string,
): PhaseResult {
  const { program, plan } = prepared;
  const { values } = finished.result;
  const known = (node: Node) => loops.known.get(node) ?? values.get(prepared.scheduled.numberOf(node));
  checkRequirements(prepared, known);
  const records = program.outputs.map((output, i) =>
    tensorRecord(output, values, finished.result.outputHex.get(i) ?? null),
  );
  const perSave = plan.saves.map((_s, save) => records.filter((_r, i) => program.outputs[i].save === save));
  const selected = plan.saves.map((_s, save) =>
    program.outputs.flatMap((o, i) => (o.save === save && o.selected ? [records[i]] : [])),
  );
  const warnings = [...plan.saves.flatMap((save, i) => effectWarnings(save.to, save.at, selected[i]))];
  const fatal = [...(options.strict ? warnings : []), ...idleModels(compiled, plan, finished.digests)];
  if (fatal.length > 0) throw new PeftError(fatal.map((d) => ({ ...d, severity: "error" })));
  outputs.forEach((output, save) => {
    const text = receiptText({
      compiled,
      device: device.startsWith("gpu") ? "gpu" : "cpu",
      plan: output.plan,
      tensors: perSave[save],
      inputs: finished.digests,
    });
    const { adapter } = plan.saves[save];
    const kept = adapter?.origin == null ? null : (compiled.checkpoints.get(adapter.origin)?.config?.text ?? null);
    const config =
      adapter === null
        ? []
        : [{ name: "adapter_config.json", text: kept ?? `${JSON.stringify(adapter.entries, null, 2)}\n` }];
    output.finish([...config, ...writtenFiles(plan.saves[save], compiled.checkpoints), { name: RECEIPT, text }]);
  });
  return {
    outputs: outputs.map((output, save) => ({
      path: output.plan.to,
      tensors: perSave[save].length,
      computed: perSave[save].filter((r) => r.origin === "computed").length,
      copied: perSave[save].filter((r) => r.origin === "copied").length,
      bytes: output.plan.totalBytes,
      numbers: perSave[save].reduce((n, r) => n + sizeOf(r.shape), 0),
      digest: outputDigest(perSave[save]),
      unchanged: selected[save].filter((r) => r.changed === 0).map((r) => r.name),
    })),
    reports: plan.reports.map(({ label, value }) => ({
      label,
      value: reported(value, known),
    })),
    device,
    peakMemory: process.resourceUsage().maxRSS * 1024,
    curves: loops.curves,
    loops: loops.summaries,
    residentBytes: loops.bytes,
    diagnostics: warnings,
    compiled,
  };
}

/** A matrix as its rows. */
function rowsOf(elements: readonly number[], width: number): Json {
  const rows = width === 0 ? 0 : elements.length / width;
  return Array.from({ length: rows }, (_, i) => elements.slice(i * width, (i + 1) * width));
}

/** A reported value with its running numbers filled in. */
function reported(value: StaticValue, number: (node: Node) => number | readonly number[]): Json {
  switch (value.kind) {
    case "tensor": {
      const x = number(value.node);
      if (typeof x !== "number") return value.node.shape.length === 2 ? rowsOf(x, value.node.shape[1]) : x;
      return value.node.dtype === "bool" ? x !== 0 : x;
    }
    case "number":
    case "bool":
    case "string":
      return value.value;
    case "none":
      return null;
    case "scope":
      return value.scope;
    case "dtype":
      return value.dtype;
    case "list":
    case "tuple":
      return value.items.map((v) => reported(v, number));
    case "record":
      return Object.fromEntries([...value.fields].map(([k, v]) => [k, reported(v, number)]));
    case "tree":
      return Object.fromEntries(
        [...value.leaves].sort(([a], [b]) => byBytes(a, b)).map(([k, leaf]) => [k, reported(leaf.value, number)]),
      );
    default:
      return null;
  }
}
