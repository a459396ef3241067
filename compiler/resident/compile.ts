/**
 * The resident compiler: a graph that is run again and again on values in memory. In: outputs, the leaves that get
 * values, the bodies of loops. Out: steps over numbered buffers. What is stored and which loops compute it depend on
 * each other, so both are decided again until nothing changes: every round only adds to what is stored.
 */
import { blocksOf } from "./blocks.js";
import { Emitter } from "./emit.js";
import { itemsOf } from "./items.js";
import { lifetimesOf, planMemory } from "./memory.js";
import { prepare, type ResidentRequest } from "./prepare.js";
import type { ResidentProgram, ValuePlace } from "./program.js";
import { sharedValues } from "./sharing.js";
import { Leaves, storedAlways } from "./stored.js";
import { unitsOf } from "./units.js";

/**
 * Compiles a graph to a resident program. The same request gives the same program. Throws an Error when a leaf gets no
 * value, a loop has no body or shares it with another loop.
 */
export function compileResident(request: ResidentRequest): ResidentProgram {
  const prepared = prepare(request);
  const blocks = blocksOf(prepared);
  const leaves = new Leaves(prepared);
  const stored = storedAlways(prepared, blocks, leaves);
  const apart = new Set<(typeof prepared.order)[number]>();
  for (;;) {
    const items = itemsOf(prepared, blocks, leaves, stored, apart);
    const units = unitsOf(items.list);
    const shared = sharedValues(prepared.order, blocks, leaves, stored, [...units.values()].flat());
    for (const [node, reason] of shared) stored.set(node, reason);
    if (shared.size > 0) continue;
    const emitter = new Emitter(prepared, blocks, leaves, stored, units);
    const prologue = emitter.steps("prologue");
    const steps = emitter.steps("main");
    if (emitter.refused.size > 0 || emitter.apart.size > 0) {
      for (const [node, reason] of emitter.refused) stored.set(node, reason);
      for (const node of emitter.apart) apart.add(node);
      continue;
    }
    const inputs = new Map(request.inputs.map((node, i) => [node, emitter.inputPlaceOf(prepared.inputs[i])]));
    const outputs = new Map(request.outputs.map((node, i) => [node, emitter.placeOf(prepared.outputs[i])]));
    const bufferOf = (place: ValuePlace) => (place.kind === "buffer" ? [place.buffer] : []);
    const always = [...inputs.values()].flatMap(bufferOf);
    const kept = [...outputs.values()].flatMap(bufferOf);
    const plan = planMemory(emitter.buffers, lifetimesOf(emitter.buffers.length, prologue, steps, always, kept));
    const loops = [...prepared.now].flatMap(([old, node]) => (node.op === "loop" ? [[old, node.id] as const] : []));
    return {
      kernels: emitter.kernels,
      buffers: emitter.buffers.map((buffer, i) => ({ ...buffer, slot: plan.slotOf[i] })),
      slots: plan.slots,
      constants: items.constants,
      inputs,
      outputs,
      prologue,
      steps,
      loops: new Map(loops),
    };
  }
}
