/**
 * Wrong recipes and hostile files, from outside: each folder of spec/cases/errors is run as a user would, and its exit
 * status and messages are compared with what stands in its expect.txt. A failed run leaves nothing behind, except for
 * outputs that were there before. With UPDATE_CASES=1 the files are written anew: read them before you commit them.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Fixture, writeFixtures } from "./fixtures.js";

const cases = path.resolve("spec/cases/errors");
const program = path.resolve("dist/peftc.js");
const update = process.env.UPDATE_CASES === "1";

function jsonOf<T>(file: string, otherwise: T): T {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : otherwise;
}

/** All files and folders below a folder, relative to it. */
function filesBelow(folder: string): string[] {
  return fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
}

/** Runs a case in `folder`: exit status and messages, as expect.txt has them. */
function ran(name: string, folder: string): string {
  const args = jsonOf<string[]>(path.join(cases, name, "args.json"), []);
  const result = spawnSync(process.execPath, [program, "run", "recipe.peft", "--no-color", ...args], {
    cwd: folder,
    encoding: "utf8",
    timeout: 60_000,
    env: { ...process.env, HOME: folder, PEFTC_CACHE_DIR: path.join(folder, ".cache") },
  });
  const told = result.stderr.replaceAll(folder, "DIR").replaceAll(process.cwd(), "PEFTC");
  return `${result.status}\n${told}`;
}

for (const name of fs.readdirSync(cases).sort()) {
  test(name, () => {
    const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "peftc-case-"));
    try {
      for (const file of fs.readdirSync(path.join(cases, name))) {
        if (file.endsWith(".peft")) fs.copyFileSync(path.join(cases, name, file), path.join(folder, file));
      }
      writeFixtures(folder, jsonOf<Record<string, Fixture>>(path.join(cases, name, "files.json"), {}));
      const before = filesBelow(folder);
      const found = ran(name, folder);
      const expected = path.join(cases, name, "expect.txt");
      if (update) fs.writeFileSync(expected, found);
      assert.fixture(found, fs.readFileSync(expected, "utf8"));
      assert.is.not(found.split("\n")[0], "0", "a case has to fail");
      const left = filesBelow(folder).filter((file) => !file.startsWith(".cache"));
      assert.equal(left, before, "the run leaves no file and removes none");
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
}

test.run();
