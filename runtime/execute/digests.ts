/**
 * Digests of the inputs: from the cache where a file was hashed before, else hashed in this run. In: checkpoints and,
 * after the run, the digests that were computed. Out: which tensors to hash, and one digest a checkpoint.
 */
import type { FileTensor } from "../../compiler/index.js";
import {
  type Checkpoint,
  DigestCache,
  type FileIdentity,
  identifyFile,
  tensorListDigest,
} from "../checkpoint/index.js";

export interface InputDigests {
  readonly unhashed: readonly FileTensor[];
  /** Digest by source, once `computed` is there; also stores what was computed. */
  finish(computed: ReadonlyMap<FileTensor, string>): ReadonlyMap<string, string>;
}

export function inputDigests(checkpoints: ReadonlyMap<string, Checkpoint>): InputDigests {
  const cache = new DigestCache();
  const identities = new Map<string, FileIdentity | null>();
  const known = new Map<string, Map<string, string>>();
  const unhashed: FileTensor[] = [];
  for (const [source, checkpoint] of checkpoints) {
    for (const { name, dtype, shape, file } of checkpoint.tensors.values()) {
      if (!identities.has(file)) {
        const identity = identifyFile(file);
        identities.set(file, identity);
        known.set(file, new Map(identity === null ? [] : cache.get(identity)));
      }
      if (!known.get(file)!.has(name))
        unhashed.push({ source, name, dtype, elements: shape.reduce((a, b) => a * b, 1) });
    }
  }
  return {
    unhashed,
    finish(computed) {
      for (const [tensor, hex] of computed) {
        const entry = checkpoints.get(tensor.source)!.tensors.get(tensor.name)!;
        known.get(entry.file)!.set(tensor.name, hex);
      }
      const files = new Set([...computed.keys()].map((t) => checkpoints.get(t.source)!.tensors.get(t.name)!.file));
      for (const file of files) {
        const identity = identities.get(file);
        if (identity !== null && identity !== undefined) cache.put(identity, known.get(file)!);
      }
      return new Map(
        [...checkpoints].map(([source, checkpoint]) => [
          source,
          tensorListDigest(
            [...checkpoint.tensors.values()].map(({ name, dtype, shape, file }) => ({
              name,
              dtype,
              shape,
              hex: known.get(file)!.get(name)!,
            })),
          ),
        ]),
      );
    },
  };
}
