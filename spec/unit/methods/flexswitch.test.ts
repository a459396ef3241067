/**
 * T-Switch and Auto-Switch (examples/methods/flexswitch) against their golden cases. Dropping at random with rescaling, and the
 * mean of all switches, fail.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { alone, below, casesOf, distance, farFrom, method, near } from "./method.js";

const flex = method("examples/methods/flexswitch/flexswitch.peft");

for (const { name, kind, params, tol, inputs, outputs, naive } of casesOf("flexswitch")) {
  if (kind === "switch") {
    test(`flexswitch ${name}`, () => {
      const tuned = inputs.get("tau") ?? inputs.get("tuned")!;
      const base = inputs.get("base") ?? { shape: tuned.shape, data: new Float64Array(tuned.data.length) };
      const models = { base: alone(base), tuned: alone(tuned) };
      const found = flex.model(`t_switch(base, tuned, drop = ${params.alpha})`, models).get("w")!;
      near(found, outputs.get(inputs.has("base") ? "merged" : "tau_hat")!, tol, name);
      const other = naive.get("tau_hat");
      if (other !== undefined && !inputs.has("base")) farFrom(found, other, tol);
    });
  } else if (kind === "model") {
    test(`flexswitch ${name}`, () => {
      const models = { base: below(inputs, "base."), tuned: below(inputs, "tuned.") };
      const found = flex.model(`t_switch(base, tuned, drop = ${params.alpha})`, models);
      for (const [role, wanted] of outputs) {
        near(found.get(role.slice("merged.".length)), wanted, tol, role);
        if (wanted.shape.length > 0) assert.ok(distance(naive.get(role)!, wanted) > 0.001, `${role} is naive`);
      }
    });
  } else if (kind === "auto") {
    test(`flexswitch ${name}`, () => {
      const [features, queries, labels, base] = ["features", "queries", "labels", "base"].map(
        (key) => inputs.get(key)!,
      );
      const call = `nearest_tasks(features, queries, labels, ${params.tasks}, k = ${params.k})`;
      const w = flex.value(call, { features, queries, labels: { ...labels, dtype: "I32" } });
      near(w, outputs.get("w")!, tol, `${name} w`);
      farFrom(w, naive.get("w")!, tol);
      const tasks = Array.from({ length: params.tasks as number }, (_, i) => i);
      const size = base.data.length;
      const theta = outputs.get("theta")!;
      for (let row = 0; row < w.shape[0]; row++) {
        const weights = tasks.map((i) => w.data[row * tasks.length + i]);
        const changes = Object.fromEntries(tasks.map((i) => [`t${i}`, inputs.get(`tau${i}`)!]));
        const sum = `sum([${tasks.map((i) => `${weights[i]} * switched(t${i}, ${params.alpha})`).join(", ")}])`;
        const wanted = { shape: base.shape, data: Array.from(theta.data).slice(row * size, (row + 1) * size) };
        near(flex.value(`base + ${sum}`, { base, ...changes }), wanted, tol, `${name} theta ${row}`);
      }
    });
  }
}

test.run();
