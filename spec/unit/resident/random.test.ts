/**
 * Random graphs: the machine gives what the reference evaluator gives, again in a second run, and no buffer is written
 * while its slot holds another that is still needed. (A threshold over numbers of rank 0 rounds them to f32.)
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Node, opRows, printGraph, reachable, sizeOf } from "../../../compiler/ir/index.js";
import { printResident } from "../../../compiler/resident/index.js";
import { residentCpu } from "../../../runtime/resident/index.js";
import { drawGraph, randomFrom } from "../ir/random-graph.js";
import { distance, numbersOf, reference, runOn } from "./running.js";

/** Operations that are exact on small multiples of 1/8. */
const exact = new Set(
  `iota uniform randint add sub neg abs min max floor ceil trunc round eq ne lt le gt ge and or not where cast broadcast
   reshape transpose slice concat reduce_sum reduce_max reduce_min reduce_argmax total largest smallest threshold above
   threshold_value row_rank matmul count pad`.split(/\s+/),
);
const rows = opRows().filter((row) => exact.has(row.name));

/** Small multiples of 1/8, with ties; the same for the same leaf. */
export function gridElements(node: Node): Float64Array {
  const random = randomFrom(JSON.stringify(node.attrs).length * 7919 + node.shape.length);
  return Float64Array.from({ length: sizeOf(node.shape) }, () => {
    if (node.dtype === "bool") return random() < 0.5 ? 1 : 0;
    if (node.dtype === "i32" || node.dtype === "i64") return Math.floor(random() * 9) - 4;
    return Math.floor(random() * 64 - 32) / 8;
  });
}

/** Outputs below which all values are small (every order of summation gives the same) and marks are those of their part. */
function tame(outputs: readonly Node[]): Node[] {
  const nodes = reachable(outputs).filter((n) => n.dtype !== "threshold");
  const small = new Map(reference(nodes, gridElements).map((v, i) => [nodes[i], v.every((x) => Math.abs(x) < 1e5)]));
  const isRight = (n: Node) => n.op !== "above" || n.args[1].args[1 + (n.attrs.part as number)] === n.args[0];
  return outputs.filter((output) => reachable([output]).every((n) => small.get(n) !== false && isRight(n)));
}

test("random graphs", async () => {
  const runner = residentCpu();
  let [compared, kernels] = [0, 0];
  for (let seed = 1; seed <= 300; seed++) {
    const drawn = drawGraph(seed, 40, rows);
    const outputs = tame([...new Set(drawn.roots)].filter((n) => n.dtype !== "threshold"));
    const expected = reference(outputs, gridElements);
    let shown = "";
    try {
      const { program, machine, values } = await runOn(runner, outputs, gridElements);
      shown = printResident(program);
      for (const [i, output] of outputs.entries()) {
        const message = () =>
          `seed ${seed}, output ${i}: ${values[i]}\nexpected ${expected[i]}\n${printGraph([output])}\n${shown}`;
        if (distance(values[i], expected[i]) > 1e-6) assert.unreachable(message());
        compared++;
      }
      await machine.run();
      for (const [i, output] of outputs.entries())
        assert.equal(numbersOf(await machine.get(output)), values[i], `second run, seed ${seed}`);
      kernels += program.kernels.length;
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : error}\n${printGraph(outputs)}`);
    }
  }
  assert.ok(compared > 1000 && kernels > 700, `${compared} outputs, ${kernels} kernels`);
  runner.close();
});

test.run();
