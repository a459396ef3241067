/** Layouts of model folders, the index, tied weights, companions, refusals; and `inspectPath`. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { configText, inspectPath, openCheckpoint, parseConfig } from "../../../runtime/checkpoint/index.js";
import { failsWith, fileOf, freshFolder, latin1, modelFolder, writeTensors } from "./files.js";

const codes = (checkpoint: { warnings: readonly { code: string }[] }) => checkpoint.warnings.map(({ code }) => code);

/** Two shards and an index; `map` may lie. */
function shardedFolder(map?: Record<string, unknown>): string {
  const folder = freshFolder();
  writeTensors(path.join(folder, "model-00001-of-00002.safetensors"), [
    ["a", [2]],
    ["c", [1]],
  ]);
  writeTensors(path.join(folder, "model-00002-of-00002.safetensors"), [["b", [3]]]);
  const weights = map ?? {
    a: "model-00001-of-00002.safetensors",
    b: "model-00002-of-00002.safetensors",
    c: "model-00001-of-00002.safetensors",
  };
  fs.writeFileSync(
    path.join(folder, "model.safetensors.index.json"),
    JSON.stringify({ metadata: {}, weight_map: weights }),
  );
  return folder;
}

test("a folder with model.safetensors: tensors in byte order, config, companions", () => {
  const folder = modelFolder({ model_type: "llama" }, [
    ["b", [2]],
    ["𝄞", [1]],
    ["\uffee", [1]],
    ["B", [1]],
    ["a.10", [1]],
    ["a.9", [1]],
  ]);
  fs.writeFileSync(path.join(folder, "tokenizer.json"), "{}");
  fs.writeFileSync(path.join(folder, "training_args.bin"), "x");
  const checkpoint = openCheckpoint(folder);
  assert.equal([...checkpoint.tensors.keys()], ["B", "a.10", "a.9", "b", "\uffee", "𝄞"]);
  assert.equal(checkpoint.files, ["config.json", "tokenizer.json"]);
  assert.is(checkpoint.modelType, "llama");
  assert.is(checkpoint.kind, "folder");
  assert.equal(checkpoint.warnings, []);
});

test("a single file, a folder with one other file, an index, a sharded folder", () => {
  const file = path.join(modelFolder({ model_type: "vit" }, [["w", [2]]]), "model.safetensors");
  assert.is(openCheckpoint(file).kind, "file");
  assert.is(openCheckpoint(file).modelType, "vit");
  const other = freshFolder();
  writeTensors(path.join(other, "unet.safetensors"), [["w", [2]]]);
  assert.equal([...openCheckpoint(other).tensors.keys()], ["w"]);
  const sharded = shardedFolder();
  for (const target of [sharded, path.join(sharded, "model.safetensors.index.json")]) {
    const checkpoint = openCheckpoint(target);
    assert.equal([...checkpoint.tensors.keys()], ["a", "b", "c"]);
    assert.match(checkpoint.tensors.get("b")!.file, "model-00002-of-00002.safetensors");
    assert.is(checkpoint.headers.length, 2);
    assert.equal(checkpoint.warnings, []);
  }
});

test("links to regular files are followed, as download caches need it", () => {
  const folder = freshFolder();
  const blob = fileOf("", "blob");
  writeTensors(blob, [["w", [2]]]);
  fs.symlinkSync(blob, path.join(folder, "model.safetensors"));
  assert.is(openCheckpoint(folder).tensors.size, 1);
});

test("F040: an index that is none", () => {
  for (const text of [
    "",
    "[]",
    "{}",
    '{"weight_map":[]}',
    '{"weight_map":{}}',
    '{"weight_map":{"a":1}}',
    '{"weight_map":{"a":"x","a":"y"}}',
    "\xff",
  ]) {
    const folder = freshFolder();
    fs.writeFileSync(path.join(folder, "model.safetensors.index.json"), latin1(text));
    failsWith("F040", () => openCheckpoint(folder));
  }
});

