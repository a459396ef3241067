export * from "./dtype.js";
export * from "./storage.js";
export * from "./graph.js";
export { broadcastShapes, type OpRow, opRow, opRows, rankRow, ShapeError, showShape, stridesOf, type Tolerance, type Value } from "./ops/index.js";
export * from "./reference.js";
