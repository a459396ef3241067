/** LOT merging (examples/methods/lot-merging) against its golden cases. The mean of the changes and RegMean fail. */
import { test } from "uvu";
import { alone, casesOf, farFrom, method, near, numbersOf } from "./method.js";

const lot = method("examples/methods/lot-merging/lot.peft");

for (const { name, kind, params, tol, inputs, outputs, naive } of casesOf("lot-merging")) {
  if (kind !== "linear" && kind !== "scale") continue;
  test(`lot-merging ${name}`, () => {
    const [weight, rows] = kind === "linear" ? ["W", "X"] : ["g", "H"];
    const numbers = numbersOf(inputs, rows);
    const experts = Object.fromEntries(numbers.map((i) => [`t${i}`, alone(inputs.get(`${weight}${i}`)!)]));
    const values = Object.fromEntries(numbers.map((i) => [`x${i}`, alone(inputs.get(`${rows}${i}`)!)]));
    const list = (models: object) => `[${Object.keys(models).join(", ")}]`;
    const call = `lot_${kind}(base, ${list(experts)}, ${list(values)}, lambda = ${params.lam})`;
    const merged = lot.model(call, { base: alone(inputs.get(`${weight}0`)!), ...experts, ...values }).get("w")!;
    near(merged, outputs.get("merged")!, tol, `${name} merged`);
    for (const role of ["merged", "regmean_merged"]) {
      // RegMean differs only where the inputs do not span everything.
      if (naive.has(role) && (role === "merged" || /deficient|wide/.test(name))) farFrom(merged, naive.get(role)!, tol);
    }
  });
}

test.run();
