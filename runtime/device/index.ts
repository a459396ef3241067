/** Devices: what holds buffers and runs kernels. */
export * from "./cpu/index.js";
export * from "./gpu/index.js";
export type { MatmulCall, Matrices } from "./matmul.js";
export type { KernelCall, KernelResult, Memory, Region, Runner } from "./runner.js";
