/**
 * Loops on the machine against the reference evaluator: training steps, states on the host, early ends, loops in loops,
 * order statistics and draws inside, states that rotate, stay or are given by one node; one and two threads.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createGraph, type Graph, type LoopBody, type Node, sizeOf } from "../../../compiler/ir/index.js";
import { compileResident, printResident, type ResidentProgram } from "../../../compiler/resident/index.js";
import { ResidentMachine, type Result, residentCpu } from "../../../runtime/resident/index.js";
import { randomFrom } from "../ir/random-graph.js";
import { distance, given, leavesOf, numbersOf, reference, runOn } from "./running.js";

const variable = (g: Graph, id: string, shape: readonly number[], dtype: string) =>
  g.make("variable", [], { id, shape, dtype });

interface LoopParts {
  readonly initial: readonly Node[];
  readonly count: number | Node;
  readonly step: (state: readonly Node[], index: Node) => readonly Node[];
  readonly until?: (state: readonly Node[], next: readonly Node[]) => Node;
  readonly logs?: (state: readonly Node[], next: readonly Node[], index: Node) => LoopBody["logs"];
}

let named = 0;

/** A loop; gives its node and its results. */
function loop(g: Graph, { initial, count, step, until, logs }: LoopParts): { node: Node; results: Node[] } {
  const name = `l${named++}`;
  const state = initial.map((node, i) => variable(g, `${name}.${i}`, node.shape, node.dtype));
  const index = variable(g, `${name}.step`, [], "i64");
  const results = step(state, index);
  const body = g.loops.length;
  g.loops.push({
    variables: state,
    index,
    results,
    until: until?.(state, results) ?? null,
    logs: logs?.(state, results, index) ?? [],
  });
  const node =
    typeof count === "number"
      ? g.make("loop", initial, { body, count })
      : g.make("loop", [...initial, count], { body });
  return { node, results: initial.map((_, i) => g.make("loop_result", [node], { index: i })) };
}

/** Numbers of about one, the same for the same leaf. */
function elements(leaf: Node): Float64Array {
  const random = randomFrom(JSON.stringify(leaf.attrs).length * 31 + sizeOf(leaf.shape));
  const integer = leaf.dtype === "i32" || leaf.dtype === "i64";
  return Float64Array.from({ length: sizeOf(leaf.shape) }, () =>
    integer ? Math.floor(random() * 4) : leaf.dtype === "bool" ? Number(random() < 0.5) : Math.fround(random() * 2 - 1),
  );
}

const input = (g: Graph, name: string, shape: number[], dtype = "F32") =>
  g.make("input", [], { source: "s", name, dtype, shape });

async function compare(g: Graph, outputs: readonly Node[], tolerance: number): Promise<ResidentProgram> {
  const expected = reference(outputs, elements, g.loops);
  const found: (readonly number[])[][] = [];
  let program: ResidentProgram | null = null;
  for (const threads of [1, 2]) {
    const runner = residentCpu({ threads });
    const ran = await runOn(runner, outputs, elements, g.loops);
    program = ran.program;
    found.push([...ran.values]);
    await ran.machine.run();
    for (const [i, output] of outputs.entries()) {
      assert.equal(numbersOf(await ran.machine.get(output)), ran.values[i], "a second run gives the same");
    }
    runner.close();
  }
  for (const [i] of outputs.entries()) {
    const far = distance(found[0][i], expected[i]);
    assert.ok(
      far <= tolerance,
      `output ${i} is off by ${far}: ${found[0][i].slice(0, 6)}, expected ${expected[i].slice(0, 6)}\n${printResident(program!)}`,
    );
    assert.equal(found[0][i], found[1][i], "threads give the same bytes");
  }
  return program!;
}

/** A step of gradient descent on a network of two layers, its gradient written out. */
function descent(g: Graph, n: number, width: number) {
  const x = input(g, "x", [n, 6]);
  const y = input(g, "y", [n, 3]);
  const t = (a: Node) => g.make("transpose", [a], { perm: [1, 0] });
  const op = (name: string, ...args: Node[]) => g.make(name, args);
  const sumRows = (a: Node) => g.make("reduce_sum", [a], { axes: [0], keep: false });
  const initial = [
    input(g, "w1", [width, 6]),
    input(g, "b1", [width]),
    input(g, "w2", [3, width]),
    input(g, "b2", [3]),
  ];
  const forward = ([w1, b1, w2, b2]: readonly Node[]) => {
    const h = op("tanh", op("add", op("matmul", x, t(w1)), b1));
    return { h, out: op("add", op("matmul", h, t(w2)), b2) };
  };
  const step = (state: readonly Node[]): Node[] => {
    const { h, out } = forward(state);
    const dout = op("mul", op("sub", out, y), g.constant(2 / (3 * n), true));
    const dh = op("mul", op("matmul", dout, state[2]), op("sub", g.constant(1), op("mul", h, h)));
    const gradients = [op("matmul", t(dh), x), sumRows(dh), op("matmul", t(dout), h), sumRows(dout)];
    return state.map((p, i) => op("sub", p, op("mul", gradients[i], g.constant(0.1, true))));
  };
  const loss = (state: readonly Node[]) => {
    const error = op("sub", forward(state).out, y);
    return g.make("mean", [op("mul", error, error)], { axes: [0, 1] });
  };
  return { initial, step, loss };
}

