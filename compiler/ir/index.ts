export { irCatalogue } from "./catalogue.js";
export * from "./dtype.js";
export * from "./graph.js";
export {
  type Attributes,
  type AttrKind,
  broadcastShapes,
  inferType,
  isOp,
  type OpRow,
  opRow,
  opRows,
  rankRow,
  ShapeError,
  sameShape,
  showShape,
  stridesOf,
  type Tolerance,
  type Value,
} from "./ops/index.js";
export { type ParsedGraph, parseGraph } from "./parse.js";
export { elementBits, philox4x32, stepKey } from "./philox.js";
export { printGraph, printNode, printType } from "./print.js";
export * from "./reference.js";
export * from "./storage.js";
export { type Verified, VerifyError, verify } from "./verify.js";
