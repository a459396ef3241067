/**
 * YAML with places. In: the text of a file. Out: its documents as plain trees in which every key and value knows where it
 * stands, so that a message can point at it. Words are read as PyYAML reads them (YAML 1.1), since that is what the files
 * were written for. Keys are strings and stand once; aliases are followed, but a text may not grow by them without end.
 */
import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import { fail, type Span } from "../../grammar/index.js";

export type Item = Scalar | Sequence | Mapping;

export interface Scalar {
  readonly kind: "scalar";
  readonly value: null | boolean | number | string;
  /** As written. */
  readonly text: string;
  readonly span: Span;
}

export interface Sequence {
  readonly kind: "list";
  readonly items: readonly Item[];
  readonly span: Span;
}

export interface Mapping {
  readonly kind: "map";
  readonly entries: readonly Entry[];
  readonly span: Span;
}

export interface Entry {
  readonly key: string;
  readonly at: Span;
  readonly value: Item;
}

/** A recipe of a few hundred layers has a few thousand values. */
const mostNodes = 100_000;

/** The documents of a text that are not empty. Throws PeftError (M001). */
export function readYaml(file: string, text: string): Item[] {
  const wrong = (message: string, span: Span | null): never =>
    fail("M001", `this is no YAML that can be read: ${message}`, { file, span }, { help: "mend the file" });
  let nodes = 0;
  try {
    const lines = new LineCounter();
    const documents = parseAllDocuments(text, { version: "1.1", lineCounter: lines, prettyErrors: false });
    if (!Array.isArray(documents)) return [];
    for (const { errors } of documents) {
      const [error] = errors;
      if (error !== undefined)
        wrong(error.message, { start: error.pos[0], end: Math.max(error.pos[1], error.pos[0] + 1) });
    }
    return documents.flatMap((document) => {
      const resolve = (node: Node | null): Item => {
        if (++nodes > mostNodes) return wrong(`it holds more than ${mostNodes} values`, null);
        if (isAlias(node)) return { ...resolve(target(node)), span: spanOf(node) };
        if (isMap(node)) {
          const entries = node.items.map(({ key, value }): Entry => {
            if (!isScalar(key)) return wrong("a key is no word", spanOf(key as Node));
            return { key: String(key.value), at: spanOf(key), value: resolve(value as Node | null) };
          });
          return { kind: "map", entries, span: spanOf(node) };
        }
        if (isSeq(node)) return { kind: "list", items: node.items.map((i) => resolve(i as Node)), span: spanOf(node) };
        const value = isScalar(node) ? node.value : null;
        const span = spanOf(node);
        const plain = typeof value === "bigint" ? Number(value) : value;
        const simple = plain === null || ["boolean", "number", "string"].includes(typeof plain);
        return {
          kind: "scalar",
          value: simple ? (plain as Scalar["value"]) : String(value),
          text: text.slice(span.start, span.end),
          span,
        };
      };
      const target = (alias: Alias) =>
        alias.resolve(document) ?? wrong(`nothing is named ${alias.source}`, spanOf(alias));
      return document.contents === null ? [] : [resolve(document.contents as Node)];
    });
  } catch (error) {
    if (error instanceof RangeError) return wrong("it is nested too deeply", null);
    throw error;
  }
}

function spanOf(node: Node | null): Span {
  const range = node?.range;
  return range === null || range === undefined ? { start: 0, end: 0 } : { start: range[0], end: range[1] };
}
