/**
 * Exact selection of the k-th largest element without sorting: rounds of histograms over windows of order keys, each
 * 65536 bins of width 2^shift, until a bin is one key. A first window may be a guess (from a sample): if the wanted
 * element is not in it, the search starts over from the full range. In: counts of a round. Out: the next window, or the
 * key and how many of the equal elements are kept.
 */
import { HISTOGRAM_BINS } from "../../compiler/index.js";

export interface Window {
  readonly low: number;
  readonly shift: number;
}

export type Selection =
  | { readonly kind: "searching"; readonly window: Window }
  /** `kept` of the `equal` elements with this key belong to the k largest. */
  | { readonly kind: "found"; readonly key: number; readonly kept: number; readonly equal: number }
  /** Fewer than k + 1 elements: all are kept. */
  | { readonly kind: "all" };

export const FULL: Window = { low: 0, shift: 16 };

const BITS = 16;

/** One step. `counts` has a slot a bin and one for the keys past the window; `total` counts all elements. */
export function narrow(window: Window, counts: Float64Array, k: number, total: number): Selection {
  if (k >= total) return { kind: "all" };
  const past = counts[HISTOGRAM_BINS];
  if (k < past) return { kind: "searching", window: FULL };
  let above = past;
  for (let bin = HISTOGRAM_BINS - 1; bin >= 0; bin--) {
    if (above + counts[bin] > k) {
      const low = window.low + bin * 2 ** window.shift;
      if (window.shift === 0) return { kind: "found", key: low, kept: k - above, equal: counts[bin] };
      return { kind: "searching", window: { low, shift: Math.max(0, window.shift - BITS) } };
    }
    above += counts[bin];
  }
  return { kind: "searching", window: FULL };
}

/** A window of single keys around the keys that a sample has between two of its ranks; null if they lie too far apart. */
export function bracket(window: Window, counts: Float64Array, from: number, to: number): Window | null {
  let above = counts[HISTOGRAM_BINS];
  if (from < above) return null;
  let high: number | null = null;
  for (let bin = HISTOGRAM_BINS - 1; bin >= 0; bin--) {
    above += counts[bin];
    if (high === null && above > from) high = bin + 1;
    if (above > to) {
      const low = window.low + bin * 2 ** window.shift;
      const end = window.low + (high ?? bin + 1) * 2 ** window.shift;
      for (let shift = 0; shift <= BITS; shift++) if (end - low <= HISTOGRAM_BINS * 2 ** shift) return { low, shift };
      return null;
    }
  }
  return null;
}
