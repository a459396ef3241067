/**
 * Offsets and lines of a text.
 *
 * In: a text. Out: for an offset its line and column. Lines end with LF, CRLF or CR; columns count characters (code
 * points), not UTF-16 units; both begin at 1 where they are shown.
 */

export interface LineTable {
  /** Offset of the first character of each line. */
  readonly starts: readonly number[];
  /** The 0-based line of an offset. */
  lineOf(offset: number): number;
  /** A 0-based line without its end. */
  text(line: number): string;
  /** 1-based line and column of an offset. */
  position(offset: number): { line: number; column: number };
}

/** Prepares a text for many look-ups. */
export function lineTable(text: string): LineTable {
  const starts = [0];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x0a || (c === 0x0d && text.charCodeAt(i + 1) !== 0x0a)) starts.push(i + 1);
  }
  const points = pointsBefore(text);
  const lineOf = (offset: number): number => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= offset) low = middle;
      else high = middle;
    }
    return low;
  };
  return {
    starts,
    lineOf,
    text: (line) => text.slice(starts[line], starts[line + 1] ?? text.length).replace(/[\r\n]+$/, ""),
    position: (offset) => {
      const line = lineOf(offset);
      const at = Math.min(offset, text.length);
      return { line: line + 1, column: points(at) - points(starts[line]) + 1 };
    },
  };
}

/** 1-based line and column of one offset. */
export function lineColumn(text: string, offset: number): { line: number; column: number } {
  return lineTable(text).position(offset);
}

/** For an offset, how many code points stand before it. */
function pointsBefore(text: string): (offset: number) => number {
  if (!/[\ud800-\udbff]/.test(text)) return (offset) => offset;
  const counts = new Int32Array(text.length + 1);
  for (let i = 0; i < text.length; i++) {
    const low = (text.charCodeAt(i) & 0xfc00) === 0xdc00;
    const pair = low && i > 0 && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800;
    counts[i + 1] = counts[i] + (pair ? 0 : 1);
  }
  return (offset) => counts[offset];
}
