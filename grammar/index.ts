export * from "./diagnostic.js";
export type * from "./tree.js";
