/**
 * The resident machine on a GPU against the reference evaluator, on the software driver of spec/gpu, in a process of its
 * own (Vulkan looks for drivers when a process starts). PEFTC_TEST_GPU=1 runs the same tests on the machine's adapter.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createGraph, type Graph, type Node, sizeOf } from "../../../compiler/ir/index.js";
import { type GpuRunner, openGpu } from "../../../runtime/device/gpu/index.js";
import { onGpu, testOnSoftwareGpu } from "../../gpu/child.js";
import { randomFrom } from "../ir/random-graph.js";
import { distance, numbersOf, reference, runOn } from "./running.js";

if (onGpu) childTests();
else testOnSoftwareGpu("resident programs run on the software driver", import.meta.url);
test.run();

function childTests(): void {
  let runner: GpuRunner;
  test.before(async () => {
    runner = await openGpu();
  });
  test.after(() => runner.close());

  const input = (g: Graph, name: string, shape: number[]) =>
    g.make("input", [], { source: "s", name, dtype: "F32", shape });
  const transposed = (g: Graph, x: Node) => {
    const axes = x.shape.map((_, i) => i);
    return g.make("transpose", [x], { perm: [...axes.slice(0, -2), axes[axes.length - 1], axes[axes.length - 2]] });
  };
  const elements = (leaf: Node) => {
    const random = randomFrom(JSON.stringify(leaf.attrs).length * 31 + sizeOf(leaf.shape));
    return Float64Array.from({ length: sizeOf(leaf.shape) }, () => Math.fround(random() * 2 - 1));
  };

  async function compare(g: Graph, outputs: readonly Node[], tolerance: number): Promise<void> {
    const expected = reference(outputs, elements, g.loops);
    const { machine, values } = await runOn(runner, outputs, elements, g.loops);
    for (const [i, output] of outputs.entries()) {
      const far = distance(values[i], expected[i]);
      assert.ok(
        far <= tolerance,
        `output ${i} is off by ${far}: ${values[i].slice(0, 6)}, expected ${expected[i].slice(0, 6)}`,
      );
      await machine.run();
      assert.equal(numbersOf(await machine.get(output)), values[i], "a second run gives the same");
    }
  }

  test("products of all layouts, edges and batches", async () => {
    const g = createGraph();
    const outputs: Node[] = [];
    for (const [m, k, n] of [
      [1, 1, 1],
      [3, 5, 7],
      [33, 17, 40],
    ]) {
      const [a, b] = [input(g, `a${m}`, [m, k]), input(g, `b${m}`, [k, n])];
      outputs.push(g.make("matmul", [a, b]), g.make("matmul", [transposed(g, b), transposed(g, a)]));
    }
    const [many, one] = [input(g, "many", [3, 2, 4, 5]), input(g, "one", [2, 5, 6])];
    outputs.push(g.make("matmul", [many, one]), g.make("matmul", [transposed(g, many), many]));
    await compare(g, outputs, 1e-5);
  });

  test("a training loop with statistics, order statistics and draws", async () => {
    const g = createGraph();
    const [x, y] = [input(g, "x", [20, 6]), input(g, "y", [20, 3])];
    const w = input(g, "w", [6, 3]);
    const b = input(g, "b", [3]);
    const variable = (id: string, shape: readonly number[], dtype = "f32") =>
      g.make("variable", [], { id, shape, dtype });
    const [sw, sb, rate] = [variable("w", [6, 3]), variable("b", [3]), variable("rate", [], "f64")];
    const index = variable("step", [], "i64");
    const error = g.make("sub", [g.make("add", [g.make("matmul", [x, sw]), sb]), y]);
    const gradient = g.make("matmul", [transposed(g, x), error]);
    const size = g.make("abs", [gradient]);
    const kept = g.make("above", [size, g.make("threshold", [g.constant(9), size])], { part: 0 });
    const noise = g.make("mul", [g.make("normal", [index], { shape: [6, 3], key: [5, 6] }), g.constant(0.01)]);
    const step = g.make("mul", [g.make("where", [kept, g.make("add", [gradient, noise]), g.constant(0, true)]), rate]);
    const norm = g.make("norm2", [gradient], { axes: [0, 1] });
    g.loops.push({
      variables: [sw, sb, rate],
      index,
      results: [
        g.make("sub", [sw, step]),
        g.make("sub", [sb, g.make("mul", [g.make("reduce_sum", [error], { axes: [0], keep: false }), rate])]),
        g.make("div", [rate, g.make("add", [g.constant(1), g.make("mul", [norm, g.constant(0.001)])])]),
      ],
      until: null,
      logs: [],
    });
    const loop = g.make("loop", [w, b, g.constant(0.02, true)], { body: 0, count: 8 });
    const results = [0, 1, 2].map((i) => g.make("loop_result", [loop], { index: i }));
    await compare(g, [...results, g.make("softmax", [g.make("matmul", [x, results[0]])], { axes: [1] })], 2e-4);
  });
}
