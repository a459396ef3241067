/**
 * Bi-Adapters (examples/methods/bit-adapters) against their golden cases: codebooks, codes and bytes, the gradient through mean and
 * spread, Bi-LoRA, three steps of Bi-AdaptFormer. Least squares instead of medians, a biased spread, rows as groups, plain
 * straight-through and no quantising fail. Not here: the codebook of 8 bits, which takes minutes (its use is), the bytes in a file.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { methodCases } from "../arch/golden-methods.js";
import { entries, holds, holdsResident } from "./held.js";

const cases = methodCases("bit-adapters");
const definitions = readFileSync("examples/methods/bit-adapters/bit_adapters.peft", "utf8");
const text = `use std.arch.{linear, layer_norm, attend, drop}
use std.loss.{mean_surprise}
use std.optim.{adamw}
${definitions.replace(/^use .*$/m, "")}`;

/** The codebook as the golden file has it, which other tests hold against the computed one. */
const values = (bits: number) => `[${[...cases.get(`codebook-${bits}`)!.outputs.get("values")!.data].join(", ")}]`;

for (const c of [...cases.values()].filter((c) => c.kind === "table" && c.params.bits < 8)) {
  test(`golden: ${c.name}`, () => {
    holds(c, {
      text,
      body: `let v = codebook(${c.params.bits})`,
      found: { values: "stack(v)", edges: "stack(edges_of(v))", mean_abs_error: "mean_error(v)" },
    });
  });
}
for (const c of [...cases.values()].filter((c) => c.kind === "tensor")) {
  test(`golden: ${c.name}`, () => {
    const { bits } = c.params;
    holds(c, {
      text,
      body: `let v = ${values(bits)}, W = e["W"]`,
      found: {
        mean: "mean(W)",
        sd: "std(W, unbiased = true)",
        n: "standard(W)",
        index: "codes(W, v)",
        W_hat: "quantised(W, v)",
        packed: `packed(codes(W, v), ${bits})`,
        mean_abs_error: "mean(abs(quantised(W, v) - W))",
        stored_bytes: `size(packed(codes(W, v), ${bits})) + 8`,
      },
    });
  });
}
for (const c of [...cases.values()].filter((c) => c.kind === "linear")) {
  test(`golden: ${c.name}`, async () => {
    await holdsResident(c, {
      text,
      body: `let v = ${values(c.params.bits)}, x = ${c.inputs.get("x")!.shape.length === 1 ? 'e["x"][none]' : 'e["x"]'}, W = e["W"]
  let g = grad(p => sum((p.x @ quantised(p.W, v).T) * e["G"], over = tensor), { W, x })
  let above = grad(h => sum((x @ h.T) * e["G"], over = tensor), quantised(W, v)), n = standard(W)
  let q = take(stack(v), codes(W, v))`,
      found: {
        W_hat: "quantised(W, v)",
        y: "x @ quantised(W, v).T",
        "grad.W_hat": "above",
        "grad.W": "g.W",
        "grad.x": "g.x",
        "grad.W_eps0":
          "above + dot(above, q - (W - mean(W)) / std(W, unbiased = true)) * (W - mean(W)) / ((size(W) - 1) * std(W, unbiased = true))",
      },
    });
  });
}

test("golden: bi-lora-merge", () => {
  const c = cases.get("bi-lora-merge")!;
  holds(c, {
    text,
    body: `let v = ${values(1)}
  let a = attach(linear(14, 9, biased = false) with { "weight": e["W"] }, bi_lora(v, r = 4, s = ${c.params.s})) with ${entries({ D: 'e["D"]', U: 'e["U"]' })}`,
    found: {
      D_hat: 'quantised(e["D"], v)',
      U_hat: 'quantised(e["U"], v)',
      merged: 'fuse(a)["weight"]',
      y: 'a(e["x"])',
    },
  });
});

