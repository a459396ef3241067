/** The look of the page: system fonts, light and dark by the reader's setting, colours that keep apart for all eyes. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1c2024; --muted: #62686f; --line: #dfe2e6; --soft: #f5f6f8;
  --low: #f1f4f9; --above: #0b5cad; --below: #b3541e; --on-strong: #ffffff;
  --s0: #0b66c3; --s1: #c2570c; --s2: #1a7f5a; --s3: #8a3fb5; --s4: #b0216a; --s5: #6b6100; --s6: #4a5568; --s7: #0e7c86;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --ink: #e6e8ea; --muted: #9aa1a9; --line: #30353b; --soft: #1c2024;
    --low: #1f252c; --above: #7ab8ff; --below: #ff9f5a; --on-strong: #0d1013;
    --s0: #6cb1ff; --s1: #ff9c57; --s2: #58cfa0; --s3: #cf9bf2; --s4: #ff8fc0; --s5: #d8c84a; --s6: #b5bfcc; --s7: #5fd0da;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1.25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 .75rem; overflow-wrap: anywhere; }
section, figure { margin: 2.25rem 0 0; }
figcaption { color: var(--muted); font-size: .85rem; margin-top: .5rem; }
dl { display: flex; flex-wrap: wrap; gap: .75rem; margin: 0; }
dl > div { background: var(--soft); border: 1px solid var(--line); border-radius: .5rem; padding: .55rem .8rem; min-width: 8rem; max-width: 100%; flex: 0 1 auto; }
dt { color: var(--muted); font-size: .8rem; overflow-wrap: anywhere; }
dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
.plain th, .plain td { padding: .35rem .8rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
.plain thead th { color: var(--muted); font-weight: 500; border-bottom-width: 2px; }
.plain tbody tr:hover { background: var(--soft); }
.plain .number { text-align: right; }
.heat table { border-spacing: 2px; border-collapse: separate; font-size: .8rem; }
.heat thead th { color: var(--muted); font-weight: 500; padding: .15rem .3rem; vertical-align: bottom; white-space: nowrap; }
.heat .narrow thead span { writing-mode: vertical-rl; transform: rotate(180deg); }
.heat tbody th { color: var(--muted); font-weight: 500; text-align: right; padding-right: .5rem; white-space: nowrap; }
.heat tbody td { min-width: 1.1rem; height: 1.6rem; border-radius: 3px; text-align: center; }
.heat .numbered td { min-width: 3.4rem; padding: 0 .35rem; }
.heat td.above { background: color-mix(in oklab, var(--above) var(--v), var(--low)); }
.heat td.below { background: color-mix(in oklab, var(--below) var(--v), var(--low)); }
.heat td.strong { color: var(--on-strong); }
.heat td.none { border: 1px dashed var(--line); color: var(--muted); }
.heat figcaption { display: flex; align-items: center; gap: .5rem; font-variant-numeric: tabular-nums; }
.scale { width: 10rem; height: .7rem; border-radius: 3px; }
.scale.sequential { background: linear-gradient(in oklab to right, var(--low), var(--above)); }
.scale.diverging { background: linear-gradient(in oklab to right, var(--below), var(--low), var(--above)); }
.plot { width: 100%; min-height: 300px; }
.chart { position: relative; }
.chart label { position: absolute; top: 0; right: 0; color: var(--muted); font-size: .85rem; }
.u-legend { text-align: left; color: var(--ink); font-size: .85rem; }
.u-legend th { font-weight: 500; }
.u-inline.u-live th::after { content: none; }
.u-legend .u-value { min-width: 4rem; font-variant-numeric: tabular-nums; padding-left: .4rem; }
.u-title { display: none; }
.u-select { background: color-mix(in srgb, var(--s0) 18%, transparent); }
.u-hz .u-cursor-x, .u-vt .u-cursor-y { border-right: 1px dashed var(--muted); }
.u-hz .u-cursor-y, .u-vt .u-cursor-x { border-bottom: 1px dashed var(--muted); }
footer { margin-top: 3rem; color: var(--muted); font-size: .8rem; }
@media print { body { max-width: none; padding: 0; } figure, section { break-inside: avoid; } .chart label { display: none; } }
`;
