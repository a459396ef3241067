export * from "./layers.js";
export * from "./pattern.js";
export * from "./place.js";
export * from "./places.js";
export { tables } from "./tables/index.js";
