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
      return { line: line + 1, column: characters(text, starts[line], offset) + 1 };
    },
  };
}

/** 1-based line and column of one offset. */
export function lineColumn(text: string, offset: number): { line: number; column: number } {
  return lineTable(text).position(offset);
}

function characters(text: string, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to && i < text.length; i++) {
    const c = text.charCodeAt(i);
    const pairs = c >= 0xd800 && c <= 0xdbff && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    if (pairs) i++;
    count++;
  }
  return count;
}
