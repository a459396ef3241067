/**
 * Every adapter that PEFT wrote and that is here, from its folder alone: logits, loss, gradients and fused weights are PEFT's,
 * within what its README states. Prints a table of all of PEFT's cases, with the reason for those that are left out.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { PeftError } from "../../../grammar/index.js";
import { bareDistance, differences, goldenCases, logitsWith } from "./golden.js";

const tolerance = 1e-5;

/** Cases that are not here, by the reason. */
const leftOut: readonly (readonly [reason: string, ...cases: readonly string[]])[] = [
  ["no network for the base: mixture of experts, convolutions", "lora-moe-parameters", "lora-resnet-conv"],
  ["valid only on base weights that its folder does not have", "lora-pissa-residual"],
  ["needs values that its folder does not have", "psoft", "unilora", "frod", "adamss", "vera-no-projection"],
  ["its own loss, which weighs the labels of the context", "cpt"],
  ["not written yet", "osf", "vblora-topk-only", "poly", "poly-mhr", "lily", "lily-rect", "adaption-prompt"],
  ["several adapters at once: mixtures", "arrow", "arrow-gks", "xlora", "xlora-layerwise"],
  ["several adapters at once: mixtures", "xlora-nosoftmax", "xlora-topk", "xlora-topk-softmax"],
];

const table: string[] = [];
const show = (x: number | null) => (x === null ? "-" : x.toExponential(1));

for (const { name, base, type } of goldenCases()) {
  test(`PEFT: ${name}`, async () => {
    const { logits, gradients, fused } = await differences(name, base);
    table.push(`${name.padEnd(28)} ${type.padEnd(24)} ${[logits, gradients, fused].map(show).join("  ")}`);
    assert.ok(logits < tolerance, `logits or loss: ${logits}`);
    assert.ok(gradients < tolerance, `gradients: ${gradients}`);
    assert.ok((fused ?? 0) < tolerance, `fused: ${fused}`);
    assert.ok(bareDistance(name, base) > 1000 * tolerance, "the bare model gives these logits too");
  });
}

/** Readings of a file that its config forbids. */
const wrong: readonly (readonly [name: string, base: string, config: Readonly<Record<string, unknown>>])[] = [
  ["lora-rslora", "base", { use_rslora: false }],
  ["lora-patterns", "base", { alpha_pattern: {} }],
  ["lora-patterns", "base", { alpha_pattern: { v_proj: 3 } }],
  ["adalora", "base", { lora_alpha: 16 }],
  ["oft-cayley", "base", { use_cayley_neumann: true }],
  ["oft", "base", { num_cayley_neumann_terms: 2 }],
  ["hra-gs", "base", { apply_GS: false }],
  ["vblora", "base", { topk: 16 }],
  ["fourierft", "base", { random_loc_seed: 1 }],
  ["waveft", "base", { random_loc_seed: 1 }],
  ["gralora", "base", { alpha: 1 }],
];

for (const [name, base, config] of wrong) {
  test(`${name} is something else with ${JSON.stringify(config)}`, () => {
    assert.ok(logitsWith(name, base, config) > 100 * tolerance);
  });
}

test("a LoRA with a bias is not fused into a map without one", async () => {
  const { runResident } = await import("../arch/run.js");
  try {
    await runResident(
      'recipe r { save(fuse(attach(load("../peft/base"), load_adapter("../peft/lora-bias-nofold"))), to = "out") }',
    );
    assert.unreachable("fused");
  } catch (error) {
    assert.match((error as PeftError).diagnostics[0].message, /bias/);
  }
});

test("all of PEFT's cases are here or have a reason", () => {
  const left = leftOut.flatMap(([reason, ...names]) => names.map((name) => `${name.padEnd(28)} left out: ${reason}`));
  console.log(["", `${"case".padEnd(28)} ${"type".padEnd(24)} logits, gradients, fused`, ...table, ...left].join("\n"));
  const here = goldenCases().map((c) => c.name);
  assert.ok(here.length >= 100, `${here.length} cases`);
  for (const [, ...names] of leftOut) for (const name of names) assert.not(here.includes(name), name);
});

test.run();
