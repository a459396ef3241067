/** Commands that are typed wrong, help, the version, and closed pipes. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { averaging, folderWith, peftc, program, workshop } from "./bench.js";

const folder = folderWith();

test("--version prints the version of the package and nothing else", () => {
  const { version } = JSON.parse(fs.readFileSync("package.json", "utf8"));
  assert.equal(peftc(folder, "--version"), { code: 0, stdout: `${version}\n`, stderr: "" });
});

test("--version loads a few kilobytes", () => {
  const seen = new Set<string>();
  const visit = (file: string): number => {
    if (seen.has(file)) return 0;
    seen.add(file);
    const text = fs.readFileSync(file, "utf8");
    const imports = [...text.matchAll(/^import\s*(?:[^;"']*from\s*)?["'](\.[^"']+)["']/gm)];
    return text.length + imports.reduce((sum, match) => sum + visit(path.join(path.dirname(file), match[1])), 0);
  };
  assert.ok(visit(program) < 20_000, [...seen].join(", "));
});

test("the program can be executed", () => {
  assert.ok((fs.statSync(program).mode & 0o111) !== 0);
  assert.ok(fs.readFileSync(program, "utf8").startsWith("#!/usr/bin/env node\n"));
});

test("--help goes to stdout", () => {
  const { code, stdout, stderr } = peftc(folder, "--help");
  assert.is(code, 0);
  assert.is(stderr, "");
  for (const command of ["run", "check", "plan", "emit", "explain", "inspect", "doctor", "verify"]) {
    assert.match(stdout, `peftc ${command}`);
  }
  const run = peftc(folder, "run", "--help");
  assert.is(run.code, 0);
  assert.match(run.stdout, "--no-hash");
});

const wrong: readonly (readonly [words: readonly string[], message: RegExp])[] = [
  [[], /no command is given/],
  [["chekc", "r.peft"], /no command "chekc"[\s\S]*did you mean peftc check/],
  [["r.peft"], /no command "r\.peft"[\s\S]*peftc run r\.peft/],
  [["run"], /not enough non-option arguments/],
  [["run", "r.peft", "--forse"], /no option --forse[\s\S]*did you mean --force/],
  [["check", "r.peft", "--memory", "2GB"], /check has no option --memory/],
  [["run", "r.peft", "other.peft"], /takes no "other\.peft"/],
  [["run", "r.peft", "--out"], /not enough arguments following: out/],
  [["run", "r.peft", "--out", "a", "--out", "b"], /--out is given 2 times/],
  [["run", "r.peft", "--memory", "much"], /--memory takes a size, found "much"/],
  [["run", "r.peft", "--chunk", "0"], /--chunk takes a size/],
  [["run", "r.peft", "--threads", "0"], /--threads takes a whole number/],
  [["run", "r.peft", "--device", "tpu"], /--device is one of auto, cpu, gpu, found "tpu"/],
  [["run", "r.peft", "--set", "density"], /--set takes name=value, found "density"/],
  [["run", "r.peft", "--set", "a=1", "--set", "a=2"], /--set a=… is given twice/],
  [["emit", "r.peft"], /--stage is missing/],
  [["emit", "r.peft", "--stage", "asm"], /--stage is one of ast/],
  [["emit", "r.peft", "--stage", "ast", "--after", "fold"], /--after goes with --stage ir/],
  [["emit", "r.peft", "--stage", "ir", "--after", "folt"], /no pass "folt"[\s\S]*did you mean fold/],
  [["explain", "T0O2"], /no code, function or definition "T0O2"[\s\S]*did you mean/],
];

for (const [words, message] of wrong) {
  test(`a mistake in the command: ${words.join(" ")}`, () => {
    const { code, stdout, stderr } = peftc(folder, ...words);
    assert.match(stderr, message);
    assert.is(stdout, "");
    assert.is(code, 2);
  });
}

test("a reader that goes away early is no error", () => {
  const { status, stderr } = spawnSync("bash", ["-c", `"${process.execPath}" "${program}" explain | head -n 1`], {
    encoding: "utf8",
  });
  assert.is(status, 0);
  assert.is(stderr, "");
});

test("colours are for terminals, and for those who ask", () => {
  const recipes = workshop({ "r.peft": averaging.replace("linear([", "linaer([") });
  assert.not.match(peftc(recipes, "check", "r.peft").stderr, "\u001b[");
  assert.match(peftc(recipes, "check", "r.peft", "--color").stderr, "\u001b[");
  assert.not.match(peftc(recipes, "check", "r.peft", "--no-color").stderr, "\u001b[");
});

test.run();
