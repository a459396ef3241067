export { executeCatalogue } from "./catalogue.js";
export { Aborted } from "./execution.js";
export { type Curve, type LoopProgress, type LoopSummary, phaseOf } from "./follow.js";
export { type LoopProgram, loopProgram } from "./loop-program.js";
export { type Prepared, type PrepareOptions, prepare } from "./prepare.js";
export { RECEIPT } from "./receipt.js";
export { type Json, type OutputSummary, type Progress, type RunOptions, type RunResult, runPlan } from "./run.js";
