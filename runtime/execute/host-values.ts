/**
 * Rank-0 values on the host, in f64: what statistics gave, and arithmetic on it by the op registry. Values are computed
 * when asked for and kept. A threshold is the key of the first element that is not kept, and how far equal keys are
 * kept in each part.
 */
import { type HostNode, opRow, type Program, type Value } from "../../compiler/index.js";

export interface Threshold {
  /** Order key (u32) of the first element that is not kept; 0 when all are. */
  readonly limit: number;
  /** For each part: elements with this key are kept up to this position (exclusive). */
  readonly cuts: readonly number[];
  /** The number behind the key; -Infinity when all elements are kept. */
  readonly value: number;
}

export class HostValues {
  private readonly values = new Map<number, number>();
  private readonly thresholds = new Map<number, Threshold>();
  private readonly columns = new Map<number, Float32Array>();

  constructor(private readonly program: Program) {}

  set(node: number, value: number): void {
    this.values.set(node, value);
  }

  setThreshold(node: number, threshold: Threshold): void {
    this.thresholds.set(node, threshold);
  }

  setColumn(node: number, column: Float32Array): void {
    this.columns.set(node, column);
  }

  threshold(node: number): Threshold {
    return known(this.thresholds.get(node), node);
  }

  column(node: number): Float32Array {
    return known(this.columns.get(node), node);
  }

  /** The number of a node; its statistics must be known. */
  get(id: number): number {
    const ready = this.values.get(id);
    if (ready !== undefined) return ready;
    const stack = [id];
    while (stack.length > 0) {
      const at = stack[stack.length - 1];
      if (this.values.has(at)) {
        stack.pop();
        continue;
      }
      const node = known(this.program.host.get(at), at);
      const open = node.op === "threshold_value" ? [] : node.args.filter((a) => !this.values.has(a));
      if (open.length > 0) {
        stack.push(...open);
        continue;
      }
      this.values.set(at, this.compute(node));
      stack.pop();
    }
    return this.values.get(id)!;
  }

  private compute(node: HostNode): number {
    if (node.op === "threshold_value") return this.threshold(node.args[0]).value;
    const row = opRow(node.op);
    const args = node.args.map((a) => this.values.get(a)!);
    if (row.fusion === "reduce") return emptyReduction(node.op);
    if (row.scalar !== undefined) return row.scalar(...args);
    const values = args.map((x): Value => ({ shape: [], dtype: "f64", data: Float64Array.of(x) }));
    const plain = { id: node.id, op: node.op, args: [], attrs: node.attrs as never, shape: [], dtype: node.dtype };
    return known(row.evaluate, node.id)(values, node.attrs as never, plain, (x) => x)[0];
  }
}

function known<T>(value: T | undefined, node: number): T {
  if (value === undefined) throw new Error(`the value of node ${node} is not known yet`);
  return value;
}

/** The value of a statistic over no elements: no task computes it. */
function emptyReduction(op: string): number {
  return op === "reduce_max" ? -Infinity : op === "reduce_min" ? Infinity : 0;
}

/** The f32 number of an order key (kernels: order_key). */
export function numberOfKey(key: number): number {
  const bits = key >= 0x80000000 ? key - 0x80000000 : 0xffffffff - key;
  return new Float32Array(Uint32Array.of(bits >>> 0).buffer)[0];
}

/** The order key of a number. */
export function keyOfNumber(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x + 0).buffer)[0];
  return bits >= 0x80000000 ? 0xffffffff - bits : bits + 0x80000000;
}
