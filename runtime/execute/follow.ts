/**
 * What is seen of running loops from outside. In: the loops of a plan and what the machine tells of their steps. Out:
 * progress for the reader, curves of what the bodies log, what each loop took; and an error at the first step that logs
 * something that is no number, with the tensor of the state where it came from.
 */
import { decodeElements, type LoopBody, type Node } from "../../compiler/ir/index.js";
import type { ResidentProgram } from "../../compiler/resident/index.js";
import type { Given, ResidentMachine, Result, TopLoop } from "../resident/index.js";

/** A loop at the top of a plan, while it runs. */
export interface LoopProgress {
  /** The path of bindings that made the loop: `fit/train/end/iterate`. */
  readonly loop: string;
  /** Steps done; 0 when the loop begins. */
  readonly step: number;
  readonly steps: number;
  /** Numbers that the last step logged, in the order of their `log`. */
  readonly logs: ReadonlyMap<string, number>;
}

/** What a loop logged under one name: (steps done, value). */
export interface Curve {
  readonly loop: string;
  readonly name: string;
  readonly points: (readonly [number, number])[];
}

/** What a loop took. */
export interface LoopSummary {
  readonly loop: string;
  readonly steps: number;
  /** Numbers in the state: what trains, what the optimizer keeps, what is collected. */
  readonly state: number;
  readonly seconds: number;
}

/** A logged value, mostly the loss, is no number any more. */
export class NonFiniteStep extends Error {
  constructor(
    message: string,
    /** Where it came from, as far as the state shows it. */
    readonly notes: readonly string[],
  ) {
    super(message);
    this.name = "NonFiniteStep";
  }
}

/** Bodies of the loops at the top by the number of their step's node. */
export function loopBodies(program: ResidentProgram, bodies: readonly LoopBody[]): ReadonlyMap<number, LoopBody> {
  return new Map(
    [...program.loops].map(([loop, number]: [Node, number]) => [number, bodies[loop.attrs.body as number]]),
  );
}

export class LoopFollower {
  private readonly found = new Map<string, Curve>();
  private readonly begun = new Map<TopLoop["loop"], number>();
  readonly summaries: LoopSummary[] = [];

  constructor(
    private readonly program: ResidentProgram,
    private readonly bodies: ReadonlyMap<number, LoopBody>,
    private readonly onStep: (p: LoopProgress) => void,
  ) {}

  get curves(): readonly Curve[] {
    return [...this.found.values()];
  }

  nameOf({ loop }: TopLoop): string {
    return this.bodies.get(loop.node)?.name ?? "loop";
  }

  begin(at: TopLoop): void {
    this.begun.set(at.loop, performance.now());
    this.onStep({ loop: this.nameOf(at), step: 0, steps: at.count, logs: new Map() });
  }

  /** After a step, while the machine has both states. Throws NonFiniteStep. */
  async step(step: number, logs: ReadonlyMap<string, Result>, at: TopLoop, machine: ResidentMachine): Promise<void> {
    const loop = this.nameOf(at);
    const numbers = new Map(
      [...logs].flatMap(([name, value]): [string, number][] => (typeof value === "number" ? [[name, value]] : [])),
    );
    for (const [name, value] of numbers) this.curve(loop, name).points.push([step + 1, value]);
    this.onStep({ loop, step: step + 1, steps: at.count, logs: numbers });
    const bad = [...numbers].find(([, value]) => !Number.isFinite(value));
    if (bad === undefined) return;
    throw new NonFiniteStep(
      `${bad[0]} is ${bad[1]} at step ${step + 1} of ${at.count} of ${JSON.stringify(phaseOf(loop))}`,
      await this.originOf(step, at, machine),
    );
  }

  end(steps: number, at: TopLoop): void {
    const state = at.loop.state.reduce(
      (sum, one) => sum + (one.kind === "number" ? 1 : this.program.buffers[one.current].elements),
      0,
    );
    const seconds = (performance.now() - (this.begun.get(at.loop) ?? performance.now())) / 1000;
    this.summaries.push({ loop: this.nameOf(at), steps, state, seconds });
  }

  private curve(loop: string, name: string): Curve {
    const key = `${loop} ${name}`;
    const known = this.found.get(key);
    if (known !== undefined) return known;
    const fresh: Curve = { loop, name, points: [] };
    this.found.set(key, fresh);
    return fresh;
  }

  /** Which tensor of the state was the first to hold something that is no number; else, which holds the largest. */
  private async originOf(step: number, at: TopLoop, machine: ResidentMachine): Promise<string[]> {
    const before = this.tensorsOf(await machine.stateOf(at.loop, "current"), at);
    const old = firstBad(before);
    if (old !== null) return [step === 0 ? `the loop began with it: ${old}` : `it was there before the step: ${old}`];
    const after = firstBad(this.tensorsOf(await machine.stateOf(at.loop, "next"), at));
    const largest = before
      .map(({ name, numbers }) => ({ name, most: numbers.reduce((most, x) => Math.max(most, Math.abs(x)), 0) }))
      .reduce((best, one) => (one.most > best.most ? one : best), { name: "", most: 0 });
    const size = Number(largest.most.toPrecision(3));
    return [
      ...(after === null ? [] : [`after the step ${after}`]),
      `before the step every number was finite; the largest was ${size}, in ${largest.name}`,
    ];
  }

  /** The tensors of a state; what the loop only collects tells nothing that its steps did not have. */
  private tensorsOf(
    state: readonly Given[],
    { loop }: TopLoop,
  ): { readonly name: string; readonly numbers: Float64Array }[] {
    const names = this.bodies.get(loop.node)?.names ?? [];
    return state.flatMap((value, i) => {
      const name = names[i] ?? `state ${i}`;
      const place = loop.state[i];
      if (/^output\b/.test(name)) return [];
      const numbers =
        place.kind === "number" || typeof value !== "object"
          ? Float64Array.of(Number(value))
          : this.elementsOf(value, place.current);
      return [{ name, numbers }];
    });
  }

  private elementsOf(bytes: Uint8Array, buffer: number): Float64Array {
    const { dtype, elements } = this.program.buffers[buffer];
    return decodeElements(bytes, dtype, 0, elements);
  }
}

/** The first tensor with something that is no number, in words. */
function firstBad(tensors: readonly { readonly name: string; readonly numbers: Float64Array }[]): string | null {
  for (const { name, numbers } of tensors) {
    const bad = numbers.findIndex((x) => !Number.isFinite(x));
    if (bad < 0) continue;
    const count = numbers.reduce((n, x) => n + (Number.isFinite(x) ? 0 : 1), 0);
    const where = numbers.length > 1 ? ` at element ${bad} (${count} of ${numbers.length} are not finite)` : "";
    return `${name} holds ${numbers[bad]}${where}`;
  }
  return null;
}

/** What a reader calls a loop: the binding of the recipe that it belongs to; in a `report`, the function that runs it. */
export function phaseOf(loop: string): string {
  const [binding, called] = loop.split("/");
  return /^report \d+$/.test(binding) && called !== undefined ? called.replace(/#\d+$/, "") : binding;
}