test("a network forward, and gradient descent on it", async () => {
  const g = createGraph();
  const { initial, step, loss } = descent(g, 40, 17);
  const { node, results } = loop(g, {
    initial,
    count: 20,
    step,
    logs: (state) => [{ name: "loss", node: loss(state) }],
  });
  const program = await compare(g, [loss(initial), ...results, loss(results), node], 1e-4);
  assert.is(program.steps.length + program.prologue.length > 0, true);
});

test("momentum: state tensors of one step are stored by one kernel", async () => {
  const g = createGraph();
  const [p, m] = [input(g, "p", [300]), input(g, "m", [300])];
  const target = input(g, "target", [300]);
  const { results } = loop(g, {
    initial: [p, m],
    count: 15,
    step: ([at, velocity]) => {
      const next = g.make("add", [g.make("mul", [velocity, g.constant(0.9)]), g.make("sub", [at, target])]);
      return [g.make("sub", [at, g.make("mul", [next, g.constant(0.1)])]), next];
    },
  });
  const program = await compare(g, results, 1e-5);
  const inner = program.prologue.find((step) => step.kind === "loop");
  assert.ok(inner?.kind === "loop");
  assert.equal(
    inner.steps.map((step) => step.kind),
    ["kernel"],
    printResident(program),
  );
});

test("numbers of the host as state, counts in the graph, an early end", async () => {
  const g = createGraph();
  const x = input(g, "x", [5]);
  const { node, results } = loop(g, {
    initial: [x, g.constant(1, true), g.constant(0), g.constant(false)],
    count: g.make("add", [g.constant(30), g.constant(10)]),
    step: ([v, rate, steps]) => {
      const next = g.make("mul", [v, rate]);
      const size = g.make("norm2", [next], { axes: [0] });
      return [
        next,
        g.make("mul", [rate, g.constant(0.9)]),
        g.make("add", [steps, g.constant(1)]),
        g.make("lt", [size, g.constant(0.2)]),
      ];
    },
    until: (_, next) => next[3],
  });
  await compare(g, [node, ...results], 1e-5);
});

test("no steps: the final state is the initial one", async () => {
  const g = createGraph();
  const { node, results } = loop(g, {
    initial: [input(g, "x", [4]), g.constant(3)],
    count: 0,
    step: ([v, n]) => [g.make("neg", [v]), g.make("add", [n, g.constant(1)])],
  });
  await compare(g, [node, ...results], 0);
});

test("states that rotate, stay, come from outside, or are one node twice", async () => {
  const g = createGraph();
  const [a, b, c, d, e, f] = ["a", "bb", "ccc", "dddd", "eeeee", "ffffff"].map((name) => input(g, name, [9]));
  const outside = g.make("exp", [input(g, "outside", [9])]);
  const { results } = loop(g, {
    initial: [a, b, c, d, e, f],
    count: 7,
    step: ([p, q, r, s, u]) => {
      const sum = g.make("add", [p, u]);
      return [q, r, p, s, sum, sum];
    },
  });
  const second = loop(g, { initial: [results[0], a], count: 3, step: ([p]) => [outside, p] });
  await compare(g, [...results, ...second.results], 1e-6);
});

test("a loop in a loop takes values from both blocks around it", async () => {
  const g = createGraph();
  const x = input(g, "x", [6, 6]);
  const fixed = g.make("matmul", [x, x]);
  const { results } = loop(g, {
    initial: [x, g.constant(0, true)],
    count: 4,
    step: ([state, total], i) => {
      const scaled = g.make("tanh", [g.make("matmul", [state, fixed])]);
      const inner = loop(g, {
        initial: [state, total],
        count: g.make("add", [i, g.constant(1)]),
        step: ([v, sum], j) => {
          const next = g.make("mul", [
            g.make("add", [v, scaled]),
            g.make("div", [g.constant(1), g.make("add", [j, g.constant(2)])]),
          ]);
          return [next, g.make("add", [sum, g.make("reduce_max", [next], { axes: [0, 1] })])];
        },
      });
      return inner.results;
    },
  });
  const program = await compare(g, results, 1e-4);
  // What depends on no loop is computed before all of them.
  const kinds = program.prologue.map((step) => step.kind);
  assert.ok(kinds.indexOf("matmul") < kinds.indexOf("loop"), printResident(program));
});

