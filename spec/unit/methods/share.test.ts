/**
 * Share (examples/methods/share) against its golden cases: bases as projectors, factors, changes. A random basis fails, and so
 * do the released coefficients, which leave the correction out.
 */
import { test } from "uvu";
import type { Array as Tensor } from "../std/evaluate.js";
import { casesOf, farFrom, method, near, numbersOf } from "./method.js";

const share = method("examples/methods/share/share.peft");

const turned = (t: Tensor): Tensor => ({
  shape: [t.shape[1], t.shape[0]],
  data: Array.from(
    { length: t.data.length },
    (_, i) => t.data[(i % t.shape[0]) * t.shape[1] + Math.floor(i / t.shape[0])],
  ),
});

for (const { name, kind, params, tol, inputs, outputs, naive } of casesOf("share")) {
  if (kind === "train" || params.randomised === true) continue;
  for (const side of ["A", "B"]) {
    test(`share ${name}, side ${side}`, () => {
      /** A factor of a LoRA, its directions as columns. */
      const factorOf = (t: Tensor) => (side === "A" ? turned(t) : t);
      const center = `center = ${params.center}`;
      if (kind === "basis") {
        const numbers = numbersOf(inputs, side);
        const factors = Object.fromEntries(numbers.map((i) => [`f${i}`, factorOf(inputs.get(`${side}${i}`)!)]));
        const list = `[${Object.keys(factors).join(", ")}]`;
        const extra = inputs.get(`E${side}`);
        const most = params.K ?? Math.min(...factors.f0.shape.slice(0, 1), numbers.length * factors.f0.shape[1]);
        const words = [
          center,
          ...(params.share === undefined ? [] : [`share = ${params.share}`]),
          ...(extra ? ["extra = e"] : []),
        ];
        const basis = `shared_basis(${list}, ${most}, ${words.join(", ")})`;
        const tensors = { ...factors, ...(extra === undefined ? {} : { e: extra }) };
        const projector = share.value(`${basis} @ (${basis}).T`, tensors);
        near(projector, outputs.get(`projector_${side}`)!, tol, `${name} projector`);
        for (const i of numbers) {
          const found = share.value(`projected(${basis}, f${i})`, tensors);
          near(found, outputs.get(`factor_${side}${i}`)!, tol, `${name} factor ${i}`);
          farFrom(found, naive.get(`factor_${side}${i}`)!, tol);
        }
        return;
      }
      const [c, l] = [inputs.get(`C${side}`)!, inputs.get(`L${side}`)!];
      if (kind === "fold") {
        const [u, v] = [inputs.get(`U${side}`)!, inputs.get(`V${side}`)!];
        const correction = side === "A" ? "u @ v" : "(u @ v).T";
        const found = share.value(`folded(c @ l, ${correction}, ${params.K}, ${center})`, { c, l, u, v });
        near(found, outputs.get(`factor_${side}`)!, tol, `${name} factor`);
        farFrom(found, naive.get(`factor_${side}`)!, tol);
        return;
      }
      const numbers = numbersOf(inputs, `L${side}`);
      const old = Object.fromEntries(numbers.map((i) => [`l${i}`, inputs.get(`L${side}${i}`)!]));
      const tensors = { c, ...old, fresh: factorOf(inputs.get(`${side}_new`)!) };
      const factors = [...numbers.map((i) => `c @ l${i}`), "fresh"];
      factors.forEach((factor, i) => {
        const basis = `shared_basis([${factors.join(", ")}], ${params.K}, ${center})`;
        const found = share.value(`projected(${basis}, ${factor})`, tensors);
        near(found, outputs.get(`factor_${side}${i}`)!, tol, `${name} factor ${i}`);
        const other = naive.get(`factor_${side}${i}`);
        if (other !== undefined) farFrom(found, other, tol);
      });
    });
  }
}

test.run();
