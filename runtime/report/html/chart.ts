/**
 * Curves. In: series of points. Out: for each chart a place in the page and the numbers that the page's script draws
 * there. Long series are thinned: of every stretch the lowest and the highest point stay, so that no spike is lost and
 * the page stays small. Points that are not finite are gaps, and are counted below the chart.
 */
import { visible } from "../../../grammar/index.js";
import { plural } from "../amounts.js";
import { html } from "./escape.js";
import type { Series } from "./report.js";

/** More points than a chart has pixels across are not to be seen. */
const mostPoints = 4000;

/** What the script draws: for each series its x and its y values, null for gaps. */
export interface ChartData {
  readonly names: readonly string[];
  readonly tables: readonly (readonly [readonly number[], readonly (number | null)[]])[];
  /** Whether a logarithmic axis is possible. */
  readonly positive: boolean;
}

export interface Chart {
  readonly markup: string;
  readonly data: ChartData;
}

/** The charts of a report, in the order of their first series; `id` counts them in the page. */
export function charts(series: readonly Series[]): Chart[] {
  const groups = new Map<string, Series[]>();
  for (const one of series) {
    const title = one.chart ?? "Curves";
    groups.set(title, [...(groups.get(title) ?? []), one]);
  }
  return [...groups].map(([title, group], id) => chart(title, group, id));
}

function chart(title: string, series: readonly Series[], id: number): Chart {
  const ordered = series.map((one) => one.points.filter(([x]) => Number.isFinite(x)).sort(([a], [b]) => a - b));
  const gaps = ordered.reduce((n, points) => n + points.filter(([, y]) => !Number.isFinite(y)).length, 0);
  const longest = ordered.reduce((n, points) => Math.max(n, points.length), 0);
  const shown = ordered.map(thin);
  const notes = [
    ...(gaps > 0 ? [`${plural(gaps, "value is", "values are")} not finite and left out`] : []),
    ...(longest > mostPoints ? [`of ${longest} points the extremes of every stretch are drawn`] : []),
    ...(longest === 0 ? ["no points"] : []),
  ];
  const positive = shown.every((points) => points.every(([, y]) => !Number.isFinite(y) || y > 0));
  const caption = notes.length > 0 ? `<figcaption>${html(notes.join("; "))}</figcaption>` : "";
  return {
    markup: `<figure class="chart"><h2>${html(title)}</h2><div class="plot" data-chart="${id}"></div>${caption}</figure>`,
    data: {
      names: series.map((one) => visible(one.name)),
      tables: shown.map((points) => [points.map(([x]) => x), points.map(([, y]) => (Number.isFinite(y) ? y : null))]),
      positive: positive && longest > 0,
    },
  };
}

/** At most `mostPoints` of the points, in their order. */
function thin(points: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  if (points.length <= mostPoints) return points;
  const stretches = mostPoints / 2;
  const kept: (readonly [number, number])[] = [];
  for (let i = 0; i < stretches; i++) {
    const from = Math.floor((i * points.length) / stretches);
    const to = Math.floor(((i + 1) * points.length) / stretches);
    let low = from;
    let high = from;
    for (let at = from; at < to; at++) {
      // A gap loses against any number.
      if (!(points[at][1] >= points[low][1])) low = Number.isFinite(points[at][1]) ? at : low;
      if (!(points[at][1] <= points[high][1])) high = Number.isFinite(points[at][1]) ? at : high;
    }
    for (const at of low === high ? [low] : [Math.min(low, high), Math.max(low, high)]) kept.push(points[at]);
  }
  return kept;
}
