export * from "./cpu/index.js";
export * from "./machine.js";
export type { ResidentRunner } from "./runner.js";
