/**
 * "Did you mean …?": the known words closest to a mistyped one.
 *
 * In: a word and candidates. Out: the few within a distance that grows with the word's length, closest first. The
 * distance counts insertions, deletions, replacements and swaps of neighbours, without regard to case; rows stop as
 * soon as the bound is passed.
 */

/** Longer words are nobody's slip of the finger. */
const longest = 200;

/** Up to `max` candidates near `word`, closest first, in their given order where equally close. */
export function nearest(word: string, candidates: Iterable<string>, max = 3): string[] {
  if (word.length > longest) return [];
  const wanted = word.toLowerCase();
  const bound = Math.min(3, Math.max(1, Math.floor(wanted.length / 3)));
  const found: { readonly candidate: string; readonly distance: number }[] = [];
  const seen = new Set<string>();
  for (const candidate of candidates) {
    if (candidate === word || seen.has(candidate)) continue;
    if (Math.abs(candidate.length - word.length) > bound) continue;
    const distance = editDistance(wanted, candidate.toLowerCase(), bound);
    if (distance > bound) continue;
    seen.add(candidate);
    found.push({ candidate, distance });
  }
  found.sort((a, b) => a.distance - b.distance);
  return found.slice(0, max).map((entry) => entry.candidate);
}

/** The distance of two words, or `bound + 1` as soon as it is certainly larger than `bound`. */
export function editDistance(a: string, b: string, bound: number): number {
  const over = bound + 1;
  if (Math.abs(a.length - b.length) > bound) return over;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    // Cells further than `bound` from the diagonal cannot matter.
    const row = new Array<number>(b.length + 1).fill(over);
    row[0] = i;
    let least = i;
    for (let j = Math.max(1, i - bound); j <= Math.min(b.length, i + bound); j++) {
      const same = a[i - 1] === b[j - 1];
      let cell = Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cell = Math.min(cell, before[j - 2] + 1);
      row[j] = cell;
      if (cell < least) least = cell;
    }
    if (least > bound) return over;
    before = above;
    above = row;
  }
  return Math.min(above[b.length], over);
}
