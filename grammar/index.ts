/**
 * The front of the compiler: text to tree, and mistakes to text.
 */
export { syntaxCatalogue } from "./catalogue.js";
export * from "./diagnostic.js";
export { type FrameOptions, renderDiagnostic, visible } from "./frame.js";
export { lineColumn } from "./lines.js";
export { nearest } from "./nearest.js";
export { parse, parseExpression } from "./parser.js";
export { printTree } from "./print.js";
export type * from "./tree.js";
