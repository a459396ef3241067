/** DC-Merge (examples/methods/dc-merge) against its golden cases. The plain sum of the changes fails. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { alone, type Case, casesOf, farFrom, method, near, numbersOf } from "./method.js";

const dc = method("examples/methods/dc-merge/dc_merge.peft");

/** Words of the call for a case's parameters. */
function given({ params }: Case): string {
  const rho = params.rho === undefined ? "" : `, rho = ${params.rho}`;
  return `keep = ${params.keep}.0${rho}, smoothing = "${params.smoothing}", aggregate = ${params.aggregate}, mask = ${params.mask}`.replace(
    /keep = (\d*\.\d+)\.0/,
    "keep = $1",
  );
}

/** The naive sum is right where the tasks are orthogonal or there is one. */
const likeTheSum = new Set(["orthogonal-keep-one", "one-task"]);

for (const each of casesOf("dc-merge")) {
  const { name, params, tol, inputs, outputs, naive } = each;
  test(`dc-merge ${name}`, () => {
    const numbers = numbersOf(inputs, params.kind === "lora" ? "B." : params.kind === "vector" ? "v." : "D.");
    const base = alone(inputs.get("base")!);
    if (params.kind === "lora") {
      const scale = params.scale as readonly number[];
      const tensors = Object.fromEntries(
        numbers.flatMap((i) => [
          [`b${i}`, inputs.get(`B.${i}`)!],
          [`a${i}`, inputs.get(`A.${i}`)!],
        ]),
      );
      const changes = numbers.map((i) => `${scale[i]} * (b${i} @ a${i})`);
      const delta = dc.value(`dc_delta([${changes.join(", ")}], ${params.rank}, ${given(each)})`, tensors);
      near(delta, outputs.get("delta")!, tol, `${name} delta`);
      farFrom(delta, naive.get("delta")!, tol);
      return;
    }
    const changes = Object.fromEntries(
      numbers.map((i) => [`d${i}`, alone(inputs.get(`D.${i}`) ?? inputs.get(`v.${i}`)!)]),
    );
    const list = `[${Object.keys(changes).join(", ")}]`;
    const zero = alone({ shape: inputs.get("base")!.shape, data: new Float64Array(inputs.get("base")!.data.length) });
    const words = params.kind === "vector" ? "" : `, rank = ${params.rank}, ${given(each)}`;
    const call = (alpha: unknown) => `dc_merge(base, ${list}${words}, alpha = ${alpha})`;
    if (params.error !== undefined) {
      assert.ok(dc.run(call(params.alpha), { base: zero, ...changes }).broken.length > 0);
      return;
    }
    // What is compared is the change itself: added to a base it would be rounded.
    const delta = dc.model(call(1), { base: zero, ...changes }).get("w")!;
    near(delta, outputs.get("delta")!, tol, `${name} delta`);
    const alpha = params.alpha as number;
    const merged = { ...delta, data: Array.from(delta.data, (x, i) => base.w.data[i] + alpha * x) };
    near(merged, outputs.get("merged")!, tol, `${name} merged`);
    const other = naive.get("delta");
    if (other !== undefined && !likeTheSum.has(name)) farFrom(delta, other, tol);
  });
}

test.run();
