/**
 * Polyhistor (examples/methods/polyhistor) against its golden cases: templates and kernels with their gradients, the generators of a stage,
 * the baseline. Swapped Kronecker factors, columns before rows, and embeddings without the part of the layer fail. Not here: the case
 * `train` of three decoders on a toy backbone, and `gain`, a number over finished results.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { methodCases } from "../arch/golden-methods.js";
import { holds, holdsResident } from "./held.js";

const cases = methodCases("polyhistor");
const text = `use std.arch.{linear}
use std.loss.{mean_surprise}
use std.optim.{adamw}
${readFileSync("examples/methods/polyhistor/polyhistor.peft", "utf8")}`;

for (const c of [...cases.values()].filter((c) => c.kind === "lite")) {
  test(`golden: ${c.name}`, async () => {
    const { k } = c.params;
    const own = ["HP_dn", "HQ_dn", "HP_up", "HQ_up", "v", "S_dn", "S_up", "b_dn", "b_up"];
    const rank = (x: string) => `count(svd(${x}).s > 1e-5 * max(svd(${x}).s))`;
    await holdsResident(c, {
      text,
      body: `let x = ${c.inputs.get("x")!.shape.length === 1 ? 'e["x"][none]' : 'e["x"]'}
  let given = { x, ${own.map((n) => `${n}: e["${n}"]`).join(", ")} }
  let adapted = p => serial(p.x, templates(p, p.v, ${k}), p.S_dn, p.S_up, p.b_dn, p.b_up)
  let g = grad(p => sum(adapted(p) * e["G"], over = tensor), given)
  let t = templates(given, e["v"], ${k}), W_dn = kron(e["S_dn"], t.down), W_up = kron(e["S_up"], t.up)`,
      found: {
        T_dn: "t.down",
        T_up: "t.up",
        W_dn: "W_dn",
        W_up: "W_up",
        hidden: 'enlarged(x, e["S_dn"], t.down)',
        y: "adapted(given)",
        y_baked: '1.0 * x + gelu(x @ W_dn.T + e["b_dn"]) @ W_up.T + e["b_up"]',
        ranks: `stack([${rank('e["S_dn"]')}, ${rank("t.down")}, ${rank("W_dn")}])`,
        ...Object.fromEntries([...own, "x"].map((n) => [`grad.${n}`, `g.${n}`])),
      },
    });
  });
}

test("golden: stage", () => {
  const c = cases.get("stage")!;
  const each = [0, 1].flatMap((t) => [0, 1, 2].map((l) => [t, l]));
  holds(c, {
    text,
    body: `let one = ones([1, 1]), all = [[templates({ HP_dn: e["HP_dn"], HQ_dn: e["HQ_dn"], HP_up: e["HP_up"], HQ_up: e["HQ_up"] },
    concat([e["task"][t], e["layer"][l]]), ${c.params.k}) for l in 0..3] for t in 0..2]`,
    found: Object.fromEntries(
      each.flatMap(([t, l]) => [
        [`W_dn.${t}.${l}`, `all[${t}][${l}].down`],
        [`W_up.${t}.${l}`, `all[${t}][${l}].up`],
        [`y.${t}.${l}`, `serial(e["x"], all[${t}][${l}], one, one, 0, 0)`],
      ]),
    ),
  });
});

test("golden: hyperformer, the baseline", () => {
  const c = cases.get("hyperformer")!;
  holds(c, {
    text,
    body: `let t = { down: generated_whole(e["H_dn"], e["v"], 5), up: generated_whole(e["H_up"], e["v"], 10) }`,
    found: { W_dn: "t.down", W_up: "t.up", y: 'serial(e["x"], t, ones([1, 1]), ones([1, 1]), 0, 0)' },
  });
});
test.run();
