/** Outputs: layout, round trips, sharding, refusals, replacing, and what a killed run leaves. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  checkSpace,
  checkTarget,
  type OutputPlan,
  type OutputRequest,
  openCheckpoint,
  openOutput,
  parseConfig,
  planOutput,
  readHeader,
} from "../../../runtime/checkpoint/index.js";
import { failsWith, freshFolder, modelFolder, writeTensors } from "./files.js";

const tensors: OutputRequest["tensors"] = [
  { name: "w.b", dtype: "F32", shape: [2, 3] },
  { name: "__proto__", dtype: "BF16", shape: [5] },
  { name: "w.a", dtype: "F32", shape: [] },
  { name: "mask", dtype: "BOOL", shape: [3] },
  { name: 'x"\n𝄞', dtype: "I64", shape: [0, 4] },
  { name: "1", dtype: "BF16", shape: [1] },
];

const plan = (to: string, more: Partial<OutputRequest> = {}): OutputPlan =>
  planOutput({ to, tensors, shardBytes: null, metadata: {}, carry: [], config: null, ...more });

/** Byte i of a tensor is i plus the length of its name. */
const byteOf = (name: string, i: number) => (i + name.length) & 255;

function fill(output: ReturnType<typeof openOutput>): void {
  for (const { name, file, offset, bytes } of output.plan.tensors.values()) {
    const fd = fs.openSync(output.path(file), "r+");
    fs.writeSync(
      fd,
      Uint8Array.from({ length: bytes }, (_, i) => byteOf(name, i)),
      0,
      bytes,
      offset,
    );
    fs.closeSync(fd);
  }
}

/** Writes a complete output. */
function save(to: string, more: Partial<OutputRequest> = {}, force = false): void {
  const output = openOutput(plan(to, more), { force });
  fill(output);
  output.finish([{ name: "peftc.json", text: "{}" }]);
}

const hidden = (parent: string) => fs.readdirSync(parent).filter((name) => name.startsWith("."));

test("what is written is read back: names, dtypes, shapes, bytes; for any shard size", () => {
  for (const shardBytes of [null, 1, 11, 24, 1000]) {
    const to = path.join(freshFolder(), "out");
    save(to, { shardBytes });
    const read = openCheckpoint(to);
    assert.is(read.tensors.size, tensors.length);
    for (const { name, dtype, shape } of tensors) {
      const entry = read.tensors.get(name)!;
      assert.equal([entry.dtype, entry.shape], [dtype, shape]);
      const bytes = fs.readFileSync(entry.file).subarray(entry.offset, entry.offset + entry.bytes);
      assert.equal(
        [...bytes],
        [...bytes.keys()].map((i) => byteOf(name, i)),
      );
    }
    assert.equal(read.warnings, []);
    assert.is(fs.existsSync(path.join(to, "model.safetensors.index.json")), shardBytes !== null && shardBytes < 1000);
    assert.equal(hidden(path.dirname(to)), []);
  }
});

test("the header: format first, wide dtypes first, padded to 8, tensors aligned to their elements", () => {
  const { files, totalBytes, dataBytes, parameters } = plan("out", { metadata: { recipe: "r", compiler: "1" } });
  const [file] = files;
  assert.is(file.name, "model.safetensors");
  assert.is(file.header.length % 8, 0);
  const text = new TextDecoder().decode(file.header.subarray(8));
  assert.ok(text.startsWith('{"__metadata__":{"format":"pt","compiler":"1","recipe":"r"},'), text);
  assert.equal(
    file.tensors.map(({ name }) => name),
    ['x"\n𝄞', "w.a", "w.b", "1", "__proto__", "mask"],
  );
  assert.is(file.tensors[0].offset, file.header.length);
  for (const { dtype, offset } of file.tensors) assert.is(offset % (dtype === "F32" ? 4 : dtype === "BF16" ? 2 : 1), 0);
  assert.is(dataBytes, 43);
  assert.is(totalBytes, file.header.length + 43);
  assert.is(parameters, 16);
});

test("the layout does not depend on the order of the request", () => {
  const [one, other] = [tensors, [...tensors].reverse()].map((list) => plan("out", { tensors: list, shardBytes: 11 }));
  assert.equal(one, other);
});

