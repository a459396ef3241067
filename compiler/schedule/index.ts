export { HISTOGRAM_BINS } from "./fuse.js";
export * from "./program.js";
export { type Scheduled, schedule } from "./schedule.js";
