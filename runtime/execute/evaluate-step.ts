/**
 * A step that only the row of its operation computes: whole tensors come to the host, the result goes back. In: temps of a
 * task, numbers of the host. Out: the result in its temp, rounded as in the reference evaluator.
 */
import { opRow, type Step, type Value } from "../../compiler/index.js";
import { decodeElements, encodeElements, type StorageDtype, sizeOf } from "../../compiler/ir/index.js";
import { type Memory, type Runner, threadSpace } from "../device/index.js";
import { plainNode } from "../resident/index.js";

type EvaluateStep = Extract<Step, { kind: "evaluate" }>;

const storage = (dtype: Value["dtype"]): StorageDtype => (dtype === "bool" ? "BOOL" : dtype === "i32" ? "I32" : "F32");

/** `numbers` are the values of the arguments of rank 0, in their order. */
export async function evaluateStep(
  runner: Runner,
  step: EvaluateStep,
  temps: readonly Memory[],
  numbers: readonly number[],
): Promise<void> {
  const values: Value[] = [];
  let next = 0;
  for (const arg of step.args) {
    if (arg.kind === "number") {
      const number = numbers[next++];
      values.push({
        shape: [],
        dtype: arg.dtype,
        data: Float64Array.of(arg.dtype === "f64" ? Math.fround(number) : number),
      });
      continue;
    }
    await runner.download(temps[arg.temp]);
    const { host } = temps[arg.temp];
    const size = sizeOf(arg.shape);
    const data =
      arg.dtype === "f32"
        ? new Float64Array(new Float32Array(host.buffer, host.byteOffset, size))
        : decodeElements(host, storage(arg.dtype), 0, size);
    values.push({ shape: arg.shape, dtype: arg.dtype, data });
  }
  const row = opRow(step.op);
  const node = plainNode(step.op, step.attrs, step.dtype, step.shape, values);
  const round = step.dtype === "f32" ? Math.fround : (x: number) => x;
  const elements =
    row.working === undefined
      ? row.evaluate!(values, node.attrs, node, round)
      : threadSpace().use((space) => row.evaluate!(values, node.attrs, node, round, space));
  const { host } = temps[step.to];
  if (step.dtype === "f32") new Float32Array(host.buffer, host.byteOffset, elements.length).set(elements);
  else encodeElements(host, storage(step.dtype), 0, elements);
  runner.upload(temps[step.to]);
}
