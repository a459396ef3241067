/** From a file of text to a plan: `compileFile` for one recipe, `checkFile` for all of a file. */
export { compileCatalogue } from "./catalogue.js";
export { type Checked, type Compiled, type CompileOptions, checkFile, compileFile } from "./compile.js";
export { type CheckedProgram, checkProgram } from "./program.js";
export type { Setting } from "./settings.js";
