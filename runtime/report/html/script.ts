/**
 * The script of the page: draws each chart from the numbers in the page with uPlot, in the colours of the style, as wide as the
 * page; again when the width or the reader's colour scheme changes. Dragging zooms in, a double click zooms out.
 * It is text, since it runs in a browser and not here; it is the same in every page.
 */
export const script = `
"use strict";
const data = JSON.parse(document.getElementById("charts").textContent);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const short = (value) => {
  if (value == null) return "";
  const rounded = Number(value.toPrecision(5));
  return rounded !== 0 && Math.abs(rounded) < 1e-4 ? rounded.toExponential() : String(rounded);
};
for (const place of document.querySelectorAll(".plot")) {
  const { names, tables, positive } = data[Number(place.dataset.chart)];
  if (tables.every(([xs]) => xs.length === 0)) { place.remove(); continue; }
  const values = uPlot.join(tables);
  const axis = { stroke: () => colour("--muted"), font: "12px system-ui, sans-serif",
    grid: { stroke: () => colour("--line"), width: 1 }, ticks: { stroke: () => colour("--line"), width: 1 } };
  let plot;
  let logarithmic = false;
  const draw = () => {
    if (plot) plot.destroy();
    plot = new uPlot({
      width: place.clientWidth, height: 300,
      scales: { x: { time: false }, y: { distr: logarithmic ? 3 : 1 } },
      axes: [{ ...axis }, { ...axis, size: 64, values: (_, ticks) => ticks.map(short) }],
      series: [
        { label: "step", value: (_, x) => short(x) },
        ...names.map((label, i) => ({
          label, stroke: () => colour("--s" + i % 8), width: 1.75, dash: i < 8 ? [] : [6, 3],
          points: { show: tables[i][0].length < 40, size: 5 }, value: (_, y) => short(y),
        })),
      ],
      cursor: { points: { size: 7 } },
    }, values, place);
  };
  draw();
  if (positive) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.addEventListener("change", () => { logarithmic = box.checked; draw(); });
    label.append(box, " logarithmic");
    place.parentElement.append(label);
  }
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: 300 })).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
`;
