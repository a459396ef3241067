export * from "./interpret.js";
export * from "./kernel.js";
export * from "./philox.js";
export * from "./stages.js";
