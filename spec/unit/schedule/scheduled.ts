/**
 * Programs of the standard library's merges over a checkpoint that has a header only: the file has the size that its
 * header promises and no data. In: the recipes of spec/unit/run/library.ts. Out: the programs that a run would execute.
 */
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bytesOf, type StorageDtype, sizeOf } from "../../../compiler/ir/index.js";
import { type Program, schedule } from "../../../compiler/schedule/index.js";
import { libraryRecipes } from "../run/library.js";
import { compileIn } from "../run/models.js";

/** One tensor of each kind: an embedding, linear maps, a bias, norms, a convolution, and one without axes. */
const shapes: Readonly<Record<string, readonly number[]>> = {
  "model.embed_tokens.weight": [32_000, 512],
  "model.layers.0.attention.query.weight": [512, 512],
  "model.layers.0.attention.query.bias": [512],
  "model.layers.0.norm.weight": [512],
  "model.layers.0.conv.weight": [64, 33, 3, 3],
  "model.layers.1.mlp.up.weight": [1365, 512],
  "model.norm.weight": [512],
  "model.temperature": [],
};

/** Writes the checkpoints base, a and b of one dtype into `folder`. */
export function writeHeaders(folder: string, dtype: StorageDtype): void {
  let offset = 0;
  const header: [string, unknown][] = Object.entries(shapes).map(([name, shape]) => {
    const begin = offset;
    offset += sizeOf(shape) * bytesOf(dtype);
    return [name, { dtype, shape, data_offsets: [begin, offset] }];
  });
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  for (const name of ["base", "a", "b"]) {
    const file = join(folder, name, "model.safetensors");
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(file, Uint8Array.from([...length, ...json]));
    truncateSync(file, 8 + json.length + offset);
    writeFileSync(join(folder, name, "config.json"), JSON.stringify({ model_type: "tiny" }));
  }
}

/** The programs of all recipes over the checkpoints in `folder`, by name. Throws PeftError when one is refused. */
export function libraryPrograms(folder: string): Map<string, Program> {
  return new Map(
    Array.from(libraryRecipes()).map(([name, text]) => [name, schedule(compileIn(folder, text).plan!).program]),
  );
}
