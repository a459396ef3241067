/**
 * Heat maps. In: values by row and column. Out: a table whose cells are coloured by value, with the value in the cell
 * where there is room and always as its title, and a scale below. Values of both signs have 0 in the middle of the scale; else it
 * goes from the least to the largest.
 */
import { showNumber } from "../amounts.js";
import { html } from "./escape.js";
import type { HeatMap } from "./report.js";

/** With more columns, cells are too narrow for numbers. */
const mostNumberedColumns = 14;

interface Scale {
  readonly kind: "sequential" | "diverging";
  readonly least: number;
  readonly largest: number;
}

/** The section of one heat map. */
export function heatMap(map: HeatMap): string {
  const finite = map.values.flat().filter((value): value is number => value !== null && Number.isFinite(value));
  const scale = scaleOf(finite);
  const numbered = map.columns.length <= mostNumberedColumns;
  const head = map.columns.map((name) => `<th scope="col"><span>${html(name)}</span></th>`).join("");
  const body = map.rows
    .map((name, row) => {
      const cells = map.columns.map((column, i) =>
        cell(map.values[row]?.[i] ?? null, `${name}, ${column}`, scale, numbered),
      );
      return `<tr><th scope="row">${html(name)}</th>${cells.join("")}</tr>`;
    })
    .join("\n");
  const legend =
    finite.length === 0
      ? "<figcaption>no values</figcaption>"
      : `<figcaption><span>${html(short(scale.least))}</span><i class="scale ${scale.kind}"></i><span>${html(short(scale.largest))}</span></figcaption>`;
  return `<figure class="heat"><h2>${html(map.title)}</h2><div class="wide"><table class="${numbered ? "numbered" : "narrow"}"><thead><tr><td></td>${head}</tr></thead><tbody>${body}</tbody></table></div>${legend}</figure>`;
}

function scaleOf(values: readonly number[]): Scale {
  const least = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (!(least < 0 && largest > 0)) return { kind: "sequential", least, largest };
  const reach = Math.max(-least, largest);
  return { kind: "diverging", least: -reach, largest: reach };
}

function cell(value: number | null, place: string, scale: Scale, numbered: boolean): string {
  if (value === null || !Number.isFinite(value)) {
    const word = value === null ? "none" : showNumber(value);
    return `<td class="none" title="${html(`${place}: ${word}`)}">${numbered && value !== null ? html(word) : ""}</td>`;
  }
  const spread = scale.largest - scale.least;
  const share = spread > 0 ? (value - scale.least) / spread : 0.5;
  const strength = scale.kind === "diverging" ? Math.abs(share - 0.5) * 2 : share;
  const side = scale.kind === "diverging" && value < 0 ? "below" : "above";
  const ink = strength > 0.55 ? " strong" : "";
  return `<td class="${side}${ink}" style="--v:${(strength * 100).toFixed(1)}%" title="${html(`${place}: ${showNumber(value)}`)}">${numbered ? html(short(value)) : ""}</td>`;
}

/** Three significant digits. */
function short(value: number): string {
  return showNumber(Number(value.toPrecision(3)));
}
