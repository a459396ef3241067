/**
 * Whether a device computes: it multiplies two matrices of small whole numbers, whose product f32 holds exactly, and the
 * host counts the elements that differ from its own product. In: a runner. Out: that number; 0 on a sound device.
 */
import type { Memory } from "../device/index.js";
import type { ResidentRunner } from "./runner.js";

const size = 48;

const left = (i: number, k: number) => ((7 * i + k) % 13) - 6;
const right = (k: number, j: number) => ((5 * k + 3 * j) % 11) - 5;

/** Elements of a 48 x 48 product that the device gets wrong. Throws what the device throws. */
export async function wrongElements(runner: ResidentRunner): Promise<number> {
  const matrix = (element: (row: number, col: number) => number): Memory => {
    const memory = runner.allocate(4 * size * size);
    const numbers = numbersOf(memory);
    for (let at = 0; at < numbers.length; at++) numbers[at] = element(Math.floor(at / size), at % size);
    runner.upload(memory);
    return memory;
  };
  const operand = (memory: Memory) => ({ region: { memory, offset: 0 }, batch: [], row: size, col: 1 });
  const a = matrix(left);
  const b = matrix(right);
  const to = matrix(() => Number.NaN);
  await runner.matmul({
    batch: [],
    m: size,
    k: size,
    n: size,
    left: operand(a),
    right: operand(b),
    to: { memory: to, offset: 0 },
  });
  await runner.download(to);
  return numbersOf(to).filter((x, at) => x !== expected(Math.floor(at / size), at % size)).length;
}

function expected(i: number, j: number): number {
  let sum = 0;
  for (let k = 0; k < size; k++) sum += left(i, k) * right(k, j);
  return sum;
}

function numbersOf({ host }: Memory): Float32Array {
  return new Float32Array(host.buffer, host.byteOffset, size * size);
}