test("order statistics inside: the largest half grows in every step", async () => {
  const g = createGraph();
  const { results } = loop(g, {
    initial: [input(g, "x", [50]), g.constant(25)],
    count: 6,
    step: ([v, k]) => {
      const size = g.make("abs", [v]);
      const kept = g.make("above", [size, g.make("threshold", [k, size])], { part: 0 });
      const rank = g.make("row_rank", [v]);
      const grown = g.make("where", [
        kept,
        g.make("mul", [v, g.constant(1.5)]),
        g.make("add", [v, g.make("mul", [rank, g.constant(0.001)])]),
      ]);
      return [grown, g.make("sub", [k, g.constant(2)])];
    },
  });
  await compare(g, results, 1e-5);
});

test("draws by step differ from step to step, draws without one do not", async () => {
  const g = createGraph();
  const draw = (op: string, key: number, ...step: Node[]) =>
    g.make(op, step, { shape: [33], key: [key, 7], ...(op === "randint" ? { n: 10 } : {}) });
  const zeros = g.make("broadcast", [g.constant(0, true)], { shape: [33] });
  const { results } = loop(g, {
    initial: [zeros, zeros, zeros, input(g, "i", [33], "I32")],
    count: 5,
    step: ([a, b, c, d], i) => [
      g.make("add", [a, draw("uniform", 1, i)]),
      g.make("add", [b, draw("uniform", 1)]),
      g.make("add", [c, draw("normal", 2, g.make("add", [g.make("mul", [i, g.constant(100)]), g.constant(3)]))]),
      g.make("add", [d, draw("randint", 3, i)]),
    ],
  });
  await compare(g, results, 1e-5);
});

test("operations without kernels run on the host inside a loop", async () => {
  const g = createGraph();
  const table = input(g, "table", [5, 4]);
  const { results } = loop(g, {
    initial: [table],
    count: 3,
    step: ([t]) => [
      g.make(
        "concat",
        [g.make("slice", [t], { start: [1, 0], size: [4, 4] }), g.make("slice", [t], { start: [0, 0], size: [1, 4] })],
        { axis: 0 },
      ),
    ],
  });
  await compare(g, results, 0);
});

test("runLoop: initial values, logs of every step, a signal", async () => {
  const g = createGraph();
  const { initial, step, loss } = descent(g, 20, 8);
  const leaves = initial.map((node, i) => variable(g, `start ${i}`, node.shape, node.dtype));
  const { node, results } = loop(g, {
    initial: leaves,
    count: 12,
    step,
    logs: (state, _next, index) => [
      { name: "loss", node: loss(state) },
      { name: "bias", node: state[3] },
      { name: "step", node: index },
    ],
  });
  const inputs = leavesOf(results, g.loops);
  const program = compileResident({ outputs: results, inputs, loops: g.loops });
  const runner = residentCpu();
  const machine = new ResidentMachine(program, runner);
  for (const leaf of inputs) if (leaf.op === "input") machine.set(leaf, given(leaf, elements(leaf)));
  const start = initial.map((leaf) => given(leaf, elements(leaf)));
  const seen: ReadonlyMap<string, Result>[] = [];
  const final = await machine.runLoop(node, start, { onStep: (_i, logs) => void seen.push(logs) });
  const expected = reference(results, (leaf) => elements(initial[leaves.indexOf(leaf)] ?? leaf), g.loops);
  for (const [i, value] of final.entries()) assert.ok(distance(numbersOf(value), expected[i]) < 1e-4);
  assert.equal(
    seen.map((logs) => logs.get("step")),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  );
  assert.equal((seen[0].get("bias") as Float32Array).length, 3);
  const losses = seen.map((logs) => logs.get("loss") as number);
  assert.ok(losses[11] < losses[0] && losses.every((l) => l > 0), `${losses}`);
  const controller = new AbortController();
  const stopped = machine.runLoop(node, start, {
    signal: controller.signal,
    onStep: (i) => {
      if (i === 4) controller.abort(new Error("enough"));
    },
  });
  await stopped.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, "enough"),
  );
  const again = await machine.runLoop(node, start);
  assert.equal(again.map(numbersOf), final.map(numbersOf), "a run after an interrupted one gives the same");
  runner.close();
});

test("many steps do not hold up other events", async () => {
  const g = createGraph();
  const { results } = loop(g, {
    initial: [input(g, "x", [64])],
    count: 30000,
    step: ([v]) => [g.make("mul", [v, g.constant(0.999)])],
  });
  const inputs = leavesOf(results, g.loops);
  const runner = residentCpu();
  const machine = new ResidentMachine(compileResident({ outputs: results, inputs, loops: g.loops }), runner);
  machine.set(inputs[0], given(inputs[0], elements(inputs[0])));
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  await machine.run();
  clearInterval(timer);
  assert.ok(ticks > 0);
  runner.close();
});

test.run();
