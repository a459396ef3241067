/**
 * The part of a plan that runs in memory: everything that depends on a running loop or on data, as one resident program. In: a plan.
 * Out: the program, what it gives (saved tensors, reported numbers, conditions) and the tensors of files that it reads.
 */
import { type Plan, tensorsIn } from "../../compiler/elaborate/index.js";
import { inputOf, type Node, reachable } from "../../compiler/ir/index.js";
import { compileResident, type ResidentProgram } from "../../compiler/resident/index.js";

export interface LoopProgram {
  readonly program: ResidentProgram;
  readonly roots: readonly Node[];
  readonly leaves: readonly Node[];
}

/** Null for a plan without loops and data. */
export function loopProgram(plan: Plan): LoopProgram | null {
  const saved = plan.saves.flatMap((s) => s.tensors.map((t) => t.node));
  const shown = [...plan.requirements.map((r) => r.node), ...plan.reports.flatMap((r) => tensorsIn(r.value))];
  const roots = [...new Set([...saved, ...shown].filter((node) => runsInMemory(node, plan)))];
  if (roots.length === 0) return null;
  const leaves = inputsOf(roots, plan);
  return { program: compileResident({ outputs: roots, inputs: leaves, loops: plan.graph.loops }), roots, leaves };
}

/** Whether a value comes out of a running loop, or of the columns of a data set, which only programs in memory read. */
export function runsInMemory(node: Node, { columns }: Plan): boolean {
  return reachable([node]).some((n) => n.op === "loop" || (n.op === "input" && columns.has(inputOf(n).source)));
}

/** The leaves of everything that runs, those inside loops too. */
function inputsOf(roots: readonly Node[], plan: Plan): Node[] {
  const found = new Set<Node>();
  const bodies = new Set<number>();
  const visit = (nodes: readonly Node[]): void => {
    for (const node of reachable(nodes)) {
      if (node.op === "input") found.add(node);
      const body = node.attrs.body;
      if (node.op !== "loop" || typeof body !== "number" || bodies.has(body)) continue;
      bodies.add(body);
      const { results, until, logs } = plan.graph.loops[body];
      visit([...results, ...(until === null ? [] : [until]), ...logs.map((l) => l.node)]);
    }
  };
  visit(roots);
  return [...found];
}
