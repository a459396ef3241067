export {
  type CallPlan,
  type CallSizes,
  type Dispatch,
  emptyTotals,
  largestElementCount,
  planCall,
  readTotals,
  regionBytes,
  uniformWords,
} from "./call.js";
export { emitWgsl, type WgslProgram } from "./emit.js";
export { guaranteedStorageBuffers, type WgslLayout } from "./layout.js";
export { type MatmulDispatch, type MatmulSizes, matmulDispatches, matmulWgsl } from "./matmul.js";
export { toleranceOf, type WgslTolerance, wgslTolerance } from "./tolerance.js";
