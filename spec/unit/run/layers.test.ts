/**
 * Blocks of models cut out and put together: names, depths and configs of `layers(m, a..b)` and `x ++ y`, from text to
 * files. The golden merges hold the same against mergekit; here is what they do not show.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { compileIn, filled, removeScratch, runIn, scratch, type Tensor, writeModel } from "./models.js";

const constant = (x: number, shape: readonly number[] = [2]): Tensor => filled("F32", shape, () => x);

/** Blocks whose entries are 10 * model + number, in the names of Llama. */
function llama(model: number, layers: number): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = { "model.embed_tokens.weight": constant(1000 + model, [3, 2]) };
  for (let l = 0; l < layers; l++) tensors[`model.layers.${l}.mlp.up_proj.weight`] = constant(10 * model + l, [2, 2]);
  return { ...tensors, "model.norm.weight": constant(2000 + model) };
}

const config = (layers: number, more: object = {}) => ({
  model_type: "llama",
  num_hidden_layers: layers,
  layer_types: Array.from({ length: layers }, (_, l) => (l % 2 === 0 ? "full_attention" : "sliding_attention")),
  ...more,
});

function folderOfModels(): string {
  const folder = scratch();
  writeModel(join(folder, "a"), llama(1, 3), config(3));
  writeModel(join(folder, "b"), llama(2, 4), config(4));
  return folder;
}

const first = (t: Tensor | undefined) => t?.data[0];

test("blocks are renumbered; before them stands the first model, after them the last", async () => {
  const folder = folderOfModels();
  const { saved } = await runIn(
    folder,
    'recipe r { let a = load("a"), b = load("b")\n save(layers(a, 1..3) ++ layers(b, 2..4) ++ layers(a, 0..1), to = "out") }',
  );
  const out = saved.get("out")!;
  const values = [0, 1, 2, 3, 4].map((l) => first(out.get(`model.layers.${l}.mlp.up_proj.weight`)));
  assert.equal(values, [11, 12, 22, 23, 10]);
  assert.is(first(out.get("model.embed_tokens.weight")), 1001);
  assert.is(first(out.get("model.norm.weight")), 2001);
  assert.is(out.size, 7);
  const written = JSON.parse(readFileSync(join(folder, "out/config.json"), "utf8"));
  assert.is(written.num_hidden_layers, 5);
  const kinds = ["sliding", "full", "full", "sliding", "full"].map((kind) => `${kind}_attention`);
  assert.equal(written.layer_types, kinds);
});

test("depth and layer are those of the part, and of the joined model after joining", async () => {
  const folder = folderOfModels();
  const text = `use std.merge.{passthrough}
recipe r {
  let b    = load("b")
  let part = passthrough(layers(b, 1..3), scale = by place { inside => by depth { 2 .. 3 }, else 1 })
  let all  = passthrough(part ++ layers(b, 0..1), scale = by layer { 2 => 10, else 1 })
  save(all, to = "out")
}`;
  const { saved } = await runIn(folder, text);
  const values = [0, 1, 2].map((l) => first(saved.get("out")!.get(`model.layers.${l}.mlp.up_proj.weight`)));
  assert.equal(values, [2 * 21, 3 * 22, 10 * 20]);
});

test("a stack is named where a model has several, and the others stay", async () => {
  const folder = scratch();
  const block = (stack: string, l: number) => [`${stack}.block.${l}.layer.0.layer_norm.weight`, constant(l)] as const;
  const tensors = Object.fromEntries([
    ...[0, 1, 2].map((l) => block("encoder", l)),
    ...[0, 1].map((l) => block("decoder", l)),
  ]);
  writeModel(join(folder, "t5"), tensors, { model_type: "t5", num_layers: 3, num_decoder_layers: 2 });
  const { saved } = await runIn(folder, 'recipe r { save(layers(load("t5"), 1..3, stack = "encoder"), to = "out") }');
  const names = [...saved.get("out")!.keys()];
  assert.equal(
    names,
    ["decoder.block.0", "decoder.block.1", "encoder.block.0", "encoder.block.1"].map(
      (b) => `${b}.layer.0.layer_norm.weight`,
    ),
  );
  const written = JSON.parse(readFileSync(join(folder, "out/config.json"), "utf8"));
  assert.equal([written.num_layers, written.num_decoder_layers], [2, 2]);
});

test("a first block that holds more than the others cannot be left out", () => {
  const folder = scratch();
  const tensors = { ...llama(1, 3), "model.layers.0.relative.weight": constant(5) };
  writeModel(join(folder, "a"), tensors, config(3));
  assert.equal(codesOf(folder, 'recipe r { save(layers(load("a"), 1..3), to = "out") }'), ["R062"]);
  assert.equal(codesOf(folder, 'recipe r { save(layers(load("a"), 0..2), to = "out") }'), []);
});

test("what the config of the first model asks for after the blocks must be in the last", () => {
  const folder = folderOfModels();
  writeModel(join(folder, "headed"), { ...llama(3, 2), "lm_head.weight": constant(7, [3, 2]) }, config(2));
  const join2 = (x: string, y: string) =>
    codesOf(folder, `recipe r { save(load("${x}") ++ load("${y}"), to = "out") }`);
  assert.equal(join2("headed", "a"), ["R062"]);
  assert.equal(join2("a", "headed"), []);
});

test("configs that differ in what blocks compute with are named", () => {
  const folder = folderOfModels();
  writeModel(join(folder, "far"), llama(3, 2), config(2, { rope_theta: 1e6, transformers_version: "5" }));
  const { diagnostics } = compileIn(folder, 'recipe r { save(load("a") ++ load("far"), to = "out") }');
  assert.equal(
    diagnostics.map((d) => d.code),
    ["R063"],
  );
  assert.match(diagnostics[0].message, /differ in rope_theta$/);
});

function codesOf(folder: string, text: string): string[] {
  try {
    return compileIn(folder, text).diagnostics.map((d) => d.code);
  } catch (error) {
    if (error instanceof PeftError) return error.diagnostics.map((d) => d.code);
    throw error;
  }
}

test.after(removeScratch);

test.run();
