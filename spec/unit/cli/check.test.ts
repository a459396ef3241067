/** `peftc check`, `plan` and `emit`: what can be known without reading a weight. */
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { averaging, peftc, workshop, writeModel } from "./bench.js";

interface JsonDiagnostic {
  readonly code: string;
  readonly severity: string;
  readonly message: string;
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly help: string | null;
}

function found(folder: string, ...words: string[]): { readonly ok: boolean; readonly diagnostics: JsonDiagnostic[] } {
  const { stdout, stderr } = peftc(folder, "check", ...words, "--json");
  assert.is(stderr, "");
  return JSON.parse(stdout);
}

const codes = (folder: string, ...words: string[]) => found(folder, ...words).diagnostics.map((d) => d.code);

test("a recipe without mistakes", () => {
  const folder = workshop({ "r.peft": averaging });
  const { code, stdout, stderr } = peftc(folder, "check", "r.peft");
  assert.is(code, 0);
  assert.is(stderr, "");
  assert.match(stdout, "r.peft: ok, 1 definition, 1 recipe");
  assert.equal(found(folder, "r.peft"), { ok: true, diagnostics: [] });
});

test("five mistakes are all shown", () => {
  const folder = workshop({
    "r.peft": `use std.merge.{linaer}

recipe r {
  let a = load("models/a")
  let b = laod("models/b")
  let c = zipp(a)
  report nrom(a)
  let d = a.nothing(
  save(a, to = 3)
}
`,
  });
  const { code, stdout, stderr } = peftc(folder, "check", "r.peft");
  assert.is(code, 1);
  assert.is(stdout, "");
  for (const text of ["linaer", "laod", "nrom", "never closed"]) assert.match(stderr, text);
  assert.match(stderr, "load");
  assert.ok(found(folder, "r.peft").diagnostics.filter((d) => d.severity === "error").length >= 5);
});

test("the records of --json have places", () => {
  const folder = workshop({ "r.peft": "recipe r {\n  report laod(1)\n}\n" });
  const { ok, diagnostics } = found(folder, "r.peft");
  assert.is(ok, false);
  const [first] = diagnostics;
  assert.equal(Object.keys(first), [
    "code",
    "severity",
    "message",
    "file",
    "line",
    "column",
    "endLine",
    "endColumn",
    "help",
  ]);
  assert.equal([first.code, first.severity, first.file, first.line, first.column], ["N001", "error", "r.peft", 2, 10]);
});

test("a file that is not there, and one that is no text", () => {
  const folder = workshop({ "r.peft": averaging });
  assert.equal(codes(folder, "s.peft"), ["F001"]);
  assert.match(peftc(folder, "check", "s.peft").stderr, "r.peft");
  fs.writeFileSync(path.join(folder, "binary.peft"), Uint8Array.of(0xff, 0xfe, 0x00, 0x80));
  assert.equal(codes(folder, "binary.peft"), ["C001"]);
  assert.equal(codes(folder, "models"), ["F003"]);
});

test("several files at once: the mistakes of all", () => {
  const folder = workshop({ "good.peft": averaging, "bad.peft": "recipe r { report nothing_here }\n" });
  const { code, stdout, stderr } = peftc(folder, "check", "good.peft", "bad.peft");
  assert.is(code, 1);
  assert.match(stdout, "good.peft: ok");
  assert.match(stderr, "bad.peft:1:");
});

test("definitions without a recipe can be checked but not run", () => {
  const folder = workshop({ "d.peft": "def half(x: Float) -> Float = x / 2\n" });
  assert.is(peftc(folder, "check", "d.peft").code, 0);
  const run = peftc(folder, "run", "d.peft");
  assert.is(run.code, 1);
  assert.match(run.stderr, "C004");
});

test("a missing model is told at its load", () => {
  const folder = workshop({ "r.peft": averaging.replace("models/b", "models/bb") });
  const [first] = found(folder, "r.peft").diagnostics;
  assert.equal([first.code, first.file, first.line], ["F001", "r.peft", 5]);
  assert.match(first.help ?? "", "models/b");
});

