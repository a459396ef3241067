export * from "./cpu/index.js";
export * from "./machine.js";
export type { MatmulCall, Matrices, ResidentRunner } from "./runner.js";
