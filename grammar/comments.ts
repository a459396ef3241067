/**
 * Comments, and which of them document what.
 *
 * In: comment tokens. Out: `Comment` values, and for an offset the text of the `///` lines right above it. Four
 * slashes are an ordinary comment.
 */
import type { IToken } from "chevrotain";
import type { Comment } from "./tree.js";

/** Strips the slashes and one space. */
export function commentOf(token: IToken): Comment {
  const doc = /^\/\/\/(?!\/)/.test(token.image);
  const text = token.image
    .slice(doc ? 3 : 2)
    .replace(/^ /, "")
    .trimEnd();
  return { text, doc, span: { start: token.startOffset, end: token.endOffset! + 1 } };
}

/** The documentation that ends on the line above `offset`, or null. */
export function docBefore(comments: readonly Comment[], text: string, offset: number): string | null {
  let low = 0;
  let high = comments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comments[middle].span.start < offset) low = middle + 1;
    else high = middle;
  }
  const lines: string[] = [];
  let below = offset;
  for (let i = low - 1; i >= 0 && comments[i].doc; i--) {
    if (!/^[ \t]*(\r\n|\n|\r)[ \t\f\v\u00a0\ufeff]*$/.test(text.slice(comments[i].span.end, below))) break;
    lines.push(comments[i].text);
    below = comments[i].span.start;
  }
  return lines.length === 0 ? null : lines.reverse().join("\n");
}
