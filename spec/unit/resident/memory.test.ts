/**
 * The memory plan: on the way through a program every step finds in each slot the buffer that it reads, loops run twice
 * included; and the plan for layers that follow each other does not grow with their number.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createGraph, type Graph, type Node, opRows } from "../../../compiler/ir/index.js";
import {
  compileResident,
  type HostArgument,
  printResident,
  type ResidentProgram,
  type ResidentStep,
  residentBytes,
} from "../../../compiler/resident/index.js";
import { drawGraph, drawNode, randomFrom } from "../ir/random-graph.js";
import { leavesOf } from "./running.js";

const buffersIn = (args: readonly HostArgument[]) => args.flatMap((arg) => (arg.kind === "buffer" ? [arg.buffer] : []));

/** What a step that is no loop reads and writes. */
function access(step: Exclude<ResidentStep, { kind: "loop" }>): {
  reads: readonly number[];
  writes: readonly number[];
} {
  switch (step.kind) {
    case "kernel":
      return { reads: step.inputs, writes: [...step.outputs, ...step.columns.map((c) => c.to)] };
    case "matmul":
      return { reads: [step.left.buffer, step.right.buffer], writes: [step.to] };
    case "row_rank":
      return { reads: [step.from], writes: [step.to] };
    case "concat":
      return { reads: step.from, writes: [step.to] };
    case "select":
      return { reads: buffersIn(step.parts), writes: [] };
    case "read":
      return { reads: [step.from], writes: [] };
    case "evaluate":
      return { reads: buffersIn(step.args), writes: buffersIn([step.result]) };
    case "host":
      return { reads: [], writes: [] };
  }
}

/** Walks through two runs; throws where a slot holds something else than what is read from it. */
function walk(program: ResidentProgram): void {
  const slotOf = program.buffers.map((b) => b.slot);
  const holder = new Map<number, number>();
  const read = (buffer: number, what: string) => {
    if (program.buffers[buffer].elements === 0) return;
    assert.is(holder.get(slotOf[buffer]), buffer, `${what} reads b${buffer}\n${printResident(program)}`);
  };
  const steps = (list: readonly ResidentStep[]) => {
    for (const step of list) {
      if (step.kind !== "loop") {
        const { reads, writes } = access(step);
        for (const buffer of reads) read(buffer, step.kind);
        for (const buffer of writes) {
          assert.not.ok(reads.includes(buffer), "a step reads what it writes");
          holder.set(slotOf[buffer], buffer);
        }
        continue;
      }
      for (let turn = 0; turn < 2; turn++) {
        steps(step.steps);
        for (const { place } of step.logs) if (place.kind === "buffer") read(place.buffer, "log");
        for (const state of step.state) {
          if (state.kind !== "tensor" || state.next === null) continue;
          read(state.next, "state");
          const [current, next] = [slotOf[state.current], slotOf[state.next]];
          slotOf[state.current] = next;
          slotOf[state.next] = current;
          holder.set(next, state.current);
        }
      }
    }
  };
  const bufferOf = (places: Iterable<{ kind: string; buffer?: number }>) =>
    [...places].flatMap((p) => (p.kind === "buffer" ? [p.buffer!] : []));
  for (const buffer of bufferOf(program.inputs.values())) holder.set(slotOf[buffer], buffer);
  steps(program.prologue);
  for (let run = 0; run < 2; run++) {
    steps(program.steps);
    for (const buffer of bufferOf(program.outputs.values())) read(buffer, "output");
  }
}

test("random graphs, and random graphs as bodies of loops in loops", () => {
  let loops = 0;
  for (let seed = 1; seed <= 120; seed++) {
    const { graph, roots } = drawGraph(seed, 30);
    const random = randomFrom(seed);
    const outputs = roots.filter((n) => n.dtype !== "threshold");
    const pool = [...outputs];
    for (let level = 0; level < 2; level++) {
      const initial = pool.filter((n) => n.shape.length > 0).slice(-3);
      if (initial.length === 0) break;
      const looped = randomLoop(graph, initial, pool, random, `${seed}.${level}`);
      pool.push(...looped);
      outputs.push(...looped);
      loops++;
    }
    walk(compileResident({ outputs, inputs: leavesOf(outputs, graph.loops), loops: graph.loops }));
  }
  assert.ok(loops > 150);
});

/** A loop over three tensors whose body is a few random operations on them and on nodes around it. */
function randomLoop(
  g: Graph,
  initial: readonly Node[],
  around: readonly Node[],
  random: () => number,
  name: string,
): Node[] {
  const rows = opRows().filter(
    (row) => row.fusion === "elementwise" || row.name.startsWith("reduce_") || row.name === "matmul",
  );
  const variables = initial.map((n, i) =>
    g.make("variable", [], { id: `${name}.${i}`, shape: [...n.shape], dtype: n.dtype }),
  );
  const pool: Node[] = [...variables, ...around];
  for (let i = 0; i < 8; i++) {
    const node = drawNode(random, g, rows[Math.floor(random() * rows.length)], random() < 0.5 ? pool.slice(-6) : pool);
    if (node !== null && node.dtype !== "threshold") pool.push(node);
  }
  const alike = (v: Node) =>
    pool.filter((n) => n.dtype === v.dtype && String(n.shape) === String(v.shape) && n.shape.length > 0);
  const results = variables.map((v) => alike(v)[Math.floor(random() * alike(v).length)]);
  const index = g.make("variable", [], { id: `${name}.step`, shape: [], dtype: "i64" });
  g.loops.push({ variables, index, results, until: null, logs: [{ name: "last", node: pool[pool.length - 1] }] });
  const loop = g.make("loop", initial, { body: g.loops.length - 1, count: 3 });
  return initial.map((_, i) => g.make("loop_result", [loop], { index: i }));
}

test("activations of layers that follow each other share memory", () => {
  const bytes = [4, 40].map((layers) => {
    const g = createGraph();
    const w = g.make("input", [], { source: "s", name: "w", dtype: "F32", shape: [64, 64] });
    let x = g.make("input", [], { source: "s", name: "x", dtype: "F32", shape: [64, 64] });
    const inputs = [w, x];
    for (let i = 0; i < layers; i++) x = g.make("tanh", [g.make("matmul", [x, w])]);
    return residentBytes(compileResident({ outputs: [x], inputs }));
  });
  assert.is(bytes[0], bytes[1]);
});

test("a program is the same text each time it is compiled", () => {
  const text = () => {
    const { roots } = drawGraph(11, 60);
    const outputs = roots.filter((n) => n.dtype !== "threshold");
    return printResident(compileResident({ outputs, inputs: leavesOf(outputs) }));
  };
  assert.is(text(), text());
  assert.match(text(), /^resident program: .*\d+ kernel.*bytes in \d+ slots\nbuffers\n {2}b0: /);
});

test("leaves without values and bodies that are missing are refused", () => {
  const g = createGraph();
  const x = g.make("variable", [], { id: "x", shape: [2], dtype: "f32" });
  assert.throws(() => compileResident({ outputs: [x], inputs: [] }), /"x"/);
  const loop = g.make("loop", [x], { body: 0, count: 1 });
  assert.throws(() => compileResident({ outputs: [loop], inputs: [x] }), /no body 0/);
});

test.run();
