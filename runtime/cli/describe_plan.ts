/**
 * A plan and its run for readers. In: a compiled recipe and what is known of the run before it starts. Out: the facts,
 * as plain data for `--json`, and lines of text made of them.
 */
import * as path from "node:path";
import type { Plan } from "../../compiler/elaborate/index.js";
import { visible } from "../../grammar/index.js";
import type { Compiled } from "../compile/index.js";
import type { Prepared } from "../execute/index.js";
import { plural, showBytes, showCount, table } from "../report/index.js";

export interface PlanFacts {
  readonly recipe: string;
  readonly seed: number;
  readonly settings: { readonly [name: string]: string };
  readonly loads: readonly LoadFacts[];
  readonly calls: readonly CallFacts[];
  readonly outputs: readonly OutputFacts[];
  readonly reports: readonly string[];
  /** Number of the phase, from 1, and what it computes for those after it. */
  readonly phase: number;
  readonly computesFirst: readonly string[];
}

interface LoadFacts {
  readonly path: string;
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
  readonly dtypes: readonly string[];
  readonly modelType: string | null;
}

interface CallFacts {
  readonly name: string;
  readonly places: number;
  readonly selected: number;
  readonly carried: number;
  readonly elements: number;
}

interface OutputFacts {
  readonly path: string;
  readonly tensors: number;
  readonly computed: number;
  readonly copied: number;
  /** As stored: of the tensors alone. */
  readonly bytes: number;
  readonly dtypes: readonly string[];
}

export interface RunFacts {
  readonly passes: number;
  readonly kernels: number;
  readonly bytesToRead: number;
  readonly bytesToWrite: number;
  /** Results that later passes read from a temporary file, such as decompositions, and operations that the host computes. */
  readonly kept: number;
  readonly bytesKept: number;
  readonly onHost: number;
  readonly memory: number;
  readonly device: string;
  readonly why: string;
  readonly threads: number;
  readonly chunk: number;
}

/** What the recipe says, from the plan and the headers. `prepared` has the layout of the outputs. */
export function planFacts(compiled: Compiled, plan: Plan, prepared: Prepared): PlanFacts {
  return {
    recipe: plan.recipe,
    seed: plan.seed,
    settings: Object.fromEntries(plan.settings),
    loads: plan.loads.map((header) => {
      const entries = [...(compiled.checkpoints.get(header.id)?.tensors.values() ?? [])];
      return {
        path: header.path,
        tensors: entries.length,
        parameters: entries.reduce((sum, { shape }) => sum + elements(shape), 0),
        bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
        dtypes: [...new Set(entries.map(({ dtype }) => dtype))],
        modelType: header.modelType,
      };
    }),
    calls: plan.lifts.map(({ name, places, selected, carried, elements }) => ({
      name,
      places,
      selected,
      carried,
      elements,
    })),
    outputs: prepared.outputs.map((output, save) => {
      const tensors = prepared.program.outputs.filter((tensor) => tensor.save === save);
      const copied = tensors.filter(({ copy }) => copy !== null).length;
      return {
        path: path.relative("", output.to),
        tensors: tensors.length,
        computed: tensors.length - copied,
        copied,
        bytes: output.totalBytes,
        dtypes: [...new Set(tensors.map(({ dtype }) => dtype))],
      };
    }),
    reports: plan.wishes.length > 0 ? [] : plan.reports.map(({ label }) => label),
    phase: compiled.phase,
    computesFirst: plan.wishes.map(({ label }) => label),
  };
}

/** What the run takes. */
export function describeRun(prepared: Prepared): RunFacts {
  const { program, bytesToRead, bytesToWrite, memory, device, why, threads, chunk } = prepared;
  const { passes, kernels } = program;
  const bytesKept = program.kept.reduce((sum, { bytes }) => sum + bytes, 0);
  const onHost = program.tasks.flatMap(({ steps }) => steps).filter(({ kind }) => kind === "evaluate").length;
  const work = {
    passes,
    kernels: kernels.length,
    bytesToRead,
    bytesToWrite,
    kept: program.kept.length,
    bytesKept,
    onHost,
  };
  return { ...work, memory, device, why, threads, chunk };
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Lines about the recipe. */
export function planLines(facts: PlanFacts, file: string): string[] {
  const settings = Object.entries(facts.settings);
  const loads = table(
    [
      { title: "load", align: "left" },
      { title: "tensors", align: "right" },
      { title: "parameters", align: "right" },
      { title: "bytes", align: "right" },
      { title: "dtype", align: "left" },
      { title: "type", align: "left" },
    ],
    facts.loads.map((load) => [
      visible(load.path),
      String(load.tensors),
      showCount(load.parameters),
      showBytes(load.bytes),
      load.dtypes.join(", "),
      visible(load.modelType ?? ""),
    ]),
  );
  const calls = table(
    [
      { title: "call", align: "left" },
      { title: "places", align: "right" },
      { title: "selected", align: "right" },
      { title: "carried", align: "right" },
      { title: "elements", align: "right" },
    ],
    facts.calls.map((call) => [
      call.name,
      String(call.places),
      String(call.selected),
      String(call.carried),
      showCount(call.elements),
    ]),
  );
  const outputs = table(
    [
      { title: "save", align: "left" },
      { title: "tensors", align: "right" },
      { title: "computed", align: "right" },
      { title: "copied", align: "right" },
      { title: "bytes", align: "right" },
      { title: "dtype", align: "left" },
    ],
    facts.outputs.map((output) => [
      visible(output.path),
      String(output.tensors),
      String(output.computed),
      String(output.copied),
      showBytes(output.bytes),
      output.dtypes.join(", "),
    ]),
  );
  const head = [
    `recipe ${facts.recipe} of ${visible(file)}${facts.seed === 0 ? "" : `, seed ${facts.seed}`}`,
    ...settings.map(([name, text]) => `  ${name} = ${visible(text)}`),
  ];
  const oneLine = (label: string) => visible(label.replace(/\s+/g, " "));
  const reports = facts.reports.map((label) => `report ${oneLine(label)}`);
  const phases =
    facts.computesFirst.length === 0
      ? []
      : [
          `phase ${facts.phase} computes ${facts.computesFirst.map(oneLine).join(", ")}`,
          "  what is saved and reported depends on this, and is planned when it is known",
        ];
  return [head, loads, calls, outputs, reports, phases]
    .filter((lines) => lines.length > 0)
    .flatMap((lines, i) => (i > 0 ? ["", ...lines] : lines));
}

/** Lines about the run. */
export function runLines(run: RunFacts): string[] {
  const threads = run.device === "cpu" ? ` with ${plural(run.threads, "thread")}` : "";
  return [
    `run in ${plural(run.passes, "pass", "passes")} over the data, ${plural(run.kernels, "kernel")}`,
    `  reads ${showBytes(run.bytesToRead)}, writes ${showBytes(run.bytesToWrite)}`,
    ...(run.kept === 0
      ? []
      : [`  keeps ${plural(run.kept, "result")} of matrices, ${showBytes(run.bytesKept)}, in a temporary file`]),
    ...(run.onHost === 0 || run.device !== "gpu"
      ? []
      : [
          `  computes ${plural(run.onHost, "operation")} on whole matrices on the CPU: the GPU has no kernels for them`,
        ]),
    `  at most ${showBytes(run.memory)} of memory, in pieces of ${showBytes(run.chunk)}`,
    `  on the ${run.device}${threads}: ${run.why}`,
  ];
}