test("shards and index as transformers writes them", () => {
  const list: OutputRequest["tensors"] = ["a", "b", "c"].map((name) => ({ name, dtype: "F32", shape: [2] }));
  const { files, index } = plan("out", { tensors: list, shardBytes: 16 });
  assert.equal(
    files.map(({ name }) => name),
    ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
  );
  assert.is(index!.name, "model.safetensors.index.json");
  assert.is(
    index!.text,
    `{
  "metadata": {
    "total_parameters": 6,
    "total_size": 24
  },
  "weight_map": {
    "a": "model-00001-of-00002.safetensors",
    "b": "model-00001-of-00002.safetensors",
    "c": "model-00002-of-00002.safetensors"
  }
}
`,
  );
});

test("config, carried and extra files; the dtype follows unless dtypes are mixed", () => {
  const donor = modelFolder({ dtype: "float32", model_type: "llama" }, [["w", [1]]]);
  fs.writeFileSync(path.join(donor, "tokenizer.json"), '{"t":1}');
  fs.chmodSync(path.join(donor, "tokenizer.json"), 0o444);
  const { config, files } = openCheckpoint(donor);
  const carry = files.map((name) => ({ from: path.join(donor, name), name }));
  const to = path.join(freshFolder(), "out");
  const one: OutputRequest["tensors"] = [
    { name: "w", dtype: "BF16", shape: [1] },
    { name: "i", dtype: "I64", shape: [1] },
  ];
  save(to, { tensors: one, config, carry });
  assert.is(JSON.parse(fs.readFileSync(path.join(to, "config.json"), "utf8")).dtype, "bfloat16");
  assert.is(fs.readFileSync(path.join(to, "tokenizer.json"), "utf8"), '{"t":1}');
  assert.equal(fs.readdirSync(to).sort(), ["config.json", "model.safetensors", "peftc.json", "tokenizer.json"]);
  const mixed = plan("out", { config });
  assert.is(JSON.parse(mixed.config!.text).dtype, "float32");
});

test("until finish nothing is there; abort leaves nothing, not even new parents", () => {
  const parent = freshFolder();
  const to = path.join(parent, "new", "deep", "out");
  const output = openOutput(plan(to), { force: false });
  fill(output);
  assert.not.ok(fs.existsSync(to));
  failsWith("F037", () => openCheckpoint(path.dirname(output.path("model.safetensors"))));
  output.abort();
  assert.equal(fs.readdirSync(parent), []);
  assert.throws(() => output.finish(), "before");
});

test("a failing finish leaves nothing", () => {
  const parent = freshFolder();
  const output = openOutput(plan(path.join(parent, "out")), { force: false });
  failsWith("F059", () => output.finish([{ name: "../evil", text: "" }]));
  assert.equal(fs.readdirSync(parent), []);
});

test("F050 and --force: an old output is replaced as a whole, a folder of something else never", () => {
  const parent = freshFolder();
  const to = path.join(parent, "out");
  save(to);
  fs.writeFileSync(path.join(to, "old.txt"), "old");
  failsWith("F050", () => openOutput(plan(to), { force: false }));
  const output = openOutput(plan(to, { shardBytes: 11 }), { force: true });
  fill(output);
  assert.ok(fs.existsSync(path.join(to, "old.txt")), "the old output stays until the new one is complete");
  output.finish();
  assert.not.ok(fs.existsSync(path.join(to, "old.txt")));
  assert.is(openCheckpoint(to).tensors.size, tensors.length);
  assert.equal(fs.readdirSync(parent), ["out"]);
  const other = freshFolder();
  fs.writeFileSync(path.join(other, "thesis.txt"), "years");
  failsWith("F051", () => openOutput(plan(other), { force: true }));
  save(freshFolder());
});

test("F050: a target that appears during the run is not replaced", () => {
  const parent = freshFolder();
  const output = openOutput(plan(path.join(parent, "out")), { force: false });
  fs.mkdirSync(path.join(parent, "out"));
  fs.writeFileSync(path.join(parent, "out", "theirs"), "");
  failsWith("F050", () => output.finish());
  assert.equal(fs.readdirSync(path.join(parent, "out")), ["theirs"]);
  assert.equal(hidden(parent), []);
});

