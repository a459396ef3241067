/**
 * Reads the text form of the tensor graph (print.ts). In: text. Out: a graph in which every line is a node of its own,
 * and the roots that `return` names. Types are written on every line and compared with what the operation infers, so a
 * test that is written as text says what it expects.
 *
 *   graph  = line* "return" [node ("," node)*]
 *   line   = node "=" op [node ("," node)*] ["{" [name ":" attr ("," name ":" attr)*] "}"] ":" dtype ["[" sizes "]"]
 *   attr   = number | string | word | "[" attrs "]" | "{" name ":" attr .. "}"
 *
 * A word among attributes is a string (BF16, float), but for true, false, null, nan.
 */
import type { Span } from "../../grammar/index.js";
import type { Attr, Attrs, Graph, Node } from "./graph.js";
import { createGraph } from "./graph.js";
import { isOp, opRow, opRows, ShapeError } from "./ops/index.js";
import { printType } from "./print.js";
import { refuse, type Source, type Token, tokensOf } from "./tokens.js";

export interface ParsedGraph {
  readonly graph: Graph;
  readonly roots: readonly Node[];
}

const DEEPEST_ATTRIBUTE = 32;

/** Throws PeftError (codes I001 to I004) whose message names line and column. `file` names the text in diagnostics. */
export function parseGraph(text: string, file = "graph"): ParsedGraph {
  const source: Source = { file, text };
  const tokens = tokensOf(source);
  let at = 0;

  const peek = () => tokens[at];
  const take = () => tokens[at++];
  const isMark = (mark: string) => peek().kind === "mark" && peek().text === mark;
  const found = (token: Token) => (token.kind === "end" ? "the end of the text" : token.text);
  const unexpected = (expected: string): never =>
    refuse(source, "I001", `expected ${expected}, found ${found(peek())}`, peek().span);
  const expectMark = (mark: string) => (isMark(mark) ? take() : unexpected(mark));
  const expectKind = (kind: Token["kind"], expected: string) => (peek().kind === kind ? take() : unexpected(expected));

  /** `open each, each close`; the opening mark is already taken. */
  const listUntil = (close: string, each: () => void) => {
    while (!isMark(close)) {
      each();
      if (isMark(",")) take();
      else if (!isMark(close)) unexpected(`, or ${close}`);
    }
    take();
  };

  const stringOf = (token: Token): string => {
    try {
      return JSON.parse(token.text) as string;
    } catch {
      return refuse(source, "I001", `${token.text} is not a string of JSON`, token.span);
    }
  };

  const number = (token: Token): Attr => {
    if (token.text === "inf") return "Infinity";
    if (token.text === "-inf") return "-Infinity";
    const value = Number(token.text);
    if (!Number.isFinite(value))
      refuse(source, "I001", `${token.text} is beyond the largest number, write inf`, token.span);
    return Object.is(value, -0) ? "-0" : value;
  };

  const attr = (depth: number): Attr => {
    if (depth > DEEPEST_ATTRIBUTE)
      refuse(source, "I001", `attributes may be nested ${DEEPEST_ATTRIBUTE} deep`, peek().span);
    if (peek().kind === "number") return number(take());
    if (peek().kind === "string") return stringOf(take());
    if (peek().kind === "word") {
      const { text: word } = take();
      return word === "true" ? true : word === "false" ? false : word === "null" ? null : word === "nan" ? "NaN" : word;
    }
    if (isMark("[")) {
      take();
      const items: Attr[] = [];
      listUntil("]", () => items.push(attr(depth + 1)));
      return items;
    }
    if (isMark("{")) return record(depth + 1);
    return unexpected("a number, string, word, list or record");
  };

  const record = (depth: number): { [name: string]: Attr } => {
    expectMark("{");
    const entries: { [name: string]: Attr } = Object.create(null);
    listUntil("}", () => {
      const token = peek().kind === "string" ? take() : expectKind("word", "the name of an attribute");
      const name = token.kind === "string" ? stringOf(token) : token.text;
      if (name in entries) refuse(source, "I003", `the attribute ${name} is given twice`, token.span);
      expectMark(":");
      entries[name] = attr(depth);
    });
    return entries;
  };

  const graph = createGraph();
  const named = new Map<string, Node>();
  const own = new Set<Node>();

  const use = (): Node => {
    const token = expectKind("node", "a node such as %1");
    return (
      named.get(token.text) ?? refuse(source, "I003", `${token.text} is used before a line that makes it`, token.span)
    );
  };

  const uses = (): Node[] => {
    const nodes: Node[] = [];
    if (peek().kind !== "node") return nodes;
    nodes.push(use());
    while (isMark(",")) {
      take();
      nodes.push(use());
    }
    return nodes;
  };

  const type = (): { text: string; shape: readonly number[]; span: Span } => {
    const dtype = expectKind("word", "a dtype such as f32");
    const shape: number[] = [];
    let end = dtype.span.end;
    if (isMark("[")) {
      take();
      listUntil("]", () => {
        const token = expectKind("number", "a size");
        const size = Number(token.text);
        if (!Number.isSafeInteger(size) || size < 0) refuse(source, "I001", `${token.text} is not a size`, token.span);
        shape.push(size);
      });
      end = tokens[at - 1].span.end;
    }
    return {
      text: `${dtype.text}${shape.length === 0 ? "" : `[${shape.join(", ")}]`}`,
      shape,
      span: { start: dtype.span.start, end },
    };
  };

  const makeOwn = (op: Token, args: readonly Node[], attrs: Attrs): Node => {
    try {
      const node = graph.make(op.text, args, attrs);
      return own.has(node) ? graph.late(op.text, attrs, args).node : node;
    } catch (error) {
      if (error instanceof ShapeError) return refuse(source, "I004", error.message, op.span);
      throw error;
    }
  };

  const line = () => {
    const name = take();
    if (named.has(name.text)) refuse(source, "I003", `${name.text} is made twice`, name.span);
    expectMark("=");
    const op = expectKind("word", "an operation");
    if (!isOp(op.text))
      refuse(
        source,
        "I002",
        `no operation is called ${op.text}`,
        op.span,
        `the operations are ${opRows()
          .map((row) => row.name)
          .join(", ")}`,
      );
    const args = uses();
    const attrs: { [name: string]: Attr } = isMark("{") ? record(0) : {};
    expectMark(":");
    const stated = type();
    if (opRow(op.text).attributes?.shape === "shape" && !Object.hasOwn(attrs, "shape")) attrs.shape = stated.shape;
    const node = makeOwn(op, args, attrs);
    if (printType(node) !== stated.text) {
      refuse(source, "I004", `the line says ${stated.text}, ${op.text} gives ${printType(node)}`, stated.span);
    }
    own.add(node);
    named.set(name.text, node);
  };

  while (peek().kind === "node") line();
  if (peek().kind !== "word" || peek().text !== "return") unexpected("a line such as %1 = neg %0 : f32[2], or return");
  take();
  const roots = uses();
  if (peek().kind !== "end") unexpected("nothing after return");
  return { graph, roots };
}
