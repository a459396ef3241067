/**
 * Expansions and gradients reach kernels: a loop, or a step of its own, computes every operation that is left after the
 * passes, except those that only the host evaluates.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  createGraph,
  type Graph,
  gradient,
  type Node,
  opRow,
  opRows,
  type Plan,
  reachable,
  runPasses,
  type Shape,
  schedule,
  sizeOf,
} from "../../../compiler/index.js";
import { drawNode, randomFrom } from "../ir/random-graph.js";

const shapes: readonly Shape[] = [[3], [2, 3], [1, 3], [2, 2, 3], [4, 4], [2, 1]];

const input = (graph: Graph, name: string, shape: Shape) => graph.input({ source: "s", name, dtype: "F32", shape });

/** Computed by the host from whole arrays, or run by the resident machine. */
const elsewhere = (node: Node) =>
  ["variable", "loop", "loop_result"].includes(node.op) || (opRow(node.op).fusion === "opaque" && node.op !== "concat");

/** The node, and its gradients at its float leaves. */
function withGradients(graph: Graph, node: Node): Node[] {
  if (node.dtype !== "f32") return [node];
  const products = graph.make("mul", [node, input(graph, "weights", node.shape)]);
  const loss = graph.make("reduce_sum", [products], { axes: [...node.shape.keys()] });
  const leaves = reachable([node]).filter((each) => each.op === "input" && each.dtype === "f32");
  return [node, ...gradient(graph, loss, leaves).filter((each) => each !== null)];
}

/** How many tasks a program has that stores this node. */
function tasksFor(graph: Graph, node: Node): number {
  const stored = node.dtype === "bool" ? "BOOL" : node.dtype === "i32" ? "I32" : "F32";
  const tensor = { name: "x", node, stored, shape: node.shape, selected: true, reference: null } as const;
  const plan = { graph, saves: [{ tensors: [tensor] }] } as unknown as Plan;
  return schedule(plan).program.tasks.length;
}

/** Rank 0, left to the host as a whole, in need of a threshold, or nothing but their argument. */
const notAlone = new Set([
  ...["total", "largest", "smallest", "cross_entropy", "take", "scatter_add", "above", "cholesky", "solve_triangular"],
  ...["stop_gradient", "straight_through"],
]);

for (const row of opRows()) {
  if (row.gradient === undefined && row.expand === undefined) continue;
  test(row.name, () => {
    let computed = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const random = randomFrom(seed);
      const graph = createGraph();
      const integers = graph.input({ source: "s", name: "n", dtype: "I32", shape: [2, 3] });
      const truths = graph.input({ source: "s", name: "c", dtype: "BOOL", shape: [2, 3] });
      const pool = [...shapes.map((shape) => input(graph, `x${shape}`, shape)), integers, truths];
      const node = drawNode(random, graph, row, pool);
      if (node === null) continue;
      for (const each of withGradients(graph, node)) {
        const [root] = runPasses([each]);
        if (sizeOf(root.shape) === 0 || root.shape.length === 0 || root.op === "input") continue;
        if (reachable([root]).some(elsewhere)) continue;
        assert.ok(tasksFor(graph, each) > 0);
        computed++;
      }
    }
    assert.ok(computed > 5 || notAlone.has(row.name), `${computed} graphs`);
  });
}

test.run();
