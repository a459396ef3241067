/**
 * LoRAT (examples/methods/lorat) against its golden cases: LoRA of fused maps, boxes and loss with gradients, the choice of a place, the learning
 * rate. Another order of the fused maps, another scale, gradients through the target, a periodic window, and a cosine counted from 0 fail.
 * Not here: the embeddings with resized positions (`embedding`, `embedding-square`) and the whole tracker (`model`).
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { methodCases } from "../arch/golden-methods.js";
import { entries, holds, holdsResident } from "./held.js";

const cases = methodCases("lorat");
const text = `use std.arch.{linear}
${readFileSync("examples/methods/lorat/lorat.peft", "utf8").replace(/^use .*$/m, "")}`;

for (const c of [...cases.values()].filter((c) => c.kind === "lora_merge")) {
  test(`golden: ${c.name}`, () => {
    const [d] = c.inputs.get("proj.bias")!.shape;
    const { r, alpha } = c.params;
    const base = (name: string, out: number) =>
      `linear(${d}, ${out}) with ${entries({ weight: `e["${name}.weight"]`, bias: `e["${name}.bias"]` })}`;
    const three = (t: string) => `stack([${["q", "k", "v"].map((p) => `e["qkv.${p}.lora.${t}"]`).join(", ")}])`;
    holds(c, {
      text,
      body: `let x = ${c.inputs.get("x")!.shape.length === 1 ? 'e["x"][none]' : 'e["x"]'}, qkv = ${base("qkv", 3 * d)}, proj = ${base("proj", d)}
  let a = attach(qkv, lorat(r = ${r}, alpha = ${alpha}, pieces = 3)) with ${entries({ A: three("A"), B: three("B") })}
  let b = attach(proj, lorat(r = ${r}, alpha = ${alpha})) with ${entries({ A: 'e["proj.lora.A"][none]', B: 'e["proj.lora.B"][none]' })}`,
      found: {
        "base.qkv": "qkv(x)",
        "base.proj": "proj(x)",
        "y.qkv": "a(x)",
        "y.proj": "b(x)",
        "merged.qkv": 'fuse(a)["weight"]',
        "merged.proj": 'fuse(b)["weight"]',
      },
    });
  });
}

for (const c of [...cases.values()].filter((c) => c.kind === "head_loss")) {
  test(`golden: ${c.name}`, async () => {
    const [h, w] = c.params.search;
    const loss = (s: string, b: string) => `head_loss(${s}, ${b}, e["gt"], ${h}, ${w})`;
    await holdsResident(c, {
      text,
      body: `let f = ${loss('e["score"]', 'e["raw_box"]')}
  let g = grad(p => ${loss("p.score", "p.raw")}.loss, { score: e["score"], raw: e["raw_box"] })`,
      found: {
        ...Object.fromEntries([...c.outputs.keys()].map((role) => [role, `f.${role}`])),
        "grad.score": "g.score",
        "grad.raw_box": "g.raw",
      },
    });
  });
}

for (const c of [...cases.values()].filter((c) => c.kind === "window")) {
  test(`golden: ${c.name}`, () => {
    const { size, weight } = c.params;
    holds(c, {
      text,
      body: `let f = found(e["score"], e["boxes"], [${size}], ${weight}), free = found(e["score"], e["boxes"], [${size}], 0.0)`,
      found: {
        p: "f.p",
        penalised: "f.penalised",
        cell: "f.cell",
        box: "f.box",
        confidence: "f.confidence",
        cell_without_window: "free.cell",
        hann: "f.window",
      },
    });
  });
}

test("golden: schedule", () => {
  const c = cases.get("schedule")!;
  const { T, Tw, lr, lr_min, warmup_lr } = c.params;
  holds(c, { text, found: { learning_rate: `rate(1.0 * e["step"], ${T}, ${Tw}, ${lr}, ${lr_min}, ${warmup_lr})` } });
});

test.run();
