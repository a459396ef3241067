/** DO-Merging (examples/methods/do-merging) against its golden cases. The mean of the changes fails. */
import { test } from "uvu";
import { alone, casesOf, farFrom, method, near, numbersOf } from "./method.js";

const own = method("examples/methods/do-merging/do_merging.peft");

/** Two equal adapters, or one, are what their mean is. */
const likeTheMean = new Set(["same-off", "one"]);

for (const { name, params, tol, inputs, outputs, naive } of casesOf("do-merging")) {
  test(`do-merging ${name}`, () => {
    const delta = (() => {
      if (params.kind === "dense") {
        const numbers = numbersOf(inputs, "W.");
        const experts = Object.fromEntries(numbers.map((i) => [`t${i}`, alone(inputs.get(`W.${i}`)!)]));
        const { shape } = inputs.get("W.0")!;
        const base = alone({ shape, data: new Float64Array(shape[0] * shape[1]) });
        const call = `do_merge(base, [${Object.keys(experts).join(", ")}], lambda = ${params.lambda}, axis = ${params.axis})`;
        return own.model(call, { base, ...experts }).get("w")!;
      }
      const numbers = numbersOf(inputs, "A.");
      const tensors = Object.fromEntries(
        numbers.flatMap((i) => [
          [`a${i}`, inputs.get(`A.${i}`)!],
          [`b${i}`, inputs.get(`B.${i}`)!],
        ]),
      );
      const lists = ["a", "b"].map((side) => `[${numbers.map((i) => `${side}${i}`).join(", ")}]`);
      const descent =
        params.orthogonalize === true
          ? `orthogonalize = true, steps = ${params.steps}, mu = ${params.mu}, balance = ${params.balance}`
          : "orthogonalize = false";
      const words = `scale = [${params.scale}], lambda = ${params.lambda}, axis = ${params.axis}, ${descent}`;
      return own.value(`do_delta(${lists.join(", ")}, ${words})`, tensors);
    })();
    near(delta, outputs.get("delta")!, tol, `${name} delta`);
    if (!likeTheMean.has(name)) farFrom(delta, naive.get("delta")!, tol);
  });
}

test.run();
