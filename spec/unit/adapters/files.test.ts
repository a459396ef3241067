/**
 * Adapters from folder to folder, as a user has them: what was read and not changed is written with the same bytes, what was
 * made here is found again, and lists of hosts say which.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compileIn, removeScratch, runCompiled, scratch } from "../run/models.js";
import { goldenCases, goldenFolder } from "./golden.js";

const golden = resolve(goldenFolder);

/** Runs a recipe's body in a folder of its own; its warnings and the folder. */
async function inFolder(body: string, uses = "", files: Readonly<Record<string, string>> = {}) {
  const folder = scratch();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const compiled = compileIn(folder, `${uses}\nrecipe r {\n${body}\n}\n`);
  await runCompiled(compiled);
  return { folder, warnings: compiled.diagnostics };
}

const configIn = (folder: string) => JSON.parse(readFileSync(join(folder, "adapter_config.json"), "utf8"));

const base = (name: string) => JSON.stringify(join(golden, name));

test("what was read is written with the same bytes", async () => {
  const cases = goldenCases();
  const lines = cases.map(
    (c) => `save(adapters(attach(load(${base(c.base)}), load_adapter(${base(c.name)}))), to = "out/${c.name}")`,
  );
  const { folder } = await inFolder(lines.join("\n"));
  for (const { name } of cases) {
    for (const file of ["adapter_config.json", "adapter_model.safetensors"]) {
      const [found, expected] = [join(folder, "out", name), join(golden, name)].map((f) => readFileSync(join(f, file)));
      assert.ok(found.toString("latin1") === expected.toString("latin1"), `${name}/${file}`);
    }
  }
});

test("what was made here is read again; hosts have the shortest names that say which", async () => {
  const { folder } = await inFolder(
    `let m = load(${base("base")})
     let some = attach(m, host => if host.layer == 0 then lora(rank = 2, alpha = 3) else lora(rank = 4, alpha = 3), to = "*.{q,down}_proj")
     let part = attach(m, lora(rank = 2), to = "*.1.*.v_proj")
     let both = attach(attach(m, ia3(), to = "*.k_proj"), ia3(feedforward = true), to = "*.1.mlp.down_proj")
     save(adapters(some), to = "out/some")
     save(adapters(part), to = "out/part")
     save(adapters(both), to = "out/both")`,
    "use std.adapter.{lora, ia3}",
  );
  const [some, part, both] = ["some", "part", "both"].map((name) => configIn(join(folder, "out", name)));
  assert.equal(some.target_modules, ["down_proj", "q_proj"]);
  assert.is(some.r, 2);
  assert.equal(some.rank_pattern, {
    "model.layers.1.self_attn.q_proj": 4,
    "model.layers.1.mlp.down_proj": 4,
  });
  assert.equal(some.alpha_pattern, {});
  assert.equal(part.target_modules, ["model.layers.1.self_attn.v_proj"]);
  assert.equal(both.target_modules, ["k_proj", "model.layers.1.mlp.down_proj"]);
  assert.equal(both.feedforward_modules, ["model.layers.1.mlp.down_proj"]);

  for (const name of ["some", "part", "both"]) {
    const again = compileIn(
      folder,
      `recipe r { save(adapters(attach(load(${base("base")}), load_adapter("out/${name}"))), to = "again/${name}") }`,
    );
    await runCompiled(again);
    const [first, second] = ["out", "again"].map((where) =>
      readFileSync(join(folder, where, name, "adapter_model.safetensors")),
    );
    assert.ok(first.toString("latin1") === second.toString("latin1"), name);
  }
});

test("tensors of the model that train are saved with the adapter, and are there when it is read", async () => {
  const { folder } = await inFolder(
    `let m = attach(attach(load(${base("base-bias")}), lora(rank = 2), to = "*.q_proj"), biases(), to = "*.{q,k}_proj")
     save(adapters(m), to = "out/all")
     let h = attach(attach(load(${base("base")}), lora(rank = 2), to = "*.q_proj"), whole(), to = "lm_head")
     save(adapters(h), to = "out/head")`,
    `use std.adapter.{lora}
adapter biases() on linear as host { tune host.bias }
adapter whole() on linear as host { tune host }`,
  );
  const [all, head] = ["all", "head"].map((name) => configIn(join(folder, "out", name)));
  assert.is(all.bias, "all");
  assert.is(head.bias, "none");
  assert.equal(head.modules_to_save, ["lm_head"]);
});

test("a key that nothing reads is told, and changes nothing", async () => {
  const folder = scratch();
  cpSync(join(golden, "lora"), join(folder, "lora"), { recursive: true });
  const config = configIn(join(folder, "lora"));
  writeFileSync(join(folder, "lora", "adapter_config.json"), JSON.stringify({ ...config, novelty: 3, unused: null }));
  const compiled = compileIn(
    folder,
    `recipe r { save(fuse(attach(load(${base("base")}), load_adapter("lora"))), to = "out") }`,
  );
  const told = compiled.diagnostics.filter((d) => d.code === "R085");
  assert.is(told.length, 1);
  assert.is(told[0].severity, "warning");
  assert.match(told[0].message, /"novelty"/);
  assert.not.match(told[0].message, /unused/);
});

test.after(removeScratch);
test.run();