test("F052: root, home, working directory, inputs and what holds them", () => {
  const cwd = process.cwd();
  for (const to of ["/", os.homedir(), path.dirname(os.homedir()), cwd, path.dirname(cwd)])
    assert.is(checkTarget(to, { force: true })?.code, "F052", to);
  const models = freshFolder();
  const base = path.join(models, "base");
  fs.mkdirSync(base);
  writeTensors(path.join(base, "model.safetensors"), [["w", [1]]]);
  writeTensors(path.join(models, "stray.safetensors"), [["w", [1]]]);
  const link = path.join(freshFolder(), "link");
  fs.symlinkSync(base, link);
  for (const inputs of [[base], [link], [path.join(base, "model.safetensors")]])
    for (const to of [base, models])
      assert.is(checkTarget(to, { force: true, inputs })?.code, "F052", `${to} ${inputs}`);
  assert.is(checkTarget(path.join(base, "out"), { force: true, inputs: [base] })?.code, "F052", "inside an input");
  assert.is(checkTarget(`${base}2`, { force: true, inputs: [base] }), null);
  const carry = [{ from: path.join(base, "model.safetensors"), name: "x" }];
  failsWith("F052", () => openOutput(plan(base, { carry }), { force: true }));
});

test("F053, F004: targets that cannot be folders", () => {
  const parent = freshFolder();
  fs.writeFileSync(path.join(parent, "file"), "");
  fs.symlinkSync("file", path.join(parent, "link"));
  for (const name of ["file", "link", "file/below/out"])
    failsWith("F053", () => openOutput(plan(path.join(parent, name)), { force: true }));
  failsWith("F053", () => plan("out/x.safetensors", { shardBytes: 100 }));
  failsWith("F004", () => plan("a\0b"));
  failsWith("F055", () => openOutput(plan(path.join(parent, "x".repeat(250))), { force: false }));
  failsWith("F055", () => openOutput(plan("/proc/1/nowhere/out"), { force: false }));
});

test("an output whose path ends in .safetensors is that file, and only that", () => {
  const parent = freshFolder();
  const to = path.join(parent, "x.safetensors");
  save(to, { carry: [{ from: path.join(parent, "absent"), name: "tokenizer.json" }], stem: "adapter_model" });
  assert.equal(fs.readdirSync(parent), ["x.safetensors"]);
  assert.equal([...openCheckpoint(to).tensors.keys()].sort(), tensors.map(({ name }) => name).sort());
  const before = fs.readFileSync(to);
  failsWith("F050", () => openOutput(plan(to), { force: false }));
  failsWith("F052", () => openOutput(plan(to), { force: true, inputs: [to] }));
  const fewer = { tensors: tensors.slice(0, 2) };
  const output = openOutput(plan(to, fewer), { force: true });
  fill(output);
  assert.equal(fs.readFileSync(to), before, "the old file stays until the new one is complete");
  output.abort();
  assert.equal(fs.readFileSync(to), before, "and when the run fails");
  save(to, fewer, true);
  assert.is(openCheckpoint(to).tensors.size, 2);
  assert.equal(fs.readdirSync(parent), ["x.safetensors"]);
  const folder = path.join(parent, "y.safetensors");
  fs.mkdirSync(folder);
  failsWith("F053", () => openOutput(plan(folder), { force: true }));
});

test("F054: another run is writing", () => {
  const to = path.join(freshFolder(), "out");
  const first = openOutput(plan(to), { force: false });
  const problem = failsWith("F054", () => openOutput(plan(to), { force: false }));
  assert.match(problem.notes[0], String(process.pid));
  assert.is(hidden(path.dirname(to)).length, 1, "the second run leaves nothing");
  openOutput(plan(`${to}2`), { force: false }).abort();
  fill(first);
  first.finish();
  assert.is(openCheckpoint(to).tensors.size, tensors.length);
});

/** The staging folder as a process would leave it that is killed with its lock in place. */
function deadStaging(parent: string, lock: string | null): string {
  const staging = path.join(parent, ".out.peftc-0123456789ab");
  fs.mkdirSync(path.join(staging, "out"), { recursive: true });
  fs.writeFileSync(path.join(staging, "out", "model.safetensors"), "half");
  if (lock !== null) fs.writeFileSync(path.join(staging, "peftc-writing.json"), lock);
  return staging;
}

const deadPid = spawnSync("true").pid;

