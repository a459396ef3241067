export { cpuCatalogue } from "./catalogue.js";
export { type BytesCall, type CpuRunner, cpuRunner, runKernel } from "./runner.js";
