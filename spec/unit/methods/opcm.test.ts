/** OPCM (examples/methods/opcm) against its golden cases and fusion_bench. Continual task arithmetic and the mean fail. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readTensors } from "../golden/checkpoints.js";
import type { Checkpoint } from "../std/evaluate.js";
import { below, casesOf, distance, method, near, numbersOf } from "./method.js";

const opcm = method("examples/methods/opcm/opcm.peft");

/** Which tensors are linear maps follows from their names. */
const nameOf = (role: string) => (role === "emb" ? "embed_tokens.weight" : role);
const named = (model: Checkpoint): Checkpoint =>
  Object.fromEntries(Object.entries(model).map(([role, tensor]) => [nameOf(role), tensor]));

for (const { name, params, tol, inputs, outputs, naive } of casesOf("opcm")) {
  if (params.resume === true) continue;
  test(`opcm ${name}`, () => {
    const numbers = numbersOf(inputs, "model.");
    const models = Object.fromEntries(numbers.map((i) => [`t${i}`, named(below(inputs, `model.${i}.`))]));
    const call = `opcm(base, [${Object.keys(models).join(", ")}], alpha = ${params.alpha})`;
    const found = opcm.model(call, { base: named(below(inputs, "base.")), ...models });
    let isOther = false;
    for (const [role, wanted] of outputs) {
      if (!role.startsWith("merged.")) continue;
      const own = found.get(nameOf(role.slice("merged.".length)));
      near(own, wanted, tol, `${name} ${role}`);
      const arithmetic = naive.get(role.replace("merged", "task_arithmetic"));
      if (arithmetic !== undefined) isOther ||= distance(arithmetic, wanted) > 100 * tol;
    }
    assert.ok(isOther, "task arithmetic gives the same");
  });
}

const bench = readTensors("spec/golden/tensors/fusion_bench-opcm.safetensors");
for (const name of [...new Set([...bench.keys()].map((key) => key.split("/")[0]))]) {
  test(`opcm as fusion_bench computes it: ${name}`, () => {
    const inputs = new Map(
      [...bench].flatMap(([k, t]) => (k.startsWith(`${name}/in/`) ? [[k.slice(name.length + 4), t]] : [])),
    );
    const numbers = numbersOf(inputs, "t");
    const alpha = /alpha(.*)$/.exec(name)![1];
    const base = below(inputs, "base.");
    const models = Object.fromEntries(numbers.map((i) => [`t${i}`, below(inputs, `t${i}.`)]));
    const found = opcm.model(`opcm(base, [${Object.keys(models).join(", ")}], alpha = ${alpha})`, {
      base,
      ...models,
    });
    for (const [key, wanted] of bench) {
      if (!key.startsWith(`${name}/out/`) || key.endsWith("lambda")) continue;
      near(found.get(key.slice(name.length + 5)), wanted, 1e-5, key);
    }
  });
}

test.run();
