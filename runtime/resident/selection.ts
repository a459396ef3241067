/**
 * Order statistics over tensors in memory: the k-th largest element by two histograms over the order keys, 16 bits each,
 * and the cut among equal elements. In: k and the elements of all parts. Out: the state that `above` and
 * `threshold_value` read. The meaning is that of the row `threshold`.
 */

export interface Threshold {
  /** Order key (u32) of the first element that is not kept. */
  readonly limit: number;
  /** For each part: elements with this key are kept up to this position (exclusive). */
  readonly cuts: readonly number[];
  /** The number behind the key; -Infinity when all are kept. */
  readonly value: number;
}

const all = 0xffffffff;

/** The u32 that orders as the numbers do; both zeros have one key. */
export function orderKeys(x: Float32Array): Uint32Array {
  const keys = new Uint32Array(x.slice().buffer);
  for (let i = 0; i < keys.length; i++) {
    const bits = keys[i];
    keys[i] = bits > 0x80000000 ? ~bits : bits | 0x80000000;
  }
  return keys;
}

/** The state that keeps the `k` largest elements of all parts; equal elements by part, then by position. */
export function select(k: number, parts: readonly Float32Array[]): Threshold {
  const total = parts.reduce((n, part) => n + part.length, 0);
  // Nothing is kept for k <= 0: the first element that is not kept is then the largest.
  const wanted = k > 0 ? Math.floor(k) : 0;
  if (wanted >= total) return { limit: 0, cuts: parts.map(() => all), value: Number.NEGATIVE_INFINITY };
  const keys = parts.map(orderKeys);
  const high = rankIn(histogram(keys, 0, 0, 16), wanted);
  const low = rankIn(histogram(keys, 16, high.bin, 0), wanted - high.above);
  const limit = high.bin * 65536 + low.bin;
  return { limit, cuts: cutsOf(keys, limit, wanted - high.above - low.above), value: numberOfKey(limit) };
}

/** Counts 16 bits from `shift` on of the keys whose bits above (all but `prefixShift`) are `prefix`. */
function histogram(parts: readonly Uint32Array[], prefixShift: number, prefix: number, shift: number): Float64Array {
  const counts = new Float64Array(65536);
  for (const keys of parts) {
    for (const key of keys) if (prefixShift === 0 || key >>> prefixShift === prefix) counts[(key >>> shift) & 0xffff]++;
  }
  return counts;
}

/** The bin that holds the element of rank `k` from the top, and how many elements are in bins above it. */
function rankIn(counts: Float64Array, k: number): { readonly bin: number; readonly above: number } {
  let above = 0;
  for (let bin = counts.length - 1; bin > 0; bin--) {
    if (above + counts[bin] > k) return { bin, above };
    above += counts[bin];
  }
  return { bin: 0, above };
}

/** How far equal keys are kept in each part when `kept` of them are. */
function cutsOf(parts: readonly Uint32Array[], limit: number, kept: number): number[] {
  let left = kept;
  return parts.map((keys) => {
    let cut = 0;
    for (let i = 0; i < keys.length && left > 0; i++) {
      if (keys[i] !== limit) continue;
      left--;
      cut = i + 1;
    }
    return cut;
  });
}

/** The f32 number of an order key. */
export function numberOfKey(key: number): number {
  const bits = key >= 0x80000000 ? key - 0x80000000 : 0xffffffff - key;
  return new Float32Array(Uint32Array.of(bits >>> 0).buffer)[0];
}
