/** Results as a page that is one file. */
export { reportPage } from "./page.js";
export type { Cell, HeatMap, Report, ReportTable, Series } from "./report.js";
