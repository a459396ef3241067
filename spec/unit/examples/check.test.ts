/** Every file of examples/ is right: `peftc check` finds no mistake and gives no warning, on their own models. */
import { readdirSync } from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { folderWith, peftc } from "../cli/bench.js";

test("all examples are checked without a finding", () => {
  const files = readdirSync("examples", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".peft"));
  assert.ok(files.length > 10);
  // What reads the output of another recipe can only be checked after it.
  const first = files
    .filter((name) => path.basename(name) !== "reload.peft")
    .map((name) => path.resolve("examples", name));
  const { code, stdout } = peftc(folderWith(), "check", "--json", ...first);
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: readonly { code: string; file: string; message: string }[];
  };
  assert.equal(
    diagnostics.map(({ code, file, message }) => `${file}: ${code} ${message}`),
    [],
  );
  assert.is(code, 0);
});

test.run();
