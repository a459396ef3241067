/** PCB-Merging (examples/methods/pcb) against its golden cases. The mean of the changes and trimming by magnitude fail. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { below, casesOf, distance, method, near, numbersOf } from "./method.js";

const pcb = method("examples/methods/pcb/pcb.peft");

for (const { name, params, tol, inputs, outputs, naive } of casesOf("pcb")) {
  test(`pcb ${name}`, () => {
    const models = Object.fromEntries(numbersOf(inputs, "model.").map((i) => [`t${i}`, below(inputs, `model.${i}.`)]));
    const given = `keep = ${params.r}, q = ${params.q}, lambda = [${params.lambda}], variant = ${params.variant}`;
    const base = below(inputs, "base.");
    const found = pcb.model(`pcb(base, [${Object.keys(models).join(", ")}], ${given})`, { base, ...models });
    const order = params.order as readonly string[];
    for (const tensor of order) near(found.get(tensor), outputs.get(`merged.${tensor}`)!, tol, `${name} ${tensor}`);
    const delta = outputs.get("delta")!;
    for (const [role, other] of naive) {
      if (name !== "one-model" || role === "mean") assert.ok(distance(other, delta) > 0.01, `${role} gives the same`);
    }
  });
}

test.run();
