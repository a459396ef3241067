/**
 * Models that change nothing, seen once everything was read. In: the outputs of a recipe and the digest of each
 * model's tensors. Out: an error X022 for each model that serves the outputs only through its difference from a model
 * with the same tensors: the wrong folder was named. A copy in an average is no mistake: it is a weight of two.
 */

import type { Plan } from "../../compiler/elaborate/index.js";
import type { InputAttrs, Node } from "../../compiler/ir/index.js";
import type { Diagnostic } from "../../grammar/index.js";
import type { Compiled } from "../compile/index.js";
import { plain } from "./prepare.js";

export function idleModels(
  compiled: Compiled,
  plan: Plan,
  digests: ReadonlyMap<string, string>,
): readonly Diagnostic[] {
  /** For each model the model that it is subtracted from or that is subtracted from it; null once it serves otherwise. */
  const partners = new Map<string, string | null>();
  for (const { op, args } of behindOutputs(plan)) {
    const sources = args.map(sourceOf);
    sources.forEach((source, i) => {
      if (source === null) return;
      const other = op === "sub" ? sources[1 - i] : null;
      const zero = other !== null && other !== source && digests.get(other) === digests.get(source);
      const fits = zero && digests.has(source) && nameOf(args[0]) === nameOf(args[1]);
      partners.set(source, fits && partners.get(source) !== null ? other : null);
    });
  }
  return [...partners].flatMap(([source, other]) =>
    other === null
      ? []
      : [
          plain(
            "X022",
            `the model ${compiled.checkpoints.get(source)?.path} holds the same tensors as ${compiled.checkpoints.get(other)?.path}: their difference changes nothing`,
            "load another model, or leave it out",
          ),
        ],
  );
}

/** The nodes that saved tensors depend on. */
function behindOutputs(plan: Plan): ReadonlySet<Node> {
  const seen = new Set<Node>();
  const waiting = plan.saves.flatMap((save) => save.tensors.map(({ node }) => node));
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    waiting.push(...node.args);
  }
  return seen;
}

function sourceOf(node: Node): string | null {
  return node.op === "input" ? (node.attrs as unknown as InputAttrs).source : null;
}

function nameOf(node: Node): string {
  return (node.attrs as unknown as InputAttrs).name;
}
