/**
 * Everything about a run that is known before it starts: the program, the outputs' layouts, passes, bytes, memory and
 * the device. `plan` prints it, `run` obeys it or refuses it. Reads headers only.
 */
import * as os from "node:os";
import * as path from "node:path";
import { type Plan, tensorsIn } from "../../compiler/elaborate/index.js";
import { bytesOf, type FileTensor, type Program, type Scheduled, schedule } from "../../compiler/index.js";
import { diagnostic, fail, PeftError } from "../../grammar/index.js";
import {
  type Checkpoint,
  type ConfigFile,
  checkSpace,
  checkTarget,
  namesOneFile,
  type OutputPlan,
  planOutput,
  quoteName,
  withEntries,
} from "../checkpoint/index.js";
import type { Compiled } from "../compile/index.js";
import { packageVersion } from "../installation/index.js";
import { carriedFiles } from "./companions.js";
import { runsInMemory } from "./loop-program.js";
import { withoutLoops } from "./loops.js";
import { pieceUnits, taskMemory } from "./pieces.js";

export interface PrepareOptions {
  readonly device: "auto" | "cpu" | "gpu";
  /** Bytes of memory that the run may take, or null for no limit. */
  readonly memory: number | null;
  readonly threads: number | null;
  /** Base of relative `save` paths; null: the folder of the recipe. */
  readonly out: string | null;
  readonly force: boolean;
  /** Bytes of the widest buffer of a piece; null: 1 MiB on the CPU, 64 MiB on a GPU. */
  readonly chunk: number | null;
}

export interface Prepared {
  readonly plan: Plan;
  readonly scheduled: Scheduled;
  readonly program: Program;
  readonly outputs: readonly OutputPlan[];
  readonly device: "cpu" | "gpu";
  readonly why: string;
  readonly threads: number;
  readonly chunk: number;
  /** Bytes that tensor data will take at most, and what the process takes besides. */
  readonly memory: number;
  readonly bytesToRead: number;
  readonly bytesToWrite: number;
}

const MIB = 2 ** 20;
/** Node itself, and what a worker thread adds to it (measured, spec/bench). */
export const BASE_MEMORY = 110 * MIB;
export const THREAD_MEMORY = 24 * MIB;

/** Schedules a plan and checks targets, space and memory. Throws PeftError when the run must be refused. */
export function prepare(compiled: Compiled, options: PrepareOptions): Prepared {
  if (compiled.plan === null) throw new PeftError(compiled.diagnostics);
  const plan = withoutLoops(compiled.plan);
  const shown = [...plan.requirements.map((r) => r.node), ...plan.reports.flatMap((r) => tensorsIn(r.value))];
  const extra = shown.filter((node) => !runsInMemory(node, compiled.plan!));
  const scheduled = schedule(plan, extra);
  const { program } = scheduled;
  const base = options.out === null ? path.dirname(path.resolve(compiled.file)) : path.resolve(options.out);
  const outputs = plan.saves.map((_save, index) => layOut(compiled, plan, program, index, base));
  refuse(compiled, plan, outputs, options.force);
  const device = options.device === "gpu" ? "gpu" : "cpu";
  const why =
    options.device === "auto"
      ? "a merge of data on disk moves bytes more than it computes: the CPU reads, computes and writes in one go"
      : `--device ${options.device}`;
  const fitted = fit(program, device, options);
  return {
    plan,
    scheduled,
    program,
    outputs,
    device,
    why,
    ...fitted,
    bytesToRead: bytesToRead(program),
    bytesToWrite: outputs.reduce((n, o) => n + o.totalBytes, 0),
  };
}

function layOut(compiled: Compiled, plan: Plan, program: Program, index: number, base: string): OutputPlan {
  const save = plan.saves[index];
  if (save.adapter !== null && namesOneFile(save.to))
    fail(
      "F053",
      `an adapter is saved as a folder with its config, found the file name ${quoteName(save.to)}`,
      save.at,
      {
        help: `write to = ${JSON.stringify(save.to.slice(0, -".safetensors".length))}`,
      },
    );
  const donor: Checkpoint | undefined = save.donor === null ? undefined : compiled.checkpoints.get(save.donor.id);
  const tensors = program.outputs
    .filter((o) => o.save === index)
    .map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  return planOutput({
    to: path.resolve(base, save.to),
    tensors,
    shardBytes: save.shardBytes,
    metadata: savedMetadata(compiled, save),
    carry: carriedFiles(save, compiled.checkpoints),
    config: save.adapter !== null ? null : configFor(donor?.config ?? null, save.donor?.config),
    ...(save.adapter === null ? {} : { stem: "adapter_model" }),
  });
}

