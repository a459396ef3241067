/**
 * How an output is compared with a golden one. In: the rule of a case's tolerance.json and the elements of a tensor.
 * Out: how many entries break the rule, and the worst of them. spec/golden/mergekit/README.md explains the rules.
 */
import { encodeElement, type StorageDtype } from "../../../compiler/ir/index.js";

export type Tolerance =
  /** `except`: tensors in which the reference is known to be wrong. */
  | { readonly rule: "absolute"; readonly within: number; readonly except?: readonly string[] }
  | { readonly rule: "bits" }
  | { readonly rule: "units"; readonly units: number; readonly share: number }
  | { readonly rule: "decisions"; readonly within: number; readonly share: number };

export interface Tensor {
  readonly dtype: StorageDtype;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export interface Comparison {
  readonly entries: number;
  /** Entries that are not as good as equal. */
  readonly off: number;
  /** Entries that no share excuses. */
  readonly wrong: number;
  readonly worst: number;
  readonly worstTensor: string;
}

/** Compares all tensors; a tensor that is missing, of another shape or of another dtype counts as wrong in all entries. */
export function compare(
  actual: ReadonlyMap<string, Tensor>,
  golden: ReadonlyMap<string, Tensor>,
  tolerance: Tolerance,
): Comparison {
  let entries = 0;
  let off = 0;
  let wrong = 0;
  let worst = 0;
  let worstTensor = "";
  for (const [name, expected] of golden) {
    const found = actual.get(name);
    const size = expected.data.length;
    if (tolerance.rule === "absolute" && tolerance.except?.includes(name)) continue;
    entries += size;
    if (found === undefined || found.dtype !== expected.dtype || found.shape.join() !== expected.shape.join()) {
      wrong += size;
      worstTensor = name;
      continue;
    }
    for (let i = 0; i < size; i++) {
      const difference = Math.abs(found.data[i] - expected.data[i]);
      const verdict = judge(found.data[i], expected.data[i], expected.dtype, tolerance);
      if (verdict !== "good") off++;
      if (verdict === "wrong") wrong++;
      if (!(difference <= worst)) [worst, worstTensor] = [difference, name];
    }
  }
  return { entries, off, wrong, worst, worstTensor };
}

/** What a comparison says against an output, or null. */
export function complaint(c: Comparison, tolerance: Tolerance): string | null {
  const excused = "share" in tolerance ? tolerance.share * c.entries : 0;
  if (c.wrong === 0 && c.off <= excused) return null;
  return `${c.off} of ${c.entries} entries are off, the worst by ${c.worst.toExponential(2)} in ${c.worstTensor}`;
}

function judge(
  found: number,
  expected: number,
  dtype: StorageDtype,
  tolerance: Tolerance,
): "good" | "excusable" | "wrong" {
  switch (tolerance.rule) {
    case "absolute":
      return Math.abs(found - expected) <= tolerance.within ? "good" : "wrong";
    case "bits":
      return Object.is(found, expected) ? "good" : "wrong";
    case "units": {
      const steps = Math.abs(order(found, dtype) - order(expected, dtype));
      return steps === 0 ? "good" : steps <= tolerance.units ? "excusable" : "wrong";
    }
    case "decisions":
      return Math.abs(found - expected) <= tolerance.within ? "good" : "excusable";
  }
}

/** The number's position among the numbers of a 16- or 32-bit float dtype. */
function order(x: number, dtype: StorageDtype): number {
  const bytes = new Uint8Array(8);
  encodeElement(bytes, dtype, 0, x);
  const view = new DataView(bytes.buffer);
  const bits = dtype === "F32" ? view.getInt32(0, true) : view.getInt16(0, true);
  const top = dtype === "F32" ? 2 ** 31 : 2 ** 15;
  return bits < 0 ? -(bits + top) : bits;
}
