/** `peftc run`, `verify`, `inspect`, `doctor`. */
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { averaging, peftc, type Shapes, start, workshop, writeModel } from "./bench.js";

function floats(file: string, tensor: string): number[] {
  const bytes = fs.readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const [from, to] = JSON.parse(bytes.toString("utf8", 8, 8 + length))[tensor].data_offsets;
  return Array.from({ length: (to - from) / 4 }, (_, i) => bytes.readFloatLE(8 + length + from + 4 * i));
}

test("results go to stdout, and the output is what the recipe says", () => {
  const folder = workshop({ "r.peft": averaging });
  const { code, stdout, stderr } = peftc(folder, "run", "r.peft", "--set", "share=25%");
  assert.is(stderr, "");
  assert.is(code, 0);
  assert.match(stdout, /norm\(merged, over = model\) = \d/);
  assert.match(stdout, "out/average: 4 tensors (4 computed, 0 copied)");
  const file = path.join(folder, "out/average/model.safetensors");
  // a counts up from 0 by eighths, b from 1.
  assert.equal(floats(file, "blocks.0.up.weight").slice(0, 3), [0.25, 0.375, 0.5]);
  assert.is(fs.readFileSync(path.join(folder, "out/average/config.json"), "utf8").includes("tiny"), true);
});

test("an output that is there is kept, unless --force", () => {
  const folder = workshop({ "r.peft": averaging });
  assert.is(peftc(folder, "run", "r.peft").code, 0);
  const again = peftc(folder, "run", "r.peft");
  assert.is(again.code, 1);
  assert.match(again.stderr, "F050");
  assert.is(again.stdout, "");
  assert.is(peftc(folder, "run", "r.peft", "--force", "--set", "share=0%").code, 0);
  assert.is(floats(path.join(folder, "out/average/model.safetensors"), "blocks.0.up.weight")[0], 0);
});

test("--out moves the outputs, --json gives one object", () => {
  const folder = workshop({ "r.peft": averaging });
  const { code, stdout, stderr } = peftc(folder, "run", "r.peft", "--json", "--out", "base");
  assert.is(code, 0);
  assert.is(stderr, "");
  const result = JSON.parse(stdout);
  assert.equal(Object.keys(result), ["ok", "outputs", "reports", "device", "seconds", "peakMemory", "diagnostics"]);
  assert.is(result.ok, true);
  const [output] = result.outputs;
  assert.is(output.path, path.join(folder, "base/out/average"));
  assert.equal([output.tensors, output.computed], [4, 4]);
  assert.match(output.digest, /^[0-9a-f]{64}$/);
  assert.is(result.reports[0].label, "norm(merged, over = model)");
  assert.type(result.reports[0].value, "number");
});

test("--json of a failed run", () => {
  const folder = workshop({ "r.peft": averaging.replace("models/b", "models/none") });
  const { code, stdout } = peftc(folder, "run", "r.peft", "--json");
  assert.is(code, 1);
  const result = JSON.parse(stdout);
  assert.equal([result.ok, result.outputs, result.diagnostics[0].code], [false, [], "F001"]);
});

test("a memory limit that is too small is refused before the run", () => {
  const folder = workshop({ "r.peft": averaging });
  const { code, stderr } = peftc(folder, "run", "r.peft", "--memory", "1MB");
  assert.is(code, 1);
  assert.match(stderr, "--memory");
  assert.not.ok(fs.existsSync(path.join(folder, "out")));
});

test("warnings with --strict stop the run", () => {
  const folder = workshop({ "r.peft": averaging.replace("{linear}", "{linear, slerp}") });
  assert.is(peftc(folder, "run", "r.peft", "--strict").code, 1);
  assert.not.ok(fs.existsSync(path.join(folder, "out")));
  assert.is(peftc(folder, "run", "r.peft").code, 0);
});

test("verify agrees with what was written, and sees a changed byte, a lost tensor, a forged receipt", () => {
  const folder = workshop({ "r.peft": averaging });
  peftc(folder, "run", "r.peft");
  const digest = JSON.parse(peftc(folder, "verify", "out/average", "--json").stdout).digest;
  const good = peftc(folder, "verify", "out/average");
  assert.is(good.code, 0);
  assert.match(good.stdout, `digest ${digest}`);

  const file = path.join(folder, "out/average/model.safetensors");
  const written = new Uint8Array(fs.readFileSync(file));
  const flipped = Uint8Array.from(written);
  flipped[flipped.length - 1] ^= 1;
  fs.writeFileSync(file, flipped);
  const changed = peftc(folder, "verify", "out/average");
  assert.is(changed.code, 1);
  assert.match(changed.stderr, "C006");

  fs.writeFileSync(file, written);
  const receipt = path.join(folder, "out/average/peftc.json");
  const text = fs.readFileSync(receipt, "utf8");
  const forged = JSON.parse(text);
  forged.tensors = forged.tensors.slice(1);
  fs.writeFileSync(receipt, JSON.stringify(forged));
  assert.match(peftc(folder, "verify", "out/average").stderr, "C007");
  fs.writeFileSync(receipt, "{");
  assert.match(peftc(folder, "verify", "out/average").stderr, "C005");
  fs.rmSync(receipt);
  assert.is(peftc(folder, "verify", "out/average").code, 1);
});

