/**
 * The static checker: names, types, spaces, symbolic shapes and stages.
 */
export { type ArgumentProblem, type MatchedArguments, matchArguments, type Slot } from "./arguments.js";
export { type Builtin, type BuiltinParam, builtins, laterNames, showBuiltin, type Takes } from "./builtins.js";
export { checkCatalogue } from "./catalogue.js";
export { moduleCodes } from "./catalogue_modules.js";
export { nameCodes } from "./catalogue_names.js";
export { shapeCodes } from "./catalogue_shapes.js";
export { typeCodes } from "./catalogue_types.js";
export { type CheckResult, check } from "./check.js";
export { initialisers } from "./initialisers.js";
export type { Meaning, MemberFunction } from "./meaning.js";
export {
  type CheckInput,
  type Known,
  type Modules,
  type ModuleTable,
  type Resolved,
  resolveModules,
  showModule,
} from "./modules.js";
export { printTyped } from "./print.js";
export type { Parameter, Signature } from "./signature.js";
export { showType, type Type } from "./types.js";
export { dtypeWords, scopeWords } from "./words.js";
