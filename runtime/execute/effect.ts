/**
 * What a merge changed. In: the records of the tensors that it selected. Out: warnings where it did nothing (X020), or where
 * rounding the output takes most of the change (X021).
 */
import { type Diagnostic, diagnostic, type Location } from "../../grammar/index.js";
import type { TensorRecord } from "./receipt.js";

export function effectWarnings(to: string, at: Location, selected: readonly TensorRecord[]): Diagnostic[] {
  const compared = selected.filter((r) => r.changed !== null);
  if (compared.length === 0) return [];
  const warnings: Diagnostic[] = [];
  if (compared.every((r) => r.changed === 0)) {
    warnings.push(
      diagnostic(
        "X020",
        `the output ${JSON.stringify(to)} equals its first model in every selected tensor: this merge did nothing`,
        at,
        {
          severity: "warning",
          help: "look at the weights and densities, and whether the models differ at all",
        },
      ),
    );
  }
  const eaten = compared.filter((r) => r.lost !== null && r.change !== null && r.change > 0 && r.lost > 0.5);
  if (eaten.length > 0) {
    warnings.push(
      diagnostic(
        "X021",
        `rounding to ${eaten[0].dtype} takes more than half of the change in ${eaten.length} of ${compared.length} tensors, such as ${JSON.stringify(eaten[0].name)}`,
        at,
        {
          severity: "warning",
          help: "save with dtype = f32",
        },
      ),
    );
  }
  return warnings;
}
