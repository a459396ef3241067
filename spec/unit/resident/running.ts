/**
 * Runs graphs on a resident machine and on the reference evaluator. In: outputs and the elements of leaves. Out: the
 * values of the outputs from both, as plain numbers.
 */
import {
  bytesOf,
  encodeElements,
  evaluate,
  type LoopBody,
  type Node,
  reachable,
  type StorageDtype,
  sizeOf,
} from "../../../compiler/ir/index.js";
import { compileResident, type ResidentProgram } from "../../../compiler/resident/index.js";
import { type Given, ResidentMachine, type ResidentRunner, type Result } from "../../../runtime/resident/index.js";

export type Elements = (leaf: Node) => Float64Array;

/** Inputs and variables under the outputs that belong to no loop body. */
export function leavesOf(outputs: readonly Node[], loops: readonly LoopBody[] = []): Node[] {
  const owned = new Set(loops.flatMap((body) => [...body.variables, body.index]));
  const inside = loops.flatMap((b) => [
    ...b.results,
    ...(b.until === null ? [] : [b.until]),
    ...b.logs.map((l) => l.node),
  ]);
  return reachable([...outputs, ...inside]).filter((n) => (n.op === "input" || n.op === "variable") && !owned.has(n));
}

/** The dtype of a leaf's bytes. */
export function dtypeOf(leaf: Node): StorageDtype {
  if (leaf.op === "input") return leaf.attrs.dtype as StorageDtype;
  return leaf.dtype === "bool" ? "BOOL" : leaf.dtype === "i32" ? "I32" : "F32";
}

/** A leaf's elements as a machine takes them. */
export function given(leaf: Node, elements: Float64Array): Given {
  if (leaf.shape.length === 0) return elements[0];
  const bytes = new Uint8Array(sizeOf(leaf.shape) * bytesOf(dtypeOf(leaf)));
  encodeElements(bytes, dtypeOf(leaf), 0, elements);
  return bytes;
}

export function numbersOf(result: Result): number[] {
  return typeof result === "number" ? [result] : [...result];
}

export interface Ran {
  readonly program: ResidentProgram;
  readonly machine: ResidentMachine;
  readonly values: readonly (readonly number[])[];
}

/** Compiles, sets all leaves, runs once. */
export async function runOn(
  runner: ResidentRunner,
  outputs: readonly Node[],
  elements: Elements,
  loops: readonly LoopBody[] = [],
): Promise<Ran> {
  const inputs = leavesOf(outputs, loops);
  const program = compileResident({ outputs, inputs, loops });
  runner.reset();
  const machine = new ResidentMachine(program, runner);
  for (const leaf of inputs) machine.set(leaf, given(leaf, elements(leaf)));
  await machine.run();
  const values: number[][] = [];
  for (const output of outputs) values.push(numbersOf(await machine.get(output)));
  return { program, machine, values };
}

export function reference(outputs: readonly Node[], elements: Elements, loops: readonly LoopBody[] = []): number[][] {
  const values = evaluate(outputs, elements, { precision: "f32", loops });
  return outputs.map((output) => [...values.get(output)!.data]);
}

/** The largest distance between two lists of numbers, relative to their size; 0 where both are NaN or equal. */
export function distance(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (const [i, x] of a.entries()) {
    const y = b[i];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const gap = Math.abs(x - y) / Math.max(1, Math.abs(x), Math.abs(y));
    worst = Math.max(worst, Number.isNaN(gap) ? Number.POSITIVE_INFINITY : gap);
  }
  return worst;
}
