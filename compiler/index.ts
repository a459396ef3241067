/** The compiler: from trees to programs, pure. */
export * from "./elaborate/index.js";
export * from "./gradient/index.js";
export * from "./ir/index.js";
export * from "./kernels/index.js";
export * from "./passes/index.js";
export * from "./places/index.js";
export * from "./resident/index.js";
export * from "./schedule/index.js";
