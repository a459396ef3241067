export { elementBits, philox4x32 } from "../ir/index.js";
export * from "./interpret.js";
export * from "./kernel.js";
export * from "./stages.js";
