/**
 * Text inside HTML. In: names and values that anybody may have written. Out: text that a browser shows as it is: no
 * markup, no character that hides or turns around what stands beside it. And JSON that can stand in a script element.
 */
import { visible } from "../../../grammar/index.js";

const entities: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

/** For the content of elements and for attributes in quotes. */
export function html(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => entities.get(character) ?? "");
}

/** For `<script type="application/json">`: no end tag and no comment can begin in it. */
export function jsonScript(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
