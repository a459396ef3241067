export { type Arena, aligned, allocate, createArena, mathFunctions, type Place, reserve } from "./arena.js";
export { cpuCatalogue } from "./catalogue.js";
export { type LinearSpace, linearSpace, threadSpace } from "./linear.js";
export { type BytesCall, type CpuRunner, cpuRunner, runKernel } from "./runner.js";
export { type Frames, type PlacedProduct, placeProduct } from "./tiles.js";
