export * from "./families.js";
export * from "./names.js";
