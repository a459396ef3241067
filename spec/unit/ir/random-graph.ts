/**
 * Random tensor graphs for property tests. In: a seed. Out: nodes of all rows of the registry with small shapes (rank 0,
 * lengths 0 and 1 included) and values with ties, both zeros, infinities and NaN. Attributes are drawn by their declared
 * kind; what an operation refuses is drawn again, so a new row needs nothing here unless draws hardly ever fit (examples.ts).
 */
import {
  type Attr,
  type Attributes,
  type AttrKind,
  type Attrs,
  createGraph,
  type Graph,
  type Node,
  type OpRow,
  opRows,
  type Shape,
  ShapeError,
  sizeOf,
} from "../../../compiler/index.js";
import { examples } from "./examples.js";

export type Random = () => number;

/** Numbers in [0, 1) from a seed (a 32-bit mixing counter). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
}

export const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)];

const shapes: readonly Shape[] = [[], [3], [1], [2, 3], [3, 2], [1, 3], [2, 1], [0, 3], [2, 2, 3], [0], [6]];
const names = ["w", "a.b", 'quote"', "line\nbreak", "ünïcode ☃", "__proto__", "", "NaN", "true"];
const constants = [0, -0, 1, -1, 2, 0.5, 3, 4, Number.NaN, Infinity, -Infinity, 1e-40, 1e300, 0.1];

function drawAttr(random: Random, kind: AttrKind, args: readonly Node[]): Attr {
  const shape = args[0]?.shape ?? pick(random, shapes);
  const axes = shape.map((_, i) => i).sort(() => random() - 0.5);
  switch (kind) {
    case "shape": {
      const all = [shape, shape.map((d) => Math.max(0, d - 1)), [sizeOf(shape)], [2, ...shape], ...shapes];
      return pick(random, all);
    }
    case "positions":
      return shape.map((d) => Math.floor(random() * (d + 1)));
    case "axes":
      return axes.slice(0, random() < 0.5 ? axes.length : Math.floor(random() * (axes.length + 1)));
    case "whole":
      return Math.floor(random() * 3);
    case "flag":
      return random() < 0.5;
    case "label":
      return random() < 0.5 ? pick(random, names) : Math.floor(random() * 9);
    case "value":
      return pick(random, ["f32", "i32", "bool", "f64", "i64"]);
    case "text":
      return pick(random, ["float", "int", "bool", ...names]);
    case "storage":
      return pick(random, ["F32", "BF16", "F8_E4M3", "I32", "I64", "U8", "BOOL"]);
    case "host":
      return pick(random, ["f64", "i64", "bool"]);
    case "key":
      return [Math.floor(random() * 2 ** 32), Math.floor(random() * 2 ** 32)];
    case "number":
      return pick<Attr>(random, [0, "-0", "NaN", "Infinity", "-Infinity", 1.5, 2, true, false, -1, 1e-40]);
  }
}

function drawAttrs(random: Random, declared: Attributes, args: readonly Node[]): Attrs {
  const attrs: { [name: string]: Attr } = {};
  for (const entry of Object.keys(declared)) {
    const optional = entry.endsWith("?");
    if (optional && random() < 0.5) continue;
    attrs[optional ? entry.slice(0, -1) : entry] = drawAttr(random, declared[entry], args);
  }
  return attrs;
}

/** A node of this row over nodes of `pool`, or null when no draw fitted. Refusals are many; their traces are not taken. */
export function drawNode(random: Random, graph: Graph, row: OpRow, pool: readonly Node[]): Node | null {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return tryDraws(random, graph, row, pool);
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function tryDraws(random: Random, graph: Graph, row: OpRow, pool: readonly Node[]): Node | null {
  const example = examples.get(row.name);
  if (example !== undefined) {
    const { args, attrs } = example(random, graph);
    return graph.make(row.name, args, attrs);
  }
  for (let attempt = 0; attempt < 200; attempt++) {
    const further = row.optional !== undefined && random() < 0.5 ? row.optional : 0;
    const count = row.arity === "any" ? 1 + Math.floor(random() * 3) : row.arity + further;
    const args = Array.from({ length: count }, () => pick(random, pool));
    // Most operations want arguments that belong together.
    if (random() < 0.5) args.fill(args[0]);
    try {
      return graph.make(row.name, args, drawAttrs(random, row.attributes ?? {}, args));
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
    }
  }
  return null;
}

/** Leaves to build on: inputs of all shapes as f32, i32 and bool, and constants. */
export function drawLeaves(random: Random, graph: Graph): Node[] {
  const inputs = shapes.flatMap((shape) =>
    (["F32", "I32", "BOOL"] as const).map((dtype) =>
      graph.input({ source: pick(random, names), name: pick(random, names) + shape, dtype, shape }),
    ),
  );
  return [
    ...inputs,
    ...constants.map((c) => graph.constant(c, random() < 0.5)),
    graph.constant(true),
    graph.constant(false),
  ];
}

/** Rows that a draw can make: loops need bodies. */
export function drawableRows(): readonly OpRow[] {
  return opRows().filter((row) => row.fusion !== "loop");
}

/** A graph of about `size` operations and some of its nodes as roots. */
export function drawGraph(
  seed: number,
  size: number,
  rows: readonly OpRow[] = drawableRows(),
): { graph: Graph; roots: Node[] } {
  const random = randomFrom(seed);
  const graph = createGraph();
  const pool = drawLeaves(random, graph);
  const leaves = pool.length;
  for (let i = 0; i < size; i++) {
    const recent = random() < 0.6 && pool.length > leaves ? pool.slice(-8) : pool;
    const node = drawNode(random, graph, pick(random, rows), recent);
    if (node !== null && sizeOf(node.shape) <= 200) pool.push(node);
  }
  const late = graph.late("total", { over: "model" }, []);
  for (const node of pool) if (node.shape.length === 0 && node.dtype !== "threshold" && random() < 0.3) late.add(node);
  const roots = [...pool.slice(leaves).filter(() => random() < 0.3), late.node, pool[pool.length - 1]];
  return { graph, roots };
}

/** Elements for an input node. `special` mixes in zeros of both signs, infinities and NaN. */
export function drawElements(node: Node, special: boolean): Float64Array {
  const random = randomFrom(node.id * 7919 + 1);
  const draw = (): number => {
    if (node.dtype === "bool") return random() < 0.5 ? 1 : 0;
    if (node.dtype === "i32" || node.dtype === "i64") return Math.floor(random() * 9) - 4;
    if (special && random() < 0.3) return pick(random, [0, -0, Infinity, -Infinity, Number.NaN, 1e-40]);
    return random() < 0.3 ? pick(random, [1, -1, 2, 0.5]) : Math.fround(random() * 4 - 2);
  };
  return Float64Array.from({ length: sizeOf(node.shape) }, node.dtype === "f32" ? () => Math.fround(draw()) : draw);
}

/** Rows whose values the reference evaluator gives without a file. */
export function computedRows(): readonly OpRow[] {
  return opRows().filter((row) => row.fusion !== "loop" && row.name !== "input" && row.name !== "variable");
}
