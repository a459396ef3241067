export { type Pass, pipeline, runPasses } from "./pipeline.js";
export { type SimplifyRule, simplifyRules } from "./simplify.js";
