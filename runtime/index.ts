/**
 * peftc as a library: the same steps that the program takes. In: paths of `.peft` files. Out: plans, runs and
 * diagnostics as values; nothing is printed.
 */
export { type Diagnostic, type FrameOptions, PeftError, renderDiagnostic } from "../grammar/index.js";
export {
  type Checked,
  type Compiled,
  type CompileOptions,
  checkFile,
  compileFile,
  type Setting,
} from "./compile/index.js";
export {
  Aborted,
  type Prepared,
  type PrepareOptions,
  type Progress,
  prepare,
  type RunOptions,
  type RunResult,
  runPlan,
} from "./execute/index.js";
