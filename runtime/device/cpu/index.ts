export { type Arena, aligned, allocate, createArena, mathFunctions, type Place, reserve } from "./arena.js";
export { cpuCatalogue } from "./catalogue.js";
export { type LinearSpace, linearSpace } from "./linear.js";
export { type BytesCall, type CpuRunner, cpuRunner, runKernel } from "./runner.js";
