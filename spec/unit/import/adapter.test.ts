/** What `peftc import` makes of adapter_config.json: the definition, its arguments, where it goes, and what a call cannot say. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeftError } from "../../../grammar/index.js";
import { importAdapter } from "../../../runtime/import/index.js";

const golden = resolve("spec/golden/peft");

function imported(name: string, change: object = {}, folder = golden) {
  const file = resolve(golden, name, "adapter_config.json");
  return importAdapter(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...change }), folder);
}

function callIn(text: string): string | undefined {
  return /attach\(base, (.*)\)$/m.exec(text.split("\n").find((l) => l.startsWith("//   let"))!)?.[1];
}

test("constants choose the definition, parameters fill it", () => {
  assert.is(callIn(imported("lora").text), 'lora(rank = 4, alpha = 8), to = "*.{q_proj,v_proj}"');
  assert.is(
    callIn(imported("lora", { r: 8, lora_alpha: 16, use_rslora: true }).text),
    'lora(rank_stabilized = true), to = "*.{q_proj,v_proj}"',
  );
  assert.is(callIn(imported("lora", { use_dora: true }).text)?.split("(")[0], "dora");
  assert.is(callIn(imported("ia3").text), 'ia3(), to = "*.{down_proj,k_proj,v_proj}"');
});

test("paths are those from the recipe's place", () => {
  const { text } = imported("lora", {}, resolve("out"));
  assert.match(text, 'load("../spec/golden/peft/base")');
  assert.match(text, 'load_adapter("../spec/golden/peft/lora")');
  assert.match(imported("lora", { base_model_name_or_path: "org/name" }).text, 'load("org/name")');
});

test("what a call cannot say is named", () => {
  const keys = (name: string) => imported(name).notes.map((n) => `${n.code} ${/`(.*?)`/.exec(n.message)![1]}`);
  assert.equal(keys("lora"), []);
  assert.equal(keys("lora-patterns"), ["M010 alpha_pattern", "M010 rank_pattern"]);
  assert.equal(keys("lora-regex"), ["M010 target_modules"]);
});

test("an unknown kind is refused", () => {
  for (const change of [{ peft_type: "NOPE" }, { peft_type: null }, { peft_type: "__proto__" }])
    assert.throws(
      () => imported("lora", change),
      (e: Error) => e instanceof PeftError && e.diagnostics[0].code === "M003",
    );
});

test.run();
