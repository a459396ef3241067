export * from "./cpu/index.js";
export * from "./machine.js";
export { plainNode } from "./numbers.js";
export { wrongElements } from "./proof.js";
export type { ResidentRunner } from "./runner.js";
