/**
 * `peftc emit FILE --stage STAGE`: what a stage of the compiler makes of the file, on stdout. The early stages are shown
 * for files with mistakes too; the mistakes are told on stderr.
 */
import { printTyped } from "../../compiler/check/index.js";
import { type Plan, tensorsIn } from "../../compiler/elaborate/index.js";
import { type Node, printGraph } from "../../compiler/ir/index.js";
import { pipeline, runPasses } from "../../compiler/passes/index.js";
import { printResident } from "../../compiler/resident/index.js";
import { printWasm } from "../../compiler/targets/wasm/index.js";
import { emitWgsl } from "../../compiler/targets/wgsl/index.js";
import { nearest, PeftError, printTree } from "../../grammar/index.js";
import {
  type CheckedProgram,
  type Compiled,
  type CompileOptions,
  checkProgram,
  compileFile,
} from "../compile/index.js";
import { loopProgram, prepare } from "../execute/index.js";
import { compileOptionsOf } from "./compile_options.js";
import { planFacts, planLines } from "./describe_plan.js";
import { isFatal, tellDiagnostics } from "./diagnose.js";
import type { Arguments } from "./options.js";
import type { Terminal } from "./terminal.js";
import { exitCode, UsageError } from "./usage.js";
import { choiceOf, isGiven, textOf } from "./values.js";

const stages = ["ast", "typed", "plan", "ir", "kernels", "wgsl", "wasm"] as const;
type Stage = (typeof stages)[number];

export function emit(args: Arguments, terminal: Terminal): number {
  if (!isGiven(args, "stage")) throw new UsageError("--stage is missing", `it is one of ${stages.join(", ")}`);
  const stage = choiceOf(args, "stage", stages);
  const after = passOf(args, stage);
  const options = compileOptionsOf(args);
  if (stage === "ast" || stage === "typed") {
    const program = checkProgram(options.file);
    tellDiagnostics(terminal, program.diagnostics, program.texts);
    if (program.checked !== null) terminal.print(textStage(stage, program));
    return isFatal(program.diagnostics, false) ? exitCode.diagnostics : exitCode.done;
  }
  return emitCompiled(stage, after, options, terminal);
}

function textStage(stage: "ast" | "typed", program: CheckedProgram): string {
  const file = program.files.get(program.file)!;
  return (stage === "ast" ? printTree(file) : printTyped(file, program.checked!)).trimEnd();
}

function emitCompiled(
  stage: Exclude<Stage, "ast" | "typed">,
  after: string | undefined,
  options: CompileOptions,
  terminal: Terminal,
): number {
  const compiled = compileFile(options);
  tellDiagnostics(terminal, compiled.diagnostics, compiled.texts);
  if (compiled.plan === null) return exitCode.diagnostics;
  try {
    terminal.print(compiledStage(stage, after, compiled, compiled.plan));
    return exitCode.done;
  } catch (error) {
    if (!(error instanceof PeftError)) throw error;
    tellDiagnostics(terminal, error.diagnostics, compiled.texts);
    return exitCode.diagnostics;
  }
}

/** Kernels do not depend on how they are run; outputs that are there already are no obstacle to looking. */
const plainRun = { device: "cpu", memory: null, threads: null, out: null, force: true, chunk: null } as const;

function compiledStage(
  stage: Exclude<Stage, "ast" | "typed">,
  after: string | undefined,
  compiled: Compiled,
  plan: Plan,
): string {
  if (stage === "ir") return printGraph(runPasses(rootsOf(plan), { after })).trimEnd();
  const prepared = prepare(compiled, plainRun);
  const looped = loopProgram(plan)?.program;
  const kernels = [...(looped?.kernels ?? []), ...prepared.program.kernels];
  switch (stage) {
    case "plan":
      return planLines(planFacts(compiled, plan, prepared), compiled.file).join("\n");
    case "kernels":
      return [
        ...(looped === undefined ? [] : [printResident(looped)]),
        ...kernels.map(({ text }) => text.trimEnd()),
      ].join("\n\n");
    case "wgsl":
      return kernels.map((kernel, i) => `// kernel ${i}\n${emitWgsl(kernel).code.trimEnd()}`).join("\n\n");
    case "wasm":
      return kernels.map((kernel, i) => `;; kernel ${i}\n${printWasm(kernel).trimEnd()}`).join("\n\n");
  }
}

/** What the recipe computes: saved tensors but for plain copies, reported numbers, conditions. */
function rootsOf(plan: Plan): Node[] {
  return [
    ...plan.saves.flatMap((save) => save.tensors.map(({ node }) => node).filter(({ op }) => op !== "input")),
    ...plan.reports.flatMap(({ value }) => tensorsIn(value)),
    ...plan.requirements.map(({ node }) => node),
  ];
}

function passOf(args: Arguments, stage: Stage): string | undefined {
  const after = textOf(args, "after");
  if (after === null) return undefined;
  if (stage !== "ir") throw new UsageError("--after goes with --stage ir", "write --stage ir --after " + after);
  const names = pipeline.map((pass) => pass.name);
  if (names.includes(after)) return after;
  const [near] = nearest(after, names, 1);
  throw new UsageError(
    `there is no pass ${JSON.stringify(after)}`,
    near === undefined ? `the passes are ${names.join(", ")}` : `did you mean ${near}?`,
  );
}
