/** Reads all tensors of a checkpoint into memory: what the golden tests compare. */
import { readFileSync } from "node:fs";
import { decodeElements } from "../../../compiler/ir/index.js";
import { openCheckpoint } from "../../../runtime/checkpoint/index.js";
import type { Tensor } from "./compare.js";

/** Tensors of a folder or file by name, in any layout that the product opens. */
export function readTensors(path: string): Map<string, Tensor> {
  const bytes = new Map<string, Uint8Array>();
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of openCheckpoint(path).tensors) {
    if (!bytes.has(entry.file)) bytes.set(entry.file, new Uint8Array(readFileSync(entry.file)));
    const own = bytes.get(entry.file)!.subarray(entry.offset, entry.offset + entry.bytes);
    const size = entry.shape.reduce((a, b) => a * b, 1);
    tensors.set(name, { dtype: entry.dtype, shape: entry.shape, data: decodeElements(own, entry.dtype, 0, size) });
  }
  return tensors;
}
