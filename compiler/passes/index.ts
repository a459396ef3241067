export { type Pass, pipeline, runPasses } from "./pipeline.js";
export { type Rule, rewrite } from "./rewrite.js";
export { type SimplifyRule, simplify, simplifyRules } from "./simplify.js";
