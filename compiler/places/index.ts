export * from "./layers.js";
export * from "./pattern.js";
export * from "./place.js";
export * from "./places.js";
export { compileRegex, type Regex, type RegexError } from "./regex.js";
export { tables } from "./tables/index.js";