test("verify without digests compares names and shapes, and says so", () => {
  const folder = workshop({ "r.peft": averaging });
  peftc(folder, "run", "r.peft", "--no-hash");
  const { code, stderr } = peftc(folder, "verify", "out/average");
  assert.is(code, 0);
  assert.match(stderr, "C008");
});

test("inspect shows tensors; hostile names cannot move the cursor", () => {
  const folder = workshop({});
  writeModel(path.join(folder, "odd"), 0, { "a\u001b[2Jb": [2], ["__proto__"]: [3, 1] });
  const { code, stdout } = peftc(folder, "inspect", "odd");
  assert.is(code, 0);
  assert.not.match(stdout, "\u001b");
  assert.match(stdout, '"__proto__"');
  const found = JSON.parse(peftc(folder, "inspect", "models/a", "--json").stdout);
  assert.equal([found.kind, found.parameters, found.bytes, found.tensors.length], ["folder", 32, 128, 4]);
  const missing = peftc(folder, "inspect", "models/none");
  assert.is(missing.code, 1);
  assert.match(missing.stderr, "F001");
});

/** The length of 2 B A of the case's first host, in f64. */
const queryChange = 1.1310078927029141;

test("inspect says where an adapter goes, and with its base how much it changes there", () => {
  const folder = workshop({});
  const golden = path.resolve("spec/golden/peft");
  const adapter = path.join(golden, "lora-layers");
  const found = JSON.parse(peftc(folder, "inspect", adapter, "--json").stdout);
  assert.is(found.adapterType, "LORA");
  assert.is(found.settings.r, 4);
  assert.is(found.changes, null);
  const hosts = ["q_proj", "v_proj"].map((name) => `model.layers.1.self_attn.${name}`);
  assert.equal(Object.keys(found.hosts), hosts);
  assert.equal(found.hosts[hosts[0]][0], { name: "lora_A.weight", shape: [4, 64] });
  const measured = JSON.parse(peftc(folder, "inspect", adapter, "--base", path.join(golden, "base"), "--json").stdout);
  assert.equal(
    Object.keys(measured.changes),
    hosts.map((name) => `${name}.weight`),
  );
  const [query] = Object.values(measured.changes) as number[];
  assert.ok(Math.abs(query - queryChange) < 1e-5 * queryChange, `${query}`);
  const other = peftc(folder, "inspect", adapter, "--base", path.join(golden, "base-bert"));
  assert.is(other.code, 1);
  assert.match(other.stderr, "R082");
  assert.is(peftc(folder, "inspect", "models/a", "--base", "models/a").code, 2);
});

test("doctor says what is there", () => {
  const folder = workshop({});
  const { code, stdout } = peftc(folder, "doctor", "--json");
  assert.is(code, 0);
  const found = JSON.parse(stdout);
  assert.is(found.node, process.version);
  assert.equal(found.cpu, { wrong: 0 });
  assert.ok(fs.existsSync(path.join(found.standardLibrary, "merge")));
  assert.match(peftc(folder, "doctor").stdout, /gpu/);
});

const large: Shapes = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`blocks.${i}.up.weight`, [4096, 2048]]));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} stops a run and leaves nothing`, async () => {
    const folder = workshop({ "r.peft": averaging });
    // Half a gigabyte of zeros each, which take no room: long enough to be interrupted.
    for (const name of ["a", "b"]) writeModel(path.join(folder, "models", name), 0, large, false);
    const { child, ended } = start(folder, "run", "r.peft", "--no-hash");
    const out = path.join(folder, "out");
    const timer = setInterval(() => {
      if (!fs.existsSync(out) || fs.readdirSync(out).length === 0) return;
      clearInterval(timer);
      child.kill(signal);
    }, 5);
    const { code, stderr } = await ended;
    clearInterval(timer);
    assert.is(code, 130, stderr);
    assert.match(stderr, "interrupted");
    assert.not.ok(fs.existsSync(out) && fs.readdirSync(out).length > 0);
    fs.rmSync(folder, { recursive: true });
  });
}

test.run();
