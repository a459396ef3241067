/**
 * The unified view (examples/methods/unified-view) against its golden cases: prefix tuning as a gated sum and as more keys, all forms on
 * attention, feed-forward and one map, gradients of the narrow network. A sum without the gate, a gate without the scale, a sequential form for
 * a parallel one, and norms at other places fail. Not here: `mam`, whose prefix comes from a network that a short prefix does not need.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { methodCases } from "../arch/golden-methods.js";
import { entries, holds, holdsResident } from "./held.js";

const cases = methodCases("unified-view");
const text = `use std.arch.{linear, layer_norm, attend}
${readFileSync("examples/methods/unified-view/unified_view.peft", "utf8").replace(/^use .*$/m, "")}`;

for (const c of [...cases.values()].filter((c) => c.kind === "prefix")) {
  test(`golden: ${c.name}`, () => {
    const { heads } = c.params;
    const mask = c.inputs.has("mask") ? 'e["mask"]' : "none";
    const context = c.inputs.has("C") ? 'e["C"]' : 'e["x"]';
    const h = (x: string) => `in_heads(${x}, ${heads})`;
    holds(c, {
      text,
      body: `let q = ${h('e["x"] @ e["Wq"]')}, k = ${h(`${context} @ e["Wk"]`)}, v = ${h(`${context} @ e["Wv"]`)}
  let Pk = ${h('e["Pk"]')}, Pv = ${h('e["Pv"]')}, a = with_prefix(q, k, v, Pk, Pv, ${mask})
  let long = attend(q[:, :, :, none], k, v, visible = ${mask === "none" ? "none" : `${mask}[:, none, none] != 0`}, extra = { keys: Pk, values: Pv })`,
      found: {
        base: "joined(a.base)",
        prefix_part: "joined(a.part)",
        lambda: "a.gate[..., 0]",
        heads: "joined(a.heads)",
        heads_concat: "joined(long[:, :, :, 0])",
      },
    });
  });
}

const network = (prefix: string, more: readonly string[]) =>
  entries(
    Object.fromEntries(
      more.map((name) => [
        name.replace("ln.gain", "norm.weight").replace("ln.bias", "norm.bias"),
        `e["${prefix}.${name}"]`,
      ]),
    ),
  );
const plain = ["Wdown", "Wup", "b1", "b2"];

test("golden: attention-forms", () => {
  const c = cases.get("attention-forms")!;
  const { heads, r, s } = c.params;
  const forms = [
    "base",
    "prefix",
    "cross_attn_noln",
    "cross_attn",
    "cross_attn_relu",
    "parallel_adapter",
    "multi_head_parallel_adapter",
    "lora",
  ];
  holds(c, {
    text,
    body: `let x = e["x"], h = z => in_heads(z, ${heads})
  let q = h(x @ e["Wq"]), k = h(x @ e["Wk"]), v = h(x @ e["Wv"]), Pk = h(e["Pk"]), Pv = h(e["Pv"])
  let a = with_prefix(q, k, v, Pk, Pv, e["mask"])
  let net = narrow(12, ${r}, ln = "in") with ${network("adapter", [...plain, "ln.gain", "ln.bias"])}
  let ln = layer_norm(12) with { "weight": e["adapter.ln.gain"], "bias": e["adapter.ln.bias"] }
  let ln_heads = layer_norm(12) with { "weight": e["mh.ln.gain"], "bias": e["mh.ln.bias"] }
  let normed = with_prefix(h(ln(x) @ e["Wq"]), k, v, Pk, Pv, e["mask"])
  let lora = with_prefix(q + ${s} * h(x @ e["lora.q.Wdown"] @ e["lora.q.Wup"]), k, v + ${s} * h(x @ e["lora.v.Wdown"] @ e["lora.v.Wup"]), Pk, Pv, e["mask"])
  let heads = {
    base: joined(a.base), prefix: joined(a.heads), cross_attn_noln: joined(a.base + a.part), cross_attn: joined(a.base + normed.part),
    cross_attn_relu: joined(a.base + a.relu), parallel_adapter: joined(a.base) + net(x),
    multi_head_parallel_adapter: joined(a.base + narrow_heads(h(ln_heads(x) @ e["Wq"]), e["mh.Wdown"], e["mh.b1"], e["mh.Wup"], e["mh.b2"])),
    lora: joined(lora.base),
  }
  let out = z => z @ e["Wo"] + e["bo"]`,
    found: {
      ...Object.fromEntries(
        forms.flatMap((f) => [
          [`heads.${f}`, `heads.${f}`],
          [`y.${f}`, `out(heads.${f})`],
        ]),
      ),
      "y.sequential_adapter": "out(heads.base) + net(out(heads.base))",
      lambda: "a.gate[..., 0]",
    },
  });
});

for (const c of [...cases.values()].filter((c) => c.kind === "ffn_forms")) {
  test(`golden: ${c.name}`, () => {
    const { r, s, ln } = c.params;
    const [width, inner] = c.inputs.get("W1")!.shape;
    const own = network("adapter", ln === "none" ? plain : [...plain, "ln.gain", "ln.bias"])
      .replaceAll('{ "', '{ "ffn.net.')
      .replaceAll(', "', ', "ffn.net.');
    const at = (how: string, scale: number, base = "post") =>
      `(attach(${base}, inserted(r = ${r}, s = ${scale}, insertion = "${how}", ln = "${ln}")) with ${own})(x)`;
    holds(c, {
      text: `${text}
module block(width: Int, inner: Int, before: Bool) {
  let hidden = width
  param W1: Tensor[width, inner] = zeros(); param c1: Tensor[inner] = zeros()
  param W2: Tensor[inner, width] = zeros(); param c2: Tensor[width] = zeros()
  norm = layer_norm(width)
  part ffn(x: Tensor[n, t, d]) = gelu(x @ W1 + c1) @ W2 + c2
  forward(x: Tensor[n, t, d]) = if before then x + ffn(norm(x)) else norm(x + ffn(x))
}`,
      body: `let x = 1.0 * e["x"], own = { "W1": e["W1"], "c1": e["c1"], "W2": e["W2"], "c2": e["c2"], "norm.weight": e["norm.gain"], "norm.bias": e["norm.bias"] }
  let post = block(${width}, ${inner}, false) with own, pre = block(${width}, ${inner}, true) with own
  let lora = post with { "W1": e["W1"] + ${s} * (e["lora.1.Wdown"] @ e["lora.1.Wup"]), "W2": e["W2"] + ${s} * (e["lora.2.Wdown"] @ e["lora.2.Wup"]) }
  let net = narrow(${width}, ${r}, ${s}, ln = "${ln}") with ${network("adapter", ln === "none" ? plain : [...plain, "ln.gain", "ln.bias"])}`,
      found: {
        ffn: "post.ffn(x)",
        base: "post(x)",
        sequential: at("sequential", 1),
        parallel: at("parallel", 1),
        scaled_parallel: at("parallel", s),
        lora: "lora(x)",
        adapter_alone: "net(x)",
        adapter_residual: "net(x) + x",
        "prenorm.base": "pre(x)",
        "prenorm.scaled_parallel": at("parallel", s, "pre"),
        "prenorm.sequential": at("sequential", 1, "pre"),
      },
    });
  });
}

for (const c of [...cases.values()].filter((c) => c.kind === "linear_forms")) {
  test(`golden: ${c.name}`, () => {
    const { s } = c.params;
    const low = (x: string, f: string) => `relu(${x} @ e["${f}.Wdown"] + e["${f}.b1"]) @ e["${f}.Wup"]`;
    holds(c, {
      text,
      body: `let x = ${c.inputs.get("x")!.shape.length === 1 ? '1.0 * e["x"][none]' : '1.0 * e["x"]'}, h = x @ e["W"], merged = 1.0 * e["W"] + ${s} * (e["adapter.Wdown"] @ e["adapter.Wup"])`,
      found: {
        h: "h",
        sequential: `h + ${low("h", "seq")}`,
        parallel: `h + ${low("x", "adapter")}`,
        scaled: `h + ${s} * (${low("x", "adapter")})`,
        lora: "x @ merged",
        merged_W: "merged",
      },
    });
  });
}

for (const c of [...cases.values()].filter((c) => c.kind === "bottleneck_gradient")) {
  test(`golden: ${c.name}`, async () => {
    const { r, ln, residual } = c.params;
    const trained = c.inputs.has("s");
    const roles = [...plain, "ln.gain", "ln.bias"];
    const named = (role: string) => role.replace("ln.gain", "norm.weight").replace("ln.bias", "norm.bias");
    await holdsResident(c, {
      text,
      body: `let net = narrow(${c.inputs.get("x")!.shape[1]}, ${r}, ${trained ? "none" : c.params.s}, "${ln}", ${residual}) with ${network("adapter", roles)}
  let all = params(${trained ? 'net with { "scale.s": e["s"] }' : "net"})
  let g = grad(p => sum((net with p)(e["x"]) * e["G"], over = tensor), all)
  let gx = grad(x => sum((net with all)(x) * e["G"], over = tensor), e["x"])`,
      found: {
        u: '(net with all)(e["x"])',
        ...Object.fromEntries(roles.map((role) => [`grad.adapter.${role}`, `g["${named(role)}"]`])),
        "grad.s": 'g["scale.s"]',
        "grad.x": "gx",
      },
    });
  });
}

test.run();