test("a broken model is told at its load, with the file in a note", () => {
  const folder = workshop({ "r.peft": averaging });
  fs.truncateSync(path.join(folder, "models/b/model.safetensors"), 100);
  const { code, stderr } = peftc(folder, "check", "r.peft");
  assert.is(code, 1);
  assert.match(stderr, /--> r\.peft:5:/);
  assert.match(stderr, "models/b/model.safetensors");
});

test("paths are relative to the recipe, not to the working directory", () => {
  const folder = workshop({ "recipes/r.peft": averaging.replaceAll("models/", "../models/") });
  assert.equal(codes(folder, "recipes/r.peft"), []);
});

test("files that use files", () => {
  const folder = workshop({
    "r.peft":
      'use "./lib/own.peft".{twice}\n\nrecipe r {\n  let m = twice(load("models/a"))\n  save(m, to = "out")\n}\n',
    "lib/own.peft": 'use "./deeper.peft".{double}\n\nmerge twice(w: Weight[*s]) -> Weight[*s] = double(w)\n',
    "lib/deeper.peft": "def double(x: Tensor[*s]) -> Tensor[*s] = 2 * x\n",
  });
  assert.equal(codes(folder, "r.peft"), []);
  fs.writeFileSync(path.join(folder, "lib/deeper.peft"), "def double(x: Tensor[*s]) -> Tensor[*s] = 2 * \n");
  const [first] = found(folder, "r.peft").diagnostics;
  assert.is(first.file, path.join("lib", "deeper.peft"));
});

test("a file that is not there is one mistake, with the name of a near one", () => {
  const folder = workshop({
    "r.peft": 'use "./owm.peft".{half}\n\nrecipe r {\n  report half(3)\n}\n',
    "own.peft": "def half(x: Float) -> Float = x / 2\n",
  });
  const { diagnostics } = found(folder, "r.peft");
  const [first] = diagnostics.filter((d) => d.code === "N006");
  assert.match(first.help ?? "", '"./own.peft"');
  assert.is(diagnostics.filter((d) => d.code === "N006").length, 1);
});

test("a folder or a pipe is not used as a file", () => {
  const folder = workshop({ "r.peft": 'use "./models.peft".{x}\n\nrecipe r {\n  report x\n}\n' });
  fs.mkdirSync(path.join(folder, "models.peft"));
  assert.ok(codes(folder, "r.peft").includes("F003"));
});

test("a name that a library module lacks gets a suggestion", () => {
  const folder = workshop({ "r.peft": averaging.replaceAll("linear", "lineat") });
  const first = found(folder, "r.peft").diagnostics.find((d) => d.code === "N007");
  assert.match(first?.help ?? "", "linear");
});

test("a library name that is not brought in gets its module", () => {
  const folder = workshop({ "r.peft": averaging.replace("use std.merge.{linear}", "") });
  const first = found(folder, "r.peft").diagnostics.find((d) => d.code === "N001");
  assert.match(first?.help ?? "", "use std.merge.{linear}");
});

test("an unknown module", () => {
  const folder = workshop({ "r.peft": averaging.replace("std.merge", "std.__proto__") });
  assert.ok(codes(folder, "r.peft").includes("N006"));
});

test("--strict refuses warnings", () => {
  const folder = workshop({ "r.peft": averaging.replace("{linear}", "{linear, slerp}") });
  assert.equal(codes(folder, "r.peft"), ["N009"]);
  assert.is(peftc(folder, "check", "r.peft").code, 0);
  assert.is(peftc(folder, "check", "r.peft", "--strict").code, 1);
});

test("several recipes: check looks at all, run asks which", () => {
  const second = averaging
    .slice(averaging.indexOf("recipe"))
    .replace("average", "second")
    .replace("models/b", "models/x");
  const folder = workshop({ "r.peft": `${averaging}\n${second}` });
  assert.equal(codes(folder, "r.peft"), ["F001"]);
  assert.equal(codes(folder, "r.peft", "--recipe", "average"), []);
  const run = peftc(folder, "run", "r.peft");
  assert.is(run.code, 1);
  assert.match(run.stderr, /C002[\s\S]*average, second/);
  assert.match(peftc(folder, "plan", "r.peft", "--recipe", "avarage").stderr, /C003[\s\S]*did you mean average/);
});