test("F041: an index cannot reach out of its folder", () => {
  const outside = fileOf("", "x.safetensors");
  writeTensors(outside, [["a", [2]]]);
  const names = [
    "../0/x.safetensors",
    outside,
    "sub/../../x.safetensors",
    "..\\x.safetensors",
    "C:\\x.safetensors",
    "a\0.safetensors",
    "",
    "notes.txt",
  ];
  for (const name of names) failsWith("F041", () => openCheckpoint(shardedFolder({ a: name })));
});

test("F042, F003: a shard is missing or a pipe", () => {
  assert.match(failsWith("F042", () => openCheckpoint(shardedFolder({ a: "model-3.safetensors" }))).message, "model-3");
  const folder = shardedFolder({ a: "pipe.safetensors" });
  execFileSync("mkfifo", [path.join(folder, "pipe.safetensors")]);
  failsWith("F003", () => openCheckpoint(folder));
});

test("F043: a tensor is not where the index says", () => {
  const map = { a: "model-00001-of-00002.safetensors", cc: "model-00001-of-00002.safetensors" };
  const problem = failsWith("F043", () => openCheckpoint(shardedFolder(map)));
  assert.match(problem.message, '"cc"');
  assert.match(problem.notes[0], '"c"');
});

test("F044: a tensor that only a shard knows is left out, with a warning", () => {
  const checkpoint = openCheckpoint(shardedFolder({ a: "model-00001-of-00002.safetensors" }));
  assert.equal([...checkpoint.tensors.keys()], ["a"]);
  assert.equal(codes(checkpoint), ["F044"]);
});

test("F045: the single file counts when there is an index too", () => {
  const folder = shardedFolder();
  writeTensors(path.join(folder, "model.safetensors"), [["w", [2]]]);
  const checkpoint = openCheckpoint(folder);
  assert.equal([...checkpoint.tensors.keys()], ["w"]);
  assert.equal(codes(checkpoint), ["F045"]);
});

test("F046: a configuration that is none; Python's numbers are read", () => {
  for (const text of ["{", "[]", '{"a":1,"a":2}', "\xff", "nul"]) {
    const folder = modelFolder({}, [["w", [1]]]);
    fs.writeFileSync(path.join(folder, "config.json"), latin1(text));
    failsWith("F046", () => openCheckpoint(folder));
  }
  const { value } = parseConfig(
    "config.json",
    '{"limit": [0.0, Infinity], "low": -Infinity, "none": NaN, "__proto__": {"x": 1}}',
  );
  assert.equal(value.limit, [0, Number.POSITIVE_INFINITY]);
  assert.ok(Number.isNaN(value.none));
  assert.is((value as { x?: unknown }).x, undefined);
});

test("F048: a companion that is no file is not carried", () => {
  const folder = modelFolder({}, [["w", [1]]]);
  execFileSync("mkfifo", [path.join(folder, "tokenizer.json")]);
  const checkpoint = openCheckpoint(folder);
  assert.equal(checkpoint.files, ["config.json"]);
  assert.equal(codes(checkpoint), ["F048"]);
});

test("tied weights: the head is an alias when the configuration says so", () => {
  const shapes = [
    ["lm_head.weight", [5, 2]],
    ["model.embed_tokens.weight", [5, 2]],
    ["x", [1]],
  ] as const;
  for (const config of [{ tie_word_embeddings: true }, { text_config: { tie_word_embeddings: true } }]) {
    const checkpoint = openCheckpoint(modelFolder(config, shapes));
    assert.equal(checkpoint.tied, [["lm_head.weight", "model.embed_tokens.weight"]]);
    assert.equal([...checkpoint.tensors.keys()], ["model.embed_tokens.weight", "x"]);
  }
  for (const config of [{}, { tie_word_embeddings: false }, { tie_word_embeddings: "true" }, { text_config: [true] }]) {
    const checkpoint = openCheckpoint(modelFolder(config, shapes));
    assert.equal(checkpoint.tied, []);
    assert.is(checkpoint.tensors.size, 3);
  }
});

