/** What a reader is told: amounts, tables, progress, reported values, the end of a run. */
export { parseSize, plural, showBytes, showCount, showNumber, showSeconds } from "./amounts.js";
export { describeProgress, type Progress, ProgressLine, type ProgressOptions } from "./progress.js";
export { type RunPage, runReport } from "./run-page.js";
export { type RunOutput, type RunSummary, summaryLines } from "./summary.js";
export { alignCells, type Column, table } from "./table.js";
export { describeTraining, type TrainingProgress } from "./training.js";
export { reportLines } from "./values.js";
