/**
 * Golden cases of methods, one file a method: an independent implementation in double precision of what a paper or its
 * code says. Each case has inputs, outputs with a tolerance (a share of the largest value of the output), and what the
 * method's naive baselines give, from which a right implementation must differ. `spec/golden/methods/README.md`.
 */
import { readFileSync } from "node:fs";
import type { Tensor } from "./run.js";

export interface MethodCase {
  readonly name: string;
  readonly kind: string;
  // biome-ignore lint/suspicious/noExplicitAny: parameters differ from case to case
  readonly params: Record<string, any>;
  readonly tolerance: number;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly naive: ReadonlyMap<string, Tensor>;
  /** Outputs that are exactly 0. */
  readonly zero: readonly string[];
}

interface Written {
  readonly name: string;
  readonly kind: string;
  readonly params: Record<string, unknown>;
  readonly tol: number;
  readonly inputs: Record<string, string>;
  readonly outputs: Record<string, string>;
  readonly naive: Record<string, string>;
  readonly more?: { readonly zero?: readonly string[]; readonly exactly_zero?: readonly string[] };
}

/** The cases of one method by name. */
export function methodCases(method: string): ReadonlyMap<string, MethodCase> {
  const bytes = readFileSync(`spec/golden/methods/${method}.safetensors`);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
  const read = (name: string): Tensor => {
    const { dtype, shape, data_offsets } = header[name];
    const part = Uint8Array.from(bytes.subarray(8 + length + data_offsets[0], 8 + length + data_offsets[1])).buffer;
    const arrays = { F64: Float64Array, F32: Float32Array, I32: Int32Array, U8: Uint8Array, BOOL: Uint8Array };
    const kind = arrays[dtype as keyof typeof arrays];
    if (kind === undefined) throw new Error(`no reader for ${dtype}`);
    return { dtype: dtype === "F64" ? "F32" : dtype, shape, data: Float64Array.from(new kind(part)) };
  };
  const all = (names: Record<string, string>) =>
    new Map(Object.entries(names).map(([role, name]) => [role, read(name)]));
  const cases = JSON.parse(header.__metadata__.cases) as Written[];
  return new Map(
    cases.map((c) => [
      c.name,
      {
        name: c.name,
        kind: c.kind,
        params: c.params,
        tolerance: c.tol,
        inputs: all(c.inputs),
        outputs: all(c.outputs),
        naive: all(c.naive),
        zero: c.more?.zero ?? c.more?.exactly_zero ?? [],
      },
    ]),
  );
}

/** The largest difference, as a share of the largest value expected (absolute where that is 0). */
export function apart(found: { readonly data: ArrayLike<number> }, expected: Tensor): number {
  if (found.data.length !== expected.data.length)
    throw new Error(`${found.data.length} numbers instead of ${expected.data.length}`);
  let most = 0;
  let largest = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const difference = Math.abs(found.data[i] - expected.data[i]);
    if (!(difference <= most)) most = difference;
    largest = Math.max(largest, Math.abs(expected.data[i]));
  }
  return largest === 0 ? most : most / largest;
}
