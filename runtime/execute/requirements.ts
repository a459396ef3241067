/** Conditions of `require` that only the run could decide. In: their values. Out: an error X012 for each that is broken. */
import type { Node } from "../../compiler/ir/index.js";
import { diagnostic, PeftError } from "../../grammar/index.js";
import type { Prepared } from "./prepare.js";

export function checkRequirements(prepared: Prepared, known: (node: Node) => number | readonly number[]): void {
  const failed = prepared.plan.requirements.filter((r) => known(r.node) === 0);
  if (failed.length === 0) return;
  // One message for a requirement, however many tensors break it.
  const alike = new Map<string, typeof failed>();
  for (const r of failed) {
    const key = JSON.stringify([r.message, r.at]);
    alike.set(key, [...(alike.get(key) ?? []), r]);
  }
  throw new PeftError(
    [...alike.values()].slice(0, 20).map((all) =>
      diagnostic("X012", all[0].message, all[0].at, {
        label: "required here",
        notes: foundAt(all.map((r) => r.place)),
      }),
    ),
  );
}

/** A note that names up to three of the tensors. */
function foundAt(places: readonly string[]): string[] {
  const named = places.filter((place) => place !== "");
  if (named.length === 0) return [];
  const shown = named
    .slice(0, 3)
    .map((place) => JSON.stringify(place))
    .join(", ");
  return [
    named.length > 3
      ? `found at ${named.length} tensors: ${shown} and others`
      : `found at the tensor${named.length > 1 ? "s" : ""} ${shown}`,
  ];
}
