/**
 * What a training step of examples/adapters/digits_lora launches. The counts are golden: a change that moves them says
 * so here. The goal is at most 1.3 kernels for each matrix product of the forward and backward pass.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ResidentStep } from "../../../compiler/resident/index.js";
import { compileFile } from "../../../runtime/compile/index.js";
import { loopProgram } from "../../../runtime/execute/index.js";

type Loop = Extract<ResidentStep, { kind: "loop" }>;

test("a step of LoRA launches fewer kernels than products", () => {
  const { plan } = compileFile({ file: "examples/adapters/digits_lora/recipe.peft", set: [] });
  const { program } = loopProgram(plan!)!;
  const training = [...program.prologue, ...program.steps].find((step): step is Loop => step.kind === "loop")!;
  const count = (kind: ResidentStep["kind"]) => training.steps.filter((step) => step.kind === kind).length;
  const [kernels, products] = [count("kernel"), count("matmul")];
  assert.is(products, 117);
  assert.is(kernels, 109);
  assert.ok(kernels <= 1.3 * products);
  assert.is(training.steps.filter((step) => step.kind === "loop").length, 0);
});

test.run();