/** Three steps of Bi-AdaptFormer on a network of two blocks. */
test("golden: adaptformer", async () => {
  const c = cases.get("adaptformer")!;
  const { heads, s, lr, weight_decay } = c.params;
  const own = { Wq: "query", Wk: "key", Wv: "value", Wo: "out", W1: "up", W2: "down" };
  const base = [0, 1].flatMap((l) => [
    ...Object.entries(own).map(([role, name]) => [`layers.${l}.${name}.weight`, `e["block${l}.${role}"]`]),
    ...[1, 2].flatMap((n) => [
      [`layers.${l}.before${n}.weight`, `e["block${l}.norm${n}.gain"]`],
      [`layers.${l}.before${n}.bias`, `e["block${l}.norm${n}.bias"]`],
    ]),
  ]);
  const leaves = [0, 1].flatMap((l) => ["D", "U"].map((t) => [`block${l}.adapt.${t}`, `layers.${l}.${t}`]));
  const all = [...leaves, ["head.weight", "head.weight"], ["head.bias", "head.bias"]];
  const found = (prefix: string, tree: string, of: string[][]) =>
    Object.fromEntries(of.map(([role, leaf]) => [`${prefix}.${role}`, `${tree}["${leaf}"]`]));
  await holdsResident(c, {
    text: `${text}
module block() {
  let hidden = 8
  before1 = layer_norm(8, 1e-6); before2 = layer_norm(8, 1e-6)
  query = linear(8, 8, false); key = linear(8, 8, false); value = linear(8, 8, false); out = linear(8, 8, false)
  up = linear(8, 12, false); down = linear(12, 8, false)
  part norm1(x: Tensor[n, t, d]) = before1(x)
  part norm2(x: Tensor[n, t, d]) = before2(x)
  part attention(x: Tensor[n, t, d]) {
    let q = reshape(query(x), [n, t, ${heads}, 1, 4]), k = reshape(key(x), [n, t, ${heads}, 4]), v = reshape(value(x), [n, t, ${heads}, 4])
    return out(reshape(attend(q, k, v), [n, t, d]))
  }
  part ffn(x: Tensor[n, t, d]) = down(gelu(up(x)))
  forward(x: Tensor[n, t, d]) {
    let h = x + attention(norm1(x))
    return h + ffn(norm2(h))
  }
}
module net() {
  layers = [block(), block()]
  norm = layer_norm(8, 1e-6)
  head = linear(8, 5)
  forward(x: Tensor[n, t, d]) = head(norm(layers[1](layers[0](x)))[:, 0])
}
adapter trained on linear as host { tune host.weight; tune host.bias }
`,
    body: `let base = net() with ${entries({
      ...Object.fromEntries(base),
      "norm.weight": 'e["norm.gain"]',
      "norm.bias": 'e["norm.bias"]',
      "head.weight": 'e["head.weight"]',
      "head.bias": 'e["head.bias"]',
    })}
  let v = ${values(1)}
  let a = attach(attach(base, bi_adaptformer(v, r = 4, s = ${s}, dropout = 0%)), trained(), to = "head") with ${entries(
    Object.fromEntries(leaves.map(([role, leaf]) => [leaf, `e["${role}"]`])),
  )}
  let cost = p => mean_surprise((a with p)(e["x"]), e["labels"])
  let o = adamw(lr = ${lr}, decay = ${weight_decay}), start = trainable(a), (l0, g0) = value_and_grad(cost, start)
  let end = iterate(3, { p: start, s: o.init(start), losses: zeros([3]) }, (now, i) => {
    let (l, g) = value_and_grad(cost, now.p)
    let (p, s) = o.step(now.p, g, now.s, i + 1)
    return { p, s, losses: where(iota(3) == i, l, now.losses) }
  })`,
    found: {
      logits: 'a(e["x"])',
      ...found("grad", "g0", all),
      logits_after: '(a with end.p)(e["x"])',
      losses: "concat([end.losses, stack([cost(end.p)])])",
      ...found("after", "end.p", all),
      ...Object.fromEntries(leaves.map(([role, leaf]) => [`index_after.${role}`, `codes(end.p["${leaf}"], v)`])),
    },
  });
});

test.run();
