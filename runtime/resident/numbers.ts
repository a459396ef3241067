/**
 * Rank-0 values of a running program: what statistics gave, and arithmetic on it by the op registry, in f64. A value is
 * computed by its step; a threshold is the state of an order statistic.
 */
import { type Node, opRow, stepKey, type Value, type ValueDtype } from "../../compiler/ir/index.js";
import type { HostValue } from "../../compiler/resident/index.js";
import type { IntegerRef } from "../../compiler/schedule/index.js";
import { orderKeys, type Threshold } from "./selection.js";

/** A node as rows see it when they evaluate: its type, and those of its arguments. */
export function plainNode(
  op: string,
  attrs: { readonly [name: string]: unknown },
  dtype: ValueDtype,
  shape: readonly number[],
  args: readonly Value[],
): Node {
  const plain = args.map((arg) => ({ id: -1, op: "", args: [], attrs: {}, shape: arg.shape, dtype: arg.dtype }));
  return { id: -1, op, args: plain, attrs: attrs as Node["attrs"], shape, dtype };
}

export class Numbers {
  private readonly values: number[] = [];
  private readonly thresholds = new Map<number, Threshold>();

  get(node: number): number {
    const value = this.values[node];
    if (value === undefined) throw new Error(`the value of node ${node} is not known`);
    return value;
  }

  set(node: number, value: number): void {
    this.values[node] = value;
  }

  setThreshold(node: number, threshold: Threshold): void {
    this.thresholds.set(node, threshold);
  }

  /** Computes a value from others that are known. */
  compute(value: HostValue): void {
    this.values[value.node] = this.valueOf(value);
  }

  private valueOf({ op, args, attrs, dtype }: HostValue): number {
    if (op === "threshold_value") return this.thresholds.get(args[0])!.value;
    if (op === "above") {
      const { limit, cuts } = this.thresholds.get(args[1])!;
      const [key] = orderKeys(Float32Array.of(this.get(args[0])));
      return key > limit || (key === limit && cuts[attrs.part as number] > 0) ? 1 : 0;
    }
    const row = opRow(op);
    const numbers = args.map((a) => this.get(a));
    if (row.scalar !== undefined) return whole(dtype, row.scalar(...numbers));
    const values = numbers.map((x): Value => ({ shape: [], dtype: "f64", data: Float64Array.of(x) }));
    const node = plainNode(op, attrs, dtype, [], values);
    return whole(dtype, row.evaluate!(values, node.attrs, node, (x) => whole(dtype, x))[0]);
  }

  /** A u32 that a kernel call brings. */
  integer(ref: IntegerRef): number {
    switch (ref.kind) {
      case "value":
        return ref.value;
      case "key":
        return stepKey(ref.key, this.get(ref.node))[ref.word];
      case "limit":
        return this.thresholds.get(ref.node)!.limit;
      case "cut":
        return this.thresholds.get(ref.node)!.cuts[ref.part];
      case "low":
      case "shift":
        throw new Error("a resident program counts no histograms");
    }
  }
}

/** Integers have one zero. */
function whole(dtype: ValueDtype, x: number): number {
  return dtype === "i64" ? x + 0 : x;
}