test("--set: values, wrong values, unknown names", () => {
  const folder = workshop({ "r.peft": averaging });
  assert.equal(codes(folder, "r.peft", "--set", "share=25%"), []);
  const { code, stderr } = peftc(folder, "check", "r.peft", "--set", "share=(1");
  assert.is(code, 1);
  assert.match(stderr, "--set share=(1");
  assert.ok(codes(folder, "r.peft", "--set", "share=30 40").includes("S001"));
  assert.equal(codes(folder, "r.peft", "--set", "sahre=25%"), ["R015"]);
  assert.equal(codes(folder, "r.peft", "--set", "share=wide"), ["T001"]);
});

test("a Path given with --set is relative to the working directory", () => {
  const recipe = averaging.replace("input share", 'input other: Path = "../models/b"\n  input share');
  const text = recipe.replace('load("models/b")', "load(other)").replace("models/a", "../models/a");
  const folder = workshop({ "recipes/r.peft": text });
  writeModel(path.join(folder, "here"), 5);
  assert.equal(codes(folder, "recipes/r.peft"), []);
  assert.equal(codes(folder, "recipes/r.peft", "--set", "other=here"), []);
  assert.equal(codes(folder, "recipes/r.peft", "--set", "other=../models/b"), ["F001"]);
});

test("plan says what a run would do", () => {
  const folder = workshop({ "r.peft": averaging });
  const { code, stdout } = peftc(folder, "plan", "r.peft", "--json");
  assert.is(code, 0);
  const plan = JSON.parse(stdout);
  assert.is(plan.recipe, "average");
  assert.equal(
    plan.loads.map((l: { path: string; tensors: number; parameters: number }) => [l.path, l.tensors, l.parameters]),
    [
      ["models/a", 4, 32],
      ["models/b", 4, 32],
    ],
  );
  assert.equal([plan.outputs[0].path, plan.outputs[0].computed, plan.outputs[0].copied], ["out/average", 4, 0]);
  assert.ok(plan.run.bytesToRead >= 256);
  assert.is(plan.run.device, "cpu");
  const text = peftc(folder, "plan", "r.peft").stdout;
  for (const word of ["recipe average", "share = 50%", "models/a", "linear", "out/average", "report norm", "kernel"]) {
    assert.match(text, word);
  }
  assert.not.ok(fs.existsSync(path.join(folder, "out")));
});

test("plan refuses what run would refuse", () => {
  const folder = workshop({ "r.peft": averaging, "out/average/notes.txt": "mine\n" });
  const { code, stderr } = peftc(folder, "plan", "r.peft");
  assert.is(code, 1);
  assert.match(stderr, "F050");
  assert.is(peftc(folder, "plan", "r.peft", "--out", "elsewhere").code, 0);
});

test("every stage can be printed", () => {
  const folder = workshop({ "r.peft": averaging });
  const expected = {
    ast: /recipe average 3:1/,
    typed: /average/,
    plan: /linear +4 +4/,
    ir: /%0 = [\s\S]*return %/,
    kernels: /store %/,
    wgsl: /@compute/,
    wasm: /\(module/,
  };
  for (const [stage, pattern] of Object.entries(expected)) {
    const { code, stdout, stderr } = peftc(folder, "emit", "r.peft", "--stage", stage);
    assert.is(stderr, "", stage);
    assert.is(code, 0, stage);
    assert.match(stdout, pattern, stage);
  }
  assert.is(peftc(folder, "emit", "r.peft", "--stage", "ir", "--after", "expand").code, 0);
});

test("the early stages are shown for files with mistakes", () => {
  const folder = workshop({ "r.peft": averaging.replace("norm(merged", "nrom(merged") });
  const { code, stdout, stderr } = peftc(folder, "emit", "r.peft", "--stage", "ast");
  assert.is(code, 1);
  assert.match(stdout, "nrom");
  assert.match(stderr, "N001");
});

test.run();