test("what dead runs left is removed by the next run, for this target only", () => {
  const host = os.hostname();
  const dead = [
    JSON.stringify({ host, pid: deadPid, started: null }),
    JSON.stringify({ host, pid: process.pid, started: "1" }),
  ];
  for (const lock of dead) {
    const parent = freshFolder();
    const staging = deadStaging(parent, lock);
    failsWith("F037", () => openCheckpoint(staging));
    const bystanders = [".out.peftc-notes", ".other.peftc-0123456789ab"];
    for (const name of bystanders) fs.mkdirSync(path.join(parent, name));
    save(path.join(parent, "out"));
    assert.equal(hidden(parent).sort(), [...bystanders].sort());
  }
});

test("a lock that is missing, damaged or of another host is not taken for dead at once", () => {
  for (const lock of [null, "{", "[]", JSON.stringify({ host: "elsewhere", pid: deadPid, started: null })]) {
    const parent = freshFolder();
    const staging = deadStaging(parent, lock);
    failsWith("F054", () => openOutput(plan(path.join(parent, "out")), { force: false }));
    assert.ok(fs.existsSync(staging));
  }
  const parent = freshFolder();
  fs.utimesSync(deadStaging(parent, null), new Date(0), new Date(0));
  save(path.join(parent, "out"));
  assert.equal(hidden(parent), []);
});

test("a run that died between the two renames gives the old output back, and it counts as there", () => {
  const parent = freshFolder();
  const to = path.join(parent, "out");
  save(to);
  const staging = deadStaging(parent, JSON.stringify({ host: os.hostname(), pid: deadPid, started: null }));
  fs.renameSync(to, path.join(staging, "replaced"));
  failsWith("F050", () => openOutput(plan(to), { force: false }));
  const output = openOutput(plan(to, { shardBytes: 11 }), { force: true });
  assert.is(openCheckpoint(to).headers.length, 1, "the old output is back while the new one is written");
  output.abort();
  assert.equal(fs.readdirSync(parent), ["out"]);
});

test("F056: the disk's space is known before the run", () => {
  const to = path.join(freshFolder(), "not", "yet", "out");
  assert.is(checkSpace(plan(to)), null);
  const huge = checkSpace(plan(to, { tensors: [{ name: "w", dtype: "F32", shape: [2 ** 30, 2 ** 20] }] }));
  assert.is(huge?.code, "F056");
  assert.match(huge!.message, /needs 45035996273\d+ bytes/);
});

test("F057 to F062: what no file can hold", () => {
  const one = (name: string, shape: readonly number[] = [1]) => [{ name, dtype: "F32" as const, shape }];
  failsWith("F057", () => plan("out", { tensors: [...one("a"), ...one("a")] }));
  failsWith("F057", () => plan("out", { tensors: one("__metadata__") }));
  failsWith("F057", () => plan("out", { tensors: one("\ud800") }));
  for (const shardBytes of [0, -1, Number.NaN]) failsWith("F058", () => plan("out", { shardBytes }));
  const carry = (...names: string[]) => names.map((name) => ({ from: "x", name }));
  for (const names of [["a/b"], [".."], [""], ["model.safetensors"], ["a", "a"]])
    failsWith("F059", () => plan("out", { carry: carry(...names) }));
  failsWith("F061", () => plan("out", { tensors: [] }));
  for (const shape of [[-1], [1.5], [Number.NaN], [2 ** 53], [2 ** 30, 2 ** 30]])
    failsWith("F062", () => plan("out", { tensors: one("a", shape) }));
});

test("F001: a carried file that is gone fails and leaves nothing", () => {
  const parent = freshFolder();
  const output = openOutput(
    plan(path.join(parent, "out"), { carry: [{ from: path.join(parent, "gone"), name: "t" }] }),
    {
      force: false,
    },
  );
  failsWith("F001", () => output.finish());
  assert.equal(fs.readdirSync(parent), []);
});

test("a written file is byte for byte what its plan says", () => {
  const to = path.join(freshFolder(), "out");
  const request = plan(to, { config: parseConfig("c", '{"a": 1.0}') });
  const output = openOutput(request, { force: false });
  fill(output);
  output.finish();
  const file = fs.readFileSync(path.join(to, "model.safetensors"));
  assert.is(file.length, request.files[0].bytes);
  assert.ok(file.subarray(0, request.files[0].header.length).equals(request.files[0].header));
  assert.is(fs.readFileSync(path.join(to, "config.json"), "utf8"), '{"a": 1.0}');
  assert.equal(readHeader(path.join(to, "model.safetensors")).metadata, new Map([["format", "pt"]]));
});

test.run();
