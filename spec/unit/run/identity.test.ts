/**
 * The bytes of an output depend on nothing but the recipe and its inputs: every file of the output folder is the same
 * for other numbers of threads and other chunk sizes, with the digests taken on the way or not.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { libraryRecipes } from "./library.js";
import { compileIn, noise, removeScratch, runCompiled, scratch, type Tensors, writeModel } from "./models.js";

const shapes: Readonly<Record<string, readonly number[]>> = {
  "embed_tokens.weight": [40, 24],
  "layers.0.proj.weight": [300, 230],
  "layers.0.proj.bias": [300],
  "layers.1.cube.weight": [3, 5, 7],
  "layers.1.kernel.weight": [4, 3, 2, 5],
  "layers.1.odd.weight": [60, 301],
  "layers.2.long.weight": [70000],
  "layers.2.wide.weight": [2, 70001],
  one: [1],
  scalar: [],
  empty: [0, 4],
};

type Storage = "F32" | "BF16" | "F16";

function model(seed: number, dtypes: readonly Storage[]): Tensors {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [
      name,
      noise(dtypes[i % dtypes.length], shape, seed * 50 + i, 0.1),
    ]),
  );
}

function folderWith(...dtypes: Storage[]): string {
  const folder = scratch();
  for (const [i, name] of ["base", "a", "b"].entries()) writeModel(join(folder, name), model(i + 1, dtypes));
  return folder;
}

/** Every file of a folder by name. */
function filesOf(folder: string): Map<string, Buffer> {
  return new Map(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name))]),
  );
}

const settings = [
  { threads: 1, chunk: 1 << 20, hash: true },
  { threads: 2, chunk: 64 << 10, hash: true },
  { threads: 2, chunk: 64 << 20, hash: false },
];

const inputs: Readonly<Record<string, readonly Storage[]>> = {
  F32: ["F32"],
  BF16: ["BF16"],
  mixed: ["F32", "BF16", "F16"],
};
const folders = new Map(Object.entries(inputs).map(([name, dtypes]) => [name, folderWith(...dtypes)]));

let turn = 0;
for (const [name, text] of libraryRecipes()) {
  // Each merge takes one kind of input in turn; those with selections over the model take all of them.
  const kinds = [...folders.keys()];
  for (const kind of name === "ties_model" ? kinds : [kinds[turn++ % kinds.length]]) {
    test(`${name} on ${kind}`, async () => {
      const folder = folders.get(kind)!;
      const compiled = compileIn(folder, text);
      let first: Map<string, Buffer> | null = null;
      for (const options of settings) {
        rmSync(join(folder, "out"), { recursive: true, force: true });
        await runCompiled(compiled, options);
        const files = filesOf(join(folder, "out"));
        first ??= files;
        assert.equal([...files.keys()], [...first.keys()]);
        for (const [file, bytes] of files) {
          // Without digests the receipt has none.
          if (file === "peftc.json" && !options.hash) continue;
          assert.ok(
            bytes.compare(Uint8Array.from(first.get(file)!)) === 0,
            `${file} differs with ${JSON.stringify(options)}`,
          );
        }
      }
      assert.ok(first!.has("model.safetensors") && first!.has("peftc.json"));
    });
  }
}

test.after(removeScratch);
test.run();