/** What the weight files say of themselves: an adapter that was read and not changed stays what it was. */
function savedMetadata(compiled: Compiled, { adapter }: Plan["saves"][number]): Readonly<Record<string, string>> {
  const origin = adapter?.origin == null ? undefined : compiled.checkpoints.get(adapter.origin);
  if (origin === undefined) return { peftc: packageVersion() };
  return Object.fromEntries([...origin.headers[0].metadata].filter(([key]) => key !== "format"));
}

/** The donor's config with the entries that the saved model needs otherwise. */
function configFor(config: ConfigFile | null, entries: ReadonlyMap<string, unknown> | undefined): ConfigFile | null {
  return config === null || entries === undefined ? config : withEntries(config, entries);
}

/** R008 where an output is the folder of an earlier one, lies in it or holds it. */
function clash(to: string, earlier: readonly string[]) {
  const inside = (outer: string, inner: string) => inner === outer || inner.startsWith(outer + path.sep);
  const other = earlier.find((o) => inside(o, to) || inside(to, o));
  if (other === undefined) return null;
  const message =
    other === to
      ? `two outputs are saved to ${JSON.stringify(to)}`
      : `the outputs ${JSON.stringify(other)} and ${JSON.stringify(to)} lie in one another`;
  return plain("R008", message, "give every output a folder of its own");
}

function refuse(compiled: Compiled, plan: Plan, outputs: readonly OutputPlan[], force: boolean): void {
  const inputs = [...compiled.checkpoints.values()].map((c) => path.resolve(c.path));
  const problems = outputs.flatMap((output, i) => {
    const blame = plan.saves[i].at;
    return [
      clash(
        output.to,
        outputs.slice(0, i).map((o) => o.to),
      ),
      checkTarget(output.to, { force, inputs }),
      checkSpace(output),
    ]
      .filter((d) => d !== null)
      .map((d) => ({ ...d, primary: { ...blame, text: "saved here" } }));
  });
  if (problems.length > 0) throw new PeftError(problems);
}

/** Threads and chunk that keep within the memory limit; a smaller chunk is tried before fewer threads. */
function fit(
  program: Program,
  device: "cpu" | "gpu",
  options: PrepareOptions,
): { threads: number; chunk: number; memory: number } {
  const threads = device === "gpu" ? 1 : Math.max(1, options.threads ?? os.availableParallelism());
  const chunk = options.chunk ?? (device === "gpu" ? 64 * MIB : MIB);
  const need = (t: number, c: number) => BASE_MEMORY + t * (THREAD_MEMORY + laneMemory(program, c));
  const { memory } = options;
  if (memory === null || need(threads, chunk) <= memory) return { threads, chunk, memory: need(threads, chunk) };
  for (let t = threads; t >= 1; t--) {
    for (let c = chunk; c >= 65536; c /= 2)
      if (need(t, c) <= memory) return { threads: t, chunk: c, memory: need(t, c) };
  }
  const largest = [...program.tasks].sort(
    (a, b) => taskMemory(program, b, b.domain.block) - taskMemory(program, a, a.domain.block),
  )[0];
  return fail(
    "X010",
    `this run needs at least ${mib(need(1, 65536))}, and --memory allows ${mib(memory)}`,
    { file: "", span: null },
    {
      notes:
        largest === undefined
          ? []
          : [
              `the most is needed for ${JSON.stringify(largest.place)}: ${mib(taskMemory(program, largest, largest.domain.block))}${largest.whole ? ", because a whole tensor must be in memory" : ""}`,
            ],
      help: "allow more with --memory",
    },
  );
}

function laneMemory(program: Program, chunk: number): number {
  return Math.max(2 * MIB, ...program.tasks.map((t) => taskMemory(program, t, pieceUnits(program, t, chunk))));
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / MIB)} MiB`;
}

/** Bytes of inputs that all passes read: two rounds for a threshold. */
function bytesToRead(program: Program): number {
  const bytes = (files: readonly FileTensor[]) => files.reduce((n, f) => n + f.elements * bytesOf(f.dtype), 0);
  const tasks = program.tasks
    .filter((t) => t.kind !== "equals")
    .reduce((n, t) => n + bytes(t.files) * (t.kind === "thresholds" ? 2 : 1), 0);
  return tasks + bytes(program.outputs.flatMap((o) => (o.copy === null ? [] : [o.copy])));
}

/** A diagnostic without a place in a text. */
export function plain(code: string, message: string, help: string | null = null) {
  return diagnostic(code, message, { file: "", span: null }, { help });
}
