/**
 * Values of data that a plan uses as positions: labels among classes, tokens among the rows of an embedding. In: the
 * ranges that elaboration noted. Out: a diagnostic for every column with a value outside, at the place of the recipe
 * that brings them together. The columns are read for it: an hour of training would end in NaN otherwise.
 */
import type { Plan } from "../../compiler/elaborate/index.js";
import { type Diagnostic, PeftError } from "../../grammar/index.js";
import { checkLabels, checkTokenIds, checkVocabulary } from "../dataset/index.js";
import { blamePlace } from "./blame.js";

/** D009, D010, D011 for the columns that do not fit. */
export function rangeProblems(plan: Plan): Diagnostic[] {
  return plan.ranges.flatMap(({ column, limit, what, ignored, at }) => {
    const rows = { kind: "range", first: 0, count: column.shape[0] } as const;
    const table = { rows, columns: new Map([[column.name, column]]), texts: new Map() };
    try {
      if (what === "classes") checkLabels(table, column, limit, ignored);
      else {
        if (column.vocabulary !== undefined) checkVocabulary(column.vocabulary, limit);
        checkTokenIds(table, column, limit);
      }
      return [];
    } catch (error) {
      if (!(error instanceof PeftError)) throw error;
      return blamePlace(error, at, "the data go there from here");
    }
  });
}
