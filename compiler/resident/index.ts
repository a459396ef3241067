export { compileResident } from "./compile.js";
export type { ResidentRequest } from "./prepare.js";
export { printResident, stepCounts } from "./print.js";
export * from "./program.js";
