export * from "./ir/index.js";
export * from "./kernels/index.js";
