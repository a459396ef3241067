export { affineMap, broadcastMap, type IndexMap, identityMap, reshapeMap, sliceMap, transposeMap } from "./access.js";
export { laneOf } from "./arithmetic.js";
export { HISTOGRAM_BINS } from "./fuse.js";
export { KEPT } from "./keep.js";
export { type Leaf, LoopBuilder, type LoopScope, Materialise, storageOf } from "./loop.js";
export * from "./program.js";
export { type Scheduled, schedule } from "./schedule.js";
export { sameElements, stridedView } from "./views.js";