test("tied weights: T5 ties to the shared matrix; BERT's decoder counts; no head, nothing to do", () => {
  const tied = (shapes: readonly (readonly [string, readonly number[]])[]) =>
    openCheckpoint(modelFolder({ tie_word_embeddings: true }, shapes));
  assert.equal(
    tied([
      ["encoder.embed_tokens.weight", [5, 2]],
      ["lm_head.weight", [5, 2]],
      ["shared.weight", [5, 2]],
    ]).tied,
    [["lm_head.weight", "shared.weight"]],
  );
  const bert = "bert.embeddings.word_embeddings.weight";
  assert.equal(
    tied([
      [bert, [5, 2]],
      ["cls.predictions.decoder.weight", [5, 2]],
    ]).tied,
    [["cls.predictions.decoder.weight", bert]],
  );
  assert.equal(tied([["transformer.wte.weight", [5, 2]]]).tied, []);
});

test("F047: a head of another shape is kept", () => {
  const shapes = [
    ["lm_head.weight", [6, 2]],
    ["model.embed_tokens.weight", [5, 2]],
  ] as const;
  const checkpoint = openCheckpoint(modelFolder({ tie_word_embeddings: true }, shapes));
  assert.is(checkpoint.tensors.size, 2);
  assert.equal(codes(checkpoint), ["F047"]);
});

test("F030 to F037: what is no model says what it is", () => {
  failsWith("F030", () => openCheckpoint(fileOf("x", "pytorch_model.bin")));
  failsWith("F030", () => openCheckpoint(path.dirname(fileOf("x", "pytorch_model-00001-of-00002.bin"))));
  failsWith("F030", () =>
    openCheckpoint(fileOf('{"weight_map":{"a":"pytorch_model-1.bin"}}', "pytorch_model.bin.index.json")),
  );
  failsWith("F031", () => openCheckpoint(fileOf("x", "model.GGUF")));
  failsWith("F031", () => openCheckpoint(path.dirname(fileOf("x", "model.gguf"))));
  const adapter = path.dirname(fileOf("{}", "adapter_config.json"));
  writeTensors(path.join(adapter, "adapter_model.safetensors"), [["w", [1]]]);
  failsWith("F032", () => openCheckpoint(adapter));
  assert.match(failsWith("F035", () => openCheckpoint(freshFolder())).notes[0], "model.safetensors.index.json");
  const parent = freshFolder();
  fs.mkdirSync(path.join(parent, "base"));
  writeTensors(path.join(parent, "base", "model.safetensors"), [["w", [1]]]);
  assert.match(failsWith("F035", () => openCheckpoint(parent)).help!, "base");
  const two = freshFolder();
  for (const name of ["a.safetensors", "b.safetensors"]) writeTensors(path.join(two, name), [["w", [1]]]);
  failsWith("F036", () => openCheckpoint(two));
});

test("configText replaces dtypes and keeps every other byte", () => {
  const text =
    '{\n  "dtype": "float32", "eps": 1e-06, "theta": 10000.0,\n  "text_config": {"torch_dtype": "float32"},\n  "quantization_config": {"dtype": "x"}, "big": 12345678901234567890\n}\n';
  const config = parseConfig("config.json", text);
  assert.is(configText(config, null), text);
  assert.is(
    configText(config, "BF16"),
    text
      .replace('"dtype": "float32"', '"dtype": "bfloat16"')
      .replace('"torch_dtype": "float32"', '"torch_dtype": "bfloat16"'),
  );
  assert.is(configText(parseConfig("c", '{"a": 1}'), "F16"), '{"a": 1}', "a donor without the key gets none");
});

test("inspectPath: totals by dtype, files, adapters", () => {
  const sharded = inspectPath(shardedFolder());
  assert.is(sharded.parameters, 6);
  assert.is(sharded.bytes, 24);
  assert.equal(sharded.byDtype, new Map([["F32", { tensors: 3, parameters: 6, bytes: 24 }]]));
  assert.equal(
    sharded.files.map(({ tensors }) => tensors),
    [2, 1],
  );
  const adapter = path.dirname(fileOf('{"peft_type":"LORA"}', "adapter_config.json"));
  writeTensors(path.join(adapter, "adapter_model.safetensors"), [["w", [2, 3]]]);
  const inspected = inspectPath(adapter);
  assert.is(inspected.kind, "adapter");
  assert.is(inspected.adapterType, "LORA");
  assert.is(inspected.parameters, 6);
});

test.run();
