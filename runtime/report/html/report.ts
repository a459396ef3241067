/**
 * What a page of results shows: facts, curves, heat maps and tables, as values. Names come from recipes and files; they
 * are text, whatever they hold.
 */

export interface Series {
  readonly name: string;
  /** (x, y) by growing x; a y that is not finite is a gap. */
  readonly points: readonly (readonly [number, number])[];
  /** The chart that the series is drawn in; series of one unit share one. */
  readonly chart?: string;
}

export interface ReportTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export type Cell = string | number | null;

/** A value for each pair of a row and a column; null or NaN where there is none. */
export interface HeatMap {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly values: readonly (readonly (number | null)[])[];
}

export interface Report {
  readonly title: string;
  readonly series: readonly Series[];
  readonly tables: readonly ReportTable[];
  readonly heatmaps: readonly HeatMap[];
  /** What stands at the top: (name, value). */
  readonly facts: readonly (readonly [string, string])[];
}
